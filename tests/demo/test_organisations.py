"""The simulated organisations, each against the hub's real adapter for its protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hub.adapters.sdk.contract import Answer, Parcel, PullRequest, Received
from hub.adapters.sdk.registry import FOLDER, Registry, load
from hub.demo.cast import CLIENT, HOMECARE, RODNE_CISLO
from hub.demo.hub_process import free_port
from hub.demo.mailbag import Mailbag
from hub.demo.organisations.gp import GeneralPractitioner
from hub.demo.organisations.homecare import HomeCare
from hub.demo.organisations.hospital import END, START, Hospital, Stay
from hub.demo.organisations.social import SocialService
from hub.demo.stage import own

STAY = Stay(
    datetime(2026, 10, 5, 9, tzinfo=UTC),
    datetime(2026, 11, 19, 10, tzinfo=UTC),
    datetime(2026, 11, 19, 11, tzinfo=UTC),
)
PLAN = {"resourceType": "Bundle", "type": "transaction", "entry": []}


@pytest.fixture(scope="module")
def adapters() -> Registry:
    return load(FOLDER, lambda: datetime.now(UTC))


@pytest.fixture
def mailbag(tmp_path: Path) -> Mailbag:
    return Mailbag(tmp_path / "received")


@pytest.fixture
def gp(mailbag: Mailbag) -> Iterator[GeneralPractitioner]:
    server = GeneralPractitioner(mailbag, own("patient-summary.json"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def homecare(mailbag: Mailbag) -> Iterator[HomeCare]:
    server = HomeCare(mailbag)
    server.start()
    yield server
    server.stop()


def test_the_gp_gives_its_summary_to_who_asks_by_post_with_the_birth_number(
    adapters: Registry, gp: GeneralPractitioner, mailbag: Mailbag
) -> None:
    fhir = adapters.get("fhir_rest")
    connection = fhir.connection("gp", {"base_url": gp.base})
    assert all(finding.well for finding in fhir.adapter.check(connection))
    pulled = list(fhir.adapter.pull(connection, PullRequest("summary", ((RODNE_CISLO, CLIENT.rodne_cislo),))))
    assert [one.body for one in pulled] == [own("patient-summary.json")]
    assert not [line for _, line in mailbag.lines if CLIENT.rodne_cislo in line]


def test_the_gp_knows_nobody_by_another_number(adapters: Registry, gp: GeneralPractitioner) -> None:
    fhir = adapters.get("fhir_rest")
    connection = fhir.connection("gp", {"base_url": gp.base})
    assert list(fhir.adapter.pull(connection, PullRequest("summary", ((RODNE_CISLO, "5573140001"),)))) == []


def test_home_care_keeps_what_is_pushed_and_marks_a_repetition(
    adapters: Registry, homecare: HomeCare, mailbag: Mailbag
) -> None:
    fhir = adapters.get("fhir_rest")
    connection = fhir.connection("homecare", {"base_url": homecare.base}, directions=["push"])
    parcel = Parcel("k-1", "plan", "1", "application/fhir+json", json.dumps(PLAN).encode(), "plan.json")
    for _ in range(2):
        assert fhir.adapter.push(connection, parcel).outcome in {"delivered", "duplicate"}
    letters = mailbag.of(HOMECARE.id)
    assert [(one.what, one.key, one.duplicate) for one in letters] == [
        ("pushed-transaction", "k-1", False),
        ("pushed-transaction", "k-1", True),
    ]


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b'{"resourceType":"Patient"}', 400)])
def test_home_care_refuses_what_is_no_bundle_and_keeps_it_all_the_same(
    homecare: HomeCare, mailbag: Mailbag, body: bytes, status: int
) -> None:
    assert httpx.post(homecare.base, content=body).status_code == status
    assert [mailbag.read(one) for one in mailbag.of(HOMECARE.id)] == [body]


def test_the_hospitals_messages_are_acknowledged_by_the_hubs_listener(
    adapters: Registry, mailbag: Mailbag, tmp_path: Path
) -> None:
    taken: list[Received] = []

    def take(received: Received) -> Answer:
        taken.append(received)
        return Answer("accepted")

    hl7v2 = adapters.get("hl7v2")
    port = free_port()
    config = {"port": port, "sending_facility": "LDNVZOROV"}
    listening = hl7v2.adapter.listen(hl7v2.connection("hospital", config, encoding="iso-8859-2"), take)
    assert listening is not None
    hospital = Hospital(mailbag, tmp_path / "hospital", ("127.0.0.1", port), own("discharge-summary.xml"))
    try:
        assert [hospital.send(event, STAY) for event in ("A01", "A08", "A03")] == ["AA", "AA", "AA"]
    finally:
        listening.stop()
    assert "Vzorová".encode("iso-8859-2") in taken[0].body
    assert b"8859/2" in taken[0].body
    assert b"PV2|||||||||20261119\r" in taken[1].body
    for letter, event in zip(mailbag.of("hospital"), ("A01", "A08", "A03"), strict=True):
        frame = mailbag.read(letter)
        assert frame.startswith(START)
        assert frame.endswith(END)
        assert f"|VZ{event}0001".encode() in frame


def test_the_social_service_and_the_hub_exchange_files_that_both_can_read(
    adapters: Registry, mailbag: Mailbag, tmp_path: Path
) -> None:
    tabular = adapters.get("tabular")
    social = SocialService(mailbag, tmp_path / "social", own("social-export.csv").decode("utf-8"))
    connection = tabular.connection(
        "social", {"folder": str(social.folder), "quiet_seconds": 0}, encoding="windows-1250"
    )
    social.start()
    try:
        social.drop_export()
        pulled = [one for _ in range(3) for one in tabular.adapter.pull(connection, None)]
        assert "Vzorová".encode("windows-1250") in pulled[0].body
        body = "Cíl;Oblast\r\nTeplé jídlo;Domácnost\r\n".encode("windows-1250")
        tabular.adapter.push(connection, Parcel("k-1", "plan", "1", "text/csv", body, "plan-k-1.csv"))
        letter = mailbag.wait("social", lambda one, _: one.what == "file", what="the plan", seconds=10)
    finally:
        social.stop()
    assert mailbag.read(letter) == body
    assert letter.key == "plan-k-1.csv"
