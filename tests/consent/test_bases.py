"""The file of legal bases: what it may say, and what is refused (consent rules §1)."""

from __future__ import annotations

import pytest

from hub.consent.bases import DEFAULT_BASES, NEWEST_WINS, Bases, load_bases
from hub.consent.decide import decide
from hub.consent.model import AccessRequest, Basis
from hub.errors import ConfigurationError
from tests.consent.building import NOON, PRAGUE, moment, record, request, rules
from tests.consent.world import WORLD

DUTY = """
[flow.report]
basis = "LEGAL-DUTY"
enabled = true
law = "a law"
recipient = "registering-provider"
purposes = ["TREAT"]
actions = ["disclose"]
areas = ["health"]
"""
CARE = """
[flow.continuity]
basis = "CARE-PROVISION"
enabled = true
law = "a law"
recipient = "care-team"
purposes = ["TREAT"]
actions = ["access"]
areas = ["health"]
elements.Observation = ["status", "code"]
"""


def test_an_empty_file_allows_nothing() -> None:
    assert load_bases("") == Bases()
    assert not load_bases("").flows


def test_each_flow_that_is_on_names_its_law_and_carries_a_listed_set() -> None:
    for flow in DEFAULT_BASES.flows.values():
        assert flow.law
        assert flow.areas
        assert flow.elements
    assert DEFAULT_BASES.only_flow(Basis.LEGAL_DUTY) == "discharge-report"
    assert DEFAULT_BASES.only_flow(Basis.CARE_PROVISION) is None


def test_any_deny_wins_unless_an_operator_chose_otherwise() -> None:
    assert DEFAULT_BASES.policy == "any-deny-wins"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[flows]", "bases.toml"),
        ("x = ", "bases.toml"),
        ('[consent]\npolicy = "most"', "bases.toml: consent.policy"),
        (DUTY.replace("LEGAL-DUTY", "CONSENT"), "bases.toml: flow.report.basis"),
        (DUTY.replace('"a law"', '""'), "bases.toml: flow.report.law"),
        (DUTY.replace("registering-provider", "anybody"), "bases.toml: flow.report.recipient"),
        (DUTY.replace('"health"', '"wealth"'), "bases.toml: flow.report.areas"),
        (DUTY.replace("TREAT", "EMER"), "bases.toml: flow.report.purposes"),
        (DUTY + 'most_confidential = "X"', "bases.toml: flow.report.most_confidential"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_bases(text)
    assert refused.value.place == place


def test_care_provision_that_is_switched_on_serves_the_team_and_is_stopped_by_any_deny() -> None:
    bases = load_bases(CARE)
    asked = request({"basis": "CARE-PROVISION", "flow": "continuity", "actors": ["Organization/home-care"]})
    stranger = request({"basis": "CARE-PROVISION", "flow": "continuity", "actors": ["Organization/hospital"]})
    of = record({"content": {"status": "final", "code": {}}})

    def effect(by: AccessRequest, *consents: dict[str, object]) -> str:
        decision = decide(by, of, rules({"consents": consents}), WORLD, at=moment(NOON), bases=bases, zone=PRAGUE)
        return decision.effect.value

    assert effect(asked) == "permit"
    assert effect(stranger) == "deny"
    assert effect(asked, {"permit": {}}) == "permit"
    assert effect(asked, {"permit": {}}, {"deny": {"area": ["health"]}}) == "deny"
    assert effect(asked, {"deny": {"purpose": ["EMER"]}}) == "deny"


def test_newest_wins_lets_the_consent_given_last_decide_alone() -> None:
    bases = load_bases(f'[consent]\npolicy = "{NEWEST_WINS}"')
    old_deny = {"deny": {}, "dateTime": "2025-01-01", "id": "a"}
    new_permit = {"permit": {}, "dateTime": "2026-01-01", "id": "b"}
    same_day = {"deny": {"area": ["health"]}, "dateTime": "2026-01-01", "id": "c"}
    silent = {"permit": {"area": ["finance"]}, "dateTime": "2026-02-01", "id": "d"}

    def effect(*consents: dict[str, object]) -> str:
        made = rules({"consents": consents})
        decision = decide(request({}), record({}), made, WORLD, at=moment(NOON), bases=bases, zone=PRAGUE)
        return decision.effect.value

    assert effect(old_deny, new_permit) == "permit"
    assert effect({**old_deny, "dateTime": "2026-02-02"}, new_permit) == "deny"
    assert effect(old_deny, new_permit, same_day) == "deny"
    assert effect(old_deny, new_permit, silent) == "permit"
