"""FHIR R4 over REST: asks for summaries, hands over plans and documents."""
