"""Manners of drop folders: what may be taken, when, and where it goes afterwards.

    in/     the counterpart writes here; a file is taken when it has stopped growing
    done/   taken, wholly or in part; `<file>.report.json` beside it says which places were not understood
    error/  not taken for good; `<file>.report.json` says why

What is not a plain, finished file (hidden, temporary, empty, link, pipe) stays where it is, with a reason.
Nothing is ever deleted. A crash between the hub's commit and the move is harmless: the file is read again,
and the hub knows its digest."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from hub.adapters.sdk.contract import Answer
from hub.errors import CounterpartRefused, CounterpartUnreachable

LONGEST_NAME: Final = 200
_UNFINISHED: Final = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, read whole."""

    path: Path
    body: bytes
    sha256: str
    looks: tuple[int, int, int]
    """Inode, size and time as they were when it was read."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """One entry of `in/` that is not taken, and why."""

    name: str
    why: str


class DropFolder:
    """One organisation's folder, looked at again and again by one hub."""

    def __init__(
        self, folder: Path, *, pattern: str, quiet: timedelta, limit: int, clock: Callable[[], datetime]
    ) -> None:
        self.folder = folder
        self._pattern = pattern
        self._quiet = quiet
        self._limit = limit
        self._clock = clock
        self._seen: dict[str, tuple[tuple[int, int, int], datetime]] = {}
        self._taken: dict[str, list[Piece]] = {}

    def take(self) -> Iterator[Piece]:
        """The files that are finished, oldest first, read one at a time."""
        ready, _ = self.look()
        for name in ready:
            piece = self._read(self.folder / "in" / name)
            if piece is not None:
                self._taken.setdefault(piece.sha256, []).append(piece)
                yield piece

    def look(self, *, remember: bool = True) -> tuple[list[str], list[LeftAlone]]:
        """What is ready, and what is left alone and why; without `remember` the look does not count."""
        now = self._clock()
        ready: list[tuple[int, str]] = []
        alone: list[LeftAlone] = []
        seen: dict[str, tuple[tuple[int, int, int], datetime]] = {}
        for name, status in self._entries():
            if why := self._why_not(name, status):
                alone.append(LeftAlone(name, why))
                continue
            looks = _looks(status)
            before, since = self._seen.get(name, (None, now))
            seen[name] = (looks, since if before == looks else now)
            if before == looks and now - since >= self._quiet:
                ready.append((status.st_mtime_ns, name))
            else:
                alone.append(LeftAlone(name, "may still be growing"))
        if remember:
            self._seen = seen
        return [name for _, name in sorted(ready)], alone

    def settle(self, digest: str, answer: Answer) -> None:
        """Move the file to `done/` or `error/` with a report beside; on `failed` it stays."""
        pieces = self._taken.get(digest, [])
        piece = pieces.pop(0) if pieces else None
        if not pieces:
            self._taken.pop(digest, None)
        if piece is None or answer.outcome == "failed":
            return
        with suppress(FileNotFoundError):
            if _looks(piece.path.lstat()) == piece.looks:
                self._move(piece, "error" if answer.outcome == "rejected" else "done", answer)

    def _entries(self) -> list[tuple[str, os.stat_result]]:
        found = []
        try:
            with os.scandir(self.folder / "in") as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        found.append((entry.name, entry.stat(follow_symlinks=False)))
        except OSError as error:
            raise away(error, "in") from None
        return found

    def _why_not(self, name: str, status: os.stat_result) -> str:
        stem = name.split(".", 1)[0].lower()
        if name.startswith((".", "~$")) or name.lower().endswith(_UNFINISHED):
            return "hidden or temporary"
        if not name.isprintable() or len(os.fsencode(name)) > LONGEST_NAME or stem in _RESERVED:
            return "its name cannot be used safely"
        if not stat.S_ISREG(status.st_mode):
            return "symbolic link" if stat.S_ISLNK(status.st_mode) else "not a plain file"
        if status.st_nlink > 1:
            return "has a second name (hard link)"
        if not fnmatchcase(name, self._pattern):
            return "not of the kind that is expected here"
        if status.st_size == 0:
            return "empty"
        if status.st_size > self._limit:
            return f"over the limit of {self._limit} bytes"
        return ""

    def _read(self, path: Path) -> Piece | None:
        """The whole file, or None where it is no longer what was looked at."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode) or _looks(before) != self._seen[path.name][0]:
                return None
            body = file.read(self._limit + 1)
            if _looks(os.fstat(handle)) != _looks(before) or len(body) != before.st_size:
                return None
        return Piece(path, body, sha256(body).hexdigest(), _looks(before))

    def _move(self, piece: Piece, where: str, answer: Answer) -> None:
        report = {
            "file": piece.path.name,
            "sha256": piece.sha256,
            "outcome": answer.outcome,
            "note": answer.note,
            "places": list(answer.places),
            "received": answer.received,
            "at": self._clock().isoformat(),
        }
        try:
            (self.folder / where).mkdir(exist_ok=True)
            target = _free_name(self.folder / where, piece)
            write_whole(target.with_name(f"{target.name}.report.json"), _json(report))
            piece.path.rename(target)
            sync_folder(target.parent)
            sync_folder(piece.path.parent)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise away(error, where) from None


def write_whole(target: Path, body: bytes) -> None:
    """Write so that nobody ever sees half of it: a temporary file, flushed to disk, then renamed."""
    temporary = target.with_name(f".{target.name}.tmp")
    with temporary.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def away(error: OSError, where: str) -> CounterpartRefused | CounterpartUnreachable:
    """What an error of the file system means: not allowed is a refusal; everything else may pass."""
    if isinstance(error, PermissionError) or error.errno in _REFUSALS:
        return CounterpartRefused("the hub may not use this folder", place=f"{where}/")
    reason = os.strerror(error.errno).lower() if error.errno else "cannot be used"
    return CounterpartUnreachable(f"the folder cannot be used now: {reason}", place=f"{where}/")


def shown_name(piece: Piece, patterns: list[str]) -> str:
    """A name for errors and logs: the file's own where it surely names no person, else a digest's."""
    if any(fnmatchcase(piece.path.name, pattern) for pattern in patterns):
        return piece.path.name
    suffix = piece.path.suffix.lower()
    return f"file-{piece.sha256[:12]}{suffix if suffix in _SUFFIXES else ''}"


_REFUSALS: Final = frozenset({errno.EROFS})
_SUFFIXES: Final = frozenset({".xml", ".csv", ".txt", ".json", ".hl7"})


def _looks(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _free_name(folder: Path, piece: Piece) -> Path:
    """The file's own name; with a part of its digest where another file of that name was there before."""
    target = folder / piece.path.name
    if target.exists() and sha256(target.read_bytes()).hexdigest() != piece.sha256:
        target = target.with_name(f"{target.stem}-{piece.sha256[:12]}{target.suffix}")
    return target


def _json(report: dict[str, Any]) -> bytes:
    return (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode()
