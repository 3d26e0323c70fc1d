"""What an adapter says about itself: `manifest.toml`, read strictly (docs/adapters.md, "The manifest").

INVARIANT: a key that is not known is an error. A manifest that is half understood would promise what nobody
checks.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hub.errors import ConfigurationError

DIRECTIONS: Final = frozenset({"pull", "push", "listen"})
FORMATS: Final = frozenset({"cda", "hl7v2", "tabular", "fhir"})
_ID: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this kind of counterpart can carry, and what it can be held to."""

    asks: frozenset[str]
    """Items that can be pulled by name (`summary`)."""
    carries: frozenset[str]
    """Items that can be handed over (`plan`)."""
    media_types: frozenset[str]
    """What a parcel's body may be."""
    acknowledges: bool
    """It answers each piece, so that the hub knows that it was taken."""
    enforces_revocation: bool
    """What it holds is really taken away when consent is withdrawn, not only announced."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one adapter."""

    id: str
    version: str
    title: str
    directions: frozenset[str]
    formats: frozenset[str]
    capabilities: Capabilities


def read_manifest(file: Path) -> Manifest:
    """The manifest in `file`; every error names the file and the key."""
    place = f"{file.parent.name}/{file.name}"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError("the file is missing", place=place) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"not TOML: {error}", place=place) from error
    entries = _Entries(data, place)
    manifest = Manifest(
        id=entries.text("id", _ID),
        version=entries.text("version", _VERSION),
        title=entries.text("title"),
        directions=entries.words("directions", DIRECTIONS),
        formats=entries.words("formats", FORMATS),
        capabilities=_capabilities(entries.table("capabilities")),
    )
    entries.nothing_else()
    if manifest.id != file.parent.name:
        raise ConfigurationError(f"`{manifest.id}` is not the folder's name", place=f"{place} key id")
    return manifest


def _capabilities(entries: _Entries) -> Capabilities:
    capabilities = Capabilities(
        asks=entries.words("asks"),
        carries=entries.words("carries"),
        media_types=entries.words("media_types"),
        acknowledges=entries.yes_or_no("acknowledges"),
        enforces_revocation=entries.yes_or_no("enforces_revocation"),
    )
    entries.nothing_else()
    return capabilities


class _Entries:
    """A TOML table from which each key is taken once; what is left over is an error."""

    def __init__(self, data: dict[str, Any], place: str, path: str = "") -> None:
        self._data = dict(data)
        self._place = place
        self._path = path

    def text(self, key: str, form: re.Pattern[str] | None = None) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "must be a text that is not empty")
        if form and not form.fullmatch(value):
            raise self._wrong(key, f"must look like {form.pattern}")
        return value

    def words(self, key: str, known: frozenset[str] | None = None) -> frozenset[str]:
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self._wrong(key, "must be a list of texts")
        if known is not None and (not value or not known.issuperset(value)):
            raise self._wrong(key, f"must name one or more of {', '.join(sorted(known))}")
        return frozenset(value)

    def yes_or_no(self, key: str) -> bool:
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "must be true or false")
        return value

    def table(self, key: str) -> _Entries:
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "must be a table")
        return _Entries(value, self._place, f"{key}.")

    def nothing_else(self) -> None:
        if self._data:
            raise self._wrong(sorted(self._data)[0], "is not a key of a manifest")

    def _take(self, key: str) -> Any:
        if key not in self._data:
            raise self._wrong(key, "is missing")
        return self._data.pop(key)

    def _wrong(self, key: str, why: str) -> ConfigurationError:
        return ConfigurationError(why, place=f"{self._place} key {self._path}{key}")
