"""The check of IPS 2.0.0: every published Bundle of the corpus with the faults it really has, and each rule alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.fhir import text
from hub.fhir.codes import DATA_ABSENT_EXTENSION
from hub.fhir.ips_profile import check
from hub.fhir.summary import patient_summary
from hub.fhir.value import Resource
from tests.fhir.corpus import files, needs_corpus
from tests.fhir.test_summary import PATIENT, RECORDS, WHEN
from tests.fhir.test_validate import OBSERVATION, concept

NO_TEXT = ("Composition-uv-ips", "/entry/0/resource/section/{}/text")
ERRORS: dict[str, set[tuple[str, str]]] = {
    "CY_249867.json": {("Composition-uv-ips", "/entry/0/resource/section")},
    "CY_Andreas_Ioannou_02.json": {(NO_TEXT[0], NO_TEXT[1].format(n)) for n in range(7)},
    "EU_IPS_wylem_bars.json": {(NO_TEXT[0], NO_TEXT[1].format(7))},
    "US_MEDITECH_ips_1.json": {
        ("Bundle-uv-ips", "/type"),
        ("Bundle-uv-ips", "/identifier"),
        ("Bundle-uv-ips", "/timestamp"),
        ("document", "/entry/0/resource/custodian"),
        *(("Bundle-uv-ips", f"/entry/{n}/search") for n in range(60)),
    },
}
"""What is wrong with the published Bundles: one lacks its medication section, two have sections without narrative,
one is the answer of a search; every other one is an IPS.
"""


def made(records: list[Resource] | None = None, **more: Any) -> Resource:
    """A summary of the hub's own."""
    return patient_summary(PATIENT, RECORDS if records is None else records, **{**WHEN, **more})


def wrong(bundle: Resource) -> set[tuple[str, str]]:
    """(rule, place) of every error."""
    return {(fault.rule, fault.path) for fault in check(bundle) if fault.severity == "error"}


@needs_corpus
@pytest.mark.parametrize("sample", files("ips", "*.json"), ids=lambda path: path.name)
def test_every_published_summary_has_the_faults_that_it_really_has(sample: Path) -> None:
    bundle = text.read(sample.read_bytes(), name=sample.name)
    assert wrong(bundle) == ERRORS.get(sample.name, set())


def test_what_the_hub_makes_is_an_ips() -> None:
    assert wrong(made()) == set()
    assert check(made([])) == []
    assert check(made(withheld={"health", "self-care", "plan"})) == []


def composition(bundle: Resource) -> Any:
    return bundle["entry"][0]["resource"]


def section(bundle: Resource, code: str) -> Any:
    return next(s for s in composition(bundle)["section"] if s["code"]["coding"][0]["code"] == code)


def without(code: str) -> Callable[[Resource], None]:
    """A break: the section is taken out."""

    def take_out(bundle: Resource) -> None:
        composition(bundle)["section"].remove(section(bundle, code))

    return take_out


BREAKS: dict[str, tuple[Callable[[Resource], Any], str]] = {
    "no problems": (without("11450-4"), "Composition-uv-ips"),
    "no allergies": (without("48765-2"), "Composition-uv-ips"),
    "no medication": (without("10160-0"), "Composition-uv-ips"),
    "neither entry nor reason": (lambda b: section(b, "48765-2").pop("entry"), "ips-comp-1"),
    "a section twice": (
        lambda b: composition(b)["section"].append(copy.deepcopy(section(b, "8716-3"))), "Composition-uv-ips",
    ),
    "no narrative": (lambda b: section(b, "8716-3").pop("text"), "Composition-uv-ips"),
    "no title": (lambda b: section(b, "8716-3").pop("title"), "Composition-uv-ips"),
    "a section in a section": (
        lambda b: section(b, "8716-3").update(section=[{"title": "x"}]), "Composition-uv-ips",
    ),
    "the wrong kind of entry": (
        lambda b: section(b, "11450-4").update(entry=section(b, "48765-2")["entry"]), "Composition-uv-ips",
    ),
    "another type of document": (
        lambda b: composition(b)["type"]["coding"][0].update(code="34133-9"), "Composition-uv-ips",
    ),
    "no subject": (lambda b: composition(b).pop("subject"), "Composition-uv-ips"),
    "a subject who is no patient": (
        lambda b: composition(b).update(subject=composition(b)["author"][0]), "Composition-uv-ips",
    ),
    "an author who is not there": (
        lambda b: composition(b).update(author=[{"reference": "urn:uuid:nobody"}]), "document",
    ),
    "no identifier": (lambda b: b.pop("identifier"), "Bundle-uv-ips"),
    "no timestamp": (lambda b: b.pop("timestamp"), "Bundle-uv-ips"),
    "a collection": (lambda b: b.update(type="collection"), "Bundle-uv-ips"),
    "no fullUrl": (lambda b: b["entry"][1].pop("fullUrl"), "Bundle-uv-ips"),
    "a fullUrl of something else": (
        lambda b: b["entry"][3].update(fullUrl="https://x.example/fhir/Patient/other"), "Bundle-uv-ips",
    ),
    "a request": (lambda b: b["entry"][1].update(request={"method": "GET", "url": "x"}), "Bundle-uv-ips"),
    "two Compositions": (
        lambda b: b["entry"].append({"fullUrl": "urn:uuid:c2", "resource": copy.deepcopy(composition(b))}),
        "bdl-ips-1",
    ),
    "two patients": (
        lambda b: b["entry"].append({"fullUrl": "urn:uuid:p2", "resource": PATIENT}), "Bundle-uv-ips",
    ),
    "a patient without a birth date": (
        lambda b: [b["entry"][1]["resource"].pop(k, None) for k in ("birthDate", "_birthDate")], "Patient-uv-ips",
    ),
    "a patient without a name": (lambda b: b["entry"][1]["resource"].pop("name"), "Patient-uv-ips"),
    "a patient whose name says nothing": (
        lambda b: b["entry"][1]["resource"].update(name=[{"use": "official"}]), "ips-pat-1",
    ),
    "the Composition not first": (lambda b: b["entry"].reverse(), "Bundle-uv-ips"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_summary_is_caught_by_the_rule_it_breaks(name: str) -> None:
    spoil, rule = BREAKS[name]
    bundle = copy.deepcopy(made())
    assert bundle["entry"][1]["resource"]["resourceType"] == "Patient"
    spoil(bundle)
    assert rule in {found for found, _ in wrong(bundle)}


def test_a_client_of_whom_neither_name_nor_birth_date_is_known_has_a_valid_summary() -> None:
    unknown: Resource = {"resourceType": "Patient", "id": "p1"}
    bundle = patient_summary(unknown, [], **WHEN)
    assert check(bundle) == []
    told = bundle["entry"][1]["resource"]
    assert told["_birthDate"]["extension"][0] == {"url": DATA_ABSENT_EXTENSION, "valueCode": "unknown"}


def test_a_time_that_nobody_knows_is_said_to_be_unknown() -> None:
    bundle = made()
    taken = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationStatement")
    assert taken["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_goals_scores_and_a_pregnancy_stand_where_ips_lets_them() -> None:
    goal: Resource = {
        "resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "subject": {"reference": "Patient/p1"},
        "description": {"text": "Walk to the shop"},
    }  # fmt: skip
    expecting = {**OBSERVATION, "id": "o9", "code": concept("http://loinc.org", "82810-3")}
    bundle = made([*RECORDS, goal, expecting])
    assert wrong(bundle) == set()
    assert "entry" in section(bundle, "61146-7")
    assert "entry" in section(bundle, "assessments")
    assert "entry" in section(bundle, "10162-6")


def test_the_check_does_not_stumble_over_anything() -> None:
    for odd in ({}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": [1, {}, {"resource": 3}]}):
        assert check(odd)
