"""Tables of social services in and out: several clients, broken rows, Czech letters, what columns cannot
carry.
"""

from __future__ import annotations

import pytest

from hub.adapters.fhir_rest.reader import of
from hub.adapters.tabular.reader import read
from hub.errors import MalformedContent, UnmappableContent
from hub.fhir.value import Resource
from hub.mapping.interpret import run, run_all, run_out
from hub.mapping.model import Mapped, Table
from hub.mapping.table_out import write, write_reported
from tests.mapping.library import library, of_type

AREA = "https://casehub.example/fhir/CodeSystem/care-area"
HEADER = "Číslo klienta;Jméno;Příjmení;Datum narození;Oblast;Zjištění;Hodnota;Jednotka;Datum;Služba;"
HEADER += "Četnost;Pracovník"
ROWS = [
    "00123;Božena;Žlutá;5. 6. 1948;Finance;dluh na nájmu;12 500,50;Kč;01.11.2026;;;Jana Černá",
    "00123;Božena;Žlutá;5. 6. 1948;Bydlení;výtah;nefunguje;;01.11.2026;;;Jana Černá",
    "00124;Karel;Řehoř;31.12.1950;Soběstačnost;;;;02.11.2026;pečovatelská služba;3x týdně;Jana Černá",
]


def table(*rows: str, encoding: str = "windows-1250", before: str = "") -> bytes:
    return (before + "\r\n".join([HEADER, *rows]) + "\r\n").encode(encoding)


def made(data: bytes, encoding: str | None = "windows-1250") -> tuple[Mapped, ...]:
    return run_all(library().find("social-csv-in"), read(data, name="clients.csv", encoding=encoding))


def test_each_client_of_a_file_becomes_a_record_of_their_own() -> None:
    first, second = made(table(*ROWS))
    assert [of_type(one, "Patient")[0]["name"][0]["family"] for one in (first, second)] == ["Žlutá", "Řehoř"]
    assert len(of_type(first, "Observation")) == 2
    assert of_type(second, "ServiceRequest")[0]["intent"] == "order"


def test_a_finding_keeps_its_number_unit_date_and_area_of_life() -> None:
    finding = of_type(made(table(*ROWS))[0], "Observation")[0]
    assert str(finding["valueQuantity"]["value"]) == "12500.50"
    assert finding["effectiveDateTime"] == "2026-11-01"
    assert finding["category"][0]["coding"][0] == {"system": AREA, "code": "finance", "display": "Finance"}


@pytest.mark.parametrize("encoding", ["windows-1250", "utf-8-sig", "iso-8859-2"])
def test_the_table_is_the_same_in_every_encoding(encoding: str) -> None:
    patient = of_type(made(table(*ROWS, encoding=encoding), encoding)[0], "Patient")[0]
    assert patient["name"][0] == {"family": "Žlutá", "given": ["Božena"]}


def test_the_header_may_stand_below_a_title() -> None:
    assert len(made(table(*ROWS, before="Přehled klientů;;;;;;;;;;;\r\n\r\n"))) == 2


def test_a_row_with_too_few_cells_is_reported_with_file_and_row_and_the_rest_is_taken() -> None:
    found = made(table(ROWS[0], "00123;Božena", ROWS[1]))
    assert len(of_type(found[0], "Observation")) == 2
    assert any(one.place == "clients.csv row 3" and "2 cells" in one.text for one in found[0].warnings)
    assert any(one.text == "00123;Božena" for one in found[0].residue)


def test_a_row_of_nobody_is_reported_and_kept() -> None:
    found = made(table(*ROWS, ";;;;Finance;dluh;;;;;;"))
    assert any("whose row" in one.why and one.place == "row 5" for one in found[0].residue)


def test_a_file_sent_again_gives_the_same_records_also_beside_new_rows() -> None:
    before, after = made(table(*ROWS[:1]))[0], made(table(*ROWS[:2]))[0]
    assert before.bundle["entry"][0]["fullUrl"] == after.bundle["entry"][0]["fullUrl"]
    assert of_type(before, "Observation")[0]["id"] == of_type(after, "Observation")[0]["id"]


def test_one_client_is_asked_for_where_a_file_has_several() -> None:
    with pytest.raises(UnmappableContent, match="2 clients"):
        run(library().find("social-csv-in"), read(table(*ROWS), name="clients.csv", encoding="windows-1250"))


def test_a_file_that_is_no_table_is_refused_with_its_row() -> None:
    with pytest.raises(MalformedContent, match="row 1"):
        read(b"just words", name="x.csv")


def plan() -> Resource:
    area = [{"coding": [{"system": AREA, "code": "housing"}]}]
    care_plan = {
        "resourceType": "CarePlan", "meta": {"versionId": "3"},
        "status": "active", "intent": "plan", "title": "Plán",
        "subject": {"reference": "Patient/1"}, "category": area, "note": [{"text": "jen v hubu"}],
        "activity": [{"detail": {"status": "scheduled", "description": "oprava výtahu"}}],
    }  # fmt: skip
    goal = {
        "resourceType": "Goal", "lifecycleStatus": "active", "category": area,
        "subject": {"reference": "Patient/1"},
        "description": {"text": "Žít doma"}, "target": [{"dueDate": "2027-01-31"}],
    }  # fmt: skip
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": care_plan}, {"resource": goal}],
    }


def out() -> Table:
    found = library().find("plan-to-csv")
    return run_out(found, of(plan(), name="plan"), options={"client-number": "00123"})


def test_a_plan_becomes_rows_in_czech() -> None:
    assert out().rows == (
        ("00123", "3", "plán", "Bydlení", "Plán", "platí", "", ""),
        ("00123", "3", "aktivita", "", "oprava výtahu", "naplánováno", "", ""),
        ("00123", "3", "cíl", "Bydlení", "Žít doma", "platí", "31.01.2027", ""),
    )


def test_what_the_columns_cannot_carry_is_said() -> None:
    assert "CarePlan.note.text" in out().dropped


def test_the_file_has_semicolons_and_the_encoding_asked_for() -> None:
    first = write(out(), encoding="windows-1250").decode("windows-1250").splitlines()[0]
    assert first == "Číslo klienta;Verze plánu;Druh;Oblast;Popis;Stav;Termín;Odpovídá"
    assert write(out(), encoding="utf-8").startswith(b"\xef\xbb\xbf")


def test_a_character_the_encoding_lacks_is_refused_or_replaced_with_a_word() -> None:
    odd = Table(("A",), (("\u4e16",),), "m|1.0.0")
    with pytest.raises(UnmappableContent, match="row 2 column A"):
        write(odd)
    data, notes = write_reported(odd)
    assert b"?" in data
    assert notes == ("row 2 column A: a character that windows-1250 lacks was replaced",)


def test_a_cell_is_never_a_formula() -> None:
    data, notes = write_reported(Table(("A",), (("=1+1",), ("-5,5",)), "m|1.0.0"))
    assert b"'=1+1" in data
    assert b"\r\n-5,5" in data
    assert len(notes) == 1


def test_a_withdrawal_of_consent_becomes_a_row() -> None:
    notice = {
        "resourceType": "Communication", "status": "completed", "sent": "2026-11-21T10:00:00+01:00",
        "subject": {"identifier": {"value": "00123"}}, "payload": [{"contentString": "Souhlas byl odvolán."}],
        "reasonCode": [{"coding": [{"system": AREA, "code": "finance"}]}],
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": notice}]}
    row = run_out(library().find("notice-to-csv"), of(bundle, name="n")).rows[0]
    assert row[:5] == ("00123", "odvolání souhlasu", "Finance", "Souhlas byl odvolán.", "21.11.2026 10:00")
