"""The header of a message and the acknowledgement of it, on bytes (HL7 v2 chapter 2, original mode).

Fields are echoed exactly as they came, whatever their character set; the hub's own words are ASCII. MSA-2 is
MSH-10 of the message, sender and receiver change places, version and character set stay, so that the sender
can always match and read the answer."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

DEFAULT_VERSION: Final = b"2.5.1"
LONGEST_ID: Final = 199
_LONGEST_FIELD: Final = 250
_MOST_ERRORS: Final = 20
_LINE: Final = re.compile(rb"[\r\n]")
_PLACE: Final = re.compile(r"\b([A-Z][A-Z0-9]{2})(?:\[(\d{1,4})\])?(?:-(\d{1,3})(?:\.(\d{1,3}))?)?(?![A-Za-z0-9])")
CODES: Final = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    207: "Application internal error",
}
"""HL7 table 0357, as far as the hub uses it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message is answered with other than AA: a code of table 0357 and the place."""

    code: int
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """MSH as it came. `field(10)` is MSH-10."""

    separator: bytes = b"|"
    encoding: bytes = b"^~\\&"
    parts: tuple[bytes, ...] = ()
    fault: Fault | None = None
    """What is wrong with it."""

    def field(self, number: int) -> bytes:
        """MSH-n, empty where it is not there; without framing marks, which a spoiled frame can hold."""
        if not 2 < number <= len(self.parts):
            return b""
        return self.parts[number - 1][:_LONGEST_FIELD].translate(None, b"\x0b\x1c")

    @property
    def component(self) -> bytes:
        return self.encoding[0:1]

    @property
    def repetition(self) -> bytes:
        return self.encoding[1:2]


def read_header(body: bytes) -> Header:
    """The header of a message, with its fault; what can be echoed is there even when the message is bad."""
    line = _LINE.split(body.removeprefix(codecs.BOM_UTF8), maxsplit=1)[0]
    if not line.startswith(b"MSH") or len(line) < 4:
        return Header(fault=Fault(100, "MSH", "the message does not begin with MSH"))
    separator = line[3:4]
    parts = tuple(line.split(separator))
    encoding = parts[1] if len(parts) > 1 else b""
    marks = separator + encoding
    if len(encoding) not in (4, 5) or len(set(marks)) != len(marks) or not _are_marks(marks):
        return Header(fault=Fault(102, "MSH-2", "the separators are not distinct marks"))
    header = Header(separator, encoding, parts)
    if fault := _missing(header, body):
        return Header(separator, encoding, parts, fault)
    return header


def acknowledge(
    header: Header, code: str, *, at: datetime, control_id: str, text: str = "", faults: Sequence[Fault] = ()
) -> bytes:
    """ACK: `code` is AA, AE or AR."""
    separator, comp = header.separator, header.component
    version = header.field(12) or DEFAULT_VERSION
    trigger = header.field(9).split(comp)[1:2]
    kind = [b"ACK", *trigger] if trigger else [b"ACK"]
    if trigger and _number(version, comp) >= (2, 4):
        kind.append(b"ACK")
    msh = [
        b"MSH",
        header.encoding,
        header.field(5),
        header.field(6),
        header.field(3),
        header.field(4),
        at.strftime("%Y%m%d%H%M%S%z").encode(),
        b"",
        comp.join(kind),
        control_id.encode("ascii"),
        header.field(11) or b"P",
        version,
    ]
    if charset := header.field(18):
        msh += [b""] * 5 + [charset]
    msa = [b"MSA", code.encode("ascii"), header.field(10), _words(header, text)]
    lines = [msh, _without_tail(msa)]
    lines += [_error(header, version, code, fault) for fault in faults[:_MOST_ERRORS]]
    return b"".join(separator.join(line) + b"\r" for line in lines)


def place_of(text: str) -> str:
    """The first segment and field that a text names (`PID-5.1`), for ERR; empty where it names none."""
    match = _PLACE.search(text)
    return match.group(0) if match else ""


def _missing(header: Header, body: bytes) -> Fault | None:
    for number in (9, 10):
        if not header.field(number).strip():
            return Fault(101, f"MSH-{number}", "a required field is missing")
    if len(header.parts[9]) > LONGEST_ID:
        return Fault(102, "MSH-10", f"longer than {LONGEST_ID} characters")
    if not any(part.strip() for part in _LINE.split(body)[1:]):
        return Fault(100, "MSH", "nothing follows the header")
    return None


def _are_marks(marks: bytes) -> bool:
    return all(0x20 < byte < 0x7F and not chr(byte).isalnum() for byte in marks)


def _error(header: Header, version: bytes, code: str, fault: Fault) -> list[bytes]:
    match = _PLACE.search(fault.place)
    where = [b"", b"1", b"", b"", b""]
    if match:
        segment, index, field, component = match.groups()
        where = [part.encode() for part in (segment, index or "1", field or "", "1" if field else "", component or "")]
    words = CODES.get(fault.code, CODES[207]).encode()
    comp = header.component
    if _number(version, comp) < (2, 5):
        detail = header.encoding[3:4].join([b"%d" % fault.code, words, b"HL70357"])
        return [b"ERR", comp.join([*where[:3], detail])]
    severity = b"W" if code == "AA" else b"E"
    location = comp.join(_without_tail(where)) if match else b""
    return [
        b"ERR",
        b"",
        location,
        comp.join([b"%d" % fault.code, words, b"HL70357"]),
        severity,
        b"",
        b"",
        _words(header, fault.text),
    ]


def _words(header: Header, text: str) -> bytes:
    """The hub's words, in ASCII, with the message's own marks escaped."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    raw = " ".join(plain.split()).encode("ascii", "replace")[:200]
    names = dict(zip(header.separator + header.encoding[:4], (b"F", b"S", b"R", b"E", b"T"), strict=False))
    escape = header.encoding[2:3]
    return b"".join(escape + names[byte] + escape if byte in names else bytes((byte,)) for byte in raw)


def _number(version: bytes, component: bytes) -> tuple[int, ...]:
    text = version.split(component)[0].decode("ascii", "replace")
    return tuple(int(part) for part in text.split(".") if part.isdecimal() and len(part) < 4)


def _without_tail(parts: list[bytes]) -> list[bytes]:
    while parts and not parts[-1]:
        parts = parts[:-1]
    return parts
