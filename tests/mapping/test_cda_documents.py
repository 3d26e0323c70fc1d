"""CDA documents nobody here wrote: every full one becomes a valid record, and no entry of it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import MalformedContent, UnmappableContent
from hub.fhir.validate import errors
from hub.mapping.model import Mapped
from tests.mapping.counting import Entry, entries
from tests.mapping.library import CORPUS, mapped, needs_corpus, of_type, samples

FULL = [one for one in samples("cda", "*.[xX]*") if "_sec_" not in one.id]
PARTS = samples("cda", "*_sec_*")
KINDS = {"allergy": "AllergyIntolerance", "problem": "Condition", "medication": "MedicationStatement"}
MINIMAL = """<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3" extension="doc-1"/><code code="60591-5" codeSystem="2.16.840.1.113883.6.1"/>
<title>Patient Summary</title><effectiveTime value="20261101120000+0100"/>%s
<author><time value="20261101"/><assignedAuthor><id root="1.2.3.4" extension="7"/>
<assignedPerson><name><family>Lékař</family></name></assignedPerson></assignedAuthor></author>
<component><structuredBody>%s</structuredBody></component></ClinicalDocument>"""
PATIENT = """<recordTarget><patientRole><id root="1.2.3.5" extension="P-1"/><patient><name>
<given>Božena</given>
<family>Žlutá</family></name><birthTime value="19480605"/></patient></patientRole></recordTarget>"""


ABSENT = '<value xsi:type="CD" code="no-known-problems" codeSystem="2.16.840.1.113883.5.1150.1"/>'
PROBLEM = '<value xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96"/>'


def problem_section(value: str, text: str = "<paragraph>Words</paragraph>", more: str = "") -> str:
    return f"""<component><section><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/>
<title>Problems</title><text>{text}</text><entry>
<act classCode="ACT" moodCode="EVN"><id root="9" extension="a"/>
<statusCode code="active"/>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><id root="9" extension="o"/>
<code code="404684003" codeSystem="2.16.840.1.113883.6.96"/>{value}{more}</observation></entryRelationship>
</act></entry></section></component>"""


def document(patient: str, body: str) -> bytes:
    return (MINIMAL % (patient, body)).encode()


def where(made: Mapped, entry: Entry, sections: list[str]) -> bool:
    return any(sections[entry.section] in one.place for one in made.residue)


@needs_corpus
@pytest.mark.parametrize("path", FULL)
def test_every_full_document_becomes_a_valid_record_of_one_patient(path: Path) -> None:
    made = mapped(path.read_bytes(), "cda-to-ips", path.name)
    assert errors(made.bundle) == ()
    assert made.bundle["type"] == "document"
    assert made.bundle["entry"][0]["resource"]["resourceType"] == "Composition"
    assert len(of_type(made, "Patient")) == 1


@needs_corpus
@pytest.mark.parametrize("path", FULL)
def test_every_allergy_medication_and_problem_is_in_the_record(path: Path) -> None:
    expected = entries(path.read_bytes())
    made = mapped(path.read_bytes(), "cda-to-ips", path.name)
    for kind, type_name in KINDS.items():
        counted = [one for one in expected if one.kind == kind]
        structured = of_type(made, type_name)
        assert len(structured) >= len(counted), f"{len(structured)} of {len(counted)} {kind} entries are structured"
        said = str(structured)
        for one in counted:
            assert not one.codes or any(code in said for code in one.codes), f"{kind} in entry {one.entry} is missing"


@needs_corpus
@pytest.mark.parametrize("path", FULL)
def test_every_element_says_which_rule_made_it_from_which_line(path: Path) -> None:
    made = mapped(path.read_bytes(), "cda-to-ips", path.name)
    assert all(one.mapping == "cda-to-ips|1.0.0" and one.rule for one in made.trace)
    assert all(one.source.startswith("/ClinicalDocument") and " line " in one.source for one in made.trace)
    traced = {one.target.partition(".")[0] for one in made.trace}
    for entry in made.bundle["entry"]:
        resource = entry["resource"]
        assert f"{resource['resourceType']}/{resource['id']}" in traced


@needs_corpus
@pytest.mark.parametrize("path", FULL)
def test_a_document_read_again_gives_the_same_record(path: Path) -> None:
    assert mapped(path.read_bytes(), "cda-to-ips") == mapped(path.read_bytes(), "cda-to-ips")


@needs_corpus
@pytest.mark.parametrize("path", PARTS)
def test_a_part_of_a_document_is_refused_as_such(path: Path) -> None:
    with pytest.raises((UnmappableContent, MalformedContent), match="line"):
        mapped(path.read_bytes(), "cda-to-ips", path.name)


@needs_corpus
def test_the_sample_that_is_not_well_formed_is_repaired_and_the_repairs_are_reported() -> None:
    made = mapped((CORPUS / "cda" / "cdaips_example-ips-RD.xml").read_bytes(), "cda-to-ips", "rd.xml")
    places = [one.place for one in made.warnings if one.rule == "reader"]
    assert any("line 283" in place for place in places)


def test_what_no_rule_takes_is_in_the_residue_with_its_line_and_in_the_narrative_of_its_section() -> None:
    said = "<text>Visited by the <b>neighbour</b></text>"
    unknown = f'<entryRelationship typeCode="REFR"><act>{said}</act></entryRelationship>'
    value = '<value xsi:type="CD" code="I10" codeSystem="2.16.840.1.113883.6.3" displayName="Hypertension"/>'
    made = mapped(document(PATIENT, problem_section(value, more=unknown)), "cda-to-ips")
    kept = [one for one in made.residue if "Visited by the" in one.text]
    assert len(kept) == 1
    assert "/section/entry line " in kept[0].place
    section = of_type(made, "Composition")[0]["section"][0]
    assert "Visited by the" in section["text"]["div"]
    assert "Words" in section["text"]["div"]


@pytest.mark.parametrize(("value", "negated", "code"), [
    ('<value xsi:type="CD" nullFlavor="NI"/>', "", "no-problem-info"),
    (ABSENT, "", "no-known-problems"),
    (PROBLEM, ' negationInd="true"', "no-known-problems"),
])  # fmt: skip
def test_known_absence_and_no_information_are_said_and_told_apart(value: str, negated: str, code: str) -> None:
    body = problem_section(value).replace('<observation classCode="OBS"', f'<observation{negated} classCode="OBS"')
    coding = of_type(mapped(document(PATIENT, body), "cda-to-ips"), "Condition")[0]["code"]["coding"][0]
    assert coding["code"] == code
    assert coding["system"] == "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


def test_a_denied_problem_is_refuted_and_not_listed_as_one() -> None:
    value = '<value xsi:type="CD" code="I10" codeSystem="2.16.840.1.113883.6.3"/>'
    body = problem_section(value).replace("<observation classCode", '<observation negationInd="true" classCode')
    condition = of_type(mapped(document(PATIENT, body), "cda-to-ips"), "Condition")[0]
    assert condition["verificationStatus"]["coding"][0]["code"] == "refuted"


def test_a_document_without_patient_is_refused_with_its_place() -> None:
    with pytest.raises(UnmappableContent, match=r"/ClinicalDocument line 1: no patient in it"):
        mapped(document("", problem_section("")), "cda-to-ips", "discharge.xml")


def test_a_document_type_declaration_is_refused_with_line_and_column() -> None:
    with pytest.raises(MalformedContent, match="line 1 column 1"):
        mapped(b"<!DOCTYPE x [<!ENTITY e 'v'>]>" + document(PATIENT, ""), "cda-to-ips")


def test_narrative_that_could_run_or_load_keeps_its_words_only() -> None:
    text = '<paragraph onclick="x()">Plain</paragraph><renderMultiMedia referencedObject="m"/>'
    text += '<linkHtml href="javascript:x()">link</linkHtml>'
    made = mapped(document(PATIENT, problem_section('<value xsi:type="CD" nullFlavor="NI"/>', text)), "cda-to-ips")
    div = of_type(made, "Composition")[0]["section"][0]["text"]["div"]
    assert "Plain" in div
    assert "link" in div
    assert "javascript" not in div
    assert "onclick" not in div


def test_a_date_that_is_none_is_a_warning_with_its_place_and_stays_in_the_residue() -> None:
    value = '<value xsi:type="CD" code="I10" codeSystem="2.16.840.1.113883.6.3"/>'
    made = mapped(
        document(PATIENT, problem_section(value, more='<effectiveTime><low value="20261399"/></effectiveTime>')),
        "cda-to-ips",
    )
    assert [(one.rule, one.text) for one in made.warnings if "onset" in one.rule]
    assert any("20261399" in one.text for one in made.residue)
    assert "onsetDateTime" not in of_type(made, "Condition")[0]
