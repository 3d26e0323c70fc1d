"""Measurements, side by side with a floor in the same run: `make bench`. Never timed tests."""
