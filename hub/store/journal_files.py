"""The files of a journal, as they lie in its directory: which there are, and what their lines say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hub.audit.chain import GENESIS, parse, verify
from hub.errors import IntegrityFailure

OPENED: Final = "opened"
"""The field by which the first entry of a file is known."""

FOLLOWS: Final = "follows"
"""What the first entry names: the file before it and its head then; null in the very first file."""

SUFFIX: Final = ".jsonl"
STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_BLOCK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of a journal file; `seq` is its number, from 1; the first is the `opening`, and no entry."""

    file: str
    seq: int
    hash: str
    body: dict[str, Any]

    @property
    def opening(self) -> bool:
        """Whether this is the line that names the file before."""
        return self.seq == 1 and OPENED in self.body


def files(directory: Path) -> list[Path]:
    """The journal files, in the order in which they were begun."""
    return sorted(directory.glob(f"*{SUFFIX}")) if directory.is_dir() else []


def read(path: Path, *, after: int = 0) -> list[JournalLine]:
    """The whole lines after line `after`, without a torn tail. IntegrityFailure at a broken place."""
    found: list[JournalLine] = []
    before: str | None = None
    with path.open("rb") as lines:
        for seq, line in enumerate(lines, start=1):
            if seq < after:
                continue
            one = parse(line)
            if one is None or not verify([line], start=before or one.prev).holds:
                if not line.endswith(b"\n"):
                    break
                raise IntegrityFailure("the line is not a link of the chain", place=f"{path.name} line {seq}")
            before = one.hash
            if seq > after:
                found.append(JournalLine(path.name, seq, one.hash, one.read()))
    return found


def started(path: Path) -> datetime:
    """When a file was begun, by its name."""
    stamp = path.name.partition("-")[0]
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError as odd:
        raise IntegrityFailure("the file is not named as a journal", place=path.name) from odd


def head_of(path: Path) -> str:
    """The hash of the last whole line of a file; of the beginning, where there is none."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        tail = b""
        while position > 0:
            step = min(_BLOCK, position)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
            whole = tail.split(b"\n")[:-1] if position == 0 else tail.split(b"\n")[1:-1]
            for line in reversed(whole):
                if found := parse(line):
                    return found.hash
    return GENESIS
