"""What of a FHIR value is searched as a token or as a string (https://hl7.org/fhir/R4/search.html#token)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_NAME_PARTS: Final = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS: Final = ("text", "line", "city", "district", "state", "postalCode", "country")


def token_values(value: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of a code, boolean, Coding, CodeableConcept, Identifier or ContactPoint."""
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        system = value.get("system")
        if isinstance(value.get("coding"), list):
            for coding in value["coding"]:
                yield from token_values(coding)
        elif isinstance(value.get("code"), str):
            yield _text(system), value["code"]
        elif isinstance(value.get("value"), str):
            is_contact = system in ("phone", "fax", "email", "pager", "url", "sms", "other")
            yield "" if is_contact else _text(system), value["value"]


def string_values(value: Any) -> Iterator[str]:
    """The words of a string, HumanName or Address."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        parts = _NAME_PARTS if value.keys() & {"family", "given"} else _ADDRESS_PARTS
        for part in parts:
            found = value.get(part)
            for text in found if isinstance(found, list) else (found,):
                if isinstance(text, str):
                    yield text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
