"""Index rows at random, and what a query finds in them, worked out in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.fhir.search_parameters import fold
from hub.fhir.search_query import (
    Chain,
    CompositeValue,
    Condition,
    DateValue,
    Has,
    InSet,
    NumberValue,
    QuantityValue,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    Term,
    TokenValue,
    UriValue,
)
from hub.store.model import IndexRow, RecordDraft
from tests.store.samples import NOON, draft

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
CODES, SYSTEMS = ("a", "b", "A", "c%", "_c"), (SNOMED, LOINC, "")
WORDS = ("Novák", "Nováková", "Nov", "Černý", "100%", "O'Hara_x", "Zelený Antonín")
URIS = ("http://h.example/fhir", "http://h.example/fhir/ValueSet", "http://h.example/fhir/ValueSet/1", "urn:oid:1.2")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
PATIENT, OBSERVATION = "Patient", "Observation"
DAY = timedelta(days=1)


def moment(days: float) -> str:
    return (NOON + timedelta(days=days)).isoformat(timespec="microseconds")


@dataclass
class Kept:
    """One record as the test knows it."""

    type: str
    id: str
    at: datetime
    first_at: datetime
    rows: tuple[IndexRow, ...]
    deleted: bool = False

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    def drafts(self) -> Iterable[RecordDraft]:
        common = {"type": self.type, "clients": ()}
        yield draft(self.id, 1, at=self.first_at, index=(IndexRow("code", "token", SNOMED, "old"),), **common)
        yield draft(self.id, 2, at=self.at, index=self.rows, deleted=self.deleted, **common)


@dataclass
class World:
    """A few patients with observations; every parameter kind that there is."""

    dice: random.Random
    records: list[Kept] = field(default_factory=list)

    @classmethod
    def rolled(cls, seed: int, size: int = 24) -> World:
        world = cls(random.Random(seed))
        ids = world.dice.sample([f"{letter}{number}" for letter in "abxyZ" for number in range(size)], size)
        patients = [f"{PATIENT}/{id}" for id in ids[: size // 3]]
        for id in ids[: size // 3]:
            world._add(PATIENT, id, world._patient_rows())
        for id in ids[size // 3 :]:
            world._add(OBSERVATION, id, world._observation_rows(patients))
        return world

    def _add(self, type: str, id: str, rows: list[IndexRow]) -> None:
        first = NOON + timedelta(days=self.dice.randint(-9, 0))
        at = first + timedelta(days=self.dice.randint(0, 9))
        self.records.append(Kept(type, id, at, first, tuple(dict.fromkeys(rows)), self.dice.random() < 0.1))

    def _patient_rows(self) -> list[IndexRow]:
        d = self.dice
        rows = [IndexRow("name", "string", word, fold(word)) for word in d.choices(WORDS, k=d.randint(0, 2))]
        rows += [IndexRow("gender", "token", "", d.choice(("female", "male")))] * d.randint(0, 1)
        rows += [self._date("birthdate")] * d.randint(0, 1)
        return rows

    def _observation_rows(self, patients: Sequence[str]) -> list[IndexRow]:
        d = self.dice
        rows = [IndexRow("code", "token", d.choice(SYSTEMS), d.choice(CODES)) for _ in range(d.randint(0, 3))]
        rows += [IndexRow("subject", "reference", "", d.choice(patients)) for _ in range(d.randint(0, 2))]
        rows += [self._date("date") for _ in range(d.randint(0, 2))]
        rows += [self._quantity("value-quantity") for _ in range(d.randint(0, 2))]
        rows += [IndexRow("url", "uri", "", d.choice(URIS)) for _ in range(d.randint(0, 1))]
        for tie in range(1, d.randint(1, 3)):
            rows.append(IndexRow("pair$0", "token", SNOMED, d.choice(CODES), tie=tie))
            rows.append(IndexRow("pair$1", "number", low=(n := float(d.randint(0, 5))), high=n, tie=tie))
        return rows

    def _date(self, param: str) -> IndexRow:
        start = self.dice.randint(-6, 6)
        return IndexRow(param, "date", start=moment(start), end=moment(start + self.dice.choice((0, 0, 1, 4))))

    def _quantity(self, param: str) -> IndexRow:
        low = float(self.dice.randint(0, 6))
        return IndexRow(
            param, "quantity", "http://unitsofmeasure.org", self.dice.choice(("mg", "kg")),
            low=low, high=low + self.dice.choice((0, 0, 2)),
        )  # fmt: skip

    def query(self) -> Query:
        """A search at random."""
        d = self.dice
        type = d.choice((PATIENT, OBSERVATION, OBSERVATION))
        conditions = tuple(self.condition(type) for _ in range(d.choice((0, 1, 1, 2, 3))))
        sorts = {
            PATIENT: (Sort("name", "string"), Sort("gender", "token"), Sort("birthdate", "date")),
            OBSERVATION: (Sort("date", "date"), Sort("code", "token"), Sort("value-quantity", "quantity")),
        }[type] + (Sort("_lastUpdated", "date"), Sort("_id", "token"))
        chosen = tuple(Sort(one.param, one.kind, d.random() < 0.5) for one in d.sample(sorts, d.choice((0, 0, 1, 2))))
        compartment = d.choice(self.records).reference if d.random() < 0.1 else ""
        types: tuple[str, ...] = (type,) if d.random() < 0.9 else (PATIENT, OBSERVATION)
        count = d.choice((1, 2, 3, 100))
        return Query(types, conditions, chosen, count=count, compartment=compartment)

    def condition(self, type: str, depth: int = 0) -> Condition:
        d = self.dice
        common: list[Callable[[], Condition]] = [
            lambda: InSet(tuple(r.reference for r in d.choices(self.records, k=d.randint(0, 4)))),
            lambda: Term(type, "_id", "token", d.choice(("", "not")), self._ids()),
            lambda: Term(type, "_lastUpdated", "date", "", tuple(self._dates())),
        ]
        own: dict[str, list[Callable[[], Condition]]] = {
            PATIENT: [
                lambda: Term(type, "name", "string", d.choice(("", "exact", "contains")), self._words()),
                lambda: Term(type, "gender", "token", d.choice(("", "not")), (TokenValue(None, "female"),)),
                lambda: Term(type, "birthdate", "date", "", tuple(self._dates())),
                lambda: Term(type, "name", "string", "missing", (TokenValue(None, d.choice(("true", "false"))),)),
            ],
            OBSERVATION: [
                lambda: Term(type, "code", "token", d.choice(("", "", "not")), self._tokens()),
                lambda: Term(type, "subject", "reference", "", self._references()),
                lambda: Term(type, "date", "date", "", tuple(self._dates())),
                lambda: Term(type, "value-quantity", "quantity", "", self._quantities()),
                lambda: Term(type, "url", "uri", d.choice(("", "above", "below")), (UriValue(d.choice(URIS)),)),
                lambda: Term(
                    type, "pair", "composite", "", (self._pair(),), (("pair$0", "token"), ("pair$1", "number"))
                ),
                lambda: Term(type, "date", "date", "missing", (TokenValue(None, d.choice(("true", "false"))),)),
            ],
        }
        if depth < 2:
            inner = {PATIENT: OBSERVATION, OBSERVATION: PATIENT}[type]
            own[OBSERVATION].append(lambda: Chain(type, "subject", (inner,), (self.condition(inner, depth + 1),)))
            own[PATIENT].append(lambda: Has(type, inner, "subject", self.condition(inner, depth + 1)))
        return d.choice(common + own[type] * 2)()

    def _ids(self) -> tuple[TokenValue, ...]:
        return tuple(TokenValue(None, r.id) for r in self.dice.choices(self.records, k=2))

    def _words(self) -> tuple[StringValue, ...]:
        return tuple(
            StringValue(self.dice.choice((*WORDS, "nov", "%", "_", "ANT"))) for _ in range(self.dice.randint(1, 2))
        )

    def _tokens(self) -> tuple[TokenValue, ...]:
        d = self.dice
        return tuple(
            TokenValue(d.choice((None, *SYSTEMS)), d.choice((*CODES, *CODES, None))) for _ in range(d.randint(1, 3))
        )

    def _references(self) -> tuple[ReferenceValue, ...]:
        return tuple(ReferenceValue(r.reference) for r in self.dice.choices(self.records, k=self.dice.randint(1, 3)))

    def _dates(self) -> Iterable[DateValue]:
        for _ in range(self.dice.choice((1, 1, 2))):
            start = self.dice.randint(-7, 7)
            yield DateValue(self._prefix(), moment(start), moment(start + self.dice.choice((0, 1, 3))))

    def _quantities(self) -> tuple[QuantityValue, ...]:
        d, low = self.dice, float(self.dice.randint(0, 6))
        return (QuantityValue(self._prefix(), low, low + d.choice((0, 1)), None, d.choice((None, "mg"))),)

    def _pair(self) -> CompositeValue:
        number = float(self.dice.randint(0, 5))
        code = TokenValue(SNOMED, self.dice.choice(CODES))
        return CompositeValue((code, NumberValue(self._prefix(), number, number)))

    def _prefix(self) -> Any:
        return self.dice.choice(PREFIXES)


class Plain:
    """The same search, by looking at everything."""

    def __init__(self, records: Sequence[Kept]) -> None:
        self._all = {r.reference: r for r in records if not r.deleted}

    def find(self, query: Query) -> list[str]:
        found = [
            r
            for r in sorted(self._all.values(), key=lambda r: r.reference)
            if r.type in query.types
            and all(self.meets(r, c) for c in query.conditions)
            and (not query.compartment or self._within(r, query.compartment))
        ]
        for sort in reversed(query.sort):
            found = self._sorted(found, sort)
        return [r.reference for r in found]

    def meets(self, r: Kept, condition: Condition) -> bool:
        match condition:
            case InSet():
                return r.reference in condition.references
            case Chain():
                named = [self._all.get(i.value) for i in r.rows if i.param == condition.param]
                inner = dict(zip(condition.targets, condition.inner, strict=True))
                return any(t and t.type in inner and self.meets(t, inner[t.type]) for t in named)
            case Has():
                return any(
                    s.type == condition.source
                    and any(i.param == condition.param and i.value == r.reference for i in s.rows)
                    and self.meets(s, condition.inner)
                    for s in self._all.values()
                )
        return self._term(r, condition)

    def _term(self, r: Kept, term: Term) -> bool:
        rows = [i for i in r.rows if i.param == term.param]
        if term.modifier == "missing":
            wanted = {value.code for value in term.values if isinstance(value, TokenValue)}
            return ("false" if rows else "true") in wanted
        if term.param == "_id":
            found = any(isinstance(v, TokenValue) and v.code == r.id for v in term.values)
        elif term.param == "_lastUpdated":
            at = r.at.astimezone(UTC).isoformat(timespec="microseconds")
            found = any(_spans(v.prefix, v.start, v.end, at, at) for v in term.values if isinstance(v, DateValue))
        elif term.components:
            ties = {i.tie for i in r.rows if i.param == term.components[0][0]}
            found = any(
                all(
                    any(i.param == name and i.tie == tie and _has(i, part, "") for i in r.rows)
                    for (name, _), part in zip(term.components, value.parts, strict=True)
                )
                for value in term.values
                if isinstance(value, CompositeValue)
                for tie in ties
            )
        else:
            found = any(_has(i, value, term.modifier) for i in rows for value in term.values)
        return found != (term.modifier == "not")

    def _within(self, r: Kept, patient: str) -> bool:
        return r.reference == patient or any(i.param == "subject" and i.value == patient for i in r.rows)

    def _sorted(self, records: list[Kept], sort: Sort) -> list[Kept]:
        def value(r: Kept) -> Any:
            if sort.param in ("_lastUpdated", "_id"):
                return r.at if sort.param == "_lastUpdated" else r.id
            column = {"date": "start", "quantity": "low"}.get(sort.kind, "value")
            values = [getattr(i, column) for i in r.rows if i.param == sort.param]
            return (max if sort.descending else min)(values) if values else None

        there = sorted((r for r in records if value(r) is not None), key=value, reverse=sort.descending)
        return there + [r for r in records if value(r) is None]


def _has(i: IndexRow, value: Any, modifier: str) -> bool:
    match value:
        case TokenValue():
            return value.system in (None, i.system) and value.code in (None, i.value)
        case StringValue():
            word = fold(value.text)
            if modifier == "exact":
                return i.system == value.text
            return word in i.value if modifier == "contains" else i.value.startswith(word)
        case ReferenceValue():
            return i.value == value.reference
        case DateValue():
            return _spans(value.prefix, value.start, value.end, i.start, i.end)
        case NumberValue():
            return _spans(value.prefix, value.low, value.high, i.low, i.high)
        case QuantityValue():
            return value.code in (None, i.value) and _spans(value.prefix, value.low, value.high, i.low, i.high)
        case UriValue():
            if modifier == "below":
                return (i.value + "/").startswith(value.uri + "/") if "://" in value.uri else i.value == value.uri
            if modifier == "above":
                return (value.uri + "/").startswith(i.value + "/") if "://" in value.uri else i.value == value.uri
            return i.value == value.uri
    raise AssertionError(value)


def _spans(prefix: str, low: Any, high: Any, start: Any, end: Any) -> bool:
    within = low <= start and end <= high
    return {
        "eq": within,
        "ne": not within,
        "gt": end > high,
        "lt": start < low,
        "ge": end > high or within,
        "le": start < low or within,
        "sa": start > high,
        "eb": end < low,
        "ap": start <= high and end >= low,
    }[prefix]
