"""The values of search parameters, from their text (https://hl7.org/fhir/R4/search.html#ptypes).

`\\,` `\\|` `\\$` and `\\\\` are the characters themselves (https://hl7.org/fhir/R4/search.html#escaping); nothing
else is special: `%`, `_`, `'` and `*` are letters like any other. A message says what is wrong with a value and
never repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final, cast

from hub.fhir.clinical_time import OPEN_END, OPEN_START, Interval, date_interval
from hub.fhir.search_numbers import implied_ends, nearby_ends, point, read_number
from hub.fhir.search_query import (
    DateValue,
    NearValue,
    NumberValue,
    Prefix,
    QuantityValue,
    StringValue,
    TokenValue,
    UriValue,
)
from hub.fhir.search_values import ANY_SYSTEM, fitting, fold

DEFAULT_KM: Final = 10.0
"""How far `near` reaches where it does not say."""

_PREFIX: Final = re.compile(r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb|ap)?(?P<rest>.*)", re.DOTALL)
_CLOCK: Final = r"T(?:[01]\d|2[0-3]):[0-5]\d(?P<seconds>:(?:[0-5]\d|60)(?:\.\d{1,9})?)?(?:Z|[+\- ]\d\d:\d\d)?"
_DATE: Final = re.compile(rf"\d{{4}}(?:-(?:0[1-9]|1[0-2])(?:-\d\d(?:{_CLOCK})?)?)?", re.ASCII)
_KILOMETRES: Final = {"": 1.0, "km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344}


class ValueTextError(ValueError):
    """The text is no value of its kind; the message says why."""


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that are not escaped; their own escapes stay."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def unescape(text: str) -> str:
    """The text that was meant."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def escape(text: str) -> str:
    """The text as it is written inside a value."""
    return re.sub(r"([,|$\\])", r"\\\1", text)


def token(text: str, *, secret: bool = False) -> TokenValue:
    """`code`, `system|code`, `|code` or `system|`."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2:
        raise ValueTextError("has more than one `|`; one that is part of a code is written `\\|`")
    if parts in ([""], ["", ""]):
        raise ValueTextError("has neither system nor code")
    if len(parts) == 1:
        return TokenValue(ANY_SYSTEM if secret else None, parts[0], secret)
    return TokenValue(parts[0], parts[1] or None, secret)


def typed_identifier(text: str) -> TokenValue:
    """`system|code|value` of `:of-type`: the type of an identifier, and the identifier."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise ValueTextError("is not `system|code|value`")
    return TokenValue(f"{parts[0]}|{parts[1]}", parts[2], secret=True)


def string(text: str) -> StringValue:
    """Words to be found; blanks alone are none."""
    meant = unescape(text)
    if not (folded := fold(meant)):
        raise ValueTextError("has no letters to look for")
    if fitting("string", folded) != folded:
        raise ValueTextError("is longer than what is indexed of words")
    return StringValue(meant)


def uri(text: str) -> UriValue:
    """A URI as it stands."""
    return UriValue(unescape(text))


def date(text: str, zone: tzinfo = UTC) -> DateValue:
    """A prefix and a date, partial or to the fraction of a second."""
    prefix, rest = _prefixed(text)
    match = _DATE.fullmatch(rest)
    interval = _interval(rest.replace(" ", "+"), zone) if match else None
    if match is None or interval is None:
        raise ValueTextError("is not a date")
    if "T" in rest and match["seconds"] is None:
        interval = interval[0], _later(interval[1], timedelta(seconds=59))
    if prefix == "ap":
        interval = _widened(interval)
    start, end = (moment.isoformat(timespec="microseconds") for moment in interval)
    return DateValue(prefix, start, end)


def number(text: str) -> NumberValue:
    """A prefix and a number."""
    prefix, rest = _prefixed(text)
    return NumberValue(prefix, *_ends(prefix, _decimal(rest)))


def quantity(text: str) -> QuantityValue:
    """`number`, `number|system|code` or `number||code`, with a prefix."""
    prefix, rest = _prefixed(text)
    parts = [unescape(part) for part in split(rest, "|")]
    if len(parts) not in (1, 3):
        raise ValueTextError("is neither `number` nor `number|system|code`")
    system, code = parts[1:] or ("", "")
    return QuantityValue(prefix, *_ends(prefix, _decimal(parts[0])), system or None, code or None)


def near(text: str) -> NearValue:
    """`latitude|longitude|distance|unit`; the distance is in kilometres where there is no unit."""
    parts = [unescape(part) for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise ValueTextError("is not `latitude|longitude|distance|unit`")
    latitude, longitude = float(_decimal(parts[0])), float(_decimal(parts[1]))
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueTextError("is not a place on earth")
    unit = parts[3] if len(parts) == 4 else ""
    if unit not in _KILOMETRES:
        raise ValueTextError("has a unit other than km, m and [mi_i]")
    distance = float(_decimal(parts[2])) if len(parts) > 2 and parts[2] else DEFAULT_KM
    if distance < 0:
        raise ValueTextError("has a distance below zero")
    return NearValue(latitude, longitude, distance * _KILOMETRES[unit])


def one_of(text: str, allowed: Sequence[str]) -> str:
    """A word of a closed list."""
    if text not in allowed:
        raise ValueTextError(f"is none of {', '.join(allowed)}")
    return text


def _prefixed(text: str) -> tuple[Prefix, str]:
    match = _PREFIX.fullmatch(text)
    assert match is not None
    return cast(Prefix, match["prefix"] or "eq"), match["rest"]


def _decimal(text: str) -> Decimal:
    found = read_number(text)
    if found is None:
        raise ValueTextError("is not a number")
    return found


def _ends(prefix: Prefix, number: Decimal) -> tuple[float, float]:
    if prefix in ("eq", "ne"):
        return implied_ends(number)
    return nearby_ends(number) if prefix == "ap" else (point(number) or (0.0, 0.0))


def _interval(text: str, zone: tzinfo) -> Interval | None:
    """The interval of a date; the last year, month and day that there are end where time does."""
    found = date_interval(text, zone)
    if found or not text.startswith("9999"):
        return found
    try:
        first = datetime.fromisoformat(text + "9999-01-01"[len(text) :])
        return first.replace(tzinfo=zone).astimezone(UTC), OPEN_END
    except (ValueError, OverflowError):
        return None


def _widened(interval: Interval) -> Interval:
    """An interval with as much again before and after it: what is approximately then."""
    length = interval[1] - interval[0] + timedelta(microseconds=1)
    try:
        start = interval[0] - length
    except OverflowError:
        start = OPEN_START
    return start, _later(interval[1], length)


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return OPEN_END
