"""The steps of the audit's tables."""
