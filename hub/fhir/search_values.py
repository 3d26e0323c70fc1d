"""What of a FHIR value is searched, by the kind of the parameter (https://hl7.org/fhir/R4/search.html#ptypes).

A reader takes the value, its JSON pointer and the hub's time zone, and gives `Fact`s: what an index row says
but the parameter's name. A suffix (`:text`, `:identifier`, `:of-type`) makes it a row beside the parameter's
own. Numbers are indexed as they are written: the range that a number stands for is the range of the number
that is searched, not of the one on record, so `gt` and `lt` are exact.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Final

from hub.fhir.clinical_time import date_interval, interval_of
from hub.fhir.references import unversioned
from hub.fhir.search_numbers import point, quantity_ends, range_ends, sampled_ends

Fact = tuple[str, str, str, str, str, str, float | None, float | None, str, bool]
"""(suffix, kind, system, value, start, end, low, high, pointer, secret) of one index row."""

Reader = Callable[[Any, str, tzinfo], list[Fact]]

ANY_SYSTEM: Final = "*"
"""System of the row by which an identifier is found without its system: the keyed hash hides the value."""

MAX_BYTES: Final = 2000
"""How much of a value fits into an index row: databases limit what an index holds."""

CURRENCIES: Final = "urn:iso:std:iso:4217"
_NAME_PARTS: Final = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS: Final = ("text", "line", "city", "district", "state", "postalCode", "country")


def fold(text: str) -> str:
    """Text as strings are compared: without case, accents and runs of blanks."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(text.casefold().split())


def fitting(kind: str, value: str) -> str:
    """The value as an index row holds it: words are cut, and a code or URI that is too long is only there."""
    if len(value) * 4 <= MAX_BYTES or len(data := value.encode(errors="replace")) <= MAX_BYTES:
        return value
    return data[:MAX_BYTES].decode(errors="ignore") if kind == "string" else ""


def token_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A code, boolean or other primitive; a ContactPoint by its value."""
    if value is True or value is False:
        value = "true" if value else "false"
    elif isinstance(value, dict):
        value = value.get("value")
    return [_token("", value, at)] if isinstance(value, str) else []


def concept_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A CodeableConcept: its codings, and its words under `:text`."""
    if not isinstance(value, dict):
        return []
    facts: list[Fact] = []
    words: list[Fact] = []
    for position, coding in enumerate(_list(value.get("coding"))):
        _coding(coding, f"{at}/coding/{position}", facts, words)
    if isinstance(text := value.get("text"), str):
        _words(text, at + "/text", words)
    if not facts and (value.keys() - _NOTHING_SAID):
        facts.append(_token("", "", at))
    return facts + words


def coding_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A Coding, and its display under `:text`."""
    facts: list[Fact] = []
    words: list[Fact] = []
    _coding(value, at, facts, words)
    return facts + words


def identifier_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """An Identifier with and without its system, under `:of-type` by each of its types, and the type's words."""
    if not isinstance(value, dict):
        return []
    number, system = value.get("value"), _text(value.get("system"))
    facts: list[Fact] = []
    words: list[Fact] = []
    if isinstance(number, str):
        facts.append(("", "token", system, number, "", "", None, None, at, True))
        facts.append(("", "token", ANY_SYSTEM, number, "", "", None, None, at, True))
    if isinstance(kind := value.get("type"), dict):
        for position, coding in enumerate(_list(kind.get("coding"))):
            if isinstance(coding, dict) and isinstance(code := coding.get("code"), str) and isinstance(number, str):
                of_type = f"{_text(coding.get('system'))}|{code}"
                facts.append((":of-type", "token", of_type, number, "", "", None, None, at, True))
            _coding(coding, f"{at}/type/coding/{position}", [], words)
        if isinstance(text := kind.get("text"), str):
            _words(text, at + "/type/text", words)
    return facts + words


def reference_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A Reference by its literal (with version too, where it names one), its identifier and its display."""
    if not isinstance(value, dict):
        return []
    facts: list[Fact] = []
    literal, identifier = value.get("reference"), value.get("identifier")
    if isinstance(literal, str) and not literal.startswith("#"):
        facts = _link(literal, unversioned(literal), at)
    elif value:
        facts.append(("", "reference", "", "", "", "", None, None, at, False))
    if isinstance(identifier, dict) and isinstance(number := identifier.get("value"), str):
        place = at + "/identifier"
        for system in (_text(identifier.get("system")), ANY_SYSTEM):
            facts.append((":identifier", "token", system, number, "", "", None, None, place, True))
    if isinstance(display := value.get("display"), str):
        _words(display, at + "/display", facts)
    return facts


def canonical_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A canonical or URI that a reference parameter follows, with its version and without."""
    return _link(value, value.split("|", 1)[0], at) if isinstance(value, str) else []


def resource_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A resource inside (the first of a document or message) as if it were referred to."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return []
    return _link(name := f"{value.get('resourceType')}/{value['id']}", name, at)


def uri_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A URI, and a canonical also without its version."""
    if not isinstance(value, str):
        return []
    written = dict.fromkeys((value, value.split("|", 1)[0]))
    return [("", "uri", "", uri, "", "", None, None, at, False) for uri in written]


def string_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """Words: folded as the value, as written as the system."""
    if not isinstance(value, str) or not (folded := fold(value)):
        return []
    return [("", "string", value, folded, "", "", None, None, at, False)]


def name_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """The parts of a HumanName."""
    return _parts(value, at, zone, _NAME_PARTS)


def address_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """The parts of an Address."""
    return _parts(value, at, zone, _ADDRESS_PARTS)


def date_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """The interval of a date, dateTime, instant, Period or Timing; open ends are the ends of time."""
    found = _interval(value, zone) if isinstance(value, str) else _ends(interval_of(value, zone))
    return [("", "date", "", "", *found, None, None, at, False)] if found else []


def number_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A decimal or integer, or the ends of a Range."""
    ends = range_ends(value) if isinstance(value, dict) else point(value)
    return [("", "number", "", "", "", "", *ends, at, False)] if ends else []


def quantity_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A Quantity of any kind, Money, Range or SampledData, by its coded unit and by the unit as written."""
    if not isinstance(value, dict):
        return []
    unit = next((found for key in ("low", "high", "origin") if isinstance(found := value.get(key), dict)), value)
    ends = sampled_ends if "origin" in value else quantity_ends if unit is value else range_ends
    if (covered := ends(value)) is None:
        return []
    system, code, said = _text(unit.get("system")), _text(unit.get("code")), _text(unit.get("unit"))
    if currency := _text(unit.get("currency")):
        system, code = CURRENCIES, currency
    units = [(system, code)] if code or not said else []
    units += [("", said)] if said and said != code else []
    return [("", "quantity", *named, "", "", *covered, at, False) for named in units]


def near_facts(value: Any, at: str, zone: tzinfo) -> list[Fact]:
    """A position: the latitude as `low`, the longitude as `high`."""
    if not isinstance(value, dict):
        return []
    latitude, longitude = point(value.get("latitude")), point(value.get("longitude"))
    if latitude is None or longitude is None:
        return []
    return [("", "near", "", "", "", "", latitude[0], longitude[0], at, False)]


_QUANTITIES: Final = ("Age", "Count", "Distance", "Duration", "Money", "Quantity", "Range", "SampledData")

READERS: Final[dict[tuple[str, str], Reader]] = {
    **dict.fromkeys([("token", t) for t in ("boolean", "code", "ContactPoint", "id", "string", "uri")], token_facts),
    ("token", "CodeableConcept"): concept_facts,
    ("token", "Coding"): coding_facts,
    ("token", "Identifier"): identifier_facts,
    ("reference", "Reference"): reference_facts,
    **dict.fromkeys([("reference", t) for t in ("canonical", "uri")], canonical_facts),
    ("reference", "Resource"): resource_facts,
    **dict.fromkeys([("uri", t) for t in ("canonical", "oid", "uri", "url", "uuid")], uri_facts),
    **dict.fromkeys([("string", t) for t in ("code", "markdown", "string")], string_facts),
    ("string", "HumanName"): name_facts,
    ("string", "Address"): address_facts,
    **dict.fromkeys([("date", t) for t in ("date", "dateTime", "instant", "Period", "Timing")], date_facts),
    **dict.fromkeys(
        [("number", t) for t in ("decimal", "integer", "positiveInt", "Range", "unsignedInt")], number_facts
    ),
    **dict.fromkeys([("quantity", t) for t in _QUANTITIES], quantity_facts),
    ("special", "Location.position"): near_facts,
}
"""(kind of parameter, type of element) -> how it is read; what is not here is not searched by that kind."""

_NOTHING_SAID: Final = frozenset(("id", "extension"))


def _token(system: str, code: str, at: str) -> Fact:
    return ("", "token", system, code, "", "", None, None, at, False)


def _coding(value: Any, at: str, facts: list[Fact], words: list[Fact]) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(code := value.get("code"), str):
        facts.append(_token(_text(value.get("system")), code, at))
    if isinstance(display := value.get("display"), str):
        _words(display, at + "/display", words)


def _words(text: str, at: str, words: list[Fact]) -> None:
    if folded := fold(text):
        for other in words:
            if other[3] == folded:
                return
        words.append((":text", "string", text, folded, "", "", None, None, at, False))


def _link(written: str, bare: str, at: str) -> list[Fact]:
    return [("", "reference", "", name, "", "", None, None, at, False) for name in dict.fromkeys((bare, written))]


def _parts(value: Any, at: str, zone: tzinfo, parts: tuple[str, ...]) -> list[Fact]:
    facts: list[Fact] = []
    for part in parts if isinstance(value, dict) else ():
        found = value.get(part)
        if isinstance(found, list):
            for position, text in enumerate(found):
                facts += string_facts(text, f"{at}/{part}/{position}", zone)
        elif found is not None:
            facts += string_facts(found, f"{at}/{part}", zone)
    return facts


@lru_cache(maxsize=4096)
def _interval(text: str, zone: tzinfo) -> tuple[str, str] | None:
    return _ends(date_interval(text, zone))


def _ends(interval: Any) -> tuple[str, str] | None:
    if interval is None:
        return None
    return interval[0].isoformat(timespec="microseconds"), interval[1].isoformat(timespec="microseconds")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
