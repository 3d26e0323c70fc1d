"""The journal: what the hub did, on disk before a byte leaves; one append-only file per process, chained.

INVARIANT: `append` returns only after its line is on disk; who could not be written is told Unavailable.
Entries that come together go together: whoever comes first writes and syncs for all that wait, so nobody
waits longer than the sync in progress and their own. After a failed write the file is left as it is (at most
a torn last line, which nobody was told of) and the next entry begins a new one. Each file opens by naming the
head of the file before it, so that a removed file shows. Rules: docs/audit.md; `hub.audit.chain` has the form
of a line.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any, Final

from hub.audit.chain import GENESIS, link, parse, verify
from hub.errors import HubError, IntegrityFailure, Unavailable

OPENED: Final = "opened"
"""The field by which the first entry of a file is known."""

FOLLOWS: Final = "follows"
"""What the first entry names: the file before it and its head then; null in the very first file."""

LARGEST: Final = 64 * 1024 * 1024
"""Bytes after which the next entry begins a new file."""

_SUFFIX: Final = ".jsonl"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_BLOCK: Final = 64 * 1024


@dataclass(slots=True)
class _Waiting:
    """An entry on its way to the disk, and what became of it."""

    body: Mapping[str, Any]
    hash: str = ""
    refused: HubError | None = None
    over: bool = False


@dataclass(slots=True)
class _File:
    """The file that is written now: where, up to which hash, and how many bytes are known to be on disk."""

    descriptor: int
    path: Path
    head: str = GENESIS
    size: int = 0


@dataclass(slots=True)
class Journal:
    """The journal of this process; safe to use from many threads."""

    directory: Path
    clock: Callable[[], datetime]
    part: str
    largest: int = LARGEST
    _waiting: list[_Waiting] = field(default_factory=list)
    _writing: bool = False
    _closed: bool = False
    _turn: Condition = field(default_factory=Condition)
    _file: _File | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        part: str | None = None,
        largest: int = LARGEST,
    ) -> Journal:
        """Begin a file of this process in `directory`; `part` tells it from one begun at the same moment."""
        journal = cls(directory, clock, part or str(os.getpid()), largest)
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            journal._file = journal._begin()
        except OSError as error:
            raise Unavailable("the journal cannot be opened") from error
        return journal

    @property
    def file(self) -> str:
        """The name of the file that is written now; empty after a failure, until the next entry."""
        return self._file.path.name if self._file else ""

    def append(self, body: Mapping[str, Any]) -> str:
        """Write an entry; its hash, once it is on disk. Unavailable where it could not be written."""
        entry = _Waiting(body)
        with self._turn:
            self._waiting.append(entry)
            while self._writing and not entry.over:
                self._turn.wait()
            if not entry.over:
                self._writing = True
                batch, self._waiting = self._waiting, []
        if not entry.over:
            try:
                self._write(batch)
            finally:
                with self._turn:
                    for each in batch:
                        each.over = True
                    self._writing = False
                    self._turn.notify_all()
        if entry.refused is not None:
            raise entry.refused
        return entry.hash

    def close(self) -> None:
        """Finish; what comes later is refused."""
        with self._turn:
            while self._writing:
                self._turn.wait()
            self._closed = True
            self._leave()

    def _write(self, batch: list[_Waiting]) -> None:
        """Write and sync what waits; who is still refused afterwards is not on disk."""
        for entry in batch:
            entry.refused = Unavailable("the journal could not be written")
        if self._closed:
            return
        try:
            file = self._file = self._file or self._begin()
            linked, lines, head = _linked(batch, file.head)
            _put(file.descriptor, lines)
        except OSError as error:
            self._leave()
            for entry in batch:
                if entry.refused is not None:
                    entry.refused.__cause__ = error
            return
        except BaseException:
            self._leave()
            raise
        file.head, file.size = head, file.size + len(lines)
        for entry in linked:
            entry.refused = None
        if file.size >= self.largest:
            self._leave()

    def _leave(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file.descriptor)
            self._file = None

    def _begin(self) -> _File:
        now = self.clock().astimezone(UTC)
        with _alone(self.directory):
            before = files(self.directory)
            follows = {"file": before[-1].name, "head": _head(before[-1])} if before else None
            if before:
                now = max(now, _started(before[-1]) + timedelta(microseconds=1))
            path = self.directory / f"{now.strftime(_STAMP)}-{self.part}{_SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                line, head = link(GENESIS, {OPENED: now.isoformat(), FOLLOWS: follows})
                _put(descriptor, line + b"\n")
                _sync_directory(self.directory)
            except BaseException:
                os.close(descriptor)
                path.unlink(missing_ok=True)
                raise
            return _File(descriptor, path, head, len(line) + 1)


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
    return sorted(directory.glob(f"*{_SUFFIX}")) if directory.is_dir() else []


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


def _linked(batch: list[_Waiting], head: str) -> tuple[list[_Waiting], bytes, str]:
    """The entries that can be written, their lines, and the head after them."""
    linked: list[_Waiting] = []
    lines: list[bytes] = []
    for entry in batch:
        try:
            line, head = link(head, entry.body)
        except (TypeError, ValueError) as error:
            entry.refused = IntegrityFailure("the entry cannot be written as json")
            entry.refused.__cause__ = error
            continue
        entry.hash = head
        linked.append(entry)
        lines.append(line + b"\n")
    return linked, b"".join(lines), head


def _put(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Files are begun one at a time, so that each names the one before."""
    with (directory / ".begin.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(path: Path) -> datetime:
    stamp = path.name.partition("-")[0]
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as odd:
        raise IntegrityFailure("the file is not named as a journal", place=path.name) from odd


def _head(path: Path) -> str:
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
