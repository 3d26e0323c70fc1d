"""Bad input, end to end for each format: a clear error with its place, the original kept, the rest processed.

Nothing of a person stands in the answer, the report or the journal, and nothing that was sent stops what comes after.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hub.adapters.hl7v2.tests.counterpart import Line, code, framed
from hub.adapters.sdk.contract import Answer, Received
from hub.store.model import IdentityLink, ReceivedEntry
from hub.worker import Worker
from tests.exchange.world import BIRTH_NUMBER, CLIENT, House, Person, adt, cda, condition, ips, row, table

SECRET = "Zkušební"
DOCTYPE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n<ClinicalDocument'


def entries(house: House) -> list[ReceivedEntry]:
    """What was received, oldest first."""
    with house.hub.store.reading() as tx:
        return tx.received.list(100)[::-1]


def kept(house: House, entry: ReceivedEntry) -> bytes:
    """The original of a message, as the hub keeps it for itself."""
    with house.hub.store.reading() as tx:
        return house.hub.vault.open(tx, entry.content, context=f"received:{entry.id}")


def said(answer: Answer, house: House) -> str:
    """Everything that was said about a message: answer, reports, journal."""
    reports = json.dumps([e.report for e in entries(house)], ensure_ascii=False)
    return f"{answer} {reports} {house.journal()}"


BAD = {
    "XML with a DOCTYPE": ("hospital", "cda", cda().replace(b"<ClinicalDocument", DOCTYPE, 1), "line 2"),
    "a CDA without patient": ("hospital", "cda", cda(person=None), ""),
    "XML that is cut off": ("hospital", "cda", cda()[:-200], "line"),
    "XML in the wrong character set": ("hospital", "cda", cda().replace(b"UTF-8", b"US-ASCII"), ""),
    "an HL7 message without PID": ("hospital", "hl7v2", adt("A01", "m").split(b"PID")[0], ""),
    "an HL7 message of another kind": ("hospital", "hl7v2", adt("A01", "m").replace(b"ADT^A01", b"ORU^R01"), ""),
    "a JSON with a duplicate key": (
        "gp", "fhir_rest",
        json.dumps(ips(condition(SECRET))).replace('"type"', '"type": "document", "type"', 1).encode(), "line 1",
    ),
    "a JSON that is not UTF-8": (
        "gp", "fhir_rest", json.dumps(ips(condition("x")), ensure_ascii=False).encode("cp1250"), "",
    ),
    "a JSON that is cut off": ("gp", "fhir_rest", json.dumps(ips(condition("x")))[:-20].encode(), "line 1"),
    "a Bundle of nobody": ("gp", "fhir_rest", b'{"resourceType":"Bundle","type":"document","entry":[]}', ""),
    "a resource that is no Bundle": ("gp", "fhir_rest", b'{"resourceType":"Patient"}', ""),
    "a table with strange columns": ("social", "tabular", b"a;b\r\n1;2\r\n", ""),
    "a table with nothing in it": ("social", "tabular", b"", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(BAD))
def test_what_cannot_be_understood_is_refused_with_its_place_and_kept(one_house: House, what: str) -> None:
    organisation, adapter, body, place = BAD[what]
    encoding = {"tabular": "windows-1250"}.get(adapter)
    answer = one_house.take(organisation, adapter, body, encoding=encoding)
    assert answer.outcome == "rejected", answer
    assert answer.note
    assert place in f"{answer.note} {answer.places}"
    entry = entries(one_house)[-1]
    assert entry.outcome == "rejected"
    assert kept(one_house, entry) == body
    for word in (SECRET, CLIENT.birth_number, CLIENT.family, "Traceback", 'File "'):
        assert word not in said(answer, one_house)


def test_a_row_with_too_few_cells_is_named_and_the_others_are_taken(house: House) -> None:
    good = row("Finance", "Dluh", "1,5", "ZN-DLUH")
    short = "0043;Dana;Jinačí"
    other = row("Bydlení", "Nájem", "x", "ZN-NAJEM", Person(given="Jan", family="Třetí", born="1950-01-02"), "0044")
    answer = house.take("social", "tabular", table(good, short, other), encoding="windows-1250")
    assert answer.outcome == "partly"
    assert any("3" in place for place in answer.places), answer
    with house.hub.store.reading() as tx:
        assert len({k.client for k in tx.identity.all()}) == 2
    assert "Jinačí" not in said(answer, house)


def test_a_client_of_a_table_who_contradicts_what_is_known_holds_up_no_other(house: House) -> None:
    known = Person(given="Jan", family="Třetí", born="1950-01-02")
    house.take("social", "tabular", table(row("Finance", "Dluh", "1", "x", known, "0044")), encoding="windows-1250")
    stranger = Person(given="Eva", family="Jinačí", born="1961-11-12")
    body = table(
        row("Finance", "Dluh", "2", "ZN-CIZI", stranger, "0044"), row("Finance", "Dluh", "3", "ZN-DOBRY", number="0045")
    )
    answer = house.take("social", "tabular", body, encoding="windows-1250")
    assert answer.outcome == "partly"
    [client] = {k.client for k in links_of(house)} - {k.client for k in links_of(house, known)}
    assert "ZN-DOBRY" in json.dumps(house.of_client(client=client))
    [same] = {k.client for k in links_of(house, known)}
    assert "ZN-CIZI" not in json.dumps(house.of_client(client=same))


def links_of(house: House, person: Person | None = None) -> list[IdentityLink]:
    """Every link, or those of one person's number at the social service."""
    with house.hub.store.reading() as tx:
        if person is None:
            return tx.identity.all()
        return tx.identity.find(BIRTH_NUMBER, house.hub.identities.hash(BIRTH_NUMBER, person.birth_number))


def test_an_entry_that_is_not_valid_is_named_and_the_rest_is_taken(house: House) -> None:
    house.introduce()
    bad = {**condition("ZN-SPATNY"), "onsetDateTime": "včera"}
    answer = house.take("gp", "fhir_rest", json.dumps(ips(condition("ZN-DOBRY"), bad)).encode())
    assert answer.outcome == "partly"
    texts = {c.get("code", {}).get("text") for c in house.of_client("Condition")}
    assert "ZN-DOBRY" in texts


def test_the_same_message_twice_is_once_in_effect(house: House) -> None:
    for id, adapter, body, more in (
        ("hospital", "hl7v2", adt("A01", "m-1"), {"message_id": "m-1"}),
        ("hospital", "cda", cda(), {}),
        ("social", "tabular", table(row("Finance", "Dluh", "1,5", "x")), {"encoding": "windows-1250"}),
        ("gp", "fhir_rest", json.dumps(ips(condition("x"))).encode(), {}),
    ):
        first = house.take(id, adapter, body, **more)
        before = snapshot(house)
        again = house.take(id, adapter, body, **more)
        assert (again.outcome, again.note, again.places) == (first.outcome, first.note, first.places)
        assert snapshot(house) == before


def test_the_same_file_under_another_name_is_once_in_effect(house: House) -> None:
    house.take("hospital", "cda", cda(), name="jedna.xml")
    before = snapshot(house)
    house.take("hospital", "cda", cda(), name="druha.xml")
    assert snapshot(house) == before


def test_the_same_message_id_with_other_content_is_refused_and_kept_and_refused_again(each_house: House) -> None:
    first, other = adt("A01", "m-1"), adt("A08", "m-1", Person(given="Jana"))
    assert each_house.take("hospital", "hl7v2", first, message_id="m-1").outcome == "accepted"
    before = snapshot(each_house)
    answers = [each_house.take("hospital", "hl7v2", other, message_id="m-1") for _ in range(2)]
    assert [a.outcome for a in answers] == ["rejected", "rejected"]
    assert snapshot(each_house)[:2] == before[:2]
    assert [kept(each_house, e) for e in entries(each_house) if e.outcome == "rejected"] == [other]
    assert each_house.take("hospital", "hl7v2", first, message_id="m-1").outcome == "accepted"


def test_another_organisation_may_use_the_same_message_id(house: House) -> None:
    house.take("hospital", "hl7v2", adt("A01", "m-1"), message_id="m-1")
    answer = house.take("gp", "fhir_rest", json.dumps(ips(condition("x"))).encode(), message_id="m-1")
    assert answer.outcome in ("accepted", "partly")


def test_a_defect_in_reading_one_message_is_reported_and_keeps_the_original(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(_: Received) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(house.hub.ingest, "_read", broken)
    answer = house.take("hospital", "cda", cda())
    assert answer.outcome == "rejected"
    assert SECRET not in said(answer, house)
    assert kept(house, entries(house)[-1]) == cda()


@pytest.fixture
def line(house: House) -> Iterator[tuple[House, Line]]:
    """The hospital's connection to the hub, over MLLP."""
    worker = Worker(house.hub)
    worker.keep_listening()
    opened = Line(worker.listening()["hospital", "hl7v2"])
    yield house, opened
    opened.close()
    worker.stop_listening()


def test_a_frame_that_is_cut_off_is_kept_unread_and_the_next_one_is_taken(line: tuple[House, Line]) -> None:
    house, open_line = line
    cut = framed(adt("A01", "m-1"))[:-40]
    open_line.send(cut)
    assert code(open_line.ask(adt("A01", "m-2"))) in ("AR", "AE", "AA")
    taken = house.take("hospital", "hl7v2", adt("A01", "m-3"), message_id="m-3")
    assert taken.outcome == "accepted"
    broken = [e for e in entries(house) if e.format == "broken"]
    assert all(e.outcome == "rejected" for e in broken)
    assert SECRET not in json.dumps([e.report for e in broken], ensure_ascii=False)


def test_over_mllp_a_message_is_acknowledged_when_it_is_stored(line: tuple[House, Line]) -> None:
    house, open_line = line
    assert code(open_line.ask(adt("A01", "m-1"))) == "AA"
    assert code(open_line.ask(adt("A01", "m-1"))) == "AA"
    assert code(open_line.ask(adt("A08", "m-1", Person(given="Jana")))) == "AR"
    no_patient = adt("A01", "m-2").split(b"PID")[0] + b"PV1|1|I\r"
    refused = open_line.ask(no_patient)
    assert code(refused) == "AR"
    assert [e.outcome for e in entries(house)] == ["accepted", "rejected", "rejected"]


def test_files_in_a_folder_go_to_done_or_error_with_a_report_and_none_holds_up_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.hospital / "in" / "a.xml").write_bytes(cda(person=None))
    (house.hospital / "in" / "b.xml").write_bytes(cda())
    (house.social / "in" / "c.csv").write_bytes(table(row("Finance", "Dluh", "1,5", "ZN-DLUH")))
    worker = Worker(house.hub)
    for _ in range(3):
        worker.poll()
        house.clock.later(seconds=5)
    assert {p.name for p in (house.hospital / "error").iterdir() if p.suffix == ".xml"} == {"a.xml"}
    assert {p.name for p in (house.hospital / "done").iterdir() if p.suffix == ".xml"} == {"b.xml"}
    assert {p.name for p in (house.social / "done").iterdir() if p.suffix == ".csv"} == {"c.csv"}
    reports = [p for f in (house.hospital, house.social) for p in f.rglob("*.report.json")]
    assert len(reports) == 3
    written = "".join(p.read_text("utf-8") for p in reports)
    for word in (SECRET, CLIENT.birth_number, "ZN-DLUH"):
        assert word not in written


def snapshot(house: House) -> tuple[int, int, int, int]:
    """How much there is: records, versions, events, received."""
    with house.hub.store.reading() as tx:
        clients = {k.client for k in tx.identity.all()}
        records = [s for c in clients for s in tx.records.of_client(c)]
        return len(records), sum(s.version for s in records), tx.outbox.pending(), len(tx.received.list(100))
