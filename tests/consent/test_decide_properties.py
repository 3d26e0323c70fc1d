"""What holds of every decision, whatever the Consents (consent rules §1 to §5)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.bases import DEFAULT_BASES
from hub.consent.decide import bind, decide
from hub.consent.model import Decision, Effect
from hub.fhir.codes import AREAS
from tests.consent.building import NOON, PRAGUE, consent, moment, record, request, rules, world
from tests.consent.world import WORLD

ACTORS = (
    "Organization/practice", "Organization/hospital", "Organization/ward", "Organization/home-care",
    "Practitioner/nurse", "PractitionerRole/nurse-on-ward", "CareTeam/team", "Group/on-call",
)  # fmt: skip
SOME_AREAS = ("health", "finance", "housing", "safeguarding")
LABELS = ("N", "R", "V", "PSY", "HIV")

fields = st.fixed_dictionaries(
    {},
    optional={
        "actor": st.lists(st.sampled_from(ACTORS), min_size=1, max_size=2, unique=True),
        "purpose": st.lists(st.sampled_from(("TREAT", "COC", "HRESCH", "BTG")), min_size=1, max_size=2),
        "action": st.lists(st.sampled_from(("access", "collect")), min_size=1, max_size=1),
        "area": st.lists(st.sampled_from(SOME_AREAS), min_size=1, max_size=3, unique=True),
        "label": st.lists(st.sampled_from(LABELS), min_size=1, max_size=2, unique=True),
        "class": st.lists(st.sampled_from(("Observation", "CarePlan")), min_size=1, max_size=1),
        "period": st.sampled_from((["2026-01-01", None], [None, "2026-02-01"])),
    },
)
provisions = st.recursive(
    st.builds(lambda effect, given: {effect: given}, st.sampled_from(("permit", "deny")), fields),
    lambda inner: st.builds(
        lambda effect, given, nested: {effect: {**given, "provisions": nested}},
        st.sampled_from(("permit", "deny")),
        fields,
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=6,
)
roots = provisions.map(lambda p: {e: {k: v for k, v in f.items() if k != "period"} for e, f in p.items()})
worlds_of_consents = st.lists(roots, max_size=3)
requests = st.fixed_dictionaries(
    {"actors": st.lists(st.sampled_from(ACTORS[:6]), min_size=1, max_size=1)},
    optional={"purpose": st.sampled_from(("COC", "HRESCH", "BTG")), "action": st.sampled_from(("collect",))},
)
contents = st.fixed_dictionaries(
    {"areas": st.lists(st.sampled_from(SOME_AREAS), min_size=1, max_size=2, unique=True)},
    optional={
        "label": st.sampled_from(("L", "N", "R", "V")),
        "sensitive": st.lists(st.sampled_from(("PSY", "HIV")), max_size=2, unique=True),
    },
)
plans = st.builds(
    lambda parts: {
        "is": "CarePlan/p",
        "areas": ["plan"],
        "parts": [{"at": f"/activity/{n}", **part} for n, part in enumerate(parts)],
    },
    st.lists(contents, min_size=1, max_size=4),
)


def ask(consents: list[Any], asked: Any, of: Any) -> Decision:
    row = {"consents": [{"id": f"c{n}", **short} for n, short in enumerate(consents)]}
    return decide(request(asked), record(of), rules(row), WORLD, at=moment(NOON), bases=DEFAULT_BASES, zone=PRAGUE)


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, roots, requests, contents)
def test_one_more_consent_that_denies_never_opens_anything(consents: list[Any], more: Any, asked: Any, of: Any) -> None:
    before = ask(consents, asked, of)
    alone = ask([more], asked, of)
    after = ask([*consents, more], asked, of)
    if not before.permits and not alone.permits:
        assert not after.permits
    if any(reason.consent and reason.effect is Effect.DENY for reason in before.because):
        assert not after.permits


@settings(deadline=None, max_examples=60)
@given(
    worlds_of_consents.flatmap(lambda c: st.tuples(st.just(c), st.permutations(range(len(c))))),
    requests,
    contents,
)
def test_the_order_of_consents_does_not_matter(shuffled: Any, asked: Any, of: Any) -> None:
    consents, order = shuffled
    named = [{"id": f"c{n}", **short} for n, short in enumerate(consents)]
    assert ask(named, asked, of) == ask([named[n] for n in order], asked, of)


@settings(deadline=None, max_examples=60)
@given(
    worlds_of_consents,
    roots,
    requests,
    contents,
    st.sampled_from(("inactive", "rejected", "entered-in-error")),
)
def test_what_is_not_active_decides_nothing(consents: list[Any], more: Any, asked: Any, of: Any, status: str) -> None:
    assert ask([*consents, {**more, "status": status}], asked, of) == ask(consents, asked, of)


@settings(deadline=None, max_examples=60)
@given(
    worlds_of_consents,
    roots,
    requests,
    contents,
    st.sampled_from(([None, "2026-03-09"], ["2026-03-11", None])),
)
def test_what_is_over_or_to_come_decides_nothing(
    consents: list[Any], more: Any, asked: Any, of: Any, period: Any
) -> None:
    ((effect, given_),) = more.items()
    over = {effect: {**given_, "period": period}}
    assert ask([*consents, over], asked, of) == ask(consents, asked, of)


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, contents, st.sampled_from(("EMER", "PurposeOfUse", "MEDNEC", "")))
def test_a_purpose_that_is_not_known_is_refused(consents: list[Any], of: Any, purpose: str) -> None:
    asked = {"actors": ["Organization/practice"], "purpose": purpose}
    assert ask(consents, asked, of).effect is Effect.DENY


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, requests, plans)
def test_a_hidden_part_is_one_that_alone_would_be_hidden(consents: list[Any], asked: Any, plan: Any) -> None:
    whole = ask(consents, asked, plan)
    for part in plan["parts"]:
        alone = ask(consents, asked, {**plan, "parts": [part]})
        if not whole.permits:
            assert not alone.permits
        else:
            assert (part["at"] in whole.hidden_parts) is not alone.permits


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, requests, st.one_of(plans, contents))
def test_there_is_always_a_reason_and_it_says_what_the_effect_says(consents: list[Any], asked: Any, of: Any) -> None:
    decision = ask(consents, asked, of)
    assert decision.because
    effects = {reason.effect for reason in decision.because}
    assert (Effect.PERMIT in effects) is decision.permits
    assert bool(decision.hidden_parts) <= (decision.effect is Effect.PARTIAL)


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, requests, contents)
def test_an_area_without_permit_hides_every_record_of_it(consents: list[Any], asked: Any, of: Any) -> None:
    row = {"consents": [{"id": f"c{n}", **short} for n, short in enumerate(consents)]}
    bound = bind(request(asked), rules(row), WORLD, at=moment(NOON), bases=DEFAULT_BASES, zone=PRAGUE)
    open_areas = bound.areas("Patient/eva")
    assert open_areas <= set(AREAS)
    for area in of["areas"]:
        if area not in open_areas:
            assert not bound.decide(record({**of, "areas": [area]})).permits


@settings(deadline=None, max_examples=60)
@given(worlds_of_consents, requests, st.lists(contents, min_size=1, max_size=3))
def test_a_request_bound_once_decides_as_each_alone(consents: list[Any], asked: Any, many: list[Any]) -> None:
    row = {"consents": [{"id": f"c{n}", **short} for n, short in enumerate(consents)]}
    bound = bind(request(asked), rules(row), WORLD, at=moment(NOON), bases=DEFAULT_BASES, zone=PRAGUE)
    assert [bound.decide(record(of)) for of in many] == [ask(consents, asked, of) for of in many]


@settings(deadline=None, max_examples=60)
@given(roots, requests, contents, st.data())
def test_an_actor_nobody_knows_turns_a_consent_into_a_deny(root: Any, asked: Any, of: Any, data: st.DataObject) -> None:
    full = consent(root)
    spots = list(_provisions(full["provision"]))
    data.draw(st.sampled_from(spots))["actor"] = [{"reference": {"reference": "Organization/nowhere"}}]
    row = {"consents": [{"permit": {"purpose": ["TREAT", "HRESCH"]}}, {**root, "raw": full}]}
    bound = bind(request(asked), rules(row), world({}), at=moment(NOON), bases=DEFAULT_BASES, zone=PRAGUE)
    assert not bound.decide(record(of)).permits
    assert bound.unenforceable


def _provisions(provision: Any) -> Any:
    yield provision
    for nested in provision.get("provision", ()):
        yield from _provisions(nested)
