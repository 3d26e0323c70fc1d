"""Provenance of a mapping run: who sent it, which mapping, which rule made which element."""

from __future__ import annotations

from hub.audit.provenance import SHA256, TRACE, provenance
from hub.fhir.validate import validate
from hub.mapping.model import Mapped, Trace

MAPPED = Mapped(
    bundle={"resourceType": "Bundle", "type": "collection"},
    mapping="cda-ips|1.2.0",
    trace=(
        Trace("Condition/u1/code.coding[0].code", "problem-code", "cda-ips|1.2.0", "/ClinicalDocument line 231"),
        Trace("Condition/u1.subject", "problem-subject", "cda-ips|1.2.0", "/ClinicalDocument line 12"),
        Trace("Condition/u9/code", "problem-code", "cda-ips|1.2.0", "/ClinicalDocument line 300"),
    ),
)

MADE = provenance(
    MAPPED,
    id="pr1",
    targets={"Patient/u0": "Patient/hub0", "Condition/u1": "Condition/hub1"},
    organisation="Organization/nemocnice",
    source_sha256="ab" * 32,
    recorded="2026-11-21T10:00:00+01:00",
    format="cda",
)


def test_it_is_valid_fhir() -> None:
    assert [fault for fault in validate(MADE) if fault.severity == "error"] == []


def test_it_names_the_mapping_with_its_version_and_the_digest_of_what_came_in() -> None:
    assert MADE["policy"][0].endswith("/cda-ips|1.2.0")
    assert MADE["entity"][0]["what"]["identifier"] == {"system": SHA256, "value": "ab" * 32}
    assert MADE["agent"][0]["who"] == {"reference": "Organization/nemocnice"}


def test_every_element_of_a_stored_record_is_traced_to_its_rule_and_place() -> None:
    condition, patient = MADE["target"]
    assert condition["reference"] == "Condition/hub1"
    assert [trace["url"] for trace in condition["extension"]] == [TRACE, TRACE]
    said = [{part["url"]: part["valueString"] for part in trace["extension"]} for trace in condition["extension"]]
    assert said[0]["element"] == "code.coding[0].code"
    assert said[0]["rule"] == "problem-code"
    assert said[1] == {
        "element": "subject",
        "rule": "problem-subject",
        "mapping": "cda-ips|1.2.0",
        "source": "/ClinicalDocument line 12",
    }
    assert patient == {"reference": "Patient/hub0"}


def test_what_was_not_stored_is_not_claimed() -> None:
    assert "u9" not in str(MADE)
