"""Check a journal: every chain, that no file is missing, and that what was folded is still there unchanged.

A chain alone cannot show a tail that was cut off, nor a file that nobody names yet; the heads in the audit
store can, for all that was folded (docs/audit.md, "What the chain shows and what it cannot").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.audit.chain import parse, verify
from hub.store.journal_files import FOLLOWS, OPENED, files


@dataclass(frozen=True, slots=True)
class JournalFault:
    """One place where the journal does not hold: the file, the line (0: the whole file), and why."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What a check found; `entries` counts whole lines, opening ones too; `torn` names unfinished files."""

    files: int
    entries: int
    faults: tuple[JournalFault, ...]
    torn: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing was changed, removed or put in another order."""
        return not self.faults


def check(directory: Path, heads: Mapping[str, tuple[int, str]]) -> JournalReport:
    """Check every file against itself, its predecessor, and the heads (line, hash) that were folded."""
    faults: list[JournalFault] = []
    hashes: dict[str, list[str]] = {}
    torn: list[str] = []
    entries = 0
    for path in files(directory):
        lines = path.read_bytes().splitlines(keepends=True)
        report = verify(lines)
        entries += report.entries
        faults += [JournalFault(path.name, fault.position + 1, fault.text) for fault in report.faults]
        if report.torn:
            torn.append(path.name)
        faults += _predecessor(path.name, lines, hashes)
        hashes[path.name] = [found.hash if (found := parse(line)) else "" for line in lines]
    for name, (seq, head) in sorted(heads.items()):
        faults += _folded(name, seq, head, hashes)
    return JournalReport(len(hashes), entries, tuple(faults), tuple(torn))


def _predecessor(name: str, lines: list[bytes], hashes: Mapping[str, list[str]]) -> list[JournalFault]:
    first = parse(lines[0]) if lines else None
    body = first.read() if first else {}
    if OPENED not in body:
        return [JournalFault(name, 1, "the file does not open by naming the one before it")]
    follows = body.get(FOLLOWS)
    earlier = list(hashes)
    if follows is None:
        return [JournalFault(name, 1, "the file names none before it, and there is one")] if earlier else []
    before, head = follows.get("file", ""), follows.get("head", "")
    if before not in hashes:
        return [JournalFault(str(before), 0, f"the file that `{name}` follows is missing")]
    faults = []
    if before != earlier[-1]:
        faults.append(JournalFault(name, 1, f"the file follows `{before}`, but `{earlier[-1]}` stands between"))
    if head not in hashes[before]:
        faults.append(JournalFault(str(before), 0, f"the line that `{name}` follows is missing"))
    return faults


def _folded(name: str, seq: int, head: str, hashes: Mapping[str, list[str]]) -> list[JournalFault]:
    if name not in hashes:
        return [JournalFault(name, 0, "the file was folded into the audit store, and is missing")]
    lines = hashes[name]
    if len(lines) < seq:
        return [JournalFault(name, len(lines) + 1, f"the file was folded up to line {seq}, and ends before it")]
    if lines[seq - 1] != head:
        return [JournalFault(name, seq, "the line is not the one that was folded into the audit store")]
    return []
