"""HL7 v2 ADT: every sample of the mapped events becomes a record, the others say why not, in every
encoding.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import MalformedContent, UnmappableContent
from hub.fhir.validate import errors
from tests.mapping.library import mapped, needs_corpus, of_type, samples

ADT = samples("hl7v2", "*ADT*")
MESSAGE = (
    "MSH|^~\\&|HIS|LDN|HUB|CM|20261101120000||ADT^A01|M1|P|2.5|||||CZ|{charset}\r"
    "EVN|A01|20261101120000\r"
    "PID|1||A77^^^LDN^MR~{rc}^^^RC^NNCZE||Žlutá^Božena^^^Mgr.||19480605|F|||Dělnická 1^^Praha 7^^17000^CZ||"
    "+420000000077^PRN^PH\r"
    "NK1|1|Žlutý^Karel|SPO^manžel|||\r"
    "{pv1}\r"
    "AL1|1|DA|J01CA04^amoxicilin^ATC|SV|vyrážka\r"
    "DG1|1||I64^Cévní mozková příhoda^I10||20261101|A\r"
)


def message(charset: str = "", *, visit: str = "V1", event: str = "A01") -> str:
    stay = {1: "1", 2: "I", 3: "LDN2^4^1", 19: visit, 44: "20261101113000"}
    pv1 = "|".join(["PV1", *(stay.get(at, "") for at in range(1, 46))])
    said = MESSAGE.format(charset=charset, rc=valid_number(), pv1=pv1)
    return said.replace("ADT^A01", f"ADT^{event}")


def valid_number() -> str:
    stem = 485605001
    return next(
        f"{one}{(one * 10) % 11 and 11 - (one * 10) % 11}" for one in range(stem, stem + 99) if (one * 10) % 11 != 1
    )


@needs_corpus
@pytest.mark.parametrize("path", ADT)
def test_every_adt_sample_is_mapped_or_says_why_not(path: Path) -> None:
    if "A40" in path.name or "A60" in path.name:
        with pytest.raises(UnmappableContent, match="MSH-9"):
            mapped(path.read_bytes(), "adt-to-fhir", path.name)
        return
    made = mapped(path.read_bytes(), "adt-to-fhir", path.name)
    assert errors(made.bundle) == ()
    assert len(of_type(made, "Patient")) == 1
    assert len(of_type(made, "Encounter")) == 1


@pytest.mark.parametrize(("charset", "encoding"), [
    ("8859/2", "iso-8859-2"), ("UNICODE UTF-8", "utf-8"), ("WINDOWS-1250", "windows-1250"),
])  # fmt: skip
def test_names_survive_in_every_declared_encoding(charset: str, encoding: str) -> None:
    patient = of_type(mapped(message(charset).encode(encoding), "adt-to-fhir"), "Patient")[0]
    assert patient["name"][0]["family"] == "Žlutá"
    assert patient["address"][0]["city"] == "Praha 7"


def test_bytes_that_contradict_the_declared_encoding_are_refused_with_the_segment() -> None:
    with pytest.raises(MalformedContent, match="segment 3 PID"):
        mapped(message("UNICODE UTF-8").encode("iso-8859-2"), "adt-to-fhir", "m1")


def test_the_patient_keeps_all_numbers_with_their_systems() -> None:
    patient = of_type(mapped(message("UNICODE UTF-8").encode(), "adt-to-fhir"), "Patient")[0]
    systems = {one["system"]: one["value"] for one in patient["identifier"]}
    assert systems["https://ncez.mzcr.cz/fhir/sid/rcis"] == valid_number()
    assert systems["https://casehub.example/fhir/sid/authority/LDN"] == "A77"


def test_admission_and_discharge_are_the_same_encounter() -> None:
    admitted = mapped(message("UNICODE UTF-8").encode(), "adt-to-fhir")
    discharged = mapped(message("UNICODE UTF-8", event="A03").encode(), "adt-to-fhir")
    first, last = of_type(admitted, "Encounter")[0], of_type(discharged, "Encounter")[0]
    assert first["id"] == last["id"]
    assert (first["status"], last["status"]) == ("in-progress", "finished")
    assert first["class"]["code"] == "IMP"
    assert first["period"]["start"].startswith("2026-11-01T11:30:00+01:00")
    assert last["period"]["end"].startswith("2026-11-01")


def test_allergy_diagnosis_and_relative_come_with_the_patient() -> None:
    made = mapped(message("UNICODE UTF-8").encode(), "adt-to-fhir")
    assert of_type(made, "AllergyIntolerance")[0]["code"]["coding"][0]["system"] == "http://www.whocc.no/atc"
    assert of_type(made, "AllergyIntolerance")[0]["reaction"][0]["severity"] == "severe"
    assert of_type(made, "Condition")[0]["code"]["coding"][0]["code"] == "I64"
    assert of_type(made, "RelatedPerson")[0]["name"][0]["family"] == "Žlutý"


def test_places_are_said_as_people_who_read_messages_say_them() -> None:
    made = mapped(message("UNICODE UTF-8").encode(), "adt-to-fhir")
    assert {"PID-5.1", "PID-7", "AL1-3.1"} <= {one.source for one in made.trace}


@pytest.mark.parametrize(("data", "place"), [
    (b"MSH|^~\\&|HIS|LDN", "segment 2"),
    (b"PID|1||A77", "segment 1"),
    (b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5|||||CZ|KOI8-R\rPID|1", "MSH-18"),
])  # fmt: skip
def test_a_message_that_is_none_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(MalformedContent, match=place):
        mapped(data, "adt-to-fhir", "m1")
