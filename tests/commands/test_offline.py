"""`hub map`, `validate`, `consent decide`, `client`: on files alone, with answers a script can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.fhir import text
from tests.commands.conftest import Command
from tests.exchange.world import CLIENT, adt, area, cda, condition, consent, goal, ips, plan_resources, row, table, urn

PATIENT = "Patient/p"


def file(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else text.write(content))
    return str(path)


# -- map and validate ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("document.xml", cda()),
        ("message.hl7", adt("A01", "m-1")),
        ("export.csv", table(row("Finance", "Dluh", "18450,50", "ZN-DLUH"))),
        ("summary.json", json.dumps(ips(condition("ZN"))).encode()),
    ],
)
def test_what_map_prints_validate_accepts(offline: Command, tmp_path: Path, name: str, body: bytes) -> None:
    mapped = offline(
        "map", file(tmp_path, name, body), *(["--encoding", "windows-1250"] if name.endswith("csv") else [])
    )
    assert mapped.code == 0, mapped
    assert mapped.json["resourceType"] == "Bundle"
    checked = offline("validate", file(tmp_path, "bundle.json", mapped.out.encode()), "--json")
    assert checked.code == 0, checked.out
    assert checked.json[0]["valid"] is True


def test_map_report_prints_trace_residue_and_warnings(offline: Command, tmp_path: Path) -> None:
    said = offline("map", file(tmp_path, "message.hl7", adt("A01", "m-1") + b"ZXX|1|neznamy\r"), "--report")
    assert said.code == 0
    report = said.json if isinstance(said.json, dict) else said.json[0]
    assert {"trace", "residue", "warnings"} <= set(report)
    assert any("ZXX" in json.dumps(one) for one in report["residue"])


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("a.xml", cda().replace(b"<ClinicalDocument", b"<!DOCTYPE a []>\n<ClinicalDocument", 1), "line 2"),
        ("b.json", b'{"resourceType":"Bundle","type":"document","type":"x"}', "type"),
        ("c.hl7", b"MSH|^~\\&|", ""),
        ("d.bin", b"\x00\x01\x02", ""),
        ("e.xml", cda(person=None), ""),
        ("f.csv", b"a;b\r\n1;2\r\n", ""),
        ("g.json", b"", ""),
    ],
)
def test_map_of_what_is_wrong_ends_with_1_and_names_the_place(
    offline: Command, tmp_path: Path, name: str, body: bytes, place: str
) -> None:
    said = offline("map", file(tmp_path, name, body))
    assert said.code == 1, said
    assert said.err.startswith("hub: ")
    assert place in said.err
    assert CLIENT.family not in said.err


@pytest.mark.parametrize("words", [["--mapping", "no-such"], ["--format", "dasta-9"]])
def test_map_with_what_there_is_not_is_refused(offline: Command, tmp_path: Path, words: list[str]) -> None:
    assert offline("map", file(tmp_path, "a.xml", cda()), *words).code in (1, 2, 3)


def test_validate_says_every_fault_and_ends_with_1(offline: Command, tmp_path: Path) -> None:
    wrong = {"resourceType": "Goal", "lifecycleStatus": "banana", "subject": {"reference": "x y"}, "extra": 1}
    good = goal(PATIENT, "health")
    said = offline("validate", file(tmp_path, "w.json", wrong), file(tmp_path, "g.json", good), "--json")
    assert said.code == 1
    first, second = said.json
    assert (first["valid"], second["valid"]) == (False, True)
    assert len(first["faults"]) >= 3
    assert {"path", "rule", "severity", "text"} == set(first["faults"][0])
    assert offline("validate", file(tmp_path, "g.json", good)).code == 0


def test_validate_of_what_is_no_json_ends_with_1(offline: Command, tmp_path: Path) -> None:
    assert offline("validate", file(tmp_path, "x.json", b"{")).code == 1


# -- usage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["map"],
        ["map", "/no/such/file"],
        ["validate", "/no/such/file"],
        ["map", "/"],
        ["consent", "decide"],
        ["deliveries", "nonsense"],
        ["demo", "--hospital-document", "/no/such/file"],
        ["serve", "--port", "x"],
        ["identity", "list", "--state", "nonsense"],
    ],
)
def test_a_misuse_ends_with_2(offline: Command, words: list[str]) -> None:
    assert offline(*words).code == 2


@pytest.mark.parametrize("words", [["deliveries", "list"], ["audit", "verify"], ["org", "list"], ["identity", "list"]])
def test_where_there_is_no_hub_a_command_ends_with_3(offline: Command, words: list[str]) -> None:
    said = offline(*words)
    assert said.code == 3
    assert "hub init" in said.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_TIME_ZONE", "Mars/Olympus"),
        ("HUB_DATABASE_URL", "mysql://x"),
        ("HUB_PORT", "many"),
        ("HUB_DATABASE_URL", "::"),
    ],
)
def test_a_wrong_setting_ends_with_3_and_is_named(
    hub: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    said = hub("deliveries", "list")
    assert said.code == 3, said


def test_a_data_directory_that_is_a_file_ends_with_3(offline: Command, tmp_path: Path) -> None:
    there = file(tmp_path, "file", b"x")
    for words in (["init", "--data", there], ["deliveries", "list", "--data", there]):
        assert offline(*words).code == 3


def test_init_can_be_repeated_and_keeps_the_keys(offline: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    assert offline("init", "--data", data, "--json").json["new"] is True
    keys = {p.name: p.read_bytes() for p in (tmp_path / "data" / "keys").iterdir()}
    assert offline("init", "--data", data, "--json").json["new"] is False
    assert {p.name: p.read_bytes() for p in (tmp_path / "data" / "keys").iterdir()} == keys
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "data" / "keys").iterdir())


# -- consent decide -------------------------------------------------------------------------------------------------


def decide(offline: Command, folder: Path, given: list[Any], records: list[Any], *words: str, actor: str = "gp") -> Any:
    files = [w for n, c in enumerate(given) for w in ("--consent", file(folder, f"c{n}.json", c))]
    files += [w for n, r in enumerate(records) for w in ("--record", file(folder, f"r{n}.json", r))]
    context = {"resourceType": "Organization", "id": actor, "name": "x", "active": True}
    files += ["--context", file(folder, "context.json", context)]
    return offline(
        "consent",
        "decide",
        *files,
        "--actor",
        f"Organization/{actor}",
        "--purpose",
        "COC",
        "--at",
        "2026-11-21",
        *words,
    )


def with_id(resource: dict[str, Any], id: str) -> dict[str, Any]:
    return {**resource, "id": id}


def test_decide_permits_what_is_named_and_says_why(offline: Command, tmp_path: Path) -> None:
    given = [with_id(consent(PATIENT, "gp", ("health",)), "c")]
    records = [with_id(goal(PATIENT, "health"), "g1"), with_id(goal(PATIENT, "finance"), "g2")]
    said = decide(offline, tmp_path, given, records)
    assert said.code == 0, said.err
    assert set(said.json) == {"effect", "visible", "hidden", "because"}
    assert said.json["visible"] == [{"record": "Goal/g1"}]
    assert said.json["hidden"] == [{"record": "Goal/g2"}]
    assert {b["record"] for b in said.json["because"]} == {"Goal/g1", "Goal/g2"}
    assert any(str(b["consent"]).startswith("Consent/c") for b in said.json["because"])


def test_decide_denies_by_default_and_says_so(offline: Command, tmp_path: Path) -> None:
    given = [with_id(consent(PATIENT, "gp", ("health",)), "c")]
    said = decide(offline, tmp_path, given, [with_id(goal(PATIENT, "health"), "g")], actor="homecare")
    assert said.json["effect"] == "deny"
    assert said.json["because"]


def test_decide_shows_a_plan_in_part_without_what_is_hidden(offline: Command, tmp_path: Path) -> None:
    resources = plan_resources(PATIENT, ("health", "finance"), ())
    plan = with_id({k: v for k, v in resources[urn("plan")].items() if k not in ("goal", "careTeam")}, "plan")
    given = [with_id(consent(PATIENT, "gp", ("health", "plan")), "c")]
    said = decide(offline, tmp_path, given, [plan], "--show")
    assert said.json["effect"] == "partial"
    shown = json.dumps(said.json["shown"])
    assert "ZN-CIN-HEALTH" in shown
    assert "FINANCE" not in shown


@pytest.mark.parametrize(
    "words",
    [
        ["--basis", "BECAUSE"],
        ["--action", "eat"],
        ["--at", "yesterday"],
        ["--purpose", "FUN"],
        ["--basis", "LEGAL-DUTY"],
    ],
)
def test_decide_never_widens_for_what_it_does_not_know(offline: Command, tmp_path: Path, words: list[str]) -> None:
    given = [with_id(consent(PATIENT, "gp", ("health",)), "c")]
    said = decide(offline, tmp_path, given, [with_id(goal(PATIENT, "health"), "g")], *words)
    assert said.code in (1, 2) or said.json["effect"] == "deny"
    if said.code == 0:
        assert said.json["because"]


def test_decide_on_a_consent_that_cannot_be_computed_denies(offline: Command, tmp_path: Path) -> None:
    odd = with_id(consent(PATIENT, "gp", ("health",), code=[{"text": "zdraví"}]), "c")
    said = decide(offline, tmp_path, [odd], [with_id(goal(PATIENT, "health"), "g")])
    assert said.json["effect"] == "deny"
    assert "UNENFORCEABLE" in said.out


def test_decide_takes_bundles_apart(offline: Command, tmp_path: Path) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": with_id(goal(PATIENT, one), one)} for one in ("health", "finance")
    ]}  # fmt: skip
    said = decide(offline, tmp_path, [with_id(consent(PATIENT, "gp", ("health",)), "c")], [bundle])
    assert {"record": "Goal/health"} in said.json["visible"]
    assert {"record": "Goal/finance"} in said.json["hidden"]


def test_decide_on_what_is_no_record_ends_with_1(offline: Command, tmp_path: Path) -> None:
    given = [with_id(consent(PATIENT, "gp", ("health",)), "c")]
    assert decide(offline, tmp_path, given, [b"{"]).code == 1
    assert decide(offline, tmp_path, [b"[]"], [with_id(goal(PATIENT, "health"), "g")]).code == 1
    assert area("health")


# -- client -----------------------------------------------------------------------------------------------------------


def test_an_integrator_makes_a_key_once_and_signs_with_it(offline: Command, tmp_path: Path) -> None:
    key = tmp_path / "key.jwk"
    made = offline("client", "keygen", "--out", str(key))
    assert made.code == 0
    assert all("d" not in one for one in made.json["keys"])
    assert key.stat().st_mode & 0o077 == 0
    again = offline("client", "keygen", "--out", str(key))
    assert again.code == 3
    signed = offline(
        "client", "assertion", "--key", str(key), "--id", "gp", "--audience", "https://hub.example/oauth/token"
    )
    assert signed.code == 0
    assert signed.out.count(".") == 2
    assert (
        offline("client", "assertion", "--key", file(tmp_path, "x", b"{}"), "--id", "gp", "--audience", "x").code == 3
    )
