"""When a record is about: partial dates are whole intervals in the hub's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fhir.clinical_time import (
    CLINICAL_TIME,
    OPEN_END,
    OPEN_START,
    clinical_period,
    date_interval,
    overlaps,
    within,
)
from hub.fhir.shapes import shape

PRAGUE = ZoneInfo("Europe/Prague")
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "start", "following"),
    [
        ("2024", (2024, 1, 1), (2025, 1, 1)),
        ("2024-02", (2024, 2, 1), (2024, 3, 1)),
        ("2024-12", (2024, 12, 1), (2025, 1, 1)),
        ("2024-02-29", (2024, 2, 29), (2024, 3, 1)),
        ("2024-03-31", (2024, 3, 31), (2024, 4, 1)),
    ],
)
def test_a_partial_date_is_the_whole_interval_in_the_hubs_zone(
    text: str, start: tuple[int, int, int], following: tuple[int, int, int]
) -> None:
    assert date_interval(text, PRAGUE) == (
        datetime(*start, tzinfo=PRAGUE),
        datetime(*following, tzinfo=PRAGUE).astimezone(UTC) - TICK,
    )


def test_the_day_on_which_clocks_change_has_23_hours() -> None:
    interval = date_interval("2024-03-31", PRAGUE)
    assert interval is not None
    assert interval[1] - interval[0] == timedelta(hours=23) - TICK


def test_a_moment_with_seconds_is_that_second() -> None:
    assert date_interval("2024-01-02T03:04:05+01:00") == (
        datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC),
        datetime(2024, 1, 2, 2, 4, 5, 999999, tzinfo=UTC),
    )
    assert date_interval("2016-12-31T23:59:60Z") is not None


@pytest.mark.parametrize("text", ["", "x", "2024-13", "2024-02-30", "9999", "soon-after", "2024-01-02T99:00:00Z"])
def test_what_is_no_date_has_no_interval(text: str) -> None:
    assert date_interval(text) is None


def test_the_first_element_that_is_there_is_the_time_of_a_record() -> None:
    plan = {"resourceType": "CarePlan", "period": {"start": "2024-01"}, "created": "2020"}
    assert clinical_period(plan) == (datetime(2024, 1, 1, tzinfo=UTC), OPEN_END)
    del plan["period"]
    assert clinical_period(plan, zone=UTC) == date_interval("2020")
    assert clinical_period({"resourceType": "CarePlan"}) is None
    assert clinical_period({"resourceType": "Location"}) is None


def test_choices_periods_and_timings_are_understood() -> None:
    assert clinical_period({"resourceType": "Observation", "effectivePeriod": {"end": "2024"}}) == (
        OPEN_START,
        datetime(2025, 1, 1, tzinfo=UTC) - TICK,
    )
    timing = {"event": ["2024-01-01", "2024-01-05"]}
    assert clinical_period({"resourceType": "Observation", "effectiveTiming": timing}) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 6, tzinfo=UTC) - TICK,
    )
    document = {
        "resourceType": "Composition",
        "event": [{"period": {"start": "2023", "end": "2024"}}],
        "date": "2025",
    }
    assert clinical_period(document) == (
        datetime(2023, 1, 1, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC) - TICK,
    )


def test_a_condition_whose_onset_is_an_age_goes_by_when_it_was_recorded() -> None:
    condition = {"resourceType": "Condition", "onsetAge": {"value": 40}, "recordedDate": "2024"}
    assert clinical_period(condition) == date_interval("2024")


def test_overlap_and_containment() -> None:
    year, month, other = date_interval("2024"), date_interval("2024-05"), date_interval("2025")
    assert year
    assert month
    assert other
    assert within(month, year)
    assert not within(year, month)
    assert overlaps(month, year)
    assert not overlaps(year, other)


@given(st.dates(), st.dates())
def test_days_are_in_order_and_do_not_touch(one: object, other: object) -> None:
    first, second = sorted((str(one), str(other)))
    a, b = date_interval(first, PRAGUE), date_interval(second, PRAGUE)
    if a and b:
        assert overlaps(a, b) == (first == second)


def test_every_element_of_the_table_is_an_element_of_its_type() -> None:
    for name, paths in CLINICAL_TIME.items():
        for path in paths:
            place = shape(name)
            for step in path.split("."):
                stems = {stem for stem, _ in place.choices}
                assert step in place.elements or f"{step}[x]" in stems, (name, path)
                if step in place.elements and place.elements[step].check is None:
                    place = place.elements[step].shape
