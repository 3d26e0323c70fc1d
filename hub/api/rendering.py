"""Answers as bytes: FHIR JSON with its headers, and errors as OperationOutcome.

https://hl7.org/fhir/R4/http.html#general; https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from starlette.responses import Response

from hub.errors import HubError, InvalidResource
from hub.exchange.disclose import Visible
from hub.fhir import text
from hub.fhir.value import Resource

FHIR_JSON = "application/fhir+json; charset=utf-8"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def fhir(content: Resource | bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR answer. Nothing of a client's record is ever cached on the way."""
    body = content if isinstance(content, bytes) else text.write(content)
    return Response(body, status, {**HEADERS, **(headers or {})}, media_type=FHIR_JSON)


def visible(record: Visible, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One record as it may be seen, with the ETag of the version that is seen."""
    return fhir(record.text, status=status, headers={"ETag": f'W/"{record.version}"', **(headers or {})})


def outcome(error: HubError) -> Response:
    """An error as OperationOutcome: its code, its place, what is wrong; never a person, never a stack."""
    issues = [issue("error", error.issue_code, str(error))]
    if isinstance(error, InvalidResource) and error.faults:
        issues = [fault_issue(f) for f in error.faults]
    headers = {"Retry-After": "1"} if error.http_status == 503 else {}
    if error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="casehub"'
    return fhir({"resourceType": "OperationOutcome", "issue": issues}, status=error.http_status, headers=headers)


def issue(severity: str, code: str, diagnostics: str, expression: str = "") -> Resource:
    """One issue of an OperationOutcome."""
    found: Resource = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression:
        found["expression"] = [expression]
    return found


def fault_issue(fault: object) -> Resource:
    """A validation fault as an issue with its path."""
    severity = str(getattr(fault, "severity", "error"))
    said = f"{getattr(fault, 'rule', '')}: {getattr(fault, 'text', fault)}"
    return issue(severity, "invalid", said, str(getattr(fault, "path", "")) or "/")
