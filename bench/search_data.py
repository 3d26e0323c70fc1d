"""A store with many clients, made up: what search is measured on, and thirty ways to ask.

Index rows look like those of real records (docs/performance.md says of which), content is a few bytes that nobody
opens: what is measured is finding. `fill` makes the same clients each time; `python -m bench.search_data URL CLIENTS`
fills a database and prints what each shape takes.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from hub.fhir.search_parameters import fold
from hub.fhir.search_query import (
    Chain,
    Condition,
    DateValue,
    Has,
    Include,
    QuantityValue,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    Term,
    TokenValue,
)
from hub.store.model import IndexRow, RecordDraft, SealedContent, StoredLabels
from hub.store.sight import Sight, SightSpec
from hub.store.store import Store

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
FAMILIES = [first + last for first in ("Nov", "Svob", "Dvoř", "Čern", "Proch", "Kuč", "Vesel") for last in (
    "ák", "oda", "ský", "ý", "ázka", "era", "an", "ík", "ec", "án")]  # fmt: skip
GIVEN = ("Anna", "Božena", "Cyril", "Dana", "Emil", "František", "Hana", "Ivan", "Jana", "Karel")
CITIES = ("Praha", "Brno", "Ostrava", "Plzeň", "Liberec", "Olomouc", "Zlín", "Tábor")
CHUNK = 500
LABELS = StoredLabels("N", (), ("health",), "bench")
CONTENT = SealedContent(b"nonce", b"ciphertext " * 40, (("hub", b"wrapped"),))


def fill(store: Store, clients: int, *, first: int = 0, wards: int = 40) -> int:
    """Add clients numbered from `first`; how many index rows that took."""
    rows = 0
    for start in range(first, first + clients, CHUNK):
        drafts = [one for number in range(start, min(start + CHUNK, first + clients)) for one in client(number, wards)]
        with store.writing() as tx:
            tx.records.append_new(drafts)
        rows += sum(len(one.index) for one in drafts)
    return rows


def ident(kind: str, number: int) -> str:
    """An id as the hub gives them: random to look at, the same each time."""
    return hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:26]


def client(number: int, wards: int = 40) -> Iterator[RecordDraft]:
    """One client: the Patient, five observations, two conditions, an encounter, a plan with a goal."""
    dice = random.Random(number)
    patient = f"Patient/{ident('Patient', number)}"
    ward = f"Organization/{ident('ward', number % wards)}"
    born = _day(dice.randrange(365 * 90) - 365 * 90)
    yield _draft("Patient", number, patient, ward, _patient(dice, number, ward, born))
    for no in range(5):
        day = _day(-dice.randrange(365 * 3))
        number_ = float(dice.randrange(40, 220))
        yield _draft("Observation", number * 5 + no, patient, ward, [
            *_common(patient, ward, "subject"),
            IndexRow("code", "token", LOINC, f"code-{min(dice.randrange(60), dice.randrange(60))}"),
            IndexRow("status", "token", "", "final"),
            IndexRow("category", "token", "", dice.choice(("vital-signs", "laboratory", "survey"))),
            IndexRow("date", "date", start=day, end=day),
            IndexRow("value-quantity", "quantity", UCUM, "mm[Hg]", low=number_, high=number_),
        ])  # fmt: skip
    for no in range(2):
        day = _day(-dice.randrange(365 * 10))
        yield _draft("Condition", number * 2 + no, patient, ward, [
            *_common(patient, ward, "subject"),
            IndexRow("code", "token", SNOMED, f"sct-{dice.randrange(2000)}"),
            IndexRow("clinical-status", "token", "", dice.choice(("active", "active", "resolved"))),
            IndexRow("onset-date", "date", start=day, end=day),
        ])  # fmt: skip
    day = -dice.randrange(365 * 3)
    yield _draft("Encounter", number, patient, ward, [
        *_common(patient, ward, "subject"),
        IndexRow("status", "token", "", "finished"),
        IndexRow("date", "date", start=_day(day), end=_day(day + dice.randrange(20))),
    ])  # fmt: skip
    goal = f"Goal/{ident('Goal', number)}"
    yield _draft("CarePlan", number, patient, ward, [
        *_common(patient, ward, "subject"),
        IndexRow("status", "token", "", dice.choice(("active", "completed"))),
        IndexRow("category", "token", SNOMED, dice.choice(("housing", "health", "finance"))),
        IndexRow("date", "date", start=_day(day), end="9999-12-31T23:59:59.999999+00:00"),
        IndexRow("goal", "reference", "", goal),
    ])  # fmt: skip
    yield _draft("Goal", number, patient, ward, [
        *_common(patient, ward, "subject"),
        IndexRow("lifecycle-status", "token", "", dice.choice(("active", "on-hold", "completed"))),
    ])  # fmt: skip


def _patient(dice: random.Random, number: int, ward: str, born: str) -> list[IndexRow]:
    family, given, city = dice.choice(FAMILIES), dice.choice(GIVEN), dice.choice(CITIES)
    hashed = hashlib.sha256(f"number {number}".encode()).hexdigest()
    return [
        IndexRow("identifier", "token", "urn:oid:1.2.203", hashed),
        IndexRow("family", "string", family, fold(family)),
        IndexRow("given", "string", given, fold(given)),
        *(IndexRow("name", "string", word, fold(word)) for word in (family, given)),
        IndexRow("gender", "token", "", dice.choice(("female", "male"))),
        IndexRow("birthdate", "date", start=born, end=born),
        IndexRow("address-city", "string", city, fold(city)),
        IndexRow("organization", "reference", "", ward),
    ]


def _common(patient: str, ward: str, subject: str) -> list[IndexRow]:
    return [
        IndexRow(subject, "reference", "", patient),
        IndexRow("patient", "reference", "", patient),
        IndexRow("performer", "reference", "", ward),
    ]


def _draft(type: str, number: int, patient: str, ward: str, index: list[IndexRow]) -> RecordDraft:
    at = AT - timedelta(minutes=(number * 7919) % 1_000_000)
    return RecordDraft(
        type, ident(type, number), 1, at, CONTENT, f"{type}{number}", (patient,), LABELS, ward, index=tuple(index)
    )


def _day(days: int) -> str:
    return (AT + timedelta(days=days)).isoformat(timespec="microseconds")


def shapes(number: int) -> dict[str, Query]:
    """Thirty ways to ask, by name; `number` is a client that there is."""
    patient = f"Patient/{ident('Patient', number)}"
    ward = f"Organization/{ident('ward', number % 40)}"
    hashed = hashlib.sha256(f"number {number}".encode()).hexdigest()

    def token(type: str, param: str, code: str, system: str | None = None, modifier: str = "") -> Term:
        return Term(type, param, "token", modifier, (TokenValue(system, code),))

    def refers(type: str, param: str, reference: str) -> Term:
        return Term(type, param, "reference", "", (ReferenceValue(reference),))

    def word(param: str, text: str, modifier: str = "") -> Term:
        return Term("Patient", param, "string", modifier, (StringValue(text),))

    def date(type: str, param: str, prefix: str, start: int, end: int) -> Term:
        return Term(type, param, "date", "", (DateValue(prefix, _day(start), _day(end)),))  # type: ignore[arg-type]

    def find(type: str, *conditions: Condition, **other: object) -> Query:
        return Query((type,), conditions, **other)  # type: ignore[arg-type]

    more = QuantityValue("gt", 180.0, 180.0)
    loinc = token("Observation", "code", "code-7", LOINC)
    mine = refers("Observation", "patient", patient)
    newest = (Sort("date", "date", True),)
    return {
        "by id": find("Patient", token("Patient", "_id", ident("Patient", number))),
        "by identifier": find("Patient", token("Patient", "identifier", hashed)),
        "by family name": find("Patient", word("family", "novak")),
        "by start of a name": find("Patient", word("name", "svo")),
        "by exact name": find("Patient", word("family", "Černec", "exact")),
        "by part of a name": find("Patient", word("name", "ázk", "contains")),
        "by family and given name": find("Patient", word("family", "novak"), word("given", "hana")),
        "by birth date": find("Patient", date("Patient", "birthdate", "eq", -20000, -19999)),
        "by name and birth year": find(
            "Patient", word("family", "kucera"), date("Patient", "birthdate", "eq", -20000, -19635)
        ),
        "by gender": find("Patient", token("Patient", "gender", "female")),
        "by gender and city": find("Patient", token("Patient", "gender", "female"), word("address-city", "brno")),
        "not of a gender": find("Patient", token("Patient", "gender", "female", modifier="not")),
        "all of a type": find("Condition"),
        "all by name": find("Patient", word("address-city", "tabor"), sort=(Sort("family", "string"),)),
        "of a ward": find("Patient", refers("Patient", "organization", ward)),
        "a client's observations": find("Observation", mine),
        "a client's newest": find("Observation", mine, sort=newest),
        "a client's by code": find("Observation", mine, loinc),
        "a client's since a day": find("Observation", mine, date("Observation", "date", "ge", -300, -300)),
        "a client's plans, active": find(
            "CarePlan", refers("CarePlan", "patient", patient), token("CarePlan", "status", "active")
        ),
        "a compartment": Query(("Observation", "Condition", "Encounter"), (), compartment=patient),
        "by common code": find("Observation", loinc),
        "by rare code": find("Condition", token("Condition", "code", "sct-7", SNOMED)),
        "by two codes": find(
            "Observation", Term("Observation", "code", "token", "",
            (TokenValue(LOINC, "code-7"), TokenValue(LOINC, "code-8"))),
        ),
        "by code and value": find(
            "Observation", loinc, Term("Observation", "value-quantity", "quantity", "", (more,))
        ),
        "by code and day": find("Observation", loinc, date("Observation", "date", "eq", -41, -40)),
        "by day": find("Encounter", date("Encounter", "date", "ge", -3, -3)),
        "by name of the client": find(
            "Condition", Chain("Condition", "patient", ("Patient",), (word("family", "prochec"),))
        ),
        "by what is known of them": find("Patient", Has("Patient", "Condition", "patient",
            token("Condition", "code", "sct-9", SNOMED))),
        "changed since": find("Goal", date("Goal", "_lastUpdated", "gt", -1, -1)),
        "with what it refers to": find(
            "CarePlan", token("CarePlan", "category", "housing"), includes=(Include("CarePlan", "goal"),)
        ),
    }  # fmt: skip


def measure(store: Store, clients: int, *, sight: Sight | None = None, rounds: int = 15) -> dict[str, float]:
    """The median of each shape in milliseconds, over as many clients as rounds; the first one is not counted."""
    eye = sight or Sight(SightSpec("all", AT))
    took: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        for name, query in shapes((turn * 7919) % clients).items():
            with store.reading() as tx:
                begun = time.perf_counter()
                page = tx.search.page(query, eye)
                tx.search.included([one.reference for one in page.records], query.includes, eye, cap=500)
                if turn:
                    took.setdefault(name, []).append((time.perf_counter() - begun) * 1000)
    return {name: statistics.median(each) for name, each in took.items()}


def main(url: str, clients: int) -> None:
    """Fill a database, and print what each shape takes."""
    count: Callable[[], str] = iter(map(str, range(1_000_000))).__next__
    store = Store.open(url, clock=lambda: AT, ids=count)
    store.migrate()
    begun = time.perf_counter()
    rows = fill(store, clients)
    print(f"{clients} clients, {rows} index rows in {time.perf_counter() - begun:.0f} s")
    for name, median in measure(store, clients).items():
        print(f"{name:32}{median:9.2f} ms")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
