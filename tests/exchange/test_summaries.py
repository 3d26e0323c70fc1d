"""The patient summary of every client that the sample documents make: an IPS, whole and after redaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.fhir import codes
from hub.fhir.ips_profile import check
from hub.fhir.validate import errors
from hub.fhir.value import Resource
from tests.exchange.world import House, consent
from tests.fhir.corpus import files, needs_corpus

REQUIRED = {"11450-4", "48765-2", "10160-0"}
DOCUMENTS = [
    *(("gp", "fhir_rest", path) for path in files("ips", "*.json")),
    *(
        ("hospital", "cda", path)
        for path in [*files("cda", "*.xml"), *files("cda", "*.XML")]
        if "_sec_" not in path.name
    ),
]
"""(sender, adapter, file); sections alone are no documents."""


@pytest.fixture(params=DOCUMENTS, ids=lambda found: found[2].name)
def client(house: House, request: pytest.FixtureRequest) -> str:
    """The client whom one sample document is about, taken in as its sender would send it."""
    organisation, adapter, path = request.param
    assert isinstance(path, Path)
    answer = house.take(organisation, adapter, path.read_bytes(), name=path.name)
    with house.hub.store.reading() as tx:
        known = tx.received.list(1)[0].clients
    assert len(known) == 1, answer.note
    return known[0]


def agree(house: House, client: str, organisation: str, areas: tuple[str, ...], **more: Any) -> None:
    """The client's case manager holds their agreement with this organisation."""
    given = {**consent(client, organisation, areas, ("access", "disclose"), **more), "id": house.hub.ids()}
    with house.hub.store.writing() as tx:
        house.hub.recorder.write(tx, given, contributor="Organization/municipality", clients=[client])


def summary(house: House, organisation: str, client: str) -> Resource:
    """$summary as this organisation gets it."""
    return house.hub.reader.document(house.asker(organisation), client, "summary")


def sections(bundle: Resource) -> dict[str, Resource]:
    return {s["code"]["coding"][0]["code"]: s for s in bundle["entry"][0]["resource"]["section"]}


def must_be_ips(bundle: Resource) -> None:
    assert errors(bundle) == ()
    assert [str(f) for f in check(bundle) if f.severity == "error"] == []
    assert sections(bundle).keys() >= REQUIRED


@needs_corpus
def test_a_summary_is_a_valid_ips_whole_and_after_redaction(house: House, client: str) -> None:
    agree(house, client, "municipality", codes.AREAS)
    whole = summary(house, "municipality", client)
    must_be_ips(whole)
    sensitive = [{"system": codes.ACT_CODE, "code": c} for c in ("PSY", "HIV", "ETH", "SDV")]
    agree(house, client, "homecare", ("self-care", "plan"))
    agree(house, client, "social", ("health",), provision=[{"type": "deny", "securityLabel": sensitive}])
    some = summary(house, "homecare", client)
    must_be_ips(some)
    assert {sections(some)[c]["emptyReason"]["coding"][0]["code"] for c in REQUIRED} == {"withheld"}
    must_be_ips(summary(house, "social", client))
