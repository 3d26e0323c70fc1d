"""Reading through the API: read, vread, and the documents made of a client's record.

Each answer is what the gate let through; hidden and absent are the same NotFound.
https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from hub.errors import Gone, NotFound, VersionConflict
from hub.exchange import items
from hub.exchange.admission import Admission
from hub.exchange.asker import Asker
from hub.exchange.disclose import Disclosure, Gate, Visible
from hub.exchange.history import Historian
from hub.exchange.recorder import Written
from hub.fhir import text
from hub.fhir.value import Reference, Resource
from hub.store.model import Delivery, DeliveryState, Holding, SealedRecord
from hub.store.store import Store, Tx

VERSION = re.compile(r"[1-9][0-9]{0,8}|p[0-9a-f]{16}")
"""A version as the hub names them; anything else names none."""


def must_be_id(id: str) -> None:
    """NotFound where this cannot be the id of anything (https://hl7.org/fhir/R4/datatypes.html#id)."""
    if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id) is None:
        raise NotFound


class Reader:
    """The use cases of reading."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        admission: Admission,
        history: Historian,
        author: Resource,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._gate = gate
        self._admission = admission
        self._history = history
        self._author = author
        self._clock = clock
        self._ids = ids

    def read(self, asker: Asker, type: str, id: str, *, version: str | None = None) -> Visible:
        """One record as the asker may see it, or a version of it by the name that the asker knows it by."""
        must_be_id(id)
        with self._store.reading() as tx:
            return self.seen(tx, asker, type, id, version)

    def seen(self, tx: Tx, asker: Asker, type: str, id: str, version: str | None = None) -> Visible:
        """The same inside the caller's transaction. Gone where the record was deleted and the asker could see it."""
        sealed = tx.records.read(type, id)
        if sealed is None:
            raise NotFound
        if version is not None:
            if VERSION.fullmatch(version) is None:
                raise NotFound
            return self._history.version(tx, asker, sealed, version)
        if sealed.deleted:
            raise Gone if self._admission.could_see(tx, asker, sealed) else NotFound
        visible = self._gate.disclose(tx, asker.request("access"), [sealed], exit="read").get(f"{type}/{id}")
        if visible is None:
            raise NotFound
        return visible

    def written(self, asker: Asker, written: Written) -> Visible | None:
        """What was just written, as the writer sees it; None where they do not."""
        type, id = written.reference.split("/")
        with self._store.reading() as tx:
            sealed = tx.records.vread(type, id, written.version)
            if sealed is None or sealed.deleted:
                return None
            return self._gate.disclose(tx, asker.request("access"), [sealed], exit="read").get(written.reference)

    def document(self, asker: Asker, client: Reference, item: str) -> Resource:
        """`summary` or `social-summary` of a client as the asker may see it; noted in the client's ledger."""
        must_be_id(client.removeprefix("Patient/"))
        with self._store.reading() as tx:
            disclosure = self._disclose_client(tx, asker, client, items.candidates(tx, item, client), item)
            composed = items.compose(item, disclosure, client=client, author=self._author)
        if composed is None:
            raise NotFound
        self._note(asker, client, item, disclosure, composed)
        return composed.bundle

    def _disclose_client(
        self, tx: Tx, asker: Asker, client: Reference, sealed: list[SealedRecord], exit: str
    ) -> Disclosure:
        disclosure = self._gate.disclose(tx, asker.request("access"), sealed, exit=exit, client=client, closed=True)
        if disclosure.get(client) is None:
            raise NotFound
        return disclosure

    def _note(
        self, asker: Asker, client: Reference, item: str, disclosure: Disclosure, composed: items.Composed
    ) -> None:
        """Write down what was fetched; the same asker asking twice at once is no reason to refuse either."""
        for last_try in (False, False, True):
            try:
                return self._note_once(asker, client, item, disclosure, composed)
            except VersionConflict:
                if last_try:
                    raise
        return None

    def _note_once(
        self, asker: Asker, client: Reference, item: str, disclosure: Disclosure, composed: items.Composed
    ) -> None:
        now = self._clock()
        body = text.write(composed.bundle)
        id = self._ids()
        with self._store.writing() as tx:
            last = tx.holdings.last(asker.organisation, item, client)
            if last is None or last.digest != composed.digest:
                tx.holdings.add(
                    Holding(
                        organisation=asker.organisation,
                        item=item,
                        client=client,
                        version=last.version + 1 if last else 1,
                        digest=composed.digest,
                        at=now,
                        areas=disclosure.areas,
                        records=composed.records,
                        because=disclosure.because,
                        delivery=id,
                    )
                )
            tx.deliveries.record(
                Delivery(
                    id=id,
                    organisation=asker.organisation,
                    adapter="api",
                    item=item,
                    direction="request",
                    client=client,
                    state=DeliveryState.DELIVERED,
                    attempts=1,
                    next_at=now,
                    created=now,
                    updated=now,
                    cause="asked",
                    version=composed.bundle.get("identifier", {}).get("value", ""),
                    areas=disclosure.areas,
                    basis=str(asker.basis),
                    because=disclosure.because,
                    outcome="fetched",
                    withheld=tuple({"item": w.item, "because": w.because} for w in disclosure.withheld),
                    key=composed.bundle.get("identifier", {}).get("value", ""),
                    sha256=hashlib.sha256(body).hexdigest(),
                    size=len(body),
                )
            )
