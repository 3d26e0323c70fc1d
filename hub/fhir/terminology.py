"""What codes mean: expand, look up, check, compare and translate, over the systems and maps that the hub carries.

https://hl7.org/fhir/R4/terminology-service.html. Its own systems, the HL7 systems that its rules and bindings speak
of, and the tables of its mappings. What it does not carry it does not guess about: SNOMED CT, LOINC and the like are
asked of a terminology server.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from hub.errors import MalformedContent, NotFound
from hub.fhir.codes import HUB
from hub.fhir.definitions import load
from hub.fhir.terminology_model import (
    CodeSystem,
    Coding,
    Concept,
    ConceptMap,
    MapRow,
    ValueSet,
    last_segment,
)

Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a code is one of a system or set, what it is called, and what is wrong."""

    result: bool
    display: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an expansion: of `total` codings those from `offset` on, each with its concept."""

    total: int
    offset: int
    concepts: tuple[tuple[str, Concept], ...]


class Terminology:
    """The code systems, value sets and concept maps of one hub."""

    def __init__(
        self,
        systems: Iterable[CodeSystem],
        value_sets: Iterable[ValueSet],
        maps: Iterable[ConceptMap] = (),
        displays: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.systems = {one.url: one for one in systems}
        self.value_sets = {one.url: one for one in value_sets}
        self.maps = {one.url: one for one in maps}
        self._displays = displays or {}

    def with_maps(self, maps: Iterable[ConceptMap]) -> Terminology:
        """The same with these concept maps."""
        return Terminology(self.systems.values(), self.value_sets.values(), maps, self._displays)

    def expand(self, url: str) -> tuple[Coding, ...]:
        """Every coding of a value set; NotFound where the hub does not carry it."""
        return tuple(self.value_set(url))

    def narrower(self, system: str, code: str) -> tuple[Coding, ...]:
        """A code and all below it; the code alone where the hub does not know its system."""
        known = self.systems.get(system)
        return tuple((system, c) for c in sorted(known.below(code))) if known else ((system, code),)

    def broader(self, system: str, code: str) -> tuple[Coding, ...]:
        """A code and all above it; the code alone where the hub does not know its system."""
        known = self.systems.get(system)
        return tuple((system, c) for c in sorted(known.above(code))) if known else ((system, code),)

    def code_system(self, url: str) -> CodeSystem:
        """A code system by its canonical URL (`url|version`)."""
        return _found(self.systems, url, "code system")

    def value_set(self, url: str) -> ValueSet:
        """A value set by its canonical URL."""
        return _found(self.value_sets, url, "value set")

    def concept_map(self, url: str) -> ConceptMap:
        """A concept map by its canonical URL."""
        return _found(self.maps, url, "concept map")

    def page(
        self, url: str, *, filter: str = "", offset: int = 0, count: int | None = None, language: str = ""
    ) -> Page:
        """An expansion as people choose from it: those whose code or name has every word of `filter`, in order."""
        words = filter.casefold().split()
        found = [(system, self.concept(system, code)) for system, code in self.value_set(url)]
        kept = [(s, c) for s, c in found if _matches(c, words, language)]
        end = None if count is None else offset + count
        return Page(len(kept), offset, tuple(kept[offset:end]))

    def concept(self, system: str, code: str) -> Concept:
        """What is known of a coding; a concept without a name where that is nothing."""
        known = self.systems.get(system)
        if known and code in known.concepts:
            return known.concepts[code]
        return Concept(code, self._displays.get(system, {}).get(code, ""))

    def lookup(self, system: str, code: str) -> tuple[CodeSystem, Concept]:
        """A code of a system; NotFound where there is none."""
        known = self.code_system(system)
        if code not in known.concepts:
            raise NotFound("the code system has no such code", place="code")
        return known, known.concepts[code]

    def validate_in_system(self, system: str, code: str, display: str = "", language: str = "") -> Checked:
        """Whether a system has a code, and whether `display` is one of its names."""
        known = self.code_system(system)
        if code not in known.concepts:
            lacking = "" if known.complete else "; the hub carries a part of this system only"
            return Checked(False, message=f"the code system has no such code{lacking}")
        return _named(known.concepts[code], display, language)

    def validate_in_set(
        self, url: str, codings: Iterable[tuple[str, str, str]], *, language: str = "", any_system: bool = False
    ) -> Checked:
        """Whether one of these (system, code, display) is in a value set; `any_system`: a bare code may infer it."""
        content = self.value_set(url)
        for system, code, display in codings:
            systems = [s for s, codes in content.codes.items() if code in codes]
            if any_system and not system and len(systems) > 1:
                return Checked(False, message="the code is in several systems of the value set; name one")
            where = system or (systems[0] if any_system and systems else "")
            if code in content.codes.get(where, ()):
                return _named(self.concept(where, code), display, language)
        return Checked(False, message="the value set has no such code")

    def subsumes(self, system: str, a: str, b: str) -> Subsumption:
        """How code A relates to code B of the same system."""
        known = self.code_system(system)
        for name, code in (("codeA", a), ("codeB", b)):
            if code not in known.concepts:
                raise NotFound("the code system has no such code", place=name)
        if a == b:
            return "equivalent"
        if a in known.above(b):
            return "subsumes"
        return "subsumed-by" if b in known.above(a) else "not-subsumed"

    def translate(
        self, url: str, code: str, *, target: str = "", reverse: bool = False, system: str = ""
    ) -> list[MapRow]:
        """What a code becomes by a concept map, in the `target` system if one is asked for; or what becomes it."""
        known = self.concept_map(url)
        if reverse:
            return [MapRow(row.to, row.code) for row in known.back(code, system)]
        return [row for row in known.translate(code) if target in ("", row.system)]


def _found(known: Mapping[str, _T], url: str, what: str) -> _T:
    bare = url.split("|", 1)[0]
    if not bare:
        raise MalformedContent(f"name the {what} by its url", place="url")
    if bare not in known:
        raise NotFound(f"the hub does not carry this {what}", place="url")
    return known[bare]


def _matches(concept: Concept, words: list[str], language: str) -> bool:
    if not words:
        return True
    names = " ".join((concept.code, concept.display, concept.word(language))).casefold()
    return all(word in names for word in words)


def _named(concept: Concept, display: str, language: str) -> Checked:
    names = {concept.display, *concept.words.values()} - {""}
    shown = concept.word(language)
    if display and names and display.casefold() not in {name.casefold() for name in names}:
        return Checked(False, shown, "the code is right, but its display is not")
    return Checked(True, shown)


@cache
def terminology() -> Terminology:
    """What the hub carries whatever it is set up for: its own systems and HL7's, without concept maps."""
    tables = load("terminology")
    own = _own_systems()
    whole = [ValueSet(f"{HUB}/ValueSet/{s.id}", s.id, s.title, {s.url: tuple(s.concepts)}, own=True) for s in own]
    return Terminology(
        [*own, *(_hl7_system(url, *known) for url, known in tables["systems"].items())],
        [*whole, *(_hl7_set(url, codes) for url, codes in tables["value_sets"].items())],
        displays=tables["displays"],
    )


def _own_systems() -> list[CodeSystem]:
    text = files("hub.fhir.definitions").joinpath("hub-code-systems.toml").read_text("utf-8")
    return [
        CodeSystem(
            f"{HUB}/CodeSystem/{id}",
            id,
            table["title"],
            {code: _own_concept(code, *said) for code, said in table["concepts"].items()},
            description=table["description"],
            own=True,
        )
        for id, table in tomllib.loads(text).items()
    ]


def _own_concept(code: str, en: str, cs: str, de: str, definition: str = "", parent: str = "") -> Concept:
    return Concept(code, en, (parent,) if parent else (), {"en": en, "cs": cs, "de": de}, definition)


def _hl7_system(url: str, complete: bool, concepts: list[Any]) -> CodeSystem:
    known = {code: Concept(code, display, tuple(parents)) for code, display, parents in concepts}
    return CodeSystem(url, last_segment(url), last_segment(url), known, complete)


def _hl7_set(url: str, codes: Mapping[str, list[str]]) -> ValueSet:
    return ValueSet(url, last_segment(url), last_segment(url), {s: tuple(c) for s, c in codes.items()})
