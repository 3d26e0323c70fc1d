"""The vocabulary: FHIR R4 (4.0.1) values, validation, references, bundles, narrative. Pure."""
