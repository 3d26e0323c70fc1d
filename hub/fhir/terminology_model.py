"""Code systems, value sets and concept maps as plain values (https://hl7.org/fhir/R4/terminology-module.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

Coding = tuple[str, str]
"""(system, code)."""

_NO_WORDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a system: what it is called (`words` by language), and what it is a kind of."""

    code: str
    display: str
    parents: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=lambda: _NO_WORDS)
    definition: str = ""

    @property
    def abstract(self) -> bool:
        """Whether it only groups others (HL7 v3 marks these with a leading underscore)."""
        return self.code.startswith("_")

    def word(self, language: str = "") -> str:
        """What it is called in a language (`cs`, `de-AT`), or in English where nobody translated it."""
        return self.words.get(language.lower().split("-", maxsplit=1)[0]) or self.display


@dataclass(frozen=True)
class CodeSystem:
    """A code system, or what the hub carries of it (`complete` says which)."""

    url: str
    id: str
    title: str
    concepts: Mapping[str, Concept]
    complete: bool = True
    description: str = ""
    own: bool = False
    """Whether the hub publishes it itself."""

    def above(self, code: str) -> frozenset[str]:
        """A code with everything that it is a kind of."""
        return _closure(code, lambda c: self.concepts[c].parents if c in self.concepts else ())

    def below(self, code: str) -> frozenset[str]:
        """A code with all its kinds."""
        return _closure(code, lambda c: self._children.get(c, ()))

    def children(self, code: str) -> tuple[str, ...]:
        """The codes directly below one."""
        return tuple(self._children.get(code, ()))

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            for parent in concept.parents:
                found.setdefault(parent, []).append(concept.code)
        return found


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set: systems with the codes that it takes of each."""

    url: str
    id: str
    title: str
    codes: Mapping[str, tuple[str, ...]]
    own: bool = False

    def __iter__(self) -> Iterator[Coding]:
        return ((system, code) for system, codes in self.codes.items() for code in codes)


@dataclass(frozen=True, slots=True)
class MapRow:
    """One line of a concept map; without `system` the target is a code that FHIR itself binds."""

    code: str
    to: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A table of codes; `otherwise` is what every other code becomes."""

    url: str
    id: str
    title: str
    version: str
    rows: tuple[MapRow, ...]
    otherwise: MapRow | None = None

    def translate(self, code: str) -> list[MapRow]:
        """What a source code becomes."""
        return [row for row in self.rows if row.code == code] or ([self.otherwise] if self.otherwise else [])

    def back(self, code: str, system: str = "") -> list[MapRow]:
        """The lines by which a source code becomes this one."""
        return [row for row in self.rows if row.to == code and system in ("", row.system)]


def last_segment(url: str) -> str:
    """The end of a canonical URL, as an id."""
    return url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def _closure(start: str, step: Callable[[str], Iterable[str]]) -> frozenset[str]:
    found, waiting = {start}, [start]
    while waiting:
        for code in step(waiting.pop()):
            if code not in found:
                found.add(code)
                waiting.append(code)
    return frozenset(found)
