"""MLLP framing on bytes: `VT message FS CR` (HL7 v2 Minimal Lower Layer Protocol, release 1).

The framer never guesses where a message ends: a start block inside a frame spoils the whole frame, since it
may hold two clients' messages; bytes outside frames mean that the two sides have lost each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

VT: Final = 0x0B
FS: Final = 0x1C
CR: Final = 0x0D
LF: Final = 0x0A
_MARK: Final = re.compile(rb"[\x0b\x1c]")
_FLOOD: Final = 16
"""So many times the limit is read to the end of a frame that is too large; beyond, the connection is closed.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message, without its frame."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """A frame that must not be read as a message; `body` is what of it was kept."""

    body: bytes
    why: str
    ended: bool
    """Its end block came, so the sender waits for an answer."""
    cut: bool = False
    """It was over the limit; `body` is only its beginning."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Bytes that belong to no frame: nothing after them can be trusted on this connection."""


Event = Frame | Broken | Stray


def frame(message: bytes) -> bytes:
    """The message in its frame."""
    return bytes((VT,)) + message + bytes((FS, CR))


class Framer:
    """Takes bytes as they come, in any cut, and gives whole frames."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = self._end_block = False
        self._kept = bytearray()
        self._size = 0
        self._fault = ""

    @property
    def inside(self) -> bool:
        """A frame has begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order; nothing follows a Stray."""
        events: list[Event] = []
        at = 0
        while at < len(data):
            if not self._inside:
                if data[at] not in (VT, CR, LF):
                    return [*events, Stray()]
                if data[at] == VT:
                    self._begin(inside=True)
                at += 1
                continue
            if self._end_block:
                self._end_block = False
                if data[at] == CR:
                    events.append(self._finished())
                    at += 1
                    continue
                self._spoil("end block not followed by a carriage return")
                self._keep(bytes((FS,)))
            mark = _MARK.search(data, at)
            end = mark.start() if mark else len(data)
            self._keep(data[at:end])
            at = end
            if self._size > self._limit * _FLOOD:
                return [*events, Stray()]
            if mark:
                if data[at] == FS:
                    self._end_block = True
                else:
                    self._spoil("start block inside a frame")
                    self._keep(bytes((VT,)))
                at += 1
        return events

    def cut_off(self, why: str) -> Broken | None:
        """The connection ended or time ran out: what stands of a frame that never ended."""
        if not self._inside:
            return None
        self._spoil(why)
        broken = Broken(bytes(self._kept), self._fault, ended=False, cut=self._size > self._limit)
        self._begin(inside=False)
        return broken

    def _begin(self, *, inside: bool) -> None:
        self._inside = inside
        self._kept = bytearray()
        self._size = 0
        self._fault = ""
        self._end_block = False

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        if self._size > self._limit:
            self._spoil(f"over the limit of {self._limit} bytes")

    def _spoil(self, why: str) -> None:
        self._fault = self._fault or why

    def _finished(self) -> Event:
        body, fault, cut = bytes(self._kept), self._fault, self._size > self._limit
        self._begin(inside=False)
        return Broken(body, fault, ended=True, cut=cut) if fault else Frame(body)
