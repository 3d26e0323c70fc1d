"""The evidence: fold the journal into the audit store, and say whether it is whole.

The journal is written first, by every process for itself; folding turns its lines into AuditEvents that can be asked
(docs/audit.md). Verifying holds the files against their chains, each other and what was folded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.audit.entry import JournalEntry
from hub.audit.event import to_audit_event
from hub.store.audit_store import AuditStore
from hub.store.journal_check import check
from hub.store.journal_files import files, read


def fold(directory: Path, store: AuditStore) -> int:
    """Fold what the audit store does not have yet; returns how many entries. Safe to repeat and to run twice."""
    heads = store.heads()
    folded = 0
    for path in files(directory):
        after, _ = heads.get(path.name, (0, ""))
        lines = [line for line in read(path, after=after) if not line.opening]
        folded += store.fold(
            (line.file, line.seq, line.hash, line.body, to_audit_event(JournalEntry.from_body(line.body)))
            for line in lines
        )
    return folded


def verify(directory: Path, store: AuditStore) -> dict[str, Any]:
    """{"holds", "entries", "files", "torn", "faults": [{"file", "line", "text"}]} over the whole journal."""
    report = check(directory, store.heads())
    return {
        "holds": report.holds,
        "entries": report.entries,
        "files": report.files,
        "torn": list(report.torn),
        "faults": [{"file": f.file, "line": f.line, "text": f.text} for f in report.faults],
    }
