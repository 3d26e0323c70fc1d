"""The rows of the table: what an exchange is made of, one call each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.clock import Timing, timed
from bench.samples import (
    ADMISSION,
    CONSENT,
    DISCHARGE,
    GOAL,
    ORGANISATION,
    PATIENT,
    consent_with,
    summary_of,
)
from hub.adapters.cda import reader as cda
from hub.adapters.hl7v2 import reader as hl7v2
from hub.adapters.sdk.contract import Received
from hub.bootstrap import bootstrap, knowledge
from hub.consent.computable import read_consent
from hub.consent.decide import bind
from hub.consent.labels import label
from hub.consent.model import AccessRequest, Basis, Record, World
from hub.consent.parts import parts_of
from hub.consent.redact import redact
from hub.exchange.ingest import Channel
from hub.fhir import text
from hub.fhir.validate import validate
from hub.mapping import interpret
from hub.security.keyring import Keyring
from hub.security.keys import HubKeys
from hub.settings import Settings

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Prague")


@dataclass(frozen=True, slots=False)
class Row:
    """One line: microseconds, and what they are held against."""

    what: str
    median: float
    least: float
    most: float
    floor: str = ""
    ratio: float = 0.0
    aim: str = ""


def rows(scratch: Path) -> Iterator[Row]:
    """Measure everything."""
    known = knowledge(Settings().mappings, Settings().time_zone)
    parsed = timed(lambda: json.loads(text.write(GOAL)))
    yield row("validate a Goal", timed(lambda: validate(GOAL)), floor=("json.loads of it", parsed), aim="<= 50 us")
    yield row("label a Goal", timed(lambda: label(GOAL, known.label_rules, lambda _: None)), aim="<= 100 us")
    yield from deciding(known)
    yield from mapping(known)
    yield from sealing()
    yield from writing(scratch, "SQLite", "")
    if url := os.environ.get("HUB_BENCH_POSTGRES_URL"):
        yield from writing(scratch, "PostgreSQL", url)


def deciding(known: object) -> Iterator[Row]:
    """Decisions and redaction."""
    rules = knowledge(Settings().mappings, Settings().time_zone)
    world = World({"Organization/gp": ORGANISATION, "Patient/p": PATIENT})
    consents = [read_consent(consent_with(n), world) for n in range(5)]
    request = AccessRequest(("Organization/gp",), "TREAT", "access", Basis.CONSENT)
    record = Record("Goal/g", "1", GOAL, label(GOAL, rules.label_rules, lambda _: None), frozenset({"Patient/p"}))
    whole = timed(lambda: bind(request, consents, world, at=AT, bases=rules.bases, zone=ZONE).decide(record))
    yield row("decide: 5 Consents x 10 provisions, all in one", whole, aim="<= 300 us")
    bound = bind(request, consents, world, at=AT, bases=rules.bases, zone=ZONE)
    yield row("decide: one more record, request bound", timed(lambda: bound.decide(record)), aim="<= 40 us")
    yield row("read a Consent with 10 provisions", timed(lambda: read_consent(CONSENT, world)), aim="<= 2 ms")
    document = summary_of(100)
    parts = parts_of(document, lambda _: None, rules.label_rules)
    labels = label(document, rules.label_rules, lambda _: None)
    held = Record("Bundle/b", "1", document, labels, frozenset({"Patient/p"}), parts=parts)
    decision = bound.decide(held)
    yield row(
        "redact a summary of 100 entries",
        timed(lambda: redact(held, decision, visible=lambda _: True)),
        aim="<= 10 ms",
    )


def mapping(known: object) -> Iterator[Row]:
    """From bytes to a validated Bundle."""
    library = knowledge(Settings().mappings, Settings().time_zone).library

    def of(body: bytes, read: Callable[..., object], id: str) -> Callable[[], object]:
        return lambda: interpret.run(library.find(id), read(body, name="sample"))  # type: ignore[arg-type]

    yield row("map an ADT^A01", timed(of(ADMISSION, hl7v2.read, "adt-to-fhir")), aim="<= 3 ms")
    size = f"{len(DISCHARGE) // 1024} KB"
    yield row(f"map a CDA discharge summary of {size}", timed(of(DISCHARGE, cda.read, "cda-to-ips")), aim="<= 60 ms")


def sealing() -> Iterator[Row]:
    """Keys per client."""
    keyring = Keyring(os.urandom(32))
    wrapped = {"Patient/p": keyring.new_client_key("Patient/p")}
    body = text.write(GOAL)
    sealed = keyring.seal(body, context="c", client_keys=wrapped)
    yield row("seal a record", timed(lambda: keyring.seal(body, context="c", client_keys=wrapped)), aim="<= 20 us")
    yield row("open a record", timed(lambda: keyring.open(sealed, context="c", client_keys=wrapped)), aim="<= 20 us")


def writing(scratch: Path, name: str, url: str) -> Iterator[Row]:
    """Take in a whole message: kept, mapped, identified, written, announced, audited; wall time, durable."""
    data = scratch / name
    data.mkdir()
    HubKeys.generate().save(data / "keys")
    hub = bootstrap(Settings(data=data, database_url=url))
    count = iter(range(10_000_000))

    def take() -> object:
        number = next(count)
        body = ADMISSION.replace(b"MSG00001", f"MSG{number:08d}".encode()).replace(b"123456", f"{number:06d}".encode())
        return hub.ingest.take(
            Channel("hospital", "hl7v2", "", {}, strict_ids=True), Received(body, "hl7v2", f"m{number}", "m")
        )

    yield row(f"take in an ADT^A01 of a new client, {name}", timed(take, wall=True), aim="")
    hub.close()


def row(what: str, timing: Timing, *, floor: tuple[str, Timing] | None = None, aim: str = "") -> Row:
    """A row beside its floor."""
    ratio = timing.median / floor[1].median if floor else 0.0
    return Row(what, timing.median, timing.least, timing.most, floor[0] if floor else "", ratio, aim)
