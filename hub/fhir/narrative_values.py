"""FHIR R4 data types as a person reads them: names, codes, quantities, dates, doses.

Data types: https://hl7.org/fhir/R4/datatypes.html. A value is recognised by its shape, numbers keep the text
they were written with, a reference is shown by its display or by what it resolves to, never by its id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.fhir.narrative_words import primary_language, status_word
from hub.fhir.value import Resource

Resolve = Callable[[str], Resource | None]
"""Finds the resource that a reference names, among those the reader may see."""

_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d))?)?)?")


def nothing(_reference: str) -> Resource | None:
    """A `Resolve` that finds nothing."""
    return None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: in which language, and what references can be followed to."""

    language: str = "en"
    resolve: Resolve = nothing


def text_of(concept: object) -> str:
    """A CodeableConcept (or Coding, or several of them) in words: its text, else a display, else a code."""
    if isinstance(concept, list):
        return ", ".join(filter(None, map(text_of, concept)))
    if not isinstance(concept, Mapping):
        return concept if isinstance(concept, str) else ""
    if isinstance(text := concept.get("text"), str) and text.strip():
        return text
    codings = concept["coding"] if isinstance(concept.get("coding"), list) else [concept]
    for key in ("display", "code"):
        for coding in codings:
            if isinstance(coding, Mapping) and isinstance(found := coding.get(key), str) and found.strip():
                return found
    return ""


def date_text(value: str, language: str) -> str:
    """A date, dateTime or instant of any precision, written as the language does."""
    if not (match := _DATE.match(value)):
        return value
    year, month, day, clock = match.groups()
    match primary_language(language):
        case "cs" if month:
            written = f"{int(day)}. {int(month)}. {year}" if day else f"{int(month)}/{year}"
        case "de" if month:
            written = f"{day}.{month}.{year}" if day else f"{month}/{year}"
        case _:
            written = "-".join(filter(None, (year, month, day)))
    return f"{written} {clock}" if clock else written


def _period(value: Mapping[str, Any], reader: Reader) -> str:
    start, end = (show(value.get(key), reader) for key in ("start", "end"))
    return start if start == end else f"{start} – {end}".strip()


def _quantity(value: Mapping[str, Any], _reader: Reader) -> str:
    number = value.get("value")
    unit = value.get("unit") or value.get("code") or ""
    return "" if number is None else f"{value.get('comparator', '')} {number} {unit}".strip()


def _range(value: Mapping[str, Any], reader: Reader) -> str:
    low, high = show(value.get("low"), reader), show(value.get("high"), reader)
    return f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else ""


def _ratio(value: Mapping[str, Any], reader: Reader) -> str:
    numerator, denominator = (show(value.get(key), reader) for key in ("numerator", "denominator"))
    return f"{numerator} / {denominator}" if denominator else numerator


def _name(value: Mapping[str, Any], _reader: Reader) -> str:
    if isinstance(value.get("text"), str):
        return str(value["text"])
    parts = [*_strings(value.get("prefix")), *_strings(value.get("given")), str(value.get("family") or "")]
    return " ".join(filter(None, [*parts, *_strings(value.get("suffix"))]))


def _address(value: Mapping[str, Any], _reader: Reader) -> str:
    if isinstance(value.get("text"), str):
        return str(value["text"])
    town = f"{value.get('postalCode') or ''} {value.get('city') or ''}".strip()
    return ", ".join(filter(None, [*_strings(value.get("line")), town, str(value.get("country") or "")]))


def _reference(value: Mapping[str, Any], reader: Reader) -> str:
    if isinstance(display := value.get("display"), str) and display.strip():
        return display
    target = reader.resolve(value["reference"]) if isinstance(value.get("reference"), str) else None
    return what_it_is(target, reader) if target else ""


def _timing(value: Mapping[str, Any], reader: Reader) -> str:
    if named := text_of(value.get("code")):
        return named
    repeat = value.get("repeat")
    if not isinstance(repeat, Mapping):
        return show(value.get("event"), reader)
    count = f"{repeat['frequency']}×" if "frequency" in repeat else ""
    every = f"/ {repeat['period']} {repeat.get('periodUnit', '')}" if "period" in repeat else ""
    at = ", ".join(_strings(repeat.get("timeOfDay")) + _strings(repeat.get("when")))
    return " ".join(filter(None, (count, every.strip(), at, show(repeat.get("boundsPeriod"), reader))))


def _dosage(value: Mapping[str, Any], reader: Reader) -> str:
    if isinstance(value.get("text"), str):
        return str(value["text"])
    amounts = [
        show(item.get("doseQuantity") or item.get("doseRange"), reader)
        for item in value.get("doseAndRate") or []
        if isinstance(item, Mapping)
    ]
    parts = [*amounts, show(value.get("timing"), reader), text_of(value.get("route"))]
    return ", ".join(filter(None, [*parts, str(value.get("patientInstruction") or "")]))


_SHAPES: Final[tuple[tuple[frozenset[str], Callable[[Mapping[str, Any], Reader], str]], ...]] = (
    (frozenset({"start", "end"}), _period),
    (frozenset({"low", "high"}), _range),
    (frozenset({"numerator", "denominator"}), _ratio),
    (frozenset({"family", "given"}), _name),
    (frozenset({"line", "city", "postalCode"}), _address),
    (frozenset({"coding"}), lambda value, _: text_of(value)),
    (frozenset({"doseAndRate", "asNeededBoolean", "timing", "route"}), _dosage),
    (frozenset({"repeat", "event"}), _timing),
    (frozenset({"reference"}), _reference),
)
"""A data type by an element that only it has, the more telling ones first."""


def show(value: object, reader: Reader) -> str:
    """Any FHIR value in words; empty where there is nothing to say."""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, str):
        return date_text(value, reader.language) if _DATE.match(value) else value
    if isinstance(value, list):
        return "; ".join(dict.fromkeys(filter(None, (show(item, reader) for item in value))))
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    for telling, shown in _SHAPES:
        if not telling.isdisjoint(value):
            return shown(value, reader)
    if "value" in value:
        of_identity = "system" in value and "unit" not in value and isinstance(value["value"], str)
        return str(value["value"]) if of_identity else _quantity(value, reader)
    return next((value[k] for k in ("text", "display", "title", "code") if isinstance(value.get(k), str)), "")


def choice(resource: Mapping[str, Any], element: str) -> object:
    """The value of a choice element (`onset[x]`) or a plain one."""
    if not element.endswith("[x]"):
        return resource.get(element)
    stem = element[:-3]
    return next((v for k, v in resource.items() if k.startswith(stem) and k[len(stem) :][:1].isupper()), None)


def coded_status(value: object, reader: Reader) -> str:
    """A status element: the code in words, or the concept's text."""
    code = value if isinstance(value, str) else ""
    if isinstance(value, Mapping) and isinstance(codings := value.get("coding"), list):
        code = next((str(c["code"]) for c in codings if isinstance(c, Mapping) and c.get("code")), "")
    word = status_word(code, reader.language)
    return word if word != code else text_of(value) or code


def what_it_is(resource: Mapping[str, Any], reader: Reader) -> str:
    """One resource in a few words: what it is about, or what it is called."""
    told = ("description", "name", "code", "title", "vaccineCode", "deviceName", "type", "category")
    for element in (*told, "medication[x]", "content[x]"):
        value = choice(resource, element)
        if isinstance(value, list) and element == "name":
            value = value[:1]
        if said := show(value, reader):
            return said
    return ""


def _strings(value: object) -> list[str]:
    items: Sequence[object] = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
