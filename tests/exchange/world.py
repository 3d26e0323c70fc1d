"""A hub of its own for tests, with organisations that really listen, and the people and papers of a small case.

The clock is turned by the test, ids are drawn from a seed, counterparts are servers and folders on loopback. People
are invented: their birth numbers have the month raised by 70, which nobody born before 2004 was ever given.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.adapters.fhir_rest.tests.counterpart import Asked, FhirServer, Reply
from hub.adapters.sdk.contract import Answer, Received
from hub.bootstrap import Hub, bootstrap
from hub.consent.model import Basis
from hub.exchange.asker import Asker
from hub.exchange.connect import connect
from hub.exchange.ingest import Channel
from hub.exchange.organisations import member
from hub.exchange.pull import channel_of
from hub.fhir import codes, text
from hub.security.client_keys import generate_client_key
from hub.security.keys import HubKeys
from hub.settings import Settings
from hub.store.model import Delivery
from hub.worker import Worker

Resource = dict[str, Any]

CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
BIRTH_NUMBER = "https://ncez.mzcr.cz/fhir/sid/rcis"

ICO = {
    "municipality": "99000059", "hospital": "99000016", "gp": "99000024", "social": "99000032",
    "homecare": "99000041", "stranger": "99000067",
}  # fmt: skip
KINDS = {
    "municipality": "municipality", "hospital": "long-term-hospital", "gp": "gp", "social": "social-service",
    "homecare": "home-care", "stranger": "other",
}  # fmt: skip
EVERYTHING = tuple(area for area in codes.AREAS if area != "safeguarding")
INTAKE = ("collect", "access", "disclose", "correct")


class Clock:
    """The time that the test turns; it begins now, so that signed assertions are in time."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)


class Ids:
    """Ids that look random and are the same in every run; each seed has its own."""

    def __init__(self, seed: str = "one") -> None:
        self._seed = seed
        self._numbers = itertools.count()

    def __call__(self) -> str:
        return hashlib.sha256(f"{self._seed}-{next(self._numbers)}".encode()).hexdigest()[:26]


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    given: str = "Alžběta"
    family: str = "Zkušební"
    born: str = "1948-05-21"
    number: str = ""

    @property
    def birth_number(self) -> str:
        return self.number or birth_number(self.born, 11)


def birth_number(born: str, serial: int) -> str:
    """A birth number that is valid in form (divisible by 11), with a month nobody of that age has."""
    year, month, day = born.split("-")
    for number in itertools.count(serial):
        nine = f"{year[2:]}{int(month) + 70:02}{day}{number:03}"
        last = -int(nine + "0") % 11
        if last < 10:
            return f"{nine}{last}"
    raise AssertionError


CLIENT = Person()


class GpServer(FhirServer):
    """The GP's own FHIR server: answers a patient summary and takes what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.summary: Resource | None = None
        self.asked_for: list[str] = []
        self.override = self._answer

    def _answer(self, asked: Asked) -> Reply | None:
        if asked.path.endswith("$summary"):
            self.asked_for.append(asked.path)
            if self.summary is not None:
                return Reply(200, text.write(self.summary), {"Content-Type": "application/fhir+json"})
            return Reply(404, b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}')
        return None

    def bundles(self) -> list[Resource]:
        """What was handed over, in order, each once."""
        return [json.loads(body) for body in self.taken.values()]


@dataclass
class House:
    """A furnished hub with its surroundings."""

    folder: Path
    database_url: str
    clock: Clock
    keys: Mapping[str, Path]
    jwks: Mapping[str, Any]
    gp: GpServer
    homecare: GpServer
    social: Path
    hospital: Path
    hub: Hub = field(init=False)
    references: dict[str, str] = field(default_factory=dict)

    # -- the hub itself ------------------------------------------------------------------------------------------

    def start(self, seed: str = "one", **settings: Any) -> Hub:
        """Begin a hub process over the data that is there."""
        known = Settings(
            data=self.folder / "data", database_url=self.database_url, broker_url="memory://", **{"port": 0, **settings}
        )
        if not known.keys.is_dir():
            known.data.mkdir(parents=True, exist_ok=True)
            HubKeys.generate().save(known.keys)
        self.hub = bootstrap(known, clock=self.clock, ids=Ids(seed))
        return self.hub

    def restart(self, seed: str, **settings: Any) -> Hub:
        """End the process and begin another."""
        self.hub.close()
        return self.start(seed, **settings)

    def connect(self, *only: str, **changes: Mapping[str, Any]) -> None:
        """Connect the organisations of the case, or some of them."""
        entries = [(f"{id}.toml", {**self.entry(id), **changes.get(id, {})}) for id in (only or tuple(ICO))]
        connect(self.hub.store, self.hub.vault, self.hub.registry, entries, then=self.hub.rulebook.recompile)

    def entry(self, id: str) -> dict[str, Any]:
        """The entry of one organisation, as an operator would write it."""
        entry: dict[str, Any] = {
            "organisation": {
                "id": id, "name": f"Organizace {id}", "ico": ICO[id], "kind": KINDS[id], "register": "ico",
                "roles": ["case-manager"] if id == "municipality" else [],
            },
            "identity": {"systems": [system_of(id)]},
            "smart": {"jwks": self.jwks[id], "scopes": "system/*.cruds"},
        }  # fmt: skip
        if id == "hospital":
            entry["adapter"] = [
                {"id": "hl7v2", "directions": ["listen"], "encoding": "iso-8859-2",
                 "config": {"host": "127.0.0.1", "port": 0, "sending_facility": "LDNVZOROV"}},
                {"id": "cda", "directions": ["pull"],
                 "config": {"folder": str(self.hospital), "quiet_seconds": 0, "shown_names": ["*.xml"]}},
            ]  # fmt: skip
        if id == "gp":
            entry["adapter"] = [
                {"id": "fhir_rest", "directions": ["pull", "push"], "config": {"base_url": self.gp.base}}
            ]
            entry["items"] = {"push": ["plan"], "pull": ["summary"], "duty": ["discharge-report"]}
        if id == "homecare":
            entry["adapter"] = [{"id": "fhir_rest", "directions": ["push"], "config": {"base_url": self.homecare.base}}]
            entry["items"] = {"push": ["plan"]}
        if id == "social":
            entry["adapter"] = [
                {"id": "tabular", "directions": ["pull", "push"], "encoding": "windows-1250",
                 "config": {"folder": str(self.social), "quiet_seconds": 0, "shown_names": ["*.csv"]}}
            ]  # fmt: skip
            entry["items"] = {"push": ["plan"]}
        return entry

    # -- what people and systems do ------------------------------------------------------------------------------

    @property
    def client(self) -> str:
        return self.references["client"]

    def asker(self, id: str = "municipality", *, purpose: str = "COC", basis: Basis = Basis.CONSENT) -> Asker:
        """Somebody of an organisation, as a token would name them."""
        roles = frozenset({"case-manager"}) if id == "municipality" else frozenset[str]()
        return Asker(id, purpose, basis, roles=roles)

    def introduce(self, person: Person = CLIENT, *, by: str = "municipality", number: str = "K-1") -> str:
        """An organisation tells the hub of a client."""
        reference = self.hub.writer.create(self.asker(by), patient(person, by, number)).reference
        self.references.setdefault("client", reference)
        return reference

    def agree(self, organisation: str, areas: Sequence[str], *actions: str, **more: Any) -> str:
        """The case manager captures what the client agreed to; the reference of the Consent."""
        given = consent(self.client, organisation, areas, actions or ("access", "disclose"), **more)
        written = self.hub.writer.create(self.asker(), given)
        self.references[f"consent:{organisation}"] = written.reference
        return written.reference

    def intake(self) -> None:
        """The client is registered, and agrees that the case manager gathers and writes down what is needed."""
        self.introduce()
        self.agree("municipality", EVERYTHING, *INTAKE)

    def change(self, reference: str, by: str = "municipality", **elements: Any) -> None:
        """Read, edit, write back; None takes an element out."""
        type, id = reference.split("/")
        seen = self.hub.reader.read(self.asker(by), type, id)
        edited = {k: v for k, v in {**seen.resource, **elements}.items() if v is not None}
        self.hub.writer.update(self.asker(by), edited, if_match=seen.source_version)

    def withdraw(self, organisation: str, areas: Sequence[str]) -> None:
        """The client takes areas out of a Consent, or revokes it where none is left."""
        reference = self.references[f"consent:{organisation}"]
        current = self.hub.reader.read(self.asker(), *reference.split("/")).resource
        left = [c for c in current["provision"]["code"] if c["coding"][0]["code"] not in areas]
        if left:
            self.change(reference, provision={**current["provision"], "code": left})
        else:
            self.change(reference, status="inactive")

    def draft(self, areas: Sequence[str], team: Sequence[str] = ("gp", "social", "homecare")) -> None:
        """The case manager drafts a plan with a goal and an activity in each of these areas."""
        self.hub.transactions.run(self.asker(), *signed(plan_bundle(self.client, areas, team)))
        with self.hub.store.reading() as tx:
            found = tx.records.of_client(self.client, {"CarePlan", "CareTeam", "Goal"})
            for sealed in found:
                resource = self.hub.vault.open_resource(tx, sealed)
                key = sealed.type.lower()
                if sealed.type == "Goal":
                    key = f"goal:{resource['category'][0]['coding'][0]['code']}"
                self.references[key] = sealed.reference

    def activate(self) -> None:
        """The client agrees to the draft as it stands, and it comes into force."""
        type, id = self.references["careplan"].split("/")
        version = self.hub.reader.read(self.asker(), type, id).source_version
        self.hub.writer.create(self.asker(), agreement(self.client, f"{type}/{id}/_history/{version}"))
        self.change(self.references["careplan"], status="active")

    def plan(self, areas: Sequence[str], team: Sequence[str] = ("gp", "social", "homecare")) -> None:
        """Draft, agreement, activation."""
        self.draft(areas, team)
        self.activate()

    def channel(self, id: str, adapter: str) -> Channel:
        """The channel by which an organisation's adapter takes in."""
        with self.hub.store.reading() as tx:
            entry = tx.organisations.read(id)
        assert entry is not None
        return channel_of(member(entry), adapter)

    def take(self, id: str, adapter: str, body: bytes, **more: Any) -> Answer:
        """What an organisation's system sent comes in."""
        format = {"fhir_rest": "fhir"}.get(adapter, adapter)
        fields = {"message_id": f"sha256:{hashlib.sha256(body).hexdigest()}", "name": f"{adapter}-message", **more}
        return self.hub.ingest.take(self.channel(id, adapter), Received(body, format, **fields))

    # -- the hub at work -----------------------------------------------------------------------------------------

    def expand(self) -> int:
        """Turn outbox events into deliveries; how many events there were."""
        with self.hub.store.writing() as tx:
            events = tx.outbox.claim(50, self.clock(), timedelta(minutes=1))
        for event in events:
            self.hub.announcer.expand(event)
        return len(events)

    def carry(self) -> None:
        """Announce and deliver until nothing is due."""
        worker = Worker(self.hub)
        while self.expand() or worker.send_due():
            pass

    def deliveries(self, organisation: str = "", item: str = "", state: str = "") -> list[Delivery]:
        """The ledger, oldest first."""
        with self.hub.store.reading() as tx:
            rows = tx.deliveries.list()
        return [
            d for d in rows
            if organisation in ("", d.organisation) and item in ("", d.item) and state in ("", str(d.state))
        ]  # fmt: skip

    def stored(self, reference: str) -> Resource:
        """What is really stored, whoever may see it."""
        with self.hub.store.reading() as tx:
            sealed = tx.records.read(*reference.split("/"))
            assert sealed is not None
            return self.hub.vault.open_resource(tx, sealed)

    def of_client(self, *types: str, client: str = "") -> list[Resource]:
        """What is really stored of a client."""
        with self.hub.store.reading() as tx:
            found = tx.records.of_client(client or self.client, set(types) or None)
            return [self.hub.vault.open_resource(tx, sealed) for sealed in found]

    def journal(self) -> str:
        """Everything in the audit journal."""
        return "".join(p.read_text("utf-8") for p in sorted(self.hub.settings.journal.glob("*.jsonl")))


@contextmanager
def furnished(folder: Path, database_url: str, keys: Mapping[str, Path], jwks: Mapping[str, Any]) -> Iterator[House]:
    """A house with its counterparts up, and nobody in it yet."""
    gp, homecare = GpServer(), GpServer()
    folders = {}
    for name in ("social", "hospital"):
        folders[name] = (folder / name).resolve()
        for inside in ("in", "out"):
            (folders[name] / inside).mkdir(parents=True)
    house = House(folder, database_url, Clock(), keys, jwks, gp, homecare, folders["social"], folders["hospital"])
    house.start()
    try:
        yield house
    finally:
        house.hub.close()
        gp.close()
        homecare.close()


def new_keys(folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """A signing key for every organisation: private files, public sets."""
    files = {id: folder / f"{id}.jwk" for id in ICO}
    return files, {id: generate_client_key(file) for id, file in files.items()}


# -- papers ----------------------------------------------------------------------------------------------------------


def system_of(organisation: str) -> str:
    """The system of an organisation's own client numbers."""
    return f"https://{organisation}.example/sid/client-number"


def patient(person: Person = CLIENT, organisation: str = "municipality", number: str = "K-1") -> Resource:
    """A person as an organisation knows them."""
    told: Resource = {
        "resourceType": "Patient",
        "identifier": [
            {"system": BIRTH_NUMBER, "value": person.birth_number},
            {"system": system_of(organisation), "value": number},
        ],
        "name": [{"family": person.family, "given": [person.given]}],
        "gender": "female",
        "birthDate": person.born,
    }
    if organisation == "municipality":
        told["generalPractitioner"] = [{"reference": "Organization/gp"}]
    return told


def area(code: str) -> Resource:
    """An area of life as a CodeableConcept."""
    return {"coding": [{"system": codes.CARE_AREA, "code": code}]}


def consent(
    client: str,
    organisation: str,
    areas: Sequence[str],
    actions: Sequence[str] = ("access", "disclose"),
    **more: Any,
) -> Resource:
    """The client lets an organisation know these areas of their life."""
    actor = {
        "role": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]},
        "reference": {"reference": f"Organization/{organisation}"},
    }
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": client},
        "dateTime": "2026-11-01",
        "performer": [{"reference": client}],
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]},
        "provision": {
            "type": "permit",
            "actor": [actor],
            "action": [{"coding": [{"system": CONSENT_ACTION, "code": code}]} for code in actions],
            "purpose": [{"system": ACT_REASON, "code": code} for code in ("COC", "TREAT")],
            "code": [area(code) for code in areas],
            **more,
        },
    }


def agreement(client: str, version: str) -> Resource:
    """The client's agreement to one version of a plan."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "treatment"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": client},
        "dateTime": "2026-11-02",
        "performer": [{"reference": client}],
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]},
        "sourceAttachment": {"title": "podpis"},
        "provision": {"type": "permit", "data": [{"meaning": "instance", "reference": {"reference": version}}]},
    }


def goal(client: str, of: str, said: str = "") -> Resource:
    """A goal in one area of life."""
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "accepted",
        "category": [area(of)],
        "description": {"text": said or f"ZN-CIL-{of.upper()}"},
        "subject": {"reference": client},
    }


def urn(name: str) -> str:
    """A fullUrl that is the same however often it is asked."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def plan_resources(client: str, areas: Sequence[str], team: Sequence[str]) -> dict[str, Resource]:
    """A draft plan with its team and goals, by fullUrl."""
    goals = {urn(f"goal-{a}"): goal(client, a) for a in areas}
    members = [{"member": {"reference": f"Organization/{id}"}} for id in (*team, "municipality")]
    return {
        **goals,
        urn("team"): {
            "resourceType": "CareTeam",
            "status": "active",
            "subject": {"reference": client},
            "participant": [{"role": [{"text": "člen"}], **m} for m in members],
        },
        urn("plan"): {
            "resourceType": "CarePlan",
            "status": "draft",
            "intent": "plan",
            "subject": {"reference": client},
            "careTeam": [{"reference": urn("team")}],
            "goal": [{"reference": url} for url in goals],
            "activity": [
                {
                    "detail": {
                        "kind": "Task",
                        "code": area(a),
                        "status": "scheduled",
                        "description": f"ZN-CIN-{a.upper()}",
                    }
                }
                for a in areas
            ],
        },
    }


def plan_bundle(client: str, areas: Sequence[str], team: Sequence[str]) -> Resource:
    """The draft as one transaction."""
    return transaction(plan_resources(client, areas, team), key="draft")


def transaction(resources: Mapping[str, Resource], *, key: str = "") -> Resource:
    """A transaction Bundle of creates."""
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
            for url, resource in resources.items()
        ],
    }
    if key:
        bundle["identifier"] = {"system": "urn:ietf:rfc:3986", "value": f"urn:test:{key}"}
    return bundle


def signed(bundle: Resource) -> tuple[Resource, bytes]:
    """A Bundle and its bytes."""
    return bundle, text.write(bundle)


CSV_HEADER = (
    "Číslo klienta;Jméno;Příjmení;Rodné číslo;Datum narození;Oblast;Zjištění;Hodnota;Jednotka;Služba;Datum;Poznámka"
)


def table(*rows: str) -> bytes:
    """A social service's export, in its software's own character set."""
    return "\r\n".join((CSV_HEADER, *rows, "")).encode("windows-1250")


def row(of: str, what: str, value: str, note: str, person: Person = CLIENT, number: str = "0042") -> str:
    """One finding of an export."""
    year, month, day = person.born.split("-")
    rc = f"{person.birth_number[:6]}/{person.birth_number[6:]}"
    who = f"{number};{person.given};{person.family};{rc};{day}.{month}.{year}"
    return f"{who};{of};{what};{value};;;01.11.2026;{note}"


def adt(event: str, message_id: str, person: Person = CLIENT, *, number: str = "LDN-7", more: str = "") -> bytes:
    """An ADT message of a long-term hospital."""
    born = person.born.replace("-", "")
    end = "20261116090000" if event == "A03" else ""
    lines = (
        f"MSH|^~\\&|HIS|LDNVZOROV|HUB|CASEHUB|20261116090000||ADT^{event}^ADT_A01|{message_id}|P|2.5.1||||||8859/2",
        f"EVN|{event}|20261116090000",
        f"PID|1||{number}^^^LDNVZOROV^PI~{person.birth_number}^^^RC||{person.family}^{person.given}||{born}|F",
        f"PV1|1|I|LDN^12^1||||||||||||||||V-{number}|||||||||||||||||||||||||20261001080000|{end}",
    )
    return "".join(f"{line}\r" for line in lines).encode("iso-8859-2") + more.encode("iso-8859-2")


CDA_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.10.20.22.1.8" extension="2015-08-01"/>
  <id root="2.999.1" extension="{document}"/>
  <code code="18842-5" codeSystem="2.16.840.1.113883.6.1" displayName="Discharge summary"/>
  <title>Propouštěcí zpráva</title>
  <effectiveTime value="20261116101500+0100"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="cs-CZ"/>
"""
CDA_PATIENT = """  <recordTarget><patientRole>
    <id root="1.2.203.24341.1.15.1.1" extension="{birth_number}"/>
    <id root="2.999.99000016" extension="{number}"/>
    <patient>
      <name><given>{given}</given><family>{family}</family></name>
      <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
      <birthTime value="{born}"/>
    </patient>
  </patientRole></recordTarget>
"""
CDA_BODY = """  <component><structuredBody><component><section>
    <code code="48765-2" codeSystem="2.16.840.1.113883.6.1" displayName="Allergies"/>
    <title>Alergie</title>
    <text><list><item ID="a1">{allergy}</item></list></text>
    <entry><act classCode="ACT" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.22.4.30" extension="2015-08-01"/>
      <id root="2.999.2" extension="ALG-1"/>
      <code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>
      <entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
        <templateId root="2.16.840.1.113883.10.20.22.4.7" extension="2014-06-09"/>
        <id root="2.999.2" extension="ALG-1-O"/>
        <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
        <statusCode code="completed"/>
        <value xsi:type="CD" code="416098002" codeSystem="2.16.840.1.113883.6.96" displayName="Allergy to drug"/>
        <participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">
          <code code="J01CE01" codeSystem="2.16.840.1.113883.6.73" displayName="{allergy}"/>
        </playingEntity></participantRole></participant>
      </observation></entryRelationship>
    </act></entry>
  </section></component></structuredBody></component>
</ClinicalDocument>
"""


def cda(allergy: str = "ZN-ALERGIE", person: Person | None = CLIENT, *, document: str = "PZ-1") -> bytes:
    """A discharge summary with one allergy; without a patient where `person` is None."""
    head = CDA_HEAD.format(document=document)
    who = ""
    if person is not None:
        who = CDA_PATIENT.format(
            birth_number=person.birth_number, number="LDN-7", given=person.given, family=person.family,
            born=person.born.replace("-", ""),
        )  # fmt: skip
    return (head + who + CDA_BODY.format(allergy=allergy)).encode()


def ips(*resources: Resource, person: Person = CLIENT, number: str = "P-0815") -> Resource:
    """A patient summary of the GP: the patient and what is given, each entry by its fullUrl."""
    about = urn("patient")
    told = {**patient(person, "gp", number), "id": "p-1"}
    entries = [{"fullUrl": about, "resource": told}]
    for position, resource in enumerate(resources):
        entries.append({"fullUrl": urn(f"entry-{position}"), "resource": {**resource, **_subject(resource, about)}})
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5"}]},
        "subject": {"reference": about},
        "date": "2026-11-10",
        "author": [{"display": "Ordinace"}],
        "title": "Souhrn",
        "section": [
            {
                "title": "Problémy",
                "code": {"coding": [{"system": "http://loinc.org", "code": "11450-4"}]},
                "entry": [{"reference": e["fullUrl"]} for e in entries[1:]],
            }
        ],
    }
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, number)}"},
        "timestamp": "2026-11-10T08:00:00Z",
        "entry": [{"fullUrl": urn("composition"), "resource": composition}, *entries],
    }


def condition(said: str) -> Resource:
    """A problem in words."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
        },
        "code": {"text": said},
    }


def _subject(resource: Resource, about: str) -> Resource:
    element = "patient" if resource["resourceType"] in ("AllergyIntolerance", "Immunization", "Consent") else "subject"
    return {element: {"reference": about}}
