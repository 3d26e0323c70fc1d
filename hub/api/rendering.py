"""Answers as bytes: FHIR JSON or XML with its headers, and errors as OperationOutcome.

https://hl7.org/fhir/R4/http.html#general; https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hub.api.formats import Format, Wanted, tolerated, wanted
from hub.errors import EntriesRefused, HubError, InsufficientScope, InvalidResource, InvalidSearch
from hub.exchange.disclose import Visible
from hub.fhir import text
from hub.fhir.value import Resource
from hub.fhir.xml_write import write_xml

FHIR_JSON = "application/fhir+json; charset=utf-8"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer(
    request: Request,
    content: Resource | bytes | None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A FHIR answer in the format that the request wants; bytes are FHIR JSON; None has no body.

    Nothing of a client's record is ever cached on the way. NotAcceptable (406) where the format is none of the hub's.
    """
    return _rendered(content, wanted(request), status, headers or {})


def visible(
    request: Request,
    record: Visible,
    *,
    content: Resource | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One record as it may be seen, with the ETag of the version that is seen; `content` is a part of it to show."""
    stamps = {**stamped(record), **(headers or {})}
    return answer(request, record.text if content is None else content, status=status, headers=stamps)


def fhir(content: Resource | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A FHIR answer in JSON, whatever was asked for."""
    return _rendered(content, Wanted(), status, headers or {})


def stamped(record: Visible) -> dict[str, str]:
    """ETag and, of what is seen whole, Last-Modified: the time of a partial view could be of a hidden change."""
    headers = {"ETag": etag(record.version)}
    if not record.partial:
        headers["Last-Modified"] = http_date(record.at)
    return headers


def etag(version: str) -> str:
    """A version as a weak ETag (https://hl7.org/fhir/R4/http.html#versioning)."""
    return f'W/"{version}"'


def http_date(at: datetime) -> str:
    """A moment as HTTP headers say it (RFC 9110 5.6.7)."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def outcome(error: HubError, request: Request | None = None) -> Response:
    """An error as OperationOutcome: its code, its place, what is wrong; never a person, never a stack."""
    headers = {"Retry-After": "1"} if error.http_status == 503 else {}
    if challenge := challenge_of(error, presented=bool(request and request.headers.get("authorization"))):
        headers["WWW-Authenticate"] = challenge
    how = tolerated(request) if request else Wanted()
    return _rendered(outcome_of(error), how, status_of(error), headers)


def status_of(error: HubError) -> int:
    """The HTTP status of an error."""
    return error.status if isinstance(error, EntriesRefused) else error.http_status


def challenge_of(error: HubError, *, presented: bool) -> str:
    """What a caller must bring, where its token is missing, not good or too narrow (RFC 6750 3)."""
    realm = 'Bearer realm="casehub"'
    if isinstance(error, InsufficientScope):
        return f'{realm}, error="insufficient_scope"' + (f', scope="{error.scope}"' if error.scope else "")
    if error.http_status == 401:
        return f'{realm}, error="invalid_token"' if presented else realm
    return ""


def outcome_of(error: HubError) -> Resource:
    """The OperationOutcome that says this error: one issue for each fault."""
    return {"resourceType": "OperationOutcome", "issue": list(_issues(error, ""))}


def _issues(error: HubError, within: str) -> Iterator[Resource]:
    """The issues of an error, `within` an entry of a Bundle."""
    if isinstance(error, EntriesRefused):
        for number, refused in error.refusals:
            yield from _issues(refused, f"/entry/{number}")
    elif isinstance(error, InvalidResource | InvalidSearch) and error.faults:
        yield from (fault_issue(fault, within) for fault in error.faults)
    else:
        pointer = error.place if error.place and error.place.startswith("/") else ""
        yield issue("error", error.issue_code, str(error), f"{within}{pointer}")


def issue(severity: str, code: str, diagnostics: str, expression: str = "") -> Resource:
    """One issue of an OperationOutcome."""
    found: Resource = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression:
        found["expression"] = [expression]
    return found


def fault_issue(fault: object, within: str = "") -> Resource:
    """A fault as an issue with its path."""
    severity = str(getattr(fault, "severity", "error"))
    rule = getattr(fault, "rule", "")
    said = f"{rule}: {getattr(fault, 'text', fault)}" if rule else str(getattr(fault, "text", fault))
    if not hasattr(fault, "path"):  # of a search: its parameter is named in what is said
        return issue(severity, "invalid", said, within)
    path = str(getattr(fault, "path", ""))
    whole = path if not within or path.startswith(within) else f"{within}/resource{path}"
    return issue(severity, "invalid", said, whole or "/")


def _rendered(content: Resource | bytes | None, how: Wanted, status: int, headers: Mapping[str, str]) -> Response:
    stamped = {**HEADERS, **headers}
    if content is None:
        return Response(status_code=status, headers=stamped)
    if how.format is Format.XML:
        resource = text.read(content) if isinstance(content, bytes) else content
        body = write_xml(resource, pretty=how.pretty)
    else:
        body = content if isinstance(content, bytes) else text.write(content)
        body = msgspec.json.format(body, indent=2) if how.pretty else body
    return Response(body, status, stamped, media_type=f"{how.format}; charset=utf-8")
