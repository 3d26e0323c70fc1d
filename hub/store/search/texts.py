"""What is worked out of the texts of a search before they are compared with anything."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any


def above(uri: str) -> list[str]:
    """A URL and all that it lies under, with and without the last `/`."""
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return [uri]
    parts = rest.split("/")
    shorter = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return [uri, *(f"{scheme}://{part}{end}" for part in shorter for end in ("", "/"))]


def past(text: str) -> str:
    """The least text that is greater than all that begin with this one; empty where there is none."""
    for at in range(len(text) - 1, -1, -1):
        code = ord(text[at])
        if code < 0x10FFFF:
            return text[:at] + chr(0xE000 if code == 0xD7FF else code + 1)
    return ""


def storable(value: Any) -> bool:
    """Whether a value could be in a database at all: neither NUL nor half a character is."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, tuple):
        return all(storable(each) for each in value)
    return storable(astuple(value)) if hasattr(value, "__dataclass_fields__") else True
