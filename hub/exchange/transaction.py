"""The transaction interaction: all entries or none, references rewritten, the same answer when it is sent again.

A Bundle.identifier makes it idempotent: the organisation that re-sends it (after a lost answer, a crash) gets the
first answer once more and nothing is written twice. https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.errors import HubError, InvalidResource, TooCostly, VersionConflict
from hub.exchange.asker import Asker
from hub.exchange.entries import EditOf, Entry, entries_of
from hub.exchange.recorder import Written
from hub.exchange.transaction_run import Run, Runs, refuse
from hub.exchange.vault import Vault
from hub.exchange.write import Writer
from hub.fhir.validate import Fault, validate
from hub.fhir.value import Resource
from hub.store.model import ReceivedEntry
from hub.store.store import Store, Tx

LIMIT = 200
"""Entries in one transaction."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a transaction: its answer, and the writes behind it (none where it is answered again)."""

    response: Resource
    entries: list[Entry] = field(default_factory=list)
    written: dict[int, Written] = field(default_factory=dict)


class Transactions:
    """The use case `transaction`."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        writer: Writer,
        runs: Runs,
        edit_of: EditOf,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._vault = vault
        self._writer = writer
        self._runs = runs
        self._edit_of = edit_of
        self._clock = clock
        self._ids = ids

    def entries(self, bundle: Resource) -> list[Entry]:
        """The entries of a transaction; EntriesRefused or InvalidResource with everything that is wrong with them."""
        listed = bundle.get("entry", [])
        if isinstance(listed, list) and len(listed) > LIMIT:
            raise TooCostly(f"at most {LIMIT} entries in one transaction", place="/entry")
        faults = [f for f in validate(bundle) if f.severity == "error"]
        if any(not f.path.startswith("/entry/") for f in faults):
            raise InvalidResource("not valid FHIR R4", faults=faults)
        broken = by_entry(faults)
        found, wrong = entries_of(bundle, self._edit_of, without={number for number, _ in broken})
        if wrong or broken:
            refuse([*broken, *wrong])
        return found

    def run(self, asker: Asker, bundle: Resource, raw: bytes) -> Resource:
        """Apply a transaction Bundle; returns the transaction-response Bundle."""
        return self.answer(asker, bundle, raw).response

    def answer(self, asker: Asker, bundle: Resource, raw: bytes) -> Answered:
        """Apply a transaction Bundle. Entries that read are checked; what they read, their door puts in."""
        entries = self.entries(bundle)
        key = message_id(bundle)
        sha256 = hashlib.sha256(raw).hexdigest()

        def work(tx: Tx) -> Answered:
            with self._writer.together():
                return self._run(tx, asker, entries, raw, key, sha256)

        try:
            return self._store.writing_again(work)
        except VersionConflict:  # perhaps with its own twin, sent again while the first was under way
            with self._store.reading() as tx:
                if response := self._again(tx, asker, key, sha256):
                    return Answered(response, entries)
            raise

    def _again(self, tx: Tx, asker: Asker, key: str, sha256: str) -> Resource | None:
        """The answer that this transaction had before; None where it is new."""
        known = tx.received.find(asker.organisation, key) if key else None
        if known is None:
            return None
        if known.sha256 != sha256:
            raise InvalidResource("this Bundle.identifier was used for other content", place="/identifier")
        response: Resource = known.report["response"]
        return response

    def _run(self, tx: Tx, asker: Asker, entries: list[Entry], raw: bytes, key: str, sha256: str) -> Answered:
        if key:
            tx.hold(f"transaction {asker.organisation} {key}")
        if response := self._again(tx, asker, key, sha256):
            return Answered(response, entries)
        run: Run = self._runs.run(tx, asker, entries)
        self._writer.announce(tx, asker, list(run.written.values()), exit="transaction")
        response = {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [answer_entry(e, run.written.get(e.number), self._clock()) for e in entries],
        }
        if key:
            self._remember(tx, asker, key, raw, sha256, response, run)
        return Answered(response, entries, run.written)

    def _remember(self, tx: Tx, asker: Asker, key: str, raw: bytes, sha256: str, response: Resource, run: Run) -> None:
        id = self._ids()
        clients = sorted({c for w in run.written.values() for c in w.clients})
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


def by_entry(faults: list[Fault]) -> list[tuple[int, HubError]]:
    """Faults of a Bundle as errors of its entries."""
    found: dict[int, list[Fault]] = {}
    for fault in faults:
        found.setdefault(int(fault.path.split("/")[2]), []).append(fault)
    return [(number, InvalidResource("not valid FHIR R4", faults=several)) for number, several in found.items()]


def message_id(bundle: Resource) -> str:
    """The identity under which a re-sent transaction is recognised; empty without Bundle.identifier."""
    identifier = bundle.get("identifier", {})
    value = identifier.get("value")
    return f"transaction:{identifier.get('system', '')}|{value}" if value else ""


def answer_entry(entry: Entry, written: Written | None, at: datetime) -> Resource:
    """One entry of a transaction-response; of one that reads, or deleted nothing, only that it went well."""
    if written is None or entry.method == "DELETE":
        return {"response": {"status": "204 No Content" if entry.method == "DELETE" else "200 OK"}}
    answer = {"status": "201 Created" if written.created else "200 OK", "location": written.reference}
    if written.told:
        answer["location"] = f"{written.reference}/_history/{written.version}"
        answer["etag"] = f'W/"{written.version}"'
    if written.changed:
        answer["lastModified"] = at.isoformat(timespec="milliseconds")
    return {"response": answer}
