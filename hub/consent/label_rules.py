"""Label rules as data: read from `mappings/labels/*.yaml`, checked strictly, indexed by code.

docs/consent.md, labels: rules are data, each with its reason. A rule that says nothing, names an unknown
area, system or field, or repeats an id is a `MappingDefect` that names the file and the rule: half-read
rules label nobody.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.consent.codes import CONFIDENTIALITY, RESOURCE_TYPES, SENSITIVITY
from hub.consent.label_codes import CodeSystems, expand, word_pattern
from hub.errors import MappingDefect
from hub.fhir.codes import AREAS, UNCLASSIFIED

_RULE_FIELDS: Final = frozenset(("id", "gives", "types", "codes", "in", "words", "follows", "takes", "when", "because"))
_GIVES: Final = frozenset(("areas", "sensitivity", "confidentiality"))
_WHEN: Final = ("default", "nothing-known", "sensitive")
_TYPE: Final = re.compile(r"[A-Z][A-Za-z]+(\.[a-z][A-Za-z]+)?")
_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class LabelRule:
    """One reviewed rule: what it gives, what it matches, and why.

    `default`: gives its areas only where no other rule found one. `nothing-known`: says why a type without any is
    `unclassified`. `sensitive`: holds once anything gave a sensitivity. `follows`: elements whose references lend
    this record what `takes` names.
    """

    id: str
    because: str
    areas: frozenset[str] = frozenset()
    sensitivity: frozenset[str] = frozenset()
    confidentiality: str | None = None
    types: frozenset[str] = frozenset()
    codes: frozenset[tuple[str, str]] = frozenset()
    elements: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    follows: tuple[str, ...] = ()
    takes: frozenset[str] = frozenset()
    when: str | None = None

    def for_type(self, kind: str) -> bool:
        """Whether the rule speaks of this resource type (or part, `CarePlan.activity`)."""
        return not self.types or kind in self.types


@dataclass(frozen=True, slots=True)
class LabelRules:
    """A whole rule set; `version` changes with every byte of it."""

    version: str
    systems: CodeSystems
    rules: tuple[LabelRule, ...]
    by_code: Mapping[tuple[str, str], tuple[LabelRule, ...]]
    by_type: Mapping[str, tuple[LabelRule, ...]]
    by_words: tuple[LabelRule, ...]
    defaults: tuple[LabelRule, ...]
    when_nothing_known: tuple[LabelRule, ...]
    when_sensitive: tuple[LabelRule, ...]


def load_rules(texts: Mapping[str, str]) -> LabelRules:
    """The rule set that these files make: name -> text. Everything is checked before anything is used."""
    documents = {name: _document(name, text) for name, text in sorted(texts.items())}
    systems = _systems(documents)
    rules: dict[str, LabelRule] = {}
    for name, document in documents.items():
        for written in _items(document.get("rules"), name):
            rule = _rule(written, name, systems)
            if rule.id in rules:
                raise MappingDefect("is written twice", place=f"{name}: rule `{rule.id}`")
            rules[rule.id] = rule
    if not rules:
        raise MappingDefect("no label rule in any file", place=", ".join(documents) or "labels")
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()
    return _indexed(f"labels-{digest[:16]}", systems, tuple(rules.values()))


def _indexed(version: str, systems: CodeSystems, rules: Sequence[LabelRule]) -> LabelRules:
    by_code: dict[tuple[str, str], tuple[LabelRule, ...]] = {}
    by_type: dict[str, tuple[LabelRule, ...]] = {}
    for rule in rules:
        for key in rule.codes:
            by_code[key] = (*by_code.get(key, ()), rule)
        if rule.types and not rule.codes and not rule.words and rule.when is None:
            for kind in rule.types:
                by_type[kind] = (*by_type.get(kind, ()), rule)
    return LabelRules(
        version,
        systems,
        tuple(rules),
        by_code,
        by_type,
        tuple(rule for rule in rules if rule.words),
        tuple(rule for rule in rules if rule.when == "default"),
        tuple(rule for rule in rules if rule.when == "nothing-known"),
        tuple(rule for rule in rules if rule.when == "sensitive"),
    )


def _document(name: str, text: str) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise MappingDefect("is not YAML", place=place) from error
    if not isinstance(document, dict):
        raise MappingDefect("holds neither rules nor systems", place=name)
    if strange := document.keys() - {"rules", "systems", "about"}:
        raise MappingDefect(f"unknown field `{min(map(str, strange))}`", place=name)
    return document


def _systems(documents: Mapping[str, Mapping[str, Any]]) -> CodeSystems:
    by_uri: dict[str, str] = {}
    by_ending: list[tuple[str, str]] = []
    by_prefix: set[str] = set()
    for name, document in documents.items():
        for short, written in (document.get("systems") or {}).items():
            place = f"{name}: system `{short}`"
            if not isinstance(written, dict) or written.keys() - {"uris", "match"}:
                raise MappingDefect("needs `uris` and, if it goes by prefix, `match: prefix`", place=place)
            if written.get("match", "exact") not in ("exact", "prefix"):
                raise MappingDefect("`match` is `exact` or `prefix`", place=place)
            if written.get("match") == "prefix":
                by_prefix.add(short)
            for uri in _strings(written.get("uris"), place):
                if uri.startswith("*"):
                    by_ending.append((uri[1:], short))
                elif by_uri.setdefault(uri, short) != short:
                    raise MappingDefect(f"`{uri}` is already `{by_uri[uri]}`", place=place)
    return CodeSystems(by_uri, tuple(by_ending), frozenset(by_prefix))


def _rule(written: Mapping[str, Any], name: str, systems: CodeSystems) -> LabelRule:
    place = f"{name}: rule `{written.get('id', '?')}`"
    if strange := written.keys() - _RULE_FIELDS:
        raise MappingDefect(f"unknown field `{min(map(str, strange))}`", place=place)
    for field in ("id", "because"):
        if not isinstance(written.get(field), str) or not written[field].strip():
            raise MappingDefect(f"needs `{field}`", place=place)
    if not _ID.fullmatch(written["id"]):
        raise MappingDefect("an id is lower-case words joined by `-`", place=place)
    gives = written.get("gives", {})
    if not isinstance(gives, dict) or gives.keys() - _GIVES:
        raise MappingDefect("`gives` is areas, sensitivity and confidentiality", place=place)
    words = _strings(written.get("words"), place)
    rule = LabelRule(
        id=written["id"],
        because=" ".join(written["because"].split()),
        areas=frozenset(_strings(gives.get("areas"), place)),
        sensitivity=frozenset(_strings(gives.get("sensitivity"), place)),
        confidentiality=gives.get("confidentiality"),
        types=frozenset(_strings(written.get("types"), place)),
        codes=frozenset(_codes(written.get("codes", {}), systems, place)),
        elements=frozenset(_strings(written.get("in"), place)),
        words=word_pattern(words) if words else None,
        follows=tuple(_strings(written.get("follows"), place)),
        takes=frozenset(_strings(written.get("takes"), place)),
        when=written.get("when"),
    )
    if fault := next(_faults(rule), None):
        raise MappingDefect(fault, place=place)
    return rule


def _faults(rule: LabelRule) -> Iterator[str]:
    """What is wrong with a rule whose fields are well-formed."""
    for area in sorted(rule.areas - {*AREAS, UNCLASSIFIED}):
        yield f"unknown area `{area}`"
    for code in sorted(rule.sensitivity - SENSITIVITY.keys()):
        yield f"`{code}` is not a sensitivity code of v3-ActCode"
    if rule.confidentiality is not None and rule.confidentiality not in CONFIDENTIALITY:
        yield "confidentiality is one of U, L, M, N, R, V"
    for kind in sorted(rule.types):
        if kind.split(".")[0] not in RESOURCE_TYPES or not _TYPE.fullmatch(kind):
            yield f"`{kind}` is not a resource type"
    yield from _structural_faults(rule)


def _structural_faults(rule: LabelRule) -> Iterator[str]:
    if rule.when is not None and rule.when not in _WHEN:
        yield "`when` is `default`, `nothing-known` or `sensitive`"
    if rule.takes - _GIVES or bool(rule.takes) != bool(rule.follows):
        yield "`follows` names elements, `takes` what they lend: areas, sensitivity, confidentiality"
    if not (rule.areas or rule.sensitivity or rule.confidentiality or rule.takes):
        yield "gives nothing"
    if not (rule.types or rule.codes or rule.words or rule.when):
        yield "matches everything: name types, codes or words"
    if rule.when == "default" and (rule.sensitivity or rule.confidentiality or not rule.types):
        yield "a default gives areas to named types, nothing else"
    if rule.when == "nothing-known" and (rule.areas != {UNCLASSIFIED} or not rule.types):
        yield "where nothing is known of a named type, it is `unclassified`"
    if rule.follows and (rule.codes or rule.words):
        yield "a rule that follows references goes by types alone"


def _codes(written: Any, systems: CodeSystems, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(written, dict):
        raise MappingDefect("`codes` is system: [codes]", place=place)
    known = {*systems.by_uri.values(), *(name for _, name in systems.by_ending)}
    for system, patterns in written.items():
        if system not in known:
            raise MappingDefect(f"unknown system `{system}`", place=place)
        for pattern in _strings(patterns, place):
            yield from ((system, code) for code in (expand(pattern) if system in systems.by_prefix else [pattern]))


def _items(written: Any, name: str) -> Sequence[Mapping[str, Any]]:
    items = [] if written is None else written
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MappingDefect("`rules` is a list of rules", place=name)
    return items


def _strings(written: Any, place: str) -> list[str]:
    items = [] if written is None else written
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise MappingDefect("expected a list of words (codes in quotes)", place=place)
    return items
