"""CDA documents in a drop folder."""
