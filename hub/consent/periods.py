"""Spans of time as a person means them (consent rules §2.1, §2.7; https://hl7.org/fhir/R4/datatypes.html#Period).

A date without a time lasts from its first to its last moment in the hub's time zone: `end: 2026-03-31` holds to the
end of that day, `2026-03` is the whole month. Both ends are inclusive. A time without an offset says no instant and is
refused.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

HUB_TIME_ZONE: Final = "Europe/Prague"

Span = tuple[datetime, datetime]
"""First and last moment, both inside, in UTC."""

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)

_DATE_TIME: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.(?P<fraction>\d+))?"
    r"(?P<offset>Z|[+-]\d{2}:\d{2}))?)?)?"
)


@lru_cache(maxsize=4096)
def span(text: str, zone: ZoneInfo) -> Span:
    """The first and last moment of a FHIR date, dateTime or instant. Raises ValueError where it is none."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date or dateTime")
    year = int(match["year"])
    if match["hour"] is not None:
        return _instant(match)
    if match["day"] is not None:
        first = date(year, int(match["month"]), int(match["day"]))
        last = first
    elif match["month"] is not None:
        first = date(year, int(match["month"]), 1)
        last = first.replace(day=monthrange(year, first.month)[1])
    else:
        first, last = date(year, 1, 1), date(year, 12, 31)
    return _midnight(first, zone), _end_of(last, zone)


def period_span(period: Mapping[str, Any], zone: ZoneInfo) -> Span:
    """A Period; an end that is not given is open. Raises ValueError where it cannot be read or ends before it starts."""
    start, end = period.get("start"), period.get("end")
    first = span(start, zone)[0] if start is not None else EARLIEST
    last = span(end, zone)[1] if end is not None else LATEST
    if last < first:
        raise ValueError("ends before it starts")
    return first, last


def contains(outer: Span, inner: Span) -> bool:
    """Whether all of `inner` lies inside `outer`."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def overlaps(one: Span, other: Span) -> bool:
    """Whether the two share a moment."""
    return one[0] <= other[1] and other[0] <= one[1]


def _instant(match: re.Match[str]) -> Span:
    offset = match["offset"]
    zone: timezone = UTC
    if offset != "Z":
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
        zone = timezone(-shift if offset[0] == "-" else shift)
    second = min(int(match["second"]), 59)
    moment = datetime(
        int(match["year"]), int(match["month"]), int(match["day"]),
        int(match["hour"]), int(match["minute"]), second, tzinfo=zone,
    )  # fmt: skip
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = LATEST.replace(microsecond=0) if moment.year > 1 else EARLIEST
    fraction = match["fraction"]
    if fraction is None:
        return moment, moment.replace(microsecond=999_999)
    width = len(fraction[:6])
    exact = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    return exact, exact.replace(microsecond=int(fraction[:6] + "9" * (6 - width)))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    try:
        return _midnight(day + _DAY, zone) - _TICK
    except OverflowError:
        return LATEST
