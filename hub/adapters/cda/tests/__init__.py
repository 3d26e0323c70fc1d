"""Tests of the cda adapter alone, and the counterpart that the shared contract suite uses."""
