"""HL7 v2 over MLLP: a system that calls the hub and waits for its acknowledgement."""
