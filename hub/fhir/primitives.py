"""The primitive types of FHIR R4: what a value of each may look like (https://hl7.org/fhir/R4/datatypes.html).

A check takes the JSON value and says what is wrong with it, or None. Dates must exist in the calendar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

Check = Callable[[Any], str | None]

MAX_STRING: Final = 1024 * 1024
MAX_BASE64: Final = 16 * 1024 * 1024

BLANK: Final = "should not be blank"
"""What is said of a string of white space only: R4 advises against it and does not forbid it."""

_NOWHERE: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
"""What no value may hold in XML, and so in neither form."""
_CONTROL: Final = re.compile(f"[{_NOWHERE}]")
_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE: Final = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?")
_DATE_TIME: Final = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?")
_INSTANT: Final = re.compile(rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}")
_TIME: Final = re.compile(_CLOCK)
_CODE: Final = re.compile(rf"[^\s{_NOWHERE}]+(?: [^\s{_NOWHERE}]+)*")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URI: Final = re.compile(rf"[^\s{_NOWHERE}]+")
_OID: Final = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID: Final = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BLANK: Final = re.compile(r"[ \t\r\n]+")


def _text(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    if not value:
        return "must not be empty"
    if len(value) > MAX_STRING:
        return "is longer than 1 MB"
    if not value.isprintable() and _CONTROL.search(value):
        return "holds a control character"
    return BLANK if value.isspace() else None


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    match = pattern.fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a string"
        return None if match(value) else f"is not {what}"

    return check


def _dated(pattern: re.Pattern[str], what: str) -> Check:
    match = pattern.fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a string"
        if not match(value):
            return f"is not {what}"
        if len(value) >= 10:
            try:
                date.fromisoformat(value[:10])
            except ValueError:
                return "is not a day of the calendar"
        return None

    return check


def _whole(lowest: int) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return "must be a whole number"
        return None if lowest <= value <= 2147483647 else "is out of range"

    return check


def _boolean(value: Any) -> str | None:
    return None if value is True or value is False else "must be true or false"


def _decimal(value: Any) -> str | None:
    if type(value) is int or type(value) is float:
        return None
    return None if isinstance(value, Decimal) and value.is_finite() else "must be a number"


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    if len(value) > MAX_BASE64:
        return "is longer than 16 MB"
    bare = _BLANK.sub("", value) if not value.isprintable() or " " in value else value
    return None if bare and len(bare) % 4 == 0 and _BASE64.fullmatch(bare) else "is not base64"


CHECKS: Final[dict[str, Check]] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _matching(_URI, "a URI"),
    "code": _matching(_CODE, "a code"),
    "date": _dated(_DATE, "a date"),
    "dateTime": _dated(_DATE_TIME, "a date or a date with time and zone"),
    "decimal": _decimal,
    "id": _matching(_ID, "an id (1 to 64 of A-Z a-z 0-9 - .)"),
    "instant": _dated(_INSTANT, "an instant"),
    "integer": _whole(-2147483648),
    "markdown": _text,
    "oid": _matching(_OID, "an OID"),
    "positiveInt": _whole(1),
    "string": _text,
    "time": _matching(_TIME, "a time of day"),
    "unsignedInt": _whole(0),
    "uri": _matching(_URI, "a URI"),
    "url": _matching(_URI, "a URL"),
    "uuid": _matching(_UUID, "a UUID"),
}
