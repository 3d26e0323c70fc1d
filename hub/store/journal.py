"""The journal: what the hub did, on disk before a byte leaves; one append-only file per process, chained.

INVARIANT: `append` returns only after its line is on disk; who could not be written is told Unavailable. Inside of
`together` the block ends only then.
Entries that come together go together: whoever comes first writes and syncs for all that wait, so nobody
waits longer than the sync in progress and their own. After a failed write the file is left as it is (at most
a torn last line, which nobody was told of) and the next entry begins a new one. Each file opens by naming the
head of the file before it, so that a removed file shows. Rules: docs/audit.md; `hub.audit.chain` has the form
of a line.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any, Final

from hub.audit.chain import GENESIS, link
from hub.errors import HubError, IntegrityFailure, Unavailable
from hub.store.journal_files import FOLLOWS, OPENED, STAMP, SUFFIX, files, head_of, started

LARGEST: Final = 64 * 1024 * 1024
"""Bytes after which the next entry begins a new file."""


_GATHERED: Final[ContextVar[list[Mapping[str, Any]] | None]] = ContextVar("gathered", default=None)


@contextmanager
def gathered() -> Iterator[list[Mapping[str, Any]]]:
    """The entries that are appended inside; who gathers them writes them down before anything is let out."""
    bodies: list[Mapping[str, Any]] = []
    token = _GATHERED.set(bodies)
    try:
        yield bodies
    finally:
        _GATHERED.reset(token)


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
        """Write an entry; its hash, once it is on disk. Unavailable where it could not be written.

        Inside of `gathered` it is only noted, and has no hash yet.
        """
        noted = _GATHERED.get()
        if noted is not None:
            noted.append(body)
            return ""
        (entry,) = self._append((body,))
        if entry.refused is not None:
            raise entry.refused
        return entry.hash

    def append_all(self, bodies: Sequence[Mapping[str, Any]]) -> list[HubError | None]:
        """Write entries, all with one sync: for each, why it could not be written."""
        return [entry.refused for entry in self._append(bodies)] if bodies else []

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread appends inside is written at once when the block ends, well or not: one sync for all."""
        if _GATHERED.get() is not None:
            yield
            return
        with gathered() as bodies:
            try:
                yield
            finally:
                for refused in self.append_all(bodies):
                    if refused is not None:
                        raise refused

    def _append(self, bodies: Sequence[Mapping[str, Any]]) -> list[_Waiting]:
        entries = [_Waiting(body) for body in bodies]
        entry = entries[-1]
        with self._turn:
            self._waiting.extend(entries)
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
        return entries

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
            follows = {"file": before[-1].name, "head": head_of(before[-1])} if before else None
            if before:
                now = max(now, started(before[-1]) + timedelta(microseconds=1))
            path = self.directory / f"{now.strftime(STAMP)}-{self.part}{SUFFIX}"
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
