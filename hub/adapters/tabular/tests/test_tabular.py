"""Tables out through a folder: once for each key, never over another file, never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.adapters.sdk.contract import Connection, Parcel
from hub.adapters.tabular.adapter import build
from hub.errors import ConfigurationError, CounterpartRefused, CounterpartUnreachable
from tests.adapters.contract import TestClock

BODY = "Klient;Cíl\r\n0042;chůze\r\n".encode("windows-1250")


@pytest.fixture
def to(tmp_path: Path) -> Connection:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    return Connection("social", "tabular", frozenset({"pull", "push"}), {"folder": str(tmp_path)}, "windows-1250")


def parcel(key: str = "delivery-1", name: str = "plan.csv", body: bytes = BODY, media_type: str = "text/csv") -> Parcel:
    return Parcel(key, "plan", "1", media_type, body, name)


def out(to: Connection) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (Path(str(to.config["folder"])) / "out").iterdir()}


def test_the_body_is_written_byte_for_byte(to: Connection) -> None:
    receipt = build(TestClock()).push(to, parcel())
    assert out(to) == {"plan.csv": BODY}
    assert receipt.destination == "out/plan.csv"


def test_a_table_that_was_fetched_and_taken_away_is_not_written_again(to: Connection) -> None:
    build(TestClock()).push(to, parcel())
    (Path(str(to.config["folder"])) / "out" / "plan.csv").unlink()
    assert build(TestClock()).push(to, parcel()).outcome == "duplicate"
    assert out(to) == {}


def test_a_crash_between_the_file_and_its_mark_does_not_double_it(to: Connection) -> None:
    (Path(str(to.config["folder"])) / "out" / "plan.csv").write_bytes(BODY)
    assert build(TestClock()).push(to, parcel()).outcome == "duplicate"
    assert out(to) == {"plan.csv": BODY}


def test_a_crash_while_writing_leaves_nothing_that_looks_whole(to: Connection) -> None:
    (Path(str(to.config["folder"])) / "out" / ".plan.csv.tmp").write_bytes(BODY[:5])
    assert build(TestClock()).push(to, parcel()).outcome == "delivered"
    assert out(to) == {"plan.csv": BODY}


def test_a_newer_table_does_not_overwrite_one_that_was_not_fetched(to: Connection) -> None:
    adapter = build(TestClock())
    adapter.push(to, parcel())
    receipt = adapter.push(to, parcel("delivery-2", body=b"newer"))
    assert sorted(out(to).values()) == sorted([BODY, b"newer"])
    assert receipt.destination != "out/plan.csv"
    assert adapter.push(to, parcel("delivery-2", body=b"newer")).outcome == "duplicate"


@pytest.mark.parametrize("name", ["../plan.csv", "a/b.csv", "/etc/plan.csv", ".plan.csv", "", "a\nb.csv", "x" * 230])
def test_a_name_that_leads_elsewhere_is_never_written(to: Connection, name: str) -> None:
    with pytest.raises(ConfigurationError):
        build(TestClock()).push(to, parcel(name=name))
    assert out(to) == {}


def test_only_tables_are_taken(to: Connection) -> None:
    with pytest.raises(CounterpartRefused):
        build(TestClock()).push(to, parcel(media_type="application/fhir+json"))


def test_an_out_folder_that_is_not_mounted_is_not_made(to: Connection) -> None:
    out_folder = Path(str(to.config["folder"])) / "out"
    out_folder.rmdir()
    with pytest.raises(CounterpartUnreachable, match="out/"):
        build(TestClock()).push(to, parcel())
    assert not out_folder.exists()


def test_what_is_read_carries_the_organisations_character_set(to: Connection) -> None:
    clock = TestClock()
    adapter = build(clock)
    (Path(str(to.config["folder"])) / "in" / "clients.csv").write_bytes(BODY)
    assert list(adapter.pull(to, None)) == []
    clock.turn(5)
    (received,) = adapter.pull(to, None)
    assert received.body == BODY
    assert received.encoding == "windows-1250"
