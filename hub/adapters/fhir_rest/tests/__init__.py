"""Tests of the fhir_rest adapter alone, and the counterpart that the shared contract suite uses."""
