"""Reading what a FHIR server answered, and saying of it only codes and places.

An OperationOutcome's texts may be about a person ("no patient named ..."), so of each issue only its code and
its expression are repeated, and those only where they look like a code and a plain path."""

from __future__ import annotations

import re
from typing import Any, Final

from hub.adapters.sdk.http import Reply
from hub.errors import CounterpartRefused, MalformedContent
from hub.fhir.text import read

FHIR_JSON: Final = "application/fhir+json"
_CODE: Final = re.compile(r"[a-z][a-z-]{1,30}")
_PATH: Final = re.compile(r"[A-Z][A-Za-z]{1,40}(\.[a-z][A-Za-z]{0,40}(\[\d{1,6}\])?){0,12}")
_MOST: Final = 5


def parse(reply: Reply) -> dict[str, Any]:
    """The JSON object in an answer."""
    place = reply.destination
    try:
        return read(reply.body, name="answer")
    except MalformedContent as error:
        raise CounterpartRefused(f"answered something that is not FHIR JSON ({error.place})", place=place) from None


def bundle_entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of a Bundle; none of anything else."""
    entries = answer.get("entry")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def faults_said(reply: Reply) -> str:
    """The errors of an OperationOutcome as codes and places; empty where there are none."""
    try:
        outcome = read(reply.body, name="answer")
    except MalformedContent:
        return ""
    if outcome.get("resourceType") != "OperationOutcome":
        return ""
    issues = outcome.get("issue")
    faults = [
        _said(issue)
        for issue in (issues if isinstance(issues, list) else [])
        if isinstance(issue, dict) and issue.get("severity") in ("error", "fatal")
    ]
    more = f" and {len(faults) - _MOST} more" if len(faults) > _MOST else ""
    return "; ".join(faults[:_MOST]) + more


def _said(issue: dict[str, Any]) -> str:
    code = issue.get("code")
    said = code if isinstance(code, str) and _CODE.fullmatch(code) else "error"
    places = issue.get("expression")
    plain = (
        [place for place in places if isinstance(place, str) and _PATH.fullmatch(place)]
        if isinstance(places, list)
        else []
    )
    return f"{said} at {plain[0]}" if plain else said
