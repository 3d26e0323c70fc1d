"""The character set of one message: declared (MSH-18, HL7 table 0211) or configured, held against the bytes.

Nothing is guessed in silence: a declared set that the bytes contradict is not used, and where no named set
fits, the message is sent back. Where none is named and the bytes are not plain ASCII, the reader decides and
says so."""

from __future__ import annotations

from typing import Final

_TABLE_0211: Final = {
    "ASCII": "ascii",
    "8859/1": "iso-8859-1",
    "8859/2": "iso-8859-2",
    "8859/15": "iso-8859-15",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "WINDOWS-1250": "windows-1250",
    "CP1250": "windows-1250",
    "WINDOWS-1252": "windows-1252",
}
_CONTROLS: Final = frozenset(range(0x80, 0xA0))


def declared(field: bytes, repetition: bytes) -> str | None:
    """The codec that MSH-18 names first; None where it is empty, `LookupError` where it is not known."""
    name = field.split(repetition)[0].decode("ascii", "replace").strip().upper()
    if not name:
        return None
    return _TABLE_0211[name]


def choose(body: bytes, named: str | None, configured: str | None, *, configured_first: bool) -> str | None:
    """The first named set that the bytes bear out; None where none is named, `ValueError` where none fits."""
    order = [configured, named] if configured_first else [named, configured]
    candidates = [codec for codec in order if codec]
    for codec in candidates:
        if fits(body, codec):
            return codec
    if candidates and not body.isascii():
        raise ValueError("no named character set fits")
    return "ascii" if candidates else None


def fits(body: bytes, codec: str) -> bool:
    """Whether the bytes can be text in this set.

    Latin sets take any byte, so two contradictions are looked for: control characters that no one writes
    (letters of another set), and whole letters of UTF-8."""
    try:
        body.decode(codec)
    except UnicodeDecodeError:
        return False
    if codec in ("utf-8", "ascii") or body.isascii():
        return True
    if codec.startswith("iso-8859") and not _CONTROLS.isdisjoint(body):
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
