"""Evidence: journal entries, their hash chain, AuditEvent (IHE BALP) and Provenance. Pure."""
