"""The closed list of conversions a rule may name: what turns a text of the source into a FHIR value.

A conversion never guesses: what it cannot read it refuses, the rule reports that with its place, and the
text stays in the residue (docs/mappings.md, "convert"). New ones are added here, with a test, not in
mapping files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from hub.fhir.codes import HUB
from hub.mapping import times
from hub.mapping.model import Node
from hub.mapping.narrative_in import plain_text, xhtml


class UnconvertibleError(ValueError):
    """The text is not what the conversion reads; the message says what it should be, not what it is."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What conversions may know beside the text: where `#id` reaches, code systems by OID, the time zone."""

    anchors: Mapping[str, Node]
    oids: Mapping[str, str]
    zone: str


Conversion = Callable[[str, Setting], Any]
NodeConversion = Callable[[Node, Setting], Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


def text(value: str, _: Setting) -> str:
    return " ".join(value.split())


def code(value: str, _: Setting) -> str:
    return " ".join(value.split())


def lower(value: str, _: Setting) -> str:
    return value.strip().lower()


def decimal(value: str, _: Setting) -> Decimal:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise UnconvertibleError("not a decimal number") from None
    if not number.is_finite():
        raise UnconvertibleError("not a finite number")
    return number


def decimal_cz(value: str, setting: Setting) -> Decimal:
    """`1 234,50` -> 1234.50 (a dot is taken as decimal point only where there is no comma)."""
    plain = re.sub(r"[\s\u00a0\u202f]", "", value)
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    return decimal(plain, setting)


def integer(value: str, _: Setting) -> int:
    if not re.fullmatch(r"[+-]?\d{1,9}", value.strip()):
        raise UnconvertibleError("not a whole number")
    return int(value)


def positive(value: str, setting: Setting) -> int:
    number = integer(value, setting)
    if number < 1:
        raise UnconvertibleError("not a number above zero")
    return number


def boolean(value: str, _: Setting) -> bool:
    known = {
        "true": True,
        "1": True,
        "y": True,
        "ano": True,
        "false": False,
        "0": False,
        "n": False,
        "ne": False,
    }
    if value.strip().lower() not in known:
        raise UnconvertibleError("neither yes nor no")
    return known[value.strip().lower()]


def _time(read: Callable[[], str]) -> str:
    try:
        return read()
    except ValueError as problem:
        raise UnconvertibleError(str(problem)) from None


def hl7_date(value: str, _: Setting) -> str:
    return _time(lambda: times.hl7_date(value))


def hl7_ts(value: str, setting: Setting) -> str:
    return _time(lambda: times.hl7_date_time(value, setting.zone))


def hl7_instant(value: str, setting: Setting) -> str:
    moment = hl7_ts(value, setting)
    if "T" in moment:
        return moment
    day = moment + "-01-01"[len(moment) - 10 :] if len(moment) < 10 else moment
    return _time(lambda: times.hl7_date_time(day.replace("-", "") + "0000", setting.zone))


def date_cz(value: str, setting: Setting) -> str:
    return _time(lambda: times.czech_date(value, setting.zone, with_time=False))


def date_time_cz(value: str, setting: Setting) -> str:
    return _time(lambda: times.czech_date(value, setting.zone))


def rodne_cislo(value: str, _: Setting) -> str:
    """Digits only, checked: month, day and (ten digits) division by eleven; Act 133/2000 Sb., section 13."""
    digits = re.sub(r"[\s/]", "", value)
    if not re.fullmatch(r"\d{9,10}", digits):
        raise UnconvertibleError("not nine or ten digits")
    month, day = int(digits[2:4]) % 50, int(digits[4:6])
    if not (1 <= (month if month <= 12 else month - 20) <= 12 and 1 <= day <= 31):
        raise UnconvertibleError("no such day in it")
    if len(digits) == 10 and int(digits) % 11 and not (int(digits[:9]) % 11 == 10 and digits[9] == "0"):
        raise UnconvertibleError("not divisible by eleven")
    return digits


def oid_to_uri(value: str, setting: Setting) -> str:
    """An OID as its FHIR name, else `urn:oid:`; a UUID as `urn:uuid:`; anything else is refused."""
    value = value.strip()
    if value in setting.oids:
        return setting.oids[value]
    if _OID.fullmatch(value):
        return f"urn:oid:{value}"
    if _UUID.fullmatch(value):
        return f"urn:uuid:{value.lower()}"
    if re.match(r"(https?://|urn:)[^\s]+$", value):
        return value
    raise UnconvertibleError("neither an OID nor a UUID nor a URI")


def urn(value: str, setting: Setting) -> str:
    """A root that is itself the identifier: `urn:oid:` or `urn:uuid:`."""
    return oid_to_uri(value, Setting(setting.anchors, {}, setting.zone))


def authority_uri(value: str, _: Setting) -> str:
    """The name of an assigning authority as a system of the hub: nothing better is known of it."""
    return f"{HUB}/sid/authority/{quote(' '.join(value.split()), safe='')}"


def uri(value: str, _: Setting) -> str:
    if re.search(r"\s", value.strip()) or not value.strip():
        raise UnconvertibleError("not a URI")
    return value.strip()


def base64(value: str, _: Setting) -> str:
    packed = re.sub(r"\s", "", value)
    if len(packed) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", packed):
        raise UnconvertibleError("not base64")
    return packed


def language(value: str, _: Setting) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", value.strip()):
        raise UnconvertibleError("not a language code")
    return value.strip().replace("_", "-")


def telecom_value(value: str, _: Setting) -> str:
    return re.sub(r"^(tel|mailto|fax|sms)\s*:(//)?\s*", "", value.strip(), flags=re.IGNORECASE)


def telecom_system(value: str, _: Setting) -> str:
    scheme = value.strip().partition(":")[0].lower()
    known = {"tel": "phone", "mailto": "email", "fax": "fax", "sms": "sms", "http": "url", "https": "url"}
    return known.get(scheme, "email" if "@" in value else "phone" if re.match(r"[+(\d]", value.strip()) else "other")


def _plain(node: Node, setting: Setting) -> str | None:
    return plain_text(node, setting.anchors) or None


def _xhtml(node: Node, _: Setting) -> dict[str, str] | None:
    div = xhtml(node)
    return {"status": "additional", "div": div} if div else None


CONVERSIONS: Mapping[str, Conversion] = {
    "text": text,
    "code": code,
    "lower": lower,
    "decimal": decimal,
    "decimal_cz": decimal_cz,
    "integer": integer,
    "positive": positive,
    "boolean": boolean,
    "hl7_date": hl7_date,
    "hl7_ts": hl7_ts,
    "hl7_instant": hl7_instant,
    "date_cz": date_cz,
    "date_time_cz": date_time_cz,
    "rodne_cislo": rodne_cislo,
    "oid_to_uri": oid_to_uri,
    "urn": urn,
    "authority_uri": authority_uri,
    "uri": uri,
    "base64": base64,
    "language": language,
    "telecom_value": telecom_value,
    "telecom_system": telecom_system,
}
"""By the names that mapping files use."""

NODE_CONVERSIONS: Mapping[str, NodeConversion] = {"plain_text": _plain, "text_to_xhtml": _xhtml}
"""Those that read a whole element with what is in it (and follow its `#id` reference)."""
