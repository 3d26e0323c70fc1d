"""The commands of `hub`, one module for each family; `hub/cli.py` puts them together."""
