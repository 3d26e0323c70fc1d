"""Codes as label rules name them: a system by a short name, codes exactly or by prefix and range.

Systems are written in `mappings/labels/systems.yaml`. `F20-F29` in a system that matches by prefix covers
F20 to F29 with everything below; a code without a system is compared with the prefix systems alone, because
leaving a system out must not hide what a code says (docs/consent.md, labels: absence never widens).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import filterfalse, product
from typing import Any, Final

from hub.fhir.value import Resource

_RANGE: Final = re.compile(r"([A-Z])(\d\d)-([A-Z])(\d\d)")


@dataclass(frozen=True, slots=True)
class CodeSystems:
    """The code systems that rules speak of: URI -> short name, URI endings, and which match by prefix."""

    by_uri: Mapping[str, str]
    by_ending: tuple[tuple[str, str], ...]
    by_prefix: frozenset[str]

    def name_of(self, uri: str) -> str | None:
        """The short name of a system, by its URI or the end of it."""
        if known := self.by_uri.get(uri):
            return known
        return next((name for ending, name in self.by_ending if uri.endswith(ending)), None)

    def keys(self, uri: str | None, code: str) -> Iterator[tuple[str, str]]:
        """Every (system, pattern) under which a rule may have named this coding."""
        name = self.name_of(uri) if uri else None
        if name is not None and name not in self.by_prefix:
            yield name, code
        names = [name] if name in self.by_prefix else self.by_prefix if not uri else ()
        plain = code.replace(".", "").upper() if names else ""
        for prefixed in names:
            for length in range(1 if uri else 3, len(plain) + 1):
                yield str(prefixed), plain[:length]


def expand(pattern: str) -> Iterator[str]:
    """The prefixes that a written pattern stands for: `B20-B24` is B20, B21, B22, B23 and B24."""
    plain = pattern.replace(".", "").upper()
    match = _RANGE.fullmatch(plain)
    if not match:
        yield plain
        return
    first, low, last, high = match.groups()
    letters = [chr(letter) for letter in range(ord(first), ord(last) + 1)]
    for letter, number in product(letters, range(100)):
        if first + low <= (code := f"{letter}{number:02}") <= last + high:
            yield code


@dataclass(frozen=True, slots=True)
class Said:
    """What a resource says in codes and concept texts: (top-level element, system, code), and the words."""

    codings: tuple[tuple[str, str | None, str], ...]
    words: str


def said_in(element: Mapping[str, Any], *, without: Iterable[str] = ()) -> Said:
    """Every coding and concept text of a resource or part; metadata, narrative and `without` left aside."""
    codings: list[tuple[str, str | None, str]] = []
    words: list[str] = []
    skipped = {"meta", "text", *without} if "resourceType" in element else {*without}
    for key, value in element.items():
        if key not in skipped and isinstance(value, dict | list):
            _gather(value, key, codings, words)
        elif key == "code" and isinstance(value, str):
            codings.append((key, None, value))
    return Said(tuple(codings), plain_words(" \n ".join(words)))


def codings_of(value: object) -> Iterator[tuple[str | None, str]]:
    """The (system, code) pairs of a list of Codings."""
    for coding in value if isinstance(value, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield coding.get("system") if isinstance(coding.get("system"), str) else None, coding["code"]


def plain_words(text: str) -> str:
    """Text as words are compared: without case and diacritics."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFD", folded)))


def word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these words or phrases; a trailing `*` stands for any ending."""
    stems = (plain_words(word) for word in words)
    return re.compile(r"\b(?:" + "|".join(re.escape(s).replace(r"\*", r"\w*") for s in stems) + r")\b")


def _gather(value: Any, top: str, codings: list[tuple[str, str | None, str]], words: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _gather(item, top, codings, words)
        return
    code = value.get("code")
    if isinstance(code, str):
        system = value.get("system")
        codings.append((top, system if isinstance(system, str) else None, code))
    is_reference = "reference" in value
    for key, item in value.items():
        if isinstance(item, dict | list):
            if not (key in ("meta", "text") and isinstance(item, dict) and "resourceType" in value):
                _gather(item, top, codings, words)
        elif key in ("display", "text") and isinstance(item, str) and not is_reference:
            words.append(item)


def contained_in(resource: Resource) -> dict[str, Resource]:
    """What a resource contains, by the reference that names it there."""
    items = resource.get("contained")
    found = (c for c in items if isinstance(c, dict)) if isinstance(items, list) else ()
    return {f"#{c['id']}": c for c in found if isinstance(c.get("id"), str)}
