"""What is read is what was written: every resource of the sample files of a supported type, over HTTP.

A case manager writes each file about a client who agreed to everything, then reads it under that Consent, as their own
record, and as XML. Nothing may differ but the id and the stamps of the version; a decimal is compared as text.
`BREAKS_R4` and `BREAKS_A_RULE` are the proof of which are refused, and why.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from hub.fhir import text
from hub.fhir.registry import SUPPORTED
from hub.fhir.xml_read import read_xml
from tests.api.case import named
from tests.api.corpus_files import Entry, Resource, differences, entries, led, read, said, sample_files, write
from tests.api.service import Service, serving
from tests.conftest import ON_POSTGRESQL
from tests.exchange.world import INTAKE, Person, agreement, consent, furnished, patient

Refused = Mapping[str, tuple[str, ...]]
"""Entry of a file -> what is wrong with it."""

NO_DIV: Final = "cardinality: is required"
NO_XHTML: Final = "txt-1: is not well-formed XHTML: div line 1 column"

BREAKS_R4: Final[Mapping[str, Refused]] = {
    "CY_Andreas_Ioannou_02": {"/entry/0": tuple(f"/section/{n}/text/div {NO_DIV}" for n in range(7))},
    "EU_IPS_wylem_bars": {"/entry/0": (f"/section/7/text/div {NO_DIV}",)},
    "NL_Curavista_01": {
        "/entry/0": tuple(
            f"/section/{n}/text/div {NO_XHTML} {column}: not well-formed XML (document end)"
            for n, column in enumerate((523, 411, 1127, 943))
        )
    },
    "US_MEDITECH_ips_1": {
        "/entry/0": (
            "/custodian/reference type-Reference: is neither Type/id, nor absolute, nor #id",
            f"/section/4/text/div {NO_XHTML} 300: not well-formed XML (entityref semicol missing)",
        )
    },
}
"""Refused by R4: Narrative.div is 1..1, XHTML is well-formed XML (txt-1), a reference is one of three forms."""

BREAKS_A_RULE: Final[Mapping[str, Refused]] = {
    # an actor that nobody knows cannot be held to (docs/consent.md): it is an Organization of another server
    "r4_Consent-consent-example-notOrg": {"": (" Consent.provision.actor[0].reference: actor does not resolve",)},
}
"""Refused by a rule of the hub that is named."""

NO_AGREEMENT: Final = "a plan begins as `draft`, and is activated once the client agreed to it"
ON_POSTGRESQL_TOO: Final = ("KronIQ_CarePlan_example_1__English_", "NL_core_patient_01", "r4_CarePlan-f002")
BASES: Final = ("CONSENT", "OWN-RECORD")


@pytest.fixture(scope="module", params=["sqlite", ON_POSTGRESQL])
def open_hub(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    organisation_keys: tuple[dict[str, Path], Resource],
) -> Iterator[Service]:
    """One hub for all files that are written into one database."""
    folder = tmp_path_factory.mktemp("samples")
    url, server = f"sqlite:///{folder / 'hub.db'}", None
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "hub.db")
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create(request.getfixturevalue("postgres_template"))
    with furnished(folder, url, *organisation_keys) as house:
        house.connect()
        with serving(house) as service:
            yield service
    if server is not None:
        server.drop(url)


def written_files() -> list[object]:
    """Every file on SQLite, a sample of them on PostgreSQL."""
    paths = sample_files()
    if not paths:
        return [pytest.param("sqlite", None, marks=pytest.mark.skip(reason="the sample files are not here"))]
    marks = ON_POSTGRESQL.marks
    return [
        *(pytest.param("sqlite", path, id=path.stem) for path in paths),
        *(
            pytest.param("postgresql", path, id=f"{path.stem}-postgresql", marks=marks)
            for path in paths
            if path.stem in ON_POSTGRESQL_TOO
        ),
    ]


@dataclass
class Import:
    """One file on its way into the hub, as a case manager would bring it in."""

    served: Service
    path: Path
    client: str = ""
    sent: dict[str, Resource] = field(default_factory=dict)
    """Reference -> what was written there."""
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return sample_files().index(self.path)

    def run(self) -> None:
        """Write every entry of a supported type under a name of the organisation's own."""
        found = [e for e in entries(self.path) if e.type in SUPPORTED]
        self.introduce(next((e.resource for e in found if e.type == "Patient"), None))
        places = {
            e.place: self.client if e.type == "Patient" else f"{e.type}/municipality.{self.number}.{n}"
            for n, e in enumerate(found)
        }
        to = {name: places[e.place] for e in found for name in e.names}
        for entry in found:
            reference = places[entry.place]
            resource = {**led(entry.resource, to, self.client), "id": reference.split("/")[1]}
            answer = self.put(reference, resource)
            if answer.status_code in (200, 201):
                self.sent[reference] = resource
            else:
                assert answer.status_code == 422, answer.text
                self.refused[entry.place] = tuple(faults(answer))

    def introduce(self, known: Resource | None) -> None:
        """The client of the file, or an invented one, who agrees to everything."""
        told = known or patient(Person("Vzor", f"Ukázkový{self.number}", f"19{40 + self.number}-01-01"), number="")
        told = {**told, "identifier": [i for i in told.get("identifier", []) if i.get("value") != ""]}
        told = {key: value for key, value in told.items() if value != []}
        answer = self.send("POST", "/fhir/Patient", told)
        assert answer.status_code in (200, 201), answer.text
        self.client = named(answer)
        if answer.status_code == 201:
            shown = self.served.get("municipality", f"/fhir/{self.client}", basis="OWN-RECORD")
            assert differences(said(told), said(read(shown.content))) == []
        given = consent(self.client, "municipality", (), INTAKE)
        del given["provision"]["code"]
        assert self.send("POST", "/fhir/Consent", given).status_code == 201
        less = {"resourceType": "Patient", "id": self.client.split("/")[1], "active": True}
        assert self.send("PUT", f"/fhir/{self.client}", less).status_code == 200

    def put(self, reference: str, resource: Resource) -> httpx.Response:
        """Write one resource; a plan in force by the way that a plan comes into force."""
        answer = self.send("PUT", f"/fhir/{reference}", resource)
        if resource["resourceType"] != "CarePlan" or resource["status"] not in ("active", "completed"):
            return answer
        assert faults(answer) == [f" {reference}/status: {NO_AGREEMENT}"]
        draft = self.send("PUT", f"/fhir/{reference}", {**resource, "status": "draft"})
        agreed = self.send("POST", "/fhir/Consent", agreement(self.client, f"{reference}/_history/1"))
        assert (draft.status_code, agreed.status_code) == (201, 201)
        answer = self.send("PUT", f"/fhir/{reference}", {**resource, "status": "active"}, 'W/"1"')
        if resource["status"] == "completed":
            answer = self.send("PUT", f"/fhir/{reference}", resource, answer.headers["etag"])
        return answer

    def send(self, method: str, path: str, resource: Resource, if_match: str = "") -> httpx.Response:
        headers = {"If-Match": if_match} if if_match else {}
        return self.served.send("municipality", method, path, write(resource), headers=headers)


def faults(answer: httpx.Response) -> list[str]:
    """Every issue of a refusal: its place and its words."""
    return [f"{(i.get('expression') or [''])[0]} {i['diagnostics']}" for i in answer.json()["issue"]]


def shown(served: Service, reference: str) -> Iterator[tuple[str, Resource]]:
    """A record in every way that its author may read it."""
    for basis in BASES:
        answer = served.get("municipality", f"/fhir/{reference}", basis=basis)
        assert answer.status_code == 200, (reference, basis, answer.text)
        yield basis, read(answer.content)
    headers = {**served.headers("municipality"), "Accept": "application/fhir+xml"}
    answer = served.http.get(f"/fhir/{reference}", headers=headers)
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    yield "XML", read(text.write(read_xml(answer.content)))


@pytest.mark.parametrize(("open_hub", "path"), written_files(), indirect=["open_hub"])
def test_every_resource_of_a_file_is_read_as_it_was_written(open_hub: Service, path: Path) -> None:
    coming = Import(open_hub, path)
    if not entries(path):
        assert path.stem == "easynwk_Rosa_Braunsteigl-Mueller", "a file that is not FHIR"
        return
    coming.run()
    assert coming.refused == {**BREAKS_R4.get(path.stem, {}), **BREAKS_A_RULE.get(path.stem, {})}
    differ = {
        (reference, way): places
        for reference, sent in coming.sent.items()
        for way, got in shown(open_hub, reference)
        if (places := differences(said(sent), said(got)))
    }
    assert differ == {}
    assert len(coming.sent) + len(coming.refused) == len(entries(path)), "every type in the samples is supported"


def summaries() -> list[object]:
    found = [pytest.param("sqlite", path, id=path.stem) for path in sample_files() if path.parent.name == "ips"]
    return found or [pytest.param("sqlite", None, marks=pytest.mark.skip(reason="the sample files are not here"))]


@pytest.mark.parametrize(("open_hub", "path"), summaries(), indirect=["open_hub"])
def test_a_whole_summary_in_one_transaction_keeps_every_entry(open_hub: Service, path: Path) -> None:
    found = [e for e in entries(path) if e.place not in BREAKS_R4.get(path.stem, {})]
    [person] = [e.names[0] for e in found if e.type == "Patient"]
    sent = [prepared(entry, person) for entry in found]
    given = consent(person, "municipality", (), INTAKE)
    del given["provision"]["code"]
    posts = [posted(e.names[0], resource) for e, resource in zip(found, sent, strict=True)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [*posts, posted("urn:uuid:given", given)]}
    answer = open_hub.send("municipality", "POST", "/fhir", write(bundle))
    assert answer.status_code == 200, answer.text
    got = ["/".join(e["response"]["location"].split("/")[:2]) for e in answer.json()["entry"]]
    to = {name: reference for entry, reference in zip(found, got, strict=False) for name in entry.names}
    differ = {}
    for entry, resource, reference in zip(found, sent, got, strict=False):
        expected = said(resolved(resource, entry.names[0], to))
        for way, record in shown(open_hub, reference):
            if places := differences(expected, said(record)):
                differ[reference, way] = places
    assert differ == {}


def prepared(entry: Entry, person: str) -> Resource:
    """An entry about the person of the file; a plan as a draft, since nobody agreed to it yet."""
    resource: Resource = led(entry.resource, {}, person)
    return {**resource, "status": "draft"} if entry.type == "CarePlan" else resource


def posted(full_url: str, resource: Resource) -> Resource:
    return {"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def resolved(value: Any, full_url: str, to: Mapping[str, str]) -> Any:
    """What a transaction makes of links: by fullUrl, beside the entry, or by the id that an entry came with.

    https://hl7.org/fhir/R4/http.html#trules, https://hl7.org/fhir/R4/bundle.html#references
    """
    if isinstance(value, dict):
        return {key: resolved(item, full_url, to) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, full_url, to) for item in value]
    if not isinstance(value, str):
        return value
    base = full_url.rsplit("/", 2)[0] + "/" if full_url.startswith("http") else ""
    return to.get(value, to.get(base + value, value))
