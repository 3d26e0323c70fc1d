"""A Consent as rules: the same provisions, in the same places, asking the same (consent rules §7)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.codes import CONFIDENTIALITY, rank
from hub.consent.compile import CompiledConsent, CompiledRule, RecordSide, RequestSide, compile_consent
from hub.consent.computable import read_consent
from hub.consent.facts import Facts
from hub.consent.model import Labels, World
from tests.consent.building import PRAGUE, consent, record
from tests.consent.test_decide_properties import provisions
from tests.consent.world import WORLD


def compiled(short: dict[str, Any], *, trusted: bool = True) -> CompiledConsent:
    rule = read_consent(consent(short), WORLD, trusted=trusted)
    return compile_consent(rule, ["Patient/eva"], PRAGUE)


def paths(short: dict[str, Any], **more: Any) -> list[str]:
    return [rule.path for rule in compiled(short, **more).rules]


def holds(side: RecordSide, labels: Labels, type: str) -> bool:
    """What a database does with the masks."""
    sensitivity, areas, height = labels.sensitivity, labels.areas, rank(labels.confidentiality)
    return (
        height <= side.most
        and (height >= side.least or bool(sensitivity & side.some_sensitivity))
        and (side.only_sensitivity is None or sensitivity <= side.only_sensitivity)
        and (side.only_areas is None or areas <= side.only_areas)
        and (not side.some_areas or bool(areas & side.some_areas))
        and (not side.types or type in side.types)
    )


labelled = st.builds(
    Labels,
    st.sampled_from((*CONFIDENTIALITY, "nobody's")),
    st.frozensets(st.sampled_from(("PSY", "HIV", "SUD", "ETHUD", "somebody's own")), max_size=3),
    st.frozensets(st.sampled_from(("health", "finance", "housing", "safeguarding", "unclassified")), max_size=3),
)


@given(provisions, labelled, st.sampled_from(("Observation", "CarePlan", "Goal")))
@settings(max_examples=400, deadline=None)
def test_masks_say_what_the_conditions_say(short: dict[str, Any], labels: Labels, type: str) -> None:
    rule = read_consent(consent(short), WORLD)
    assert rule.root is not None
    by_path = {one.path: one for one in compile_consent(rule, (), PRAGUE).rules}
    facts = Facts(record({"is": f"{type}/x"}), labels, World(), PRAGUE)
    for provision in rule.root.walk():
        one = by_path.get(provision.path)
        if one is not None:
            by_mask = one.conditions.hold(facts) if one.conditions else holds(one.record, labels, type)
            assert by_mask == provision.conditions.hold(facts), provision.path


def test_each_provision_knows_what_it_is_inside_of() -> None:
    found = compiled({"permit": {"provisions": [{"deny": {"provisions": [{"permit": {"area": ["health"]}}]}}]}}).rules
    assert [(rule.depth, rule.parent, rule.above, rule.has_children) for rule in found] == [
        (0, None, (), True),
        (1, 0, (), True),
        (2, 1, (1,), False),
    ]


def test_a_nested_permit_asks_what_it_inherits_and_a_nested_deny_does_not() -> None:
    permit, deny = ({"provisions": [{effect: {}}], "area": ["health"]} for effect in ("permit", "deny"))
    inherited, bare = compiled({"permit": permit}).rules[1], compiled({"permit": deny}).rules[1]
    assert inherited.record.only_areas == {"health"}
    assert bare.record == RecordSide()


def test_what_can_never_hold_is_left_out_with_all_that_is_inside_of_it() -> None:
    never = {"permit": {"area": ["unclassified"], "provisions": [{"deny": {}}]}}
    assert paths({"permit": {"provisions": [never, {"deny": {}}]}}) == ["provision", "provision.provision[1]"]


def test_the_first_level_is_reached_also_where_the_root_never_holds() -> None:
    assert paths({"permit": {"area": ["unclassified"], "provisions": [{"deny": {}}]}}) == ["provision.provision[0]"]


def test_a_provision_ends_with_its_consent() -> None:
    inner = {"permit": {"period": [None, "2027-01-01"]}}
    rule = compiled({"permit": {"period": ["2026-01-01", "2026-12-31"], "provisions": [inner]}}).rules[1]
    assert (rule.since.isoformat(), rule.until.isoformat()) == (
        "2025-12-31T23:00:00+00:00",
        "2026-12-31T22:59:59.999999+00:00",
    )


def test_what_cannot_be_computed_denies_everything_to_anybody() -> None:
    (rule,) = compiled({"permit": {"actor": ["Practitioner/nobody"]}}).rules
    assert (rule.permit, rule.side, rule.record) == (False, RequestSide(False), RecordSide())


def test_what_a_stranger_brought_and_cannot_be_computed_says_nothing() -> None:
    assert paths({"permit": {"actor": ["Practitioner/nobody"]}}, trusted=False) == []


def test_an_inactive_consent_says_nothing() -> None:
    assert paths({"permit": {}, "status": "inactive"}) == []


def test_a_consent_to_something_else_than_sharing_says_nothing() -> None:
    assert paths({"permit": {}, "scope": "treatment"}) == []


def is_hard(**fields: Any) -> bool:
    rule: CompiledRule = compiled({"permit": fields}).rules[0]
    return rule.conditions is not None


def test_only_what_labels_and_type_do_not_tell_is_hard() -> None:
    assert not is_hard(area=["health"], label=["N", "PSY"], **{"class": ["Observation"]})
    assert is_hard(code=["http://loinc.org|1234-5"])
    assert is_hard(dataPeriod=["2026", None])
    assert is_hard(data=[["instance", "Observation/o1"]])
    assert is_hard(**{"class": ["34133-9"]})


def test_sides_that_ask_the_same_are_the_same() -> None:
    one = compiled({"permit": {"actor": ["Organization/practice", "Organization/hospital"], "purpose": ["COC"]}})
    other = compiled({"permit": {"purpose": ["COC"], "actor": ["Organization/hospital", "Organization/practice"]}})
    assert one.rules[0].side.digest == other.rules[0].side.digest
    assert RequestSide.of(True, one.rules[0].side.fields()) == one.rules[0].side
