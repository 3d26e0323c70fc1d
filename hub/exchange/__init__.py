"""Use cases of exchange: ingest, disclose (the gate), deliver."""
