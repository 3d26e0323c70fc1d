"""The FHIR door: parse, one use case, render."""
