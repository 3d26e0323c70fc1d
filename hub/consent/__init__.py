"""Decisions about sharing: parse, label, decide, redact, explain. Pure: no I/O, no clock."""
