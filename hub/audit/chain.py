"""The hash chain of the journal: every line carries the hash of the one before it.

    {"prev":"<sha-256>","hash":"<sha-256>","body":{...}}

`hash` is the SHA-256 of `prev` (as ASCII) followed by the bytes of `body`, which are canonical JSON: sorted
keys, no white space, UTF-8, no newline. A changed, removed, inserted or reordered line breaks the chain at
its place. What a bare chain cannot show is a whole tail cut off, or a rewrite from some line to the end:
for that the head is kept elsewhere (the audit store), and compared. Rule: docs/audit.md; GDPR 5(2),
325/2021 Sb. section 37.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from hub.errors import IntegrityFailure

GENESIS: Final = "0" * 64
"""What the first line of a chain names as the line before it."""

_PREV: Final = b'{"prev":"'
_HASH: Final = b'","hash":"'
_BODY: Final = b'","body":'
_PREV_END: Final = len(_PREV) + 64
_HASH_START: Final = _PREV_END + len(_HASH)
_HASH_END: Final = _HASH_START + 64
_BODY_START: Final = _HASH_END + len(_BODY)
_HEX: Final = frozenset(b"0123456789abcdef")

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the chain, taken apart; `body` is not decoded yet."""

    prev: str
    hash: str
    body: bytes

    def read(self) -> dict[str, Any]:
        """The body as the object that was linked."""
        return _decode(self.body)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One place where the chain does not hold: the position of the line, from 0, and what is wrong there."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk along the chain found.

    `entries` counts the lines that are whole; `head` is the hash of the last of them. `torn` tells that the
    file ends in the middle of a line, as after a power cut: that line was never acknowledged to anybody.
    """

    entries: int
    head: str
    faults: tuple[ChainFault, ...] = ()
    torn: bool = False

    @property
    def holds(self) -> bool:
        """Whether no fault was found; a torn tail is not one."""
        return not self.faults


def link(prev: str, body: Mapping[str, object]) -> tuple[bytes, str]:
    """The line that follows `prev` (`GENESIS` for the first), without a newline, and its hash."""
    before = prev.encode("ascii")
    if len(before) != 64 or not _HEX.issuperset(before):
        raise IntegrityFailure("the line before is not named by a sha-256 in lower-case hexadecimal")
    content = _encode(body)
    digest = hashlib.sha256(before + content).hexdigest()
    return b"".join((_PREV, before, _HASH, digest.encode("ascii"), _BODY, content, b"}")), digest


def parse(line: bytes) -> Link | None:
    """The line taken apart, or None where it does not have the form of one. The hash is not checked."""
    whole = line.removesuffix(b"\n")
    prev, digest = whole[len(_PREV) : _PREV_END], whole[_HASH_START:_HASH_END]
    formed = (
        whole.startswith(_PREV)
        and whole[_PREV_END:_HASH_START] == _HASH
        and whole[_HASH_END:_BODY_START] == _BODY
        and whole.endswith(b"}}")
        and _HEX.issuperset(prev)
        and _HEX.issuperset(digest)
        and b"\n" not in whole
    )
    if not formed:
        return None
    body = whole[_BODY_START:-1]
    try:
        _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Link(prev.decode("ascii"), digest.decode("ascii"), body)


def verify(lines: Iterable[bytes], *, start: str = GENESIS) -> ChainReport:
    """Walk along the lines of one file (with their newlines) and name every broken place.

    `start` is the head that the file continues from. After a fault the walk goes on from what the line
    claims, so that one broken place is reported once and later ones are found too. A broken last line
    without its newline is a torn tail, not a fault.
    """
    faults: list[ChainFault] = []
    entries, head = 0, start
    broken_tail: int | None = None
    expected: str | None = start
    for position, line in enumerate(lines):
        if broken_tail is not None:
            faults.append(ChainFault(broken_tail, "the line is not whole, and others follow it"))
            broken_tail = None
        found = parse(line)
        if found is None:
            expected = None
            if line.endswith(b"\n"):
                faults.append(ChainFault(position, "the line is not a link of the chain"))
            else:
                broken_tail = position
            continue
        if expected is not None and found.prev != expected:
            faults.append(ChainFault(position, "the line before it is not the one that it names"))
        if hashlib.sha256(found.prev.encode("ascii") + found.body).hexdigest() != found.hash:
            faults.append(ChainFault(position, "the content is not what its hash says"))
        entries, head, expected = entries + 1, found.hash, found.hash
    return ChainReport(entries, head, tuple(faults), torn=broken_tail is not None)
