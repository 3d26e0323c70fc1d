"""The transaction interaction: all entries or none, references rewritten, the same answer when it is sent again.

A Bundle.identifier makes it idempotent: the organisation that re-sends it (after a lost answer, a crash) gets the
first answer once more and nothing is written twice. https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from hub.errors import InvalidResource, MalformedContent, NotPermitted, NotSupported, TooCostly, VersionConflict
from hub.exchange.asker import Asker
from hub.exchange.recorder import Written
from hub.exchange.vault import Vault
from hub.exchange.write import Change, Writer
from hub.fhir.references import rewrite
from hub.fhir.value import Resource
from hub.store.model import ReceivedEntry
from hub.store.store import Store, Tx

LIMIT = 200
"""Entries in one transaction."""

ORDER = {"Patient": 0, "Goal": 1, "ServiceRequest": 1, "Task": 1, "CareTeam": 2, "CarePlan": 3, "Consent": 4}


class Transactions:
    """The use case `transaction`."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        writer: Writer,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._vault = vault
        self._writer = writer
        self._clock = clock
        self._ids = ids

    def run(self, asker: Asker, bundle: Resource, raw: bytes) -> Resource:
        """Apply a transaction Bundle of POST and PUT entries; returns the transaction-response Bundle."""
        entries = bundle.get("entry", [])
        if len(entries) > LIMIT:
            raise TooCostly(f"at most {LIMIT} entries in one transaction", place="/entry")
        key = message_id(bundle)
        sha256 = hashlib.sha256(raw).hexdigest()
        try:
            return self._run(asker, entries, raw, key, sha256)
        except VersionConflict:  # perhaps with its own twin, sent again while the first was under way
            with self._store.reading() as tx:
                if answer := self._answer(tx, asker, key, sha256):
                    return answer
            raise

    def _answer(self, tx: Tx, asker: Asker, key: str, sha256: str) -> Resource | None:
        """The answer that this transaction had before; None where it is new."""
        known = tx.received.find(asker.organisation, key) if key else None
        if known is None:
            return None
        if known.sha256 != sha256:
            raise InvalidResource("this Bundle.identifier was used for other content", place="/identifier")
        response: Resource = known.report["response"]
        return response

    def _run(self, asker: Asker, entries: list[Resource], raw: bytes, key: str, sha256: str) -> Resource:
        with self._store.writing() as tx:
            if answer := self._answer(tx, asker, key, sha256):
                return answer
            written = self._apply(tx, asker, entries)
            self._writer.announce(tx, asker, [w for _, w in written], exit="transaction")
            response: Resource = {
                "resourceType": "Bundle",
                "type": "transaction-response",
                "entry": [answer_entry(w, self._clock()) for _, w in sorted(written, key=lambda p: p[0])],
            }
            if key:
                self._remember(tx, asker, key, raw, sha256, response, written)
        return response

    def _apply(self, tx: Tx, asker: Asker, entries: list[Resource]) -> list[tuple[int, Written]]:
        changes: list[tuple[int, Change]] = []
        names: dict[str, str] = {}
        written: list[tuple[int, Written]] = []
        for number, entry in enumerate(entries):
            change = self._change(number, entry)
            type, id = change.resource["resourceType"], change.resource["id"]
            if change.new and type == "Patient":
                introduced = self._writer.introduce(tx, asker, change.resource)
                written.append((number, introduced))
                names[entry.get("fullUrl", "")] = introduced.reference
                continue
            if entry.get("fullUrl"):
                names[entry["fullUrl"]] = f"{type}/{id}"
            changes.append((number, change))
        for number, change in sorted(changes, key=lambda p: ORDER.get(p[1].resource["resourceType"], 1)):
            named = Change(rewrite(change.resource, names), change.new, change.if_match)
            written.append((number, self._writer.apply(tx, asker, named)))
        return written

    def _change(self, number: int, entry: Resource) -> Change:
        place = f"/entry/{number}"
        request, resource = entry.get("request"), entry.get("resource")
        if not isinstance(request, dict) or not isinstance(resource, dict):
            raise InvalidResource("an entry needs `request` and `resource`", place=place)
        method, url = request.get("method"), str(request.get("url", ""))
        type = str(resource.get("resourceType", ""))
        if method == "POST" and url == type and "ifNoneExist" not in request:
            return Change({**resource, "id": self._ids()}, new=True)
        if method == "PUT" and url == f"{type}/{resource.get('id')}":
            return Change(resource, new=False, if_match=version_of(request.get("ifMatch"), f"{place}/request"))
        raise NotSupported("a transaction takes `POST Type` and `PUT Type/id` whose resource agrees", place=place)

    def _remember(
        self,
        tx: Tx,
        asker: Asker,
        key: str,
        raw: bytes,
        sha256: str,
        response: Resource,
        written: list[tuple[int, Written]],
    ) -> None:
        id = self._ids()
        clients = sorted({c for _, w in written for c in w.clients})
        tx.received.take(
            ReceivedEntry(
                id=id,
                organisation=asker.organisation,
                adapter="api",
                format="fhir",
                message_id=key,
                sha256=sha256,
                size=len(raw),
                at=self._clock(),
                content=self._vault.seal(tx, raw, context=f"received:{id}", clients=clients),
                outcome="accepted",
                report={"response": response},
                clients=tuple(clients),
            )
        )


def message_id(bundle: Resource) -> str:
    """The identity under which a re-sent transaction is recognised; empty without Bundle.identifier."""
    identifier = bundle.get("identifier", {})
    value = identifier.get("value")
    return f"transaction:{identifier.get('system', '')}|{value}" if value else ""


def answer_entry(written: Written, at: datetime) -> Resource:
    """One entry of a transaction-response."""
    status = "201 Created" if written.created else "200 OK"
    told = {"location": written.reference}
    if written.told:
        told = {"location": f"{written.reference}/_history/{written.version}", "etag": f'W/"{written.version}"'}
    return {
        "response": {
            "status": status,
            **told,
            "lastModified": at.isoformat(timespec="milliseconds"),
        }
    }


def version_of(etag: object, place: str = "If-Match") -> int | None:
    """The version that an If-Match names (`W/"3"`, `"3"` or `3`); None where none was sent."""
    if etag is None:
        return None
    match = re.fullmatch(r'\s*(?:W/)?"?(\d{1,18})"?\s*', str(etag))
    if re.fullmatch(r'\s*(?:W/)?"?p[0-9a-f]{16}"?\s*', str(etag)):
        raise NotPermitted("you see this record in part, so you cannot replace it", place=place)
    if match is None:
        raise MalformedContent('If-Match names a version like W/"3"', place=place)
    return int(match[1])
