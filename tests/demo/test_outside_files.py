"""Documents from outside: name and identifiers go in, and not one other byte is touched."""

from __future__ import annotations

import json
import re

import pytest

from hub.demo import outside
from hub.demo.cast import CLIENT, HOSPITAL, RODNE_CISLO
from hub.demo.errors import OutsideFileError
from hub.demo.facts import texts_of_cda, texts_of_ips
from hub.demo.stage import own

CDA = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<cda:ClinicalDocument xmlns:cda="urn:hl7-org:v3"><cda:title>Caf\xe9 & report</cda:title>
<cda:id root="1.2.3"/><cda:recordTarget><cda:patientRole>
 <!-- <cda:id root="commented"/> -->
 <cda:id root="2.999" extension="A"/><cda:id root="2.999.1" extension="B"></cda:id>
 <cda:patient>
  <cda:name use="L"><cda:given>Other</cda:given><cda:family>Person</cda:family></cda:name>
  <cda:birthTime value="19300101"/>
  <cda:guardian><cda:id root="2.999" extension="G"/><cda:guardianPerson>
   <cda:name><cda:given>Good</cda:given></cda:name></cda:guardianPerson></cda:guardian>
 </cda:patient>
 <cda:providerOrganization><cda:id root="2.999.5"/><cda:name>Ward</cda:name></cda:providerOrganization>
</cda:patientRole></cda:recordTarget></cda:ClinicalDocument>"""


def test_a_cda_gets_the_clients_ids_and_name_in_the_documents_own_prefix() -> None:
    text = outside.hospital_document(CDA).decode("iso-8859-1", "replace")
    assert f'<cda:id root="{outside.RODNE_CISLO_OID}" extension="{CLIENT.rodne_cislo}"/>' in text
    assert HOSPITAL.client_number in text
    assert 'extension="A"' not in text
    assert 'extension="B"' not in text
    assert f"<cda:given>{CLIENT.given}</cda:given>" in text
    assert "Other" not in text


@pytest.mark.parametrize("kept", [b"Caf\xe9 & report", b"19300101", b"Good", b'extension="G"', b"Ward", b"commented"])
def test_nothing_else_of_a_cda_is_touched(kept: bytes) -> None:
    assert kept in outside.hospital_document(CDA)


def test_taking_the_client_out_again_leaves_the_cda_as_it_was() -> None:
    before = re.sub(rb"<cda:(id|name)\b.*?(/>|</cda:\1>)", b"", CDA, flags=re.DOTALL)
    after = re.sub(rb"<cda:(id|name)\b.*?(/>|</cda:\1>)", b"", outside.hospital_document(CDA), flags=re.DOTALL)
    assert before == after


def test_the_name_is_written_so_that_every_encoding_can_hold_it() -> None:
    assert b"<cda:family>Vzorov&#225;</cda:family>" in outside.hospital_document(CDA)


def test_a_document_without_a_patient_is_refused_with_its_place() -> None:
    with pytest.raises(OutsideFileError, match="hospital document"):
        outside.hospital_document(b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>")


def test_an_ips_gets_the_clients_identifiers_and_name_and_keeps_every_other_character() -> None:
    text = (
        '{ "resourceType":"Bundle",\r\n "entry":[ {"resource":{"resourceType":"Composition"}},'
        '{"resource":{ "resourceType":"Patient","identifier":[{"value":"X"}],"birthDate":"1930-01-01",'
        '"name":[{"family":"Person"}],"extension":[{"valueDecimal":1.50}]}} ], "note":"\\u010d" }'
    )
    changed = outside.gp_summary(b"\xef\xbb\xbf" + text.encode()).decode("utf-8-sig")
    patient = json.loads(changed)["entry"][1]["resource"]
    assert patient["identifier"][0] == {"use": "official", "system": RODNE_CISLO, "value": CLIENT.rodne_cislo}
    assert patient["name"][0]["family"] == CLIENT.family
    assert patient["birthDate"] == "1930-01-01"
    for kept in ("1.50", "\\u010d", ",\r\n ", '{ "resourceType":"Patient"'):
        assert kept in changed


def test_an_ips_without_identifier_gets_one() -> None:
    changed = outside.gp_summary(b'{"entry":[{"resource":{"resourceType":"Patient","id":"1"}}]}')
    assert json.loads(changed)["entry"][0]["resource"]["identifier"][0]["value"] == CLIENT.rodne_cislo


def test_a_bundle_without_a_patient_is_refused_with_its_place() -> None:
    with pytest.raises(OutsideFileError, match="gp summary"):
        outside.gp_summary(b'{"entry":[]}')


def test_the_facts_of_our_own_files_are_found_the_way_those_of_outside_files_are() -> None:
    cda, ips = texts_of_cda(own("discharge-summary.xml")), texts_of_ips(own("patient-summary.json"))
    for mark in ("ZN-ALERGIE-2201", "ZN-DIAGNOZA-2202", "ZN-PSYCHE-2203", "ZN-LEK-2204"):
        assert any(mark in text for text in cda)
    for mark in ("ZN-CUKROVKA-3301", "ZN-ALERGEN-3302", "ZN-TABLETY-3303"):
        assert any(mark in text for text in ips)
