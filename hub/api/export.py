"""Bulk export over HTTP: begin, ask how far it is, fetch the files, cancel (FHIR Asynchronous Request Pattern).

https://hl7.org/fhir/uv/bulkdata/export.html. `Content-Location` and the addresses of files are the hub's own; they are
of use to nobody but the organisation that began the export.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, BackgroundTasks, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.api import rendering
from hub.api.context import hub_of
from hub.api.inputs import Given
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import InvalidSearch, MalformedContent, NotSupported, Unavailable
from hub.exchange.export import Ordered
from hub.fhir.parameters import Inputs
from hub.fhir.registry import SUPPORTED, supported
from hub.store.export_model import ExportState

router = APIRouter(prefix="/fhir")
Somebody = Annotated[Caller, Depends(scoped("any"))]
OfClients = Annotated[Caller, Depends(scoped("r", "Patient"))]
OfGroup = Annotated[Caller, Depends(scoped("r", "Group"))]

NDJSON: Final = "application/fhir+ndjson"
FORMATS: Final = frozenset(("", NDJSON, "application/ndjson", "ndjson"))
PARAMETERS: Final = ("_outputFormat", "_since", "_type")
WRITTEN_ELSEWHERE: Final = frozenset(("AuditEvent",))
"""Types that are kept apart from the records, and not exported."""


@router.api_route("/$export", methods=["GET", "POST"])
def export_system(request: Request, who: Somebody, given: Given, later: BackgroundTasks) -> Response:
    """Everything that the organisation may see."""
    return begin(request, who, given, later)


@router.api_route("/Patient/$export", methods=["GET", "POST"])
def export_clients(request: Request, who: OfClients, given: Given, later: BackgroundTasks) -> Response:
    """The records of every client, as far as the organisation may see them."""
    return begin(request, who, given, later, of_clients=True)


@router.api_route("/Group/{id}/$export", methods=["GET", "POST"])
def export_group(request: Request, who: OfGroup, given: Given, later: BackgroundTasks, id: str) -> Response:
    """The records of the clients in a Group."""
    return begin(request, who, given, later, of_clients=True, group=id)


@router.get("/$export-status/{job}")
def status(request: Request, who: Somebody, later: BackgroundTasks, job: str) -> Response:
    """How far an export is; its manifest when it is complete."""
    hub = hub_of(request)
    found = hub.exporter.progress(who.asker, job)
    if found.job.state is ExportState.FAILED:
        raise Unavailable("the export failed; begin another one")
    if not found.complete:
        later.add_task(hub.exporter.work, job)
        headers = {**rendering.HEADERS, "X-Progress": found.said, "Retry-After": "2"}
        return Response(status_code=202, headers=headers, background=later)
    base = f"{hub.settings.public_url}/fhir/$export-file/{job}"
    manifest = {
        "transactionTime": found.job.begun.astimezone(UTC).isoformat(timespec="milliseconds"),
        "request": found.job.ordered.url,
        "requiresAccessToken": True,
        "output": [{"type": type, "url": f"{base}/{no}"} for no, type in found.files],
        "error": [],
    }
    expires = rendering.http_date(found.job.expires)
    return JSONResponse(manifest, headers={**rendering.HEADERS, "Expires": expires})


@router.delete("/$export-status/{job}")
def cancel(request: Request, who: Somebody, job: str) -> Response:
    """Cancel an export, or forget it."""
    hub_of(request).exporter.cancel(who.asker, job)
    return Response(status_code=202, headers=rendering.HEADERS)


@router.get("/$export-file/{job}/{no}")
def fetch(request: Request, who: Somebody, job: str, no: int) -> Response:
    """One file, as the organisation may see it at this moment."""
    exporter = hub_of(request).exporter
    who.require(exporter.type_of(who.asker, job, no), "r")
    return Response(exporter.file(who.asker, job, no), headers=rendering.HEADERS, media_type=NDJSON)


def begin(
    request: Request, who: Caller, given: Inputs, later: BackgroundTasks, *, of_clients: bool = False, group: str = ""
) -> Response:
    """Accept an export and work on it after the answer."""
    prefers = [p.strip().lower() for p in request.headers.get("prefer", "").split(",")]
    if "respond-async" not in prefers:
        raise NotSupported("an export is answered later: send `Prefer: respond-async`", place="Prefer")
    lenient = "handling=lenient" in prefers
    if given.text("_outputFormat") not in FORMATS:
        raise NotSupported(f"files are {NDJSON}", place="_outputFormat")
    unknown = sorted(name for name in given.values if name not in PARAMETERS)
    if unknown and not lenient:
        raise InvalidSearch("an export has no such parameter here", place=", ".join(unknown))
    hub = hub_of(request)
    asked = Ordered(
        url=f"{hub.settings.public_url}{request.url.path}{'?' + request.url.query if request.url.query else ''}",
        types=types_of(who, given, of_clients, lenient),
        of_clients=of_clients,
        group=group,
        since=moment(given.text("_since")),
    )
    job = hub.exporter.begin(who.asker, asked)
    later.add_task(hub.exporter.work, job)
    where = {"Content-Location": f"{hub.settings.public_url}/fhir/$export-status/{job}"}
    answer = rendering.answer(request, None, status=202, headers=where)
    answer.background = later
    return answer


def types_of(who: Caller, given: Inputs, of_clients: bool, lenient: bool) -> list[str]:
    """The types to be exported: those asked for, or all that the token covers."""
    offered = [
        name
        for name, row in SUPPORTED.items()
        if row.offers and not row.published and name not in WRITTEN_ELSEWHERE
        if not of_clients or not row.clientless
    ]
    named = [name.strip() for text in given.texts("_type") for name in text.split(",")]
    if not named:
        covered = [name for name in offered if who.scopes.covers(name, "r")]
        if not covered:
            who.require("Patient", "r")
        return covered
    wrong = [name for name in named if name not in offered]
    if wrong and not (lenient and len(wrong) < len(named)):
        said = "are not exported here" if all(supported(name) for name in wrong) else "are no types that the hub keeps"
        raise InvalidSearch(said, place="_type")
    kept = [name for name in named if name in offered]
    for name in kept:
        who.require(name, "r")
    return kept


def moment(told: str) -> datetime | None:
    """An instant (https://hl7.org/fhir/R4/datatypes.html#instant); None where there is none."""
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told.replace(" ", "+"))
    except ValueError:
        raise MalformedContent("must be an instant like 2026-11-21T10:00:00+01:00", place="_since") from None
    if found.tzinfo is None:
        raise MalformedContent("must have a time zone", place="_since")
    return found
