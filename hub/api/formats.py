"""In which format a client wants its answer, and in which it speaks: JSON or XML.

https://hl7.org/fhir/R4/http.html#mime-type. `_format` wins over Accept; a range that leaves the choice gets JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request

from hub.errors import HubError


class Format(StrEnum):
    """A representation of FHIR resources; the value is the media type that the hub answers with."""

    JSON = "application/fhir+json"
    XML = "application/fhir+xml"


NAMES: Final = {
    **dict.fromkeys(("json", "application/json", "application/fhir+json", "application/json+fhir"), Format.JSON),
    **dict.fromkeys(("xml", "text/xml", "application/xml", "application/fhir+xml"), Format.XML),
    **dict.fromkeys(("application/xml+fhir",), Format.XML),
}
"""What `_format`, Accept and Content-Type may call them."""

RANGES: Final = {"*/*": Format.JSON, "application/*": Format.JSON, "text/*": Format.XML, "text/json": Format.JSON}
FHIR_VERSIONS: Final = frozenset({"4.0", "4.0.1"})


class NotAcceptable(HubError):
    """The client wants a format that the hub does not speak."""

    issue_code = "not-supported"
    http_status = 406


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one answer is to look."""

    format: Format = Format.JSON
    pretty: bool = False


def wanted(request: Request) -> Wanted:
    """What `_format`, `_pretty` and Accept ask for; NotAcceptable where it is none of the hub's formats."""
    pretty = request.query_params.get("_pretty", "") == "true"
    named = request.query_params.get("_format", "")
    if named:
        return Wanted(_named(named), pretty)
    return Wanted(_accepted(request.headers.get("accept", "")), pretty)


def tolerated(request: Request) -> Wanted:
    """The same for an answer that must be given whatever was asked for: an error."""
    try:
        return wanted(request)
    except NotAcceptable:
        return Wanted()


def spoken(media_type: str) -> Format | None:
    """The format of a body with this Content-Type; None for what the hub does not read as FHIR."""
    name, version = _parts(media_type)
    return NAMES.get(name) if "/" in name and version in ("", *FHIR_VERSIONS) else None


def _named(text: str) -> Format:
    name, version = _parts(text.replace(" ", "+"))  # a `+` that nobody escaped reached us as a blank
    if name not in NAMES or version not in ("", *FHIR_VERSIONS):
        raise NotAcceptable("the formats here are json and xml", place="_format")
    return NAMES[name]


def _accepted(header: str) -> Format:
    if not header.strip():
        return Format.JSON
    best, found = 0.0, None
    for item in header.split(","):
        name, version = _parts(item)
        format = NAMES.get(name) if "/" in name else None
        format = format or RANGES.get(name)
        weight = _weight(item)
        if format is not None and version in ("", *FHIR_VERSIONS) and weight > best:
            best, found = weight, format
    if found is None:
        raise NotAcceptable("the formats here are application/fhir+json and application/fhir+xml", place="Accept")
    return found


def _parts(text: str) -> tuple[str, str]:
    """(media type, its fhirVersion parameter)."""
    name, *parameters = (p.strip() for p in text.lower().split(";"))
    version = next((p.split("=", 1)[1].strip('"') for p in parameters if p.startswith("fhirversion=")), "")
    return name, version


def _weight(item: str) -> float:
    quality = next((p.strip()[2:] for p in item.lower().split(";") if p.strip().startswith("q=")), "1")
    try:
        weight = float(quality)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
