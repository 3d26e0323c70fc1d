"""Tests of the tabular adapter alone, and the counterpart that the shared contract suite uses."""
