"""Tests of the hl7v2 adapter alone, and the counterpart that the shared contract suite uses."""
