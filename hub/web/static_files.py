"""The style sheet and the picture of the pages: served by the hub itself, named by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

TYPES: Final = {"casehub.css": "text/css; charset=utf-8", "casehub.svg": "image/svg+xml"}
"""The files there are; nothing else is served."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    type: str
    digest: str


@cache
def asset(name: str) -> Asset | None:
    """A file by its name; None where there is none."""
    if name not in TYPES:
        return None
    body = resources.files("hub.web").joinpath(f"static/{name}").read_bytes()
    return Asset(body, TYPES[name], hashlib.sha256(body).hexdigest()[:16])


def address_of(name: str) -> str:
    """Where a page finds a file; another content has another address."""
    found = asset(name)
    return f"/static/{name}?{found.digest}" if found else f"/static/{name}"
