"""A hub of its own with one client's exchange in it, played through the hub's real use cases.

Three organisations exchange files in drop folders; the municipality's case manager writes the plan and captures what
the client agreed to. The clock is turned by the story, so that the page has something to tell.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from hub.adapters.sdk.contract import Received
from hub.bootstrap import Hub, bootstrap
from hub.consent.model import Basis
from hub.demo import consents, marks, plan
from hub.demo.cast import CLIENT, GP, HOMECARE, HOSPITAL, MUNICIPALITY, RODNE_CISLO, SOCIAL, Organisation
from hub.exchange.asker import Asker
from hub.exchange.connect import connect
from hub.exchange.ingest import Channel
from hub.exchange.overview import Overview
from hub.fhir import text
from hub.security.keys import HubKeys
from hub.settings import Settings
from hub.worker import Worker

EXPORT = resources.files("hub.demo") / "files" / "social-export.csv"
BEGIN = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
ROLES = {MUNICIPALITY.id: ["case-manager"]}
VIEWER = Asker(MUNICIPALITY.id, "COC", Basis.CONSENT, roles=frozenset({"case-manager"}))


class Clock:
    """The time that the story turns."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)


@dataclass
class House:
    """A furnished hub, and what the story wrote down: references by name."""

    hub: Hub
    clock: Clock
    references: dict[str, str]

    @property
    def client(self) -> str:
        return self.references["client"]

    def overview(self) -> Overview:
        """What the case manager may see."""
        seen = self.hub.overviews.of(VIEWER, self.client)
        assert seen is not None
        return seen

    def introduce(
        self,
        *,
        given: str = CLIENT.given,
        family: str = CLIENT.family,
        number: str = MUNICIPALITY.client_number,
        rodne_cislo: str = CLIENT.rodne_cislo,
    ) -> None:
        """The case manager registers a client, who agrees to the intake."""
        patient = plan.patient()
        patient["name"] = [{"use": "official", "family": family, "given": [given]}]
        patient["identifier"] = [
            {"system": RODNE_CISLO, "value": rodne_cislo},
            {"system": MUNICIPALITY.client_system, "value": number},
        ]
        told = Asker(MUNICIPALITY.id, "COC", Basis.OWN_RECORD, roles=VIEWER.roles)
        self.references["client"] = self.hub.writer.create(told, patient).reference
        self.clock.later(minutes=20)
        self.capture("intake", consents.INTAKE)

    def transact(self, name: str, entries: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        """One transaction of the case manager."""
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:test:{self.client}:{name}"},
            "entry": [
                {
                    "fullUrl": full_url,
                    "resource": dict(resource),
                    "request": {"method": "POST", "url": resource["resourceType"]},
                }
                for full_url, resource in entries.values()
            ],
        }
        answer = self.hub.transactions.run(VIEWER, bundle, text.write(bundle))
        for one, entry in zip(entries, answer["entry"], strict=True):
            self.references[one] = entry["response"]["location"].partition("/_history/")[0]

    def capture(self, name: str, agreement: consents.Agreement) -> None:
        """Capture the client's Consent for one organisation."""
        consent = consents.consent(self.client, agreement, at=self.clock.now.date().isoformat())
        self.transact(name, {name: (urn(name), consent)})

    def change(self, name: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Read, edit and write back."""
        type, id = self.references[name].split("/")
        seen = self.hub.reader.read(VIEWER, type, id)
        self.hub.writer.update(VIEWER, edit(dict(seen.resource)), if_match=seen.source_version)

    def carry(self) -> None:
        """Let the hub announce and deliver until nothing is due."""
        worker = Worker(self.hub)
        while True:
            with self.hub.store.writing() as tx:
                events = tx.outbox.claim(50, self.clock.now, timedelta(minutes=1))
            for event in events:
                self.hub.announcer.expand(event)
            if not worker.send_due() and not events:
                return


def urn(name: str) -> str:
    """A fullUrl that is the same however often it is asked."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def new_hub(folder: Path, *, viewer: str, clock: Clock) -> Hub:
    """An initialised hub with five organisations connected; nobody's data in it."""
    settings = Settings(data=folder / "data", page_viewer=viewer, base_url="", broker_url="memory://")
    settings.data.mkdir(parents=True)
    HubKeys.generate().save(settings.keys)
    hub = bootstrap(settings, clock=clock)
    entries = [(f"{one.id}.toml", entry(one, folder)) for one in (MUNICIPALITY, HOSPITAL, GP, SOCIAL, HOMECARE)]
    connect(hub.store, hub.vault, hub.registry, entries)
    return hub


def entry(one: Organisation, folder: Path) -> dict[str, Any]:
    """An organisation that exchanges tables in a folder; the municipality works in the hub itself."""
    about: dict[str, Any] = {
        "organisation": {"id": one.id, "name": one.name, "ico": one.ico, "kind": one.kind,
                         "roles": ROLES.get(one.id, []), "register": "ico"},
        "identity": {"systems": [one.client_system]},
    }  # fmt: skip
    if one not in (MUNICIPALITY, HOSPITAL):
        where = folder / one.id
        for part in ("in", "out"):
            (where / part).mkdir(parents=True)
        about["adapter"] = [
            {"id": "tabular", "directions": ["pull", "push"], "encoding": "windows-1250",
             "config": {"folder": str(where.resolve())}}
        ]  # fmt: skip
        about["items"] = {"push": ["plan"]}
    return about


def play(house: House, *, given: str = CLIENT.given, family: str = CLIENT.family) -> None:
    """The story: intake, an export, the plan and its agreement, sharing, a withdrawal, a change."""
    hub, clock = house.hub, house.clock
    house.introduce(given=given, family=family)
    clock.later(hours=3)
    take_export(house)
    house.carry()
    clock.later(days=1)
    draft = plan.draft(house.client, urn, begin="2026-11-05", review="2027-05-05")
    house.transact("draft", {name: (urn(name), resource) for name, resource in draft.items()})
    clock.later(hours=5)
    agree(house)
    for agreement in consents.SHARING:
        clock.later(minutes=4)
        house.capture(agreement.organisation.id, agreement)
    house.carry()
    clock.later(hours=2)
    hub.reader.document(Asker(GP.id, "TREAT", Basis.CONSENT), house.client, "social-summary")
    clock.later(days=3)
    house.change(HOMECARE.id, lambda now: consents.without_areas(now, ["finance"]))
    house.carry()
    clock.later(days=1, hours=2)
    house.change(
        "goal:self-care",
        lambda now: {**now, "description": {"text": f"Koupání dvakrát týdně ({marks.CHANGED_CARE.text})"}},
    )
    house.carry()


def take_export(house: House) -> None:
    """The social service's export comes in through its folder's channel."""
    body = EXPORT.read_text("utf-8").encode("cp1250")
    answer = house.hub.ingest.take(
        Channel(SOCIAL.id, "tabular", "", {"organisation": SOCIAL.id}),
        Received(body, "tabular", secrets.token_hex(8), "export.csv", encoding="windows-1250"),
    )
    assert answer.outcome in ("accepted", "partly"), answer


def agree(house: House) -> None:
    """The client agrees to this very draft, and the plan comes into force."""
    type, id = house.references["plan"].split("/")
    version = house.hub.reader.read(VIEWER, type, id).source_version
    agreement = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": consents.CONSENT_SCOPE, "code": "treatment"}]},
        "category": [{"coding": [{"system": consents.LOINC, "code": "59284-0"}]}],
        "patient": {"reference": house.client},
        "dateTime": house.clock.now.date().isoformat(),
        "performer": [{"reference": house.client}],
        "policyRule": {"coding": [{"system": plan.ACT_CODE, "code": "OPTIN"}]},
        "sourceAttachment": {"title": "Podpis"},
        "provision": {
            "type": "permit",
            "data": [{"meaning": "instance", "reference": {"reference": f"{type}/{id}/_history/{version}"}}],
        },
    }
    house.transact("agreement", {"agreement": (urn("agreement"), agreement)})
    house.change("plan", lambda now: {**now, "status": "active"})
