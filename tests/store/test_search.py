"""Search in the store: what is asked is found, in pages that hold still, with what belongs to it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.errors import HubError
from hub.fhir.search_query import (
    Condition,
    DateValue,
    Include,
    InSet,
    NearValue,
    NumberValue,
    Prefix,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    Term,
    TokenValue,
    UriValue,
    Value,
)
from hub.store.model import IndexRow
from hub.store.search import statements
from hub.store.search.page import PageKey
from hub.store.sight import Sight, SightSpec
from hub.store.store import Store
from tests.store.samples import NOON, at_once, draft

ALL = Sight(SightSpec("all", NOON))
NOBODY = Sight(SightSpec("none", NOON))
PRAGUE, BRNO = (50.0755, 14.4378), (49.1951, 16.6068)


def write(store: Store, reference: str, *rows: IndexRow, version: int = 1, days: int = 0, **other: object) -> None:
    type, _, id = reference.partition("/")
    at = NOON + timedelta(days=days)
    with store.writing() as tx:
        tx.records.append(draft(id, version, type=type, index=rows, at=at, **other))


def find(store: Store, type: str, *conditions: Condition, sight: Sight = ALL) -> list[str]:
    with store.reading() as tx:
        found = [one.id for one in tx.search.page(Query((type,), conditions, count=100), sight).records]
        assert tx.search.total(Query((type,), conditions), sight) == len(found)
    return found


def term(param: str, kind: str, *values: Value, modifier: str = "", type: str = "Patient") -> Term:
    return Term(type, param, kind, modifier, values)


def name(text: str, modifier: str = "") -> Term:
    return term("name", "string", StringValue(text), modifier=modifier)


@pytest.mark.parametrize(
    ("text", "modifier", "found"),
    [
        ("nov", "", ["a", "b"]),
        ("NOVÁK", "", ["a", "b"]),
        ("Novák", "exact", ["a"]),
        ("novak", "exact", []),
        ("ová", "contains", ["a", "b"]),
        ("%", "", []),
        ("%", "contains", ["c"]),
        ("_", "contains", ["c"]),
        ("100%", "", ["c"]),
        ("\\", "contains", []),
        ("'; DROP TABLE record; --", "", []),
        ("\x00", "", []),
        ("nov\ud800", "", []),
        ("\U0010ffff", "", []),
    ],
)
def test_words_are_found_as_they_are_asked_for(store: Store, text: str, modifier: str, found: list[str]) -> None:
    write(store, "Patient/a", IndexRow("name", "string", "Novák", "novak"))
    write(store, "Patient/b", IndexRow("name", "string", "Nováková", "novakova"))
    write(store, "Patient/c", IndexRow("name", "string", "100%_", "100%_"))
    assert find(store, "Patient", name(text, modifier)) == found


def test_what_cannot_be_stored_is_what_no_record_has(store: Store) -> None:
    write(store, "Patient/a", IndexRow("gender", "token", "", "female"))
    odd = TokenValue(None, "\x00")
    assert find(store, "Patient", term("gender", "token", odd)) == []
    assert find(store, "Patient", term("gender", "token", odd, modifier="not")) == ["a"]
    assert find(store, "Patient", term("_id", "token", odd)) == []
    assert find(store, "Patient", InSet(("Patient/\x00", "Patient/a"))) == ["a"]
    assert find(store, "Patient", term("url", "uri", UriValue("http://\ud800"), modifier="below")) == []


def test_a_token_is_asked_for_with_without_and_by_its_system(store: Store) -> None:
    write(store, "Patient/a", IndexRow("kind", "token", "http://one", "x"))
    write(store, "Patient/b", IndexRow("kind", "token", "http://two", "x"))
    write(store, "Patient/c", IndexRow("kind", "token", "", "x"))
    write(store, "Patient/d", IndexRow("kind", "token", "http://one", ""))

    def kind(system: str | None, code: str | None) -> list[str]:
        return find(store, "Patient", term("kind", "token", TokenValue(system, code)))

    assert kind(None, "x") == ["a", "b", "c"]
    assert kind("http://one", "x") == ["a"]
    assert kind("", "x") == ["c"]
    assert kind("http://one", None) == ["a", "d"]
    assert kind(None, "X") == []
    both = (TokenValue("http://one", None), TokenValue("http://two", "x"), TokenValue("http://two", "y"))
    assert find(store, "Patient", term("kind", "token", *both)) == ["a", "b", "d"]


def test_a_canonical_is_found_with_and_without_its_version(store: Store) -> None:
    write(store, "Task/a", IndexRow("instantiates", "reference", "", "http://h/plan"))
    write(store, "Task/b", IndexRow("instantiates", "reference", "", "http://h/plan|1.0"))
    write(store, "Task/c", IndexRow("instantiates", "reference", "", "http://h/planning"))

    def plan(reference: str, *, versioned: bool = False) -> list[str]:
        value = ReferenceValue(reference, versioned)
        return find(store, "Task", term("instantiates", "reference", value, type="Task"))

    assert plan("http://h/plan") == ["a", "b"]
    assert plan("http://h/plan|1.0", versioned=True) == ["b"]


def test_a_place_is_near_by_its_distance(store: Store) -> None:
    for id, (latitude, longitude) in {"prague": PRAGUE, "brno": BRNO, "far": (-17.8, 179.9)}.items():
        write(store, f"Location/{id}", IndexRow("near", "near", low=latitude, high=longitude))

    def near(latitude: float, longitude: float, km: float) -> list[str]:
        return find(store, "Location", term("near", "near", NearValue(latitude, longitude, km), type="Location"))

    assert near(*PRAGUE, 1) == ["prague"]
    assert near(*PRAGUE, 180) == ["prague"]
    assert near(*PRAGUE, 190) == ["brno", "prague"]
    assert near(-17.8, -179.9, 30) == ["far"]
    assert near(-17.8, -179.9, 15) == []
    assert near(90, 0, 10) == []


def test_a_missing_value_is_missing_in_every_form(store: Store) -> None:
    write(store, "Task/a", IndexRow("owner", "reference", "", "Organization/o"))
    write(store, "Task/b", IndexRow("owner:identifier", "token", "s", "hash"))
    write(store, "Task/c", IndexRow("owner:text", "string", "Somebody", "somebody"))
    write(store, "Task/d", IndexRow("ownership", "token", "s", "x"))
    assert find(store, "Task", term("owner", "reference", TokenValue(None, "true"), modifier="missing")) == ["d"]
    assert find(store, "Task", term("owner", "reference", TokenValue(None, "false"), modifier="missing")) == list("abc")


STANDS = {
    "before": (0, 1),
    "meets its start": (0, 2),
    "within": (2, 3),
    "the same": (2, 4),
    "meets its end": (4, 5),
    "after": (5, 6),
    "around": (1, 5),
}
"""How an interval on record stands to the one asked for, from 2 to 4."""


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("eq", {"within", "the same"}),
        ("ne", {"before", "meets its start", "meets its end", "after", "around"}),
        ("gt", {"meets its end", "after", "around"}),
        ("lt", {"before", "meets its start", "around"}),
        ("ge", {"within", "the same", "meets its end", "after", "around"}),
        ("le", {"within", "the same", "before", "meets its start", "around"}),
        ("sa", {"after"}),
        ("eb", {"before"}),
        ("ap", {"meets its start", "within", "the same", "meets its end", "around"}),
    ],
)
def test_a_prefix_says_how_intervals_stand_to_each_other(store: Store, prefix: Prefix, found: set[str]) -> None:
    for stands, (low, high) in STANDS.items():
        start, end = (f"2026-01-0{day + 1}T00:00:00.000000+00:00" for day in (low, high))
        rows = (IndexRow("n", "number", low=low, high=high), IndexRow("date", "date", start=start, end=end))
        write(store, f"Task/{stands.replace(' ', '-')}", *rows)
    expected = sorted(stands.replace(" ", "-") for stands in found)
    start, end = (f"2026-01-0{day}T00:00:00.000000+00:00" for day in (3, 5))
    assert find(store, "Task", term("n", "number", NumberValue(prefix, 2.0, 4.0), type="Task")) == expected
    assert find(store, "Task", term("date", "date", DateValue(prefix, start, end), type="Task")) == expected


def test_what_is_large_or_small_beyond_measure_is_still_compared(store: Store) -> None:
    write(store, "Task/a", IndexRow("n", "number", low=-1.7e308, high=1.7e308))
    write(store, "Task/b", IndexRow("n", "number", low=5e-324, high=5e-324))
    assert find(store, "Task", term("n", "number", NumberValue("gt", 1e308, 1e308), type="Task")) == ["a"]
    assert find(store, "Task", term("n", "number", NumberValue("eq", 0.0, 1.0), type="Task")) == ["b"]


def test_a_record_is_dated_by_its_last_version(store: Store) -> None:
    write(store, "Task/a", days=0)
    write(store, "Task/a", version=2, days=5)
    write(store, "Task/b", days=3)
    day = (NOON + timedelta(days=4)).isoformat(timespec="microseconds")
    since = term("_lastUpdated", "date", DateValue("gt", day, day), type="Task")
    assert find(store, "Task", since) == ["a"]
    with store.reading() as tx:
        query = Query(("Task",), (), (Sort("_lastUpdated", "date", True),), count=1)
        page = tx.search.page(query, ALL)
        assert [one.id for one in page.records] == ["a"]
        assert [one.id for one in tx.search.page(query, ALL, after=page.next).records] == ["b"]


def test_nobody_who_sees_nothing_finds_anything(store: Store) -> None:
    write(store, "Patient/a", IndexRow("gender", "token", "", "female"))
    assert find(store, "Patient", sight=NOBODY) == []
    assert find(store, "Patient", term("gender", "token", TokenValue(None, "male"), modifier="not"), sight=NOBODY) == []
    with store.reading() as tx:
        assert tx.search.included(["Patient/a"], [Include("*", "*")], NOBODY, cap=9).records == []


def test_deleted_records_are_never_found(store: Store) -> None:
    row = IndexRow("subject", "reference", "", "Patient/a")
    write(store, "Patient/a")
    write(store, "Task/t", row)
    write(store, "Task/t", row, version=2, deleted=True)
    assert find(store, "Task") == find(store, "Task", InSet(("Task/t",))) == []
    with store.reading() as tx:
        assert tx.search.included(["Patient/a"], [Include("Task", "subject", reverse=True)], ALL, cap=9).records == []
    write(store, "Task/t", row, version=3)
    assert find(store, "Task") == ["t"]


def test_a_search_of_several_types_goes_through_all_of_them(store: Store) -> None:
    ids = [f"{type}/{number}" for type in ("CarePlan", "CareTeam", "Goal", "Task") for number in range(5)]
    for reference in ids:
        write(store, reference, IndexRow("tag", "token", "", "x"))
    tagged = term("tag", "token", TokenValue(None, "x"), type="")
    for types in (("Goal", "CarePlan"), ("CarePlan", "CareTeam", "Goal", "Task"), ()):
        for conditions in ((), (tagged,)):
            query = Query(types, conditions, count=3)
            assert walk(store, query) == sorted(one for one in ids if not types or one.partition("/")[0] in types)


def test_a_compartment_holds_the_patient_and_what_refers_to_them_as_its_definition_says(store: Store) -> None:
    write(store, "Patient/a")
    write(store, "Patient/b")
    write(store, "Condition/1", IndexRow("subject", "reference", "", "Patient/a"))
    write(store, "Condition/2", IndexRow("patient", "reference", "", "Patient/a"))
    write(store, "Condition/3", IndexRow("subject", "reference", "", "Patient/b"))
    write(store, "Condition/4", IndexRow("evidence-detail", "reference", "", "Patient/a"))
    write(store, "Organization/o", IndexRow("subject", "reference", "", "Patient/a"))
    query = Query((), (), count=10, compartment="Patient/a")
    assert walk(store, query) == ["Condition/2", "Patient/a"]
    assert walk(store, replace(query, types=("Condition",))) == ["Condition/2"]
    assert walk(store, replace(query, types=("Organization",))) == []


def test_a_page_holds_still_while_records_come_and_go(store: Store) -> None:
    dice = random.Random(1)
    stays = {f"s{number:02}" for number in range(40)}
    for id in stays:
        write(store, f"Task/{id}", IndexRow("n", "number", low=(n := float(dice.randrange(9))), high=n))
    for sort in ((), (Sort("n", "number"),), (Sort("n", "number", True),), (Sort("absent", "token"),)):
        query = Query(("Task",), (), sort, count=7)
        found: list[str] = []
        key: PageKey | None = None
        for turn in range(100):
            with store.reading() as tx:
                page = tx.search.page(query, ALL, after=key)
            found += [one.id for one in page.records]
            key = page.next
            if key is None:
                break
            number = float(dice.randrange(9))
            write(store, f"Task/{dice.random()}-{turn}", IndexRow("n", "number", low=number, high=number))
        assert [id for id in sorted(found) if id in stays] == sorted(stays)


def test_the_page_after_a_record_that_was_deleted_is_still_the_page_after_it(store: Store) -> None:
    for id in "abcd":
        write(store, f"Task/{id}")
    with store.reading() as tx:
        page = tx.search.page(Query(("Task",), count=2), ALL)
    write(store, "Task/b", version=2, deleted=True)
    with store.reading() as tx:
        after = tx.search.page(Query(("Task",), count=2), ALL, after=page.next)
    assert [one.id for one in after.records] == ["c", "d"]


def test_searches_at_once_do_not_get_each_others_values(store: Store) -> None:
    for number in range(20):
        write(store, f"Task/{number:02}", IndexRow("code", "token", "", f"c{number}"))
    statements._kept.clear()

    def ask(who: int) -> list[list[str]]:
        order = random.Random(who).sample(range(20), 20)
        coded = ((number, term("code", "token", TokenValue(None, f"c{number}"), type="Task")) for number in order)
        return [[f"{number:02}"] for number, one in coded if find(store, "Task", one) != [f"{number:02}"]]

    assert at_once(6, ask) == [[]] * 6


def test_a_statement_is_made_once_for_all_values(store: Store) -> None:
    statements._kept.clear()
    for text in ("nov", "svoboda", "čern"):
        find(store, "Patient", name(text))
    assert len(statements._kept) == 2, "one for the page, one for the total"
    find(store, "Patient", name("nov", "contains"))
    assert len(statements._kept) == 4


def test_includes_follow_references_in_both_directions(store: Store) -> None:
    family(store)
    assert along(store, ["CarePlan/p"], Include("CarePlan", "goal")) == ["Goal/g"]
    assert along(store, ["CarePlan/p"], Include("CarePlan", "*")) == ["CareTeam/t", "Goal/g", "Patient/a"]
    assert along(store, ["CarePlan/p"], Include("CarePlan", "subject", "Group")) == []
    assert along(store, ["CarePlan/p"], Include("Goal", "subject")) == []
    assert along(store, ["CarePlan/p"], Include("*", "*"), types=["Patient"]) == ["Patient/a"]
    back = Include("CarePlan", "subject", reverse=True)
    assert along(store, ["Patient/a"], back) == ["CarePlan/p"]
    assert along(store, ["Patient/a"], replace(back, target="Group")) == []
    assert along(store, ["Patient/a"], replace(back, source="*", param="*")) == ["CarePlan/p", "CareTeam/t", "Goal/g"]
    assert along(store, ["Patient/a"], replace(back, param="*"), types=["Goal"]) == []
    assert along(store, [], back) == along(store, ["Patient/a"]) == []
    assert along(store, ["Patient/a"], back, types=[]) == []


def test_includes_go_on_only_where_they_iterate(store: Store) -> None:
    family(store)
    team, member = Include("CarePlan", "care-team"), Include("CareTeam", "participant")
    assert along(store, ["CarePlan/p"], team, member) == ["CareTeam/t"]
    assert along(store, ["CarePlan/p"], team, replace(member, iterate=True)) == ["CareTeam/t", "Practitioner/x"]


def test_a_circle_of_references_ends(store: Store) -> None:
    for number in range(6):
        write(store, f"Task/{number}", IndexRow("part-of", "reference", "", f"Task/{(number + 1) % 6}"))
    around = Include("Task", "part-of", iterate=True)
    assert along(store, ["Task/0"], around) == [f"Task/{number}" for number in range(1, 6)]


def test_more_than_may_come_along_is_said(store: Store) -> None:
    for number in range(5):
        write(store, f"Task/{number}", IndexRow("subject", "reference", "", "Patient/a"))
    back = Include("Task", "subject", reverse=True)
    with store.reading() as tx:
        assert tx.search.included(["Patient/a"], [back], ALL, cap=5).capped is False
        some = tx.search.included(["Patient/a"], [back], ALL, cap=4)
    assert (len(some.records), some.capped) == (4, True)


def test_two_are_enough_to_see_that_there_is_more_than_one(store: Store) -> None:
    for id in "abc":
        write(store, f"Task/{id}", IndexRow("code", "token", "", "x"))
    with store.reading() as tx:
        coded = Query(("Task",), (term("code", "token", TokenValue(None, "x"), type="Task"),))
        assert tx.search.references(coded, ALL, 2) == ["Task/a", "Task/b"]


def test_the_history_of_many_is_read_from_the_newest_down(store: Store) -> None:
    write(store, "Task/a", days=0)
    write(store, "Goal/g", days=1)
    write(store, "Task/a", version=2, days=2, deleted=True)
    write(store, "Task/b", days=3)
    with store.reading() as tx:
        first = tx.versions.walk(["Task"], ALL, below=None, limit=2)
        rest = tx.versions.walk(["Task"], ALL, below=first[-1][0], limit=2)
        assert [(one.id, one.version, one.deleted) for _, one in (*first, *rest)] == [
            ("b", 1, False),
            ("a", 2, True),
            ("a", 1, False),
        ]
        since = tx.versions.since(None, NOON + timedelta(days=1), NOON + timedelta(days=3), ALL, limit=9)
        assert [one.reference for _, one in since] == ["Task/a", "Goal/g"]
        assert [one.version for one in tx.versions.of("Task", "a")] == [2, 1]
        assert tx.versions.walk(None, NOBODY, below=None, limit=9) == []


def test_new_records_can_come_in_together(store: Store) -> None:
    drafts = [draft(f"c{number}", index=(IndexRow("code", "token", "", f"x{number}"),)) for number in range(30)]
    with store.writing() as tx:
        tx.records.append_new(drafts)
        tx.records.append_new([])
    coded = term("code", "token", TokenValue(None, "x7"), type="Condition")
    assert find(store, "Condition", coded) == ["c7"]
    with store.writing() as tx:
        assert [one.id for one in tx.records.of_client("Patient/anna")] == [f"c{number}" for number in range(30)]
    for odd in (drafts[:1], [draft("d1", 2)]):
        with pytest.raises(HubError), store.writing() as tx:
            tx.records.append_new(odd)


def family(store: Store) -> None:
    """A plan with a goal and a team, about one patient."""

    def refer(param: str, reference: str) -> IndexRow:
        return IndexRow(param, "reference", "", reference)

    write(store, "Patient/a")
    write(store, "Practitioner/x")
    write(store, "Goal/g", refer("subject", "Patient/a"))
    write(store, "CareTeam/t", refer("subject", "Patient/a"), refer("participant", "Practitioner/x"))
    write(store, "CarePlan/p", refer("subject", "Patient/a"), refer("goal", "Goal/g"), refer("care-team", "CareTeam/t"))


def along(store: Store, references: Sequence[str], *includes: Include, types: Iterable[str] | None = None) -> list[str]:
    with store.reading() as tx:
        allowed = None if types is None else list(types)
        found = tx.search.included(references, includes, ALL, cap=100, types=allowed)
    assert not found.capped
    return [one.reference for one in found.records]


def walk(store: Store, query: Query) -> list[str]:
    """All pages, each in a transaction of its own."""
    found: list[str] = []
    key: PageKey | None = None
    while True:
        with store.reading() as tx:
            page = tx.search.page(query, ALL, after=key)
        found += [one.reference for one in page.records]
        key = page.next
        if key is None:
            return found
