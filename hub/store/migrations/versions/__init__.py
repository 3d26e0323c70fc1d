"""The steps of the hub's own tables."""
