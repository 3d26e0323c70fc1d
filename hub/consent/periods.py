"""Spans of time as a person means them (consent rules §2.1, §2.7).

FHIR Period: https://hl7.org/fhir/R4/datatypes.html#Period. A date without a time lasts from its first to its
last moment in the hub's time zone: `end: 2026-03-31` holds to the end of that day, `2026-03` is the whole
month. Both ends are inclusive. What is no FHIR date, or a time without an offset, is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.fhir.clinical_time import OPEN_END, OPEN_START, date_interval, overlaps, within

__all__ = ["HUB_TIME_ZONE", "Span", "overlaps", "period_span", "span", "within"]

HUB_TIME_ZONE: Final = "Europe/Prague"

Span = tuple[datetime, datetime]
"""First and last moment, both inside, in UTC."""

_DATE_TIME: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?", re.ASCII)


@lru_cache(maxsize=4096)
def span(text: str, zone: ZoneInfo) -> Span:
    """The first and last moment of a FHIR date, dateTime or instant. Raises ValueError where it is none."""
    if _DATE_TIME.fullmatch(text) is None:
        raise ValueError("not a FHIR date or dateTime")
    try:
        found = date_interval(text, zone)
    except OverflowError:
        found = None
    if found is not None:
        return found
    if text.startswith("9999"):
        return datetime(9999, 1, 1, tzinfo=OPEN_END.tzinfo), OPEN_END
    if text.startswith("0001"):
        return OPEN_START, OPEN_START
    raise ValueError("no such date")


def period_span(period: Mapping[str, Any], zone: ZoneInfo) -> Span:
    """A Period; an end not given is open. Raises ValueError where it is unreadable or ends too early."""
    start, end = period.get("start"), period.get("end")
    first = span(start, zone)[0] if start is not None else OPEN_START
    last = span(end, zone)[1] if end is not None else OPEN_END
    if last < first:
        raise ValueError("ends before it starts")
    return first, last
