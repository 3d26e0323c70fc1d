"""Properties of redaction over generated and real documents: idempotent, nothing added, nothing dangling."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.model import Part, Record
from hub.consent.redact import redact
from hub.consent.redact_references import references_in
from hub.fhir.codes import ACT_CODE, CARE_AREA, LOINC, SECTION
from hub.fhir.text import read, write
from hub.fhir.validate import validate
from hub.fhir.value import Resource
from tests.consent.labelled import decision, outside, record

DOCUMENTS = sorted((Path(__file__).parents[3] / "shared" / "corpus" / "ips").glob("*.json"))
SECTIONS = {
    "health": (LOINC, "11450-4"),
    "finance": (SECTION, "finance"),
    "housing": (SECTION, "housing"),
    "family": (SECTION, "family"),
}
AREAS = sorted(SECTIONS)
WITHIN = st.sampled_from(AREAS)
ANNA = {"reference": "urn:uuid:anna", "display": "Anna"}
GENERATED = {
    "div",
    "status",
    "system",
    "code",
    "title",
    "lang",
    "display",
    "url",
    "valueCode",
    "confidentiality",
}
"""Elements that redaction may write: narrative, empty reasons, standard titles, lowered labels, masks."""


@st.composite
def resources(draw: st.DrawFn, number: int, count: int) -> tuple[str, Resource]:
    """One resource with a canary of its own, and references to others by literal, display and extension."""
    canary = f"CANARY{number}X"
    others = draw(st.lists(st.integers(0, count - 1), max_size=3))
    references = [{"reference": f"urn:uuid:{n}", "display": f"CANARY{n}X named"} for n in others if n != number]
    area = {"coding": [{"system": CARE_AREA, "code": draw(WITHIN)}]}
    coded = {"text": f"{canary} code"}
    kind, specific = draw(
        st.sampled_from(
            [
                ("Observation", {"status": "final", "code": coded, "subject": ANNA, "focus": references}),
                (
                    "Condition",
                    {"code": coded, "subject": ANNA, "evidence": [{"detail": [one]} for one in references]},
                ),
                (
                    "Goal",
                    {
                        "lifecycleStatus": "active",
                        "description": coded,
                        "subject": ANNA,
                        "addresses": references,
                    },
                ),
                (
                    "Task",
                    {"status": "ready", "intent": "plan", "code": coded, "for": ANNA, "basedOn": references},
                ),
                ("Device", {"type": coded, "patient": ANNA}),
            ]
        )
    )
    resource: Resource = {
        "resourceType": kind,
        "id": f"r{number}",
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{canary} text</div>',
        },
        "identifier": [{"system": "urn:ids", "value": f"{canary}-id"}],
        "extension": [{"url": "urn:link", "valueReference": reference} for reference in references],
        **specific,
    }
    match kind:
        case "Task":
            resource["reasonCode"] = area
            resource["input"] = [{"type": {"text": canary}, "valueReference": one} for one in references]
        case "Observation" | "Condition" | "Goal":
            resource["category"] = [area]
    if draw(st.booleans()):
        resource["meta"] = {"security": [{"system": ACT_CODE, "code": "PSY"}]}
    return canary, {key: value for key, value in resource.items() if value}


@st.composite
def documents(draw: st.DrawFn) -> Resource:
    count = draw(st.integers(1, 6))
    made = [draw(resources(number, count)) for number in range(count)]
    sections: list[dict[str, Any]] = []
    for area in draw(st.lists(WITHIN, min_size=1, max_size=4, unique=True)):
        system, code = SECTIONS[area]
        inside = draw(st.lists(st.integers(0, count - 1), max_size=4, unique=True))
        section: dict[str, Any] = {"title": code, "code": {"coding": [{"system": system, "code": code}]}}
        if inside:
            section["entry"] = [{"reference": f"urn:uuid:{n}", "display": f"CANARY{n}X entry"} for n in inside]
        mentioned = " ".join(f"CANARY{n}X told" for n in inside)
        section["text"] = {
            "status": "additional",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">.{mentioned}</div>',
        }
        sections.append(section)
    everybody = " ".join(canary for canary, _ in made)
    composition = {
        "resourceType": "Composition",
        "id": "composition",
        "status": "final",
        "type": {"coding": [{"system": LOINC, "code": "60591-5"}]},
        "subject": ANNA,
        "date": "2026-11-21",
        "author": [{"reference": "urn:uuid:anna"}],
        "title": everybody,
        "section": sections,
    }
    entries = [
        ("composition", composition),
        ("anna", {"resourceType": "Patient", "id": "anna", "active": True}),
    ]
    entries += [(str(number), resource) for number, (_, resource) in enumerate(made)]
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:doc"},
        "timestamp": "2026-11-21T10:00:00+01:00",
        "entry": [{"fullUrl": f"urn:uuid:{name}", "resource": resource} for name, resource in entries],
    }


def seen_by(of: Record, hides: Callable[[Part], bool]) -> Resource:
    return redact(of, decision(of, hides), visible=lambda _reference: True)


def errors(resource: Resource) -> set[tuple[str, str]]:
    return {(fault.rule, fault.text) for fault in validate(resource) if fault.severity == "error"}


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, value


def hidden_entries(of: Record, hides: Callable[[Part], bool]) -> set[int]:
    pointers = (part.pointer.split("/") for part in of.parts if hides(part))
    return {int(steps[2]) for steps in pointers if len(steps) == 3}


@settings(max_examples=150, deadline=None)
@given(documents(), st.sets(WITHIN))
def test_nothing_of_a_hidden_entry_is_in_the_bytes(document: Resource, areas: set[str]) -> None:
    of = record(document)
    hides = outside(*areas, "plan")
    text = write(seen_by(of, hides))
    for number in hidden_entries(of, hides):
        assert f"CANARY{number - 2}X".encode() not in text
        assert f'"urn:uuid:{number - 2}"'.encode() not in text


@settings(max_examples=150, deadline=None)
@given(documents(), st.sets(WITHIN))
def test_redacting_again_changes_nothing(document: Resource, areas: set[str]) -> None:
    hides = outside(*areas, "plan")
    once = seen_by(record(document), hides)
    assert seen_by(record(once), hides) == once


@settings(max_examples=150, deadline=None)
@given(documents(), st.sets(WITHIN))
def test_redaction_adds_nothing_leaves_it_valid_and_its_input_alone(document: Resource, areas: set[str]) -> None:
    before = copy.deepcopy(document)
    seen = seen_by(record(document), outside(*areas, "plan"))
    assert document == before
    assert {leaf for leaf in leaves(seen) if leaf[0] not in GENERATED} <= set(leaves(document))
    assert errors(seen) <= errors(document)


@settings(max_examples=60, deadline=None)
@given(documents())
def test_a_document_of_which_everything_may_be_seen_is_the_same_document(document: Resource) -> None:
    assert seen_by(record(document), lambda _part: False) is document


@settings(max_examples=100, deadline=None)
@given(documents(), st.sets(WITHIN))
def test_what_is_hidden_makes_no_difference_to_what_is_seen(document: Resource, areas: set[str]) -> None:
    """Two documents that differ only in the words of hidden entries look the same."""
    hides = outside(*areas, "plan")
    of = record(document)
    other = copy.deepcopy(document)
    for number in hidden_entries(of, hides):
        name = f"CANARY{number - 2}X"
        other = read(write(other).replace(name.encode(), b"SOMETHINGELSE"))
    assert write(seen_by(record(other), hides)) == write(seen_by(of, hides))


@pytest.mark.skipif(not DOCUMENTS, reason="the sample documents are not beside this checkout")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", ["Condition", "Medication", "AllergyIntolerance", "Observation", "everything"])
def test_real_documents_keep_their_validity_and_show_nothing_hidden(path: Path, kind: str) -> None:
    document = read(path.read_bytes())
    of = record(document)

    def hides(part: Part) -> bool:
        steps = part.pointer.split("/")
        if len(steps) != 3:
            return kind == "everything"
        entry = of.resource["entry"][int(steps[2])] if of.resource is document else {}
        held = str(entry.get("resource", {}).get("resourceType", ""))
        return kind == "everything" or held.startswith(kind)

    hidden = hidden_entries(of, hides)
    seen = seen_by(of, hides)
    assert errors(seen) <= errors(document)
    gone = {document["entry"][number].get("fullUrl") for number in hidden}
    targets = {reference["reference"] for reference in references_in(seen)}
    assert not gone & targets
    left = {entry.get("fullUrl") for entry in seen["entry"]}
    assert not gone & left
    assert (len(seen["entry"]) < len(document["entry"])) == bool(hidden) or not hidden
