"""Dates and times of the source formats as FHIR dates: no more precise, and no less, than what was said.

HL7 TS `YYYY[MM[DD[HHMM[SS[.S]]]]][+/-ZZZZ]` (CDA, HL7 v2) and Czech `d. m. yyyy [hh:mm]`. FHIR wants a
zone with every time (https://hl7.org/fhir/R4/datatypes.html#dateTime): where the source has none, the
zone handed in counts.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_TS = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?(\.\d+)?)?(?:\s*([+-])(\d\d):?(\d\d)|(Z))?")
_CZECH = re.compile(r"(?:(?:(\d{1,2})\.\s*)?(\d{1,2})\.\s*)?(\d{4})(?:[ ,]+(\d{1,2}):(\d\d)(?::(\d\d))?)?")


@lru_cache(maxsize=4096)
def hl7_date(text: str) -> str:
    """`20170506` -> `2017-05-06`; a time of day is left off; ValueError where it is not a date."""
    found = _TS.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an HL7 timestamp")
    return _date(found[1], found[2], found[3])


@lru_cache(maxsize=4096)
def hl7_date_time(text: str, zone: str) -> str:
    """`20170714194500+0200` -> `2017-07-14T19:45:00+02:00`; ValueError where it is not a time."""
    found = _TS.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an HL7 timestamp")
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute, utc = found.groups()
    if hour is None or minute is None or day is None:
        return _date(year, month, day)
    offset = "Z" if utc else f"{sign}{zone_hour}:{zone_minute}" if sign else ""
    return _time(year, month, day, hour, minute, second or "00", fraction or "", offset, zone)


@lru_cache(maxsize=4096)
def czech_date(text: str, zone: str, *, with_time: bool = True) -> str:
    """`6. 5. 2017`, `06.05.2017 14:30`, `5. 2017` or ISO 8601 -> FHIR; ValueError where it is not a date."""
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text):
        return _date(text[:4], text[5:7], text[8:] or None)
    found = _CZECH.fullmatch(text)
    if found is None:
        raise ValueError("not a date like 31.12.2026")
    day, month, year, hour, minute, second = found.groups()
    month, day = month and month.zfill(2), day and day.zfill(2)
    if hour is None or not with_time or day is None or month is None:
        return _date(year, month, day)
    return _time(year, month, day, hour.zfill(2), minute, second or "00", "", "", zone)


def to_czech(text: str) -> str:
    """A FHIR date or dateTime as Czech tables write it; what is not a date is given back as it is."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d).*)?)?)?", text)
    if found is None:
        return text
    year, month, day, time = found.groups()
    written = ".".join(part for part in (day, month, year) if part)
    return f"{written} {time}" if time else written


def _date(year: str, month: str | None, day: str | None) -> str:
    if day == "00":
        day = None
    if month == "00":
        month = None
    if month and day:
        return date(int(year), int(month), int(day)).isoformat()
    if month:
        return date(int(year), int(month), 1).isoformat()[:7]
    return date(int(year), 1, 1).isoformat()[:4]


def _time(
    year: str,
    month: str,
    day: str,
    hour: str,
    minute: str,
    second: str,
    fraction: str,
    offset: str,
    zone: str,
) -> str:
    if hour == "24":
        raise ValueError("hour 24")
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    if not offset:
        local = moment.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()
        minutes = int(local.total_seconds()) // 60
        offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    elif offset != "Z" and (int(offset[1:3]) > 14 or int(offset[4:]) > 59):
        raise ValueError("no such time zone")
    return f"{moment.replace(tzinfo=None).isoformat()}{fraction}{offset}"
