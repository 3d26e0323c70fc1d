"""`hub org`, `deliveries`, `identity`, `consent explain`, `audit` over the data of a hub at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.adapters.fhir_rest.tests.counterpart import Reply
from hub.errors import NotFound
from tests.commands.conftest import Command
from tests.exchange.world import CLIENT, House, Person, adt

SHARED = ("health", "services", "plan", "identity")


def sent(house: House) -> None:
    house.intake()
    house.plan(("health", "finance"), team=("homecare",))
    house.agree("homecare", SHARED)
    house.carry()


# -- deliveries -----------------------------------------------------------------------------------------------------


def test_deliveries_are_listed_with_what_and_why(hub: Command, house: House) -> None:
    sent(house)
    listed = hub("deliveries", "list", "--json").json
    [plan] = [d for d in listed if (d["organisation"], d["item"], d["state"]) == ("homecare", "plan", "delivered")]
    assert {
        "id", "key", "organisation", "adapter", "item", "direction", "state", "version", "areas", "basis", "because",
        "outcome", "destination", "withheld", "created", "updated", "attempts", "sha256", "size", "client",
    } <= set(plan)  # fmt: skip
    assert plan["because"]
    assert plan["basis"] == "CONSENT"
    assert "finance" not in plan["areas"]
    assert hub("deliveries", "list", "--json", "--state", "delivered").json == [plan]
    assert hub("deliveries", "show", plan["id"]).json["key"] == plan["key"]
    assert CLIENT.family not in hub("deliveries", "list").out


def test_a_delivery_that_is_not_there_ends_with_1(hub: Command) -> None:
    assert hub("deliveries", "show", "x").code == 1
    assert hub("deliveries", "resend", "x").code == 1


def test_a_dead_letter_is_sent_again_and_decided_anew(hub: Command, house: House) -> None:
    house.homecare.override = lambda asked: Reply(422, b"")
    sent(house)
    for _ in range(6):
        house.clock.later(hours=3)
        house.carry()
    [dead] = hub("deliveries", "list", "--json", "--state", "dead").json
    house.homecare.override = lambda asked: None
    house.withdraw("homecare", SHARED)
    assert hub("deliveries", "resend", dead["id"]).code == 0
    house.clock.later(minutes=1)
    house.carry()
    assert hub("deliveries", "show", dead["id"]).json["state"] == "withheld"
    assert not any(b'"CarePlan"' in body for body in house.homecare.taken.values())


def test_what_was_delivered_is_not_sent_twice_by_hand(hub: Command, house: House) -> None:
    sent(house)
    [done] = [d for d in hub("deliveries", "list", "--json").json if d["state"] == "delivered"]
    assert hub("deliveries", "resend", done["id"]).code == 1
    assert hub("deliveries", "show", done["id"]).json["state"] == "delivered"


# -- identity ---------------------------------------------------------------------------------------------------------


def test_links_in_review_are_listed_and_decided(hub: Command, house: House) -> None:
    house.introduce()
    somebody = Person(given="Božena", family="Jinačí", born="1971-02-03", number=CLIENT.birth_number)
    house.take("hospital", "hl7v2", adt("A01", "m-1", somebody))
    waiting = hub("identity", "list", "--json").json
    assert {one["suspect"] for one in waiting} == {house.client}
    assert {"id", "organisation", "client", "suspect", "why"} == set(waiting[0])
    for one in waiting:
        assert hub("identity", "decide", one["id"], "confirmed", "--why", "dvě osoby").code == 0
    assert hub("identity", "list", "--json").json == []
    assert hub("identity", "decide", "x", "confirmed", "--why", "x").code == 1
    assert hub("identity", "decide", waiting[0]["id"], "maybe", "--why", "x").code == 2
    assert CLIENT.birth_number not in hub("identity", "list", "--state", "confirmed").out


# -- organisations ---------------------------------------------------------------------------------------------------


def test_organisations_are_listed_checked_and_disabled(hub: Command, house: House) -> None:
    listed = {one["id"]: one for one in hub("org", "list", "--json").json}
    assert set(listed) == {"municipality", "hospital", "gp", "social", "homecare", "stranger"}
    assert listed["hospital"]["adapters"] == ["hl7v2", "cda"]
    assert hub("org", "check", "gp", "--json").code == 0
    away = {"id": "fhir_rest", "directions": ["push"], "config": {"base_url": "http://127.0.0.1:9/fhir"}}
    house.connect("gp", gp={"adapter": [away]})
    assert hub("org", "check", "gp").code == 1
    assert hub("org", "disable", "gp").code == 0
    assert next(one for one in hub("org", "list", "--json").json if one["id"] == "gp")["active"] is False
    assert hub("org", "check", "nobody").code == hub("org", "disable", "nobody").code == 1


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("[organisation", "one.toml"),
        ("[other]\nx = 1", "other"),
        ('[organisation]\nid = "x y"\nname = "x"\nkind = "gp"', "organisation.id"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "circus"', "organisation.kind"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\nico = "12345678"', "organisation.ico"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\nroles = ["king"]', "organisation.roles"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[[adapter]]\nid = "fax"', ""),
        (
            '[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[[adapter]]\nid = "cda"\ndirections = ["push"]',
            "adapter[0]",
        ),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[[adapter]]\nid = "cda"\nconfig = {}', "adapter[0]"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[items]\npush = ["everything"]', "items.push"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[items]\npush = "plan"', "items.push"),
        ('[organisation]\nid = "x"\nname = "x"\nkind = "gp"\n[smart]\njwks = 7\nscopes = "everything"', "smart"),
        ('adapter = 7\n[organisation]\nid = "x"\nname = "x"\nkind = "gp"', "adapter"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_stored(hub: Command, tmp_path: Path, entry: str, place: str) -> None:
    good, wrong = tmp_path / "good.toml", tmp_path / "one.toml"
    good.write_text('[organisation]\nid = "fresh"\nname = "x"\nkind = "gp"\n')
    wrong.write_text(entry)
    said = hub("org", "add", str(good), str(wrong))
    assert said.code == 3, said
    assert place in said.err
    assert "fresh" not in hub("org", "list").out


def test_a_secret_of_an_adapter_is_sealed_and_shown_to_nobody(hub: Command, tmp_path: Path, house: House) -> None:
    entry = tmp_path / "one.toml"
    entry.write_text(
        '[organisation]\nid = "lab"\nname = "x"\nkind = "gp"\n[[adapter]]\nid = "fhir_rest"\n'
        'directions = ["push"]\nconfig = { base_url = "https://lab.example/fhir", bearer_token = "TAJNE-SLOVO" }\n'
    )
    said = hub("org", "add", str(entry), "--json")
    assert said.code == 0
    assert said.json[0]["reference"] == "Organization/lab"
    assert "TAJNE" not in said.out + hub("org", "list", "--json").out
    assert b"TAJNE" not in Path(house.database_url.removeprefix("sqlite:///")).read_bytes()
    with house.hub.store.reading() as tx:
        assert house.hub.secrets_of(tx, "lab")["fhir_rest"]["bearer_token"] == "TAJNE-SLOVO"


# -- consent explain --------------------------------------------------------------------------------------------------


def test_explain_says_who_sees_what_and_why(hub: Command, house: House) -> None:
    sent(house)
    said = {one["organisation"]: one for one in hub("consent", "explain", house.client, "--json").json}
    assert set(said["Organization/homecare"]["areas"]) == set(SHARED)
    assert all(said["Organization/homecare"]["because"].values())
    assert said["Organization/gp"]["areas"] == []
    one = hub("consent", "explain", house.client, "--actor", "Organization/homecare", "--language", "cs")
    assert one.code == 0
    assert "Organizace homecare" in one.out
    assert hub("consent", "explain", "Patient/nobody").code == 1
    assert hub("consent", "explain", "Goal/x").code == 1
    assert hub("consent", "explain", "nonsense").code == 1


# -- audit ------------------------------------------------------------------------------------------------------------


def test_the_audit_chain_holds_and_names_a_line_that_was_changed(hub: Command, house: House) -> None:
    sent(house)
    with pytest.raises(NotFound):
        house.hub.reader.read(house.asker("stranger"), *house.client.split("/"))
    whole = hub("audit", "verify", "--json")
    assert whole.code == 0
    assert whole.json["holds"] is True
    assert whole.json["entries"] > 10
    [journal] = sorted(house.hub.settings.journal.glob("*.jsonl"))[:1]
    lines = journal.read_bytes().split(b"\n")
    lines[4] = lines[4].replace(b"Organization/", b"Organisation/", 1)
    journal.write_bytes(b"\n".join(lines))
    broken = hub("audit", "verify", "--json")
    assert broken.code == 1
    assert broken.json["holds"] is False
    assert (broken.json["faults"][0]["file"], broken.json["faults"][0]["line"]) == (journal.name, 5)
    assert hub("audit", "verify").code == 1


def test_a_line_that_was_taken_out_after_folding_is_missed(hub: Command, house: House) -> None:
    sent(house)
    house.hub.fold_audit()
    [journal] = sorted(house.hub.settings.journal.glob("*.jsonl"))[:1]
    journal.write_bytes(b"\n".join(journal.read_bytes().split(b"\n")[:-3]) + b"\n")
    said = hub("audit", "verify", "--json")
    assert said.code == 1
    assert said.json["faults"]


def test_every_push_has_one_audit_entry_before_it_and_no_name_in_it(hub: Command, house: House) -> None:
    sent(house)
    journal = house.journal()
    assert journal.count('"exit":"push:plan"') >= 1
    for word in (CLIENT.family, CLIENT.given, CLIENT.birth_number, "ZN-CIL"):
        assert word not in journal
    assert hub("audit", "verify").code == 0
