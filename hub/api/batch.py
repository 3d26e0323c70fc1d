"""batch and transaction (https://hl7.org/fhir/R4/http.html#transaction).

A batch is its entries, each asked of this same application as a request of its own, so every rule of every route
holds for it. A transaction is one use case; what its entries read is asked in the same way once the rest is done.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.api import body, rendering
from hub.api.context import hub_of, preferred
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.api.within import Asked, ask
from hub.errors import EntriesRefused, HubError, NotSupported, TooCostly
from hub.exchange.entries import Entry, patch_in
from hub.exchange.recorder import Written
from hub.exchange.transaction import LIMIT, Answered
from hub.fhir import text
from hub.fhir.validate import assert_valid
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
Asking = Annotated[Caller, Depends(scoped("entries"))]
Told = Annotated[body.Sent, Depends(body.sent)]

_WITHIN: Final = re.compile(
    r"/?(?:(?:[A-Z][A-Za-z]{1,63}|_history|metadata|\$[a-z-]+)(?:[/?].*)?|(?:\?.*)?)", re.DOTALL
)
"""URLs of entries: what stands below the base, or a search of all; never the base as a Bundle's own door."""


@router.post("")
@router.post("/", include_in_schema=False)
async def batch_or_transaction(request: Request, who: Asking, told: Told) -> Response:
    """A Bundle of type batch (each entry on its own) or transaction (all entries or none)."""
    kind = told.resource.get("type")
    if told.resource.get("resourceType") != "Bundle" or kind not in ("batch", "transaction"):
        raise NotSupported("the base takes a Bundle of type batch or transaction", place="/type")
    if kind == "batch":
        return rendering.answer(request, await batch(request, told.resource))
    return rendering.answer(request, await transaction(request, who, told))


async def batch(request: Request, bundle: Resource) -> Resource:
    """Each entry answered on its own, in order."""
    entries = bundle.get("entry", [])
    if isinstance(entries, list) and len(entries) > LIMIT:
        raise TooCostly(f"at most {LIMIT} entries in one batch", place="/entry")
    await run_in_threadpool(assert_valid, {**bundle, "entry": [outer(e) for e in entries]} if entries else bundle)
    answers = [await one(request, entry) for entry in entries]
    return {"resourceType": "Bundle", "type": "batch-response", **({"entry": answers} if answers else {})}


def outer(entry: object) -> object:
    """An entry without its resource, whose faults are its own to answer for."""
    if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
        return entry
    return {**entry, "resource": {"resourceType": "Basic", "code": {"text": "x"}}}


async def one(request: Request, entry: Resource) -> Resource:
    """One entry of a batch and its answer."""
    asks = entry.get("request", {})
    method, url = str(asks.get("method", "")), str(asks.get("url", ""))
    try:
        if not _WITHIN.fullmatch(url) or (method == "POST" and url.strip("/") == ""):
            raise NotSupported("an entry is asked of what stands below the base", place="/request/url")
        raw, media_type = content_of(method, entry.get("resource"))
    except HubError as error:
        return refused(error)
    headers = {
        "if-match": asks.get("ifMatch"),
        "if-none-match": asks.get("ifNoneMatch"),
        "if-modified-since": asks.get("ifModifiedSince"),
        "if-none-exist": asks.get("ifNoneExist"),
        "content-type": media_type,
        "prefer": f"return={preferred(request, 'minimal')}",
    }
    return told(await ask(request, method, url, {k: str(v) for k, v in headers.items() if v}, raw))


def content_of(method: str, resource: Resource | None) -> tuple[bytes, str]:
    """The body that an entry's request has, and its media type."""
    if not isinstance(resource, dict) or method in ("GET", "HEAD", "DELETE"):
        return b"", ""
    if method == "PATCH":
        media_type, raw = patch_in(resource)
        return raw, media_type
    return text.write(resource), "application/fhir+json"


def told(answer: Asked) -> Resource:
    """An answer as an entry of a batch-response."""
    response = {"status": answer.said}
    for name, header in (("location", "location"), ("etag", "etag")):
        if header in answer.headers:
            response[name] = answer.headers[header]
    content = text.read(answer.body, name="answer") if answer.body else None
    entry: Resource = {"response": response}
    if content is not None and content.get("resourceType") == "OperationOutcome":
        return {"response": {**response, "outcome": content}}
    if content is not None:
        entry = {"resource": content, **entry}
        if moment := content.get("meta", {}).get("lastUpdated"):
            response["lastModified"] = moment
    return entry


def refused(error: HubError) -> Resource:
    """An entry that could not be asked."""
    return {"response": {"status": str(error.http_status), "outcome": rendering.outcome_of(error)}}


async def transaction(request: Request, who: Caller, told: body.Sent) -> Resource:
    """All entries or none; re-sent, what the entries read is read anew."""
    hub = hub_of(request)
    entries = await run_in_threadpool(hub.transactions.entries, told.resource)
    for entry in entries:
        for type, letter in entry.needs:
            who.require(type, letter)
    for entry in entries:
        if entry.reads and not is_read(entry):
            await must_be_answered(request, entry)
    answered = await run_in_threadpool(hub.transactions.answer, who.asker, told.resource, told.raw)
    hub.changed()
    return await complete(request, who, answered)


async def complete(request: Request, who: Caller, answered: Answered) -> Resource:
    """The answer with what its entries read, and with what was written where that is preferred."""
    wanted = preferred(request, "minimal")
    entries = []
    for entry, answer in zip(answered.entries, answered.response.get("entry", []), strict=True):
        done = answered.written.get(entry.number)
        if entry.reads:
            entries.append(told_of(await ask(request, entry.method, entry.url, {}, b"")))
        elif wanted == "representation" and done is not None and entry.method != "DELETE":
            entries.append(await run_in_threadpool(with_content, request, who, answer, done))
        else:
            entries.append(answer)
    return {**answered.response, **({"entry": entries} if entries else {})}


told_of = told


def with_content(request: Request, who: Caller, answer: Resource, written: Written) -> Resource:
    """An entry with what the writer sees of what they wrote."""
    seen = hub_of(request).reader.written(who.asker, written) if written.told else None
    return answer if seen is None else {"resource": seen.resource, **answer}


def is_read(entry: Entry) -> bool:
    """Whether an entry reads one record, which the transaction itself looks for."""
    return bool(entry.id) and re.fullmatch(r"[^/]+/[^/]+(/_history/[^/]+)?", entry.url.partition("?")[0]) is not None


async def must_be_answered(request: Request, entry: Entry) -> None:
    """EntriesRefused where what an entry reads cannot be answered: a transaction is all or nothing."""
    answer = await ask(request, entry.method, entry.url, {}, b"")
    if answer.status >= 400:
        found = json.loads(answer.body or b"{}").get("issue", [{}])[0]
        raise EntriesRefused([(entry.number, NotSupported(str(found.get("diagnostics", "")), place="/request/url"))])
