"""Bulk export: everything that an organisation may see, as files of a thousand records (NDJSON).

A job only finds references, with the asker's sight and in the background; nothing of a record is kept for it. Each file
is read, decided by the gate and written down when it is fetched, so a Consent that was withdrawn after the job began
takes effect in the files that are fetched after that. https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hub.consent.model import AccessRequest, Basis
from hub.errors import HubError, NotFound, Unavailable
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate, Visible
from hub.exchange.read import must_be_id
from hub.fhir import text
from hub.fhir.value import Reference
from hub.store.export_model import ExportFile, ExportJob, ExportOrder, ExportState
from hub.store.exports import PAGE
from hub.store.sight import Sight
from hub.store.store import Store, Tx

LEASE: Final = timedelta(seconds=60)
"""How long a job is left to the process that works on it, from page to page."""
KEPT: Final = timedelta(hours=24)
"""How long an export can be fetched."""
MOST: Final = 3
"""Exports of one organisation under way at a time."""


class Throttled(HubError):
    """There are too many of these under way; try again when one is complete."""

    issue_code = "throttled"
    http_status = 429


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an export stands, and the files that it has so far: (number, type)."""

    job: ExportJob
    files: tuple[tuple[int, str], ...]

    @property
    def complete(self) -> bool:
        return self.job.state is ExportState.COMPLETE

    @property
    def said(self) -> str:
        """How far it is, in words."""
        done = f"{self.job.position} of {len(self.job.ordered.types)} types"
        return f"{done}, {self.job.found} records found"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an export is to hold: of which types, of which clients, changed since when."""

    url: str
    types: Sequence[str]
    of_clients: bool = False
    group: str = ""
    since: datetime | None = None


class Exporter:
    """The use cases of bulk export."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        sight: Callable[[Tx, AccessRequest], Sight],
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        page: int = PAGE,
    ) -> None:
        self._store = store
        self._gate = gate
        self._sight = sight
        self._page = page
        self._clock = clock
        self._ids = ids

    def begin(self, asker: Asker, ordered: Ordered) -> str:
        """Accept an export; its id. The work is done by `work`."""
        now = self._clock()
        clients = self._members(asker, ordered.group) if ordered.group else None
        order = ExportOrder(
            url=ordered.url,
            types=tuple(dict.fromkeys(ordered.types)),
            purpose=asker.purpose,
            basis=str(asker.basis),
            person=asker.person,
            of_clients=ordered.of_clients or clients is not None,
            clients=clients,
            since=ordered.since,
        )
        job = ExportJob(self._ids(), asker.organisation, order, ExportState.ACCEPTED, now, now + KEPT)
        with self._store.writing() as tx:
            tx.exports.purge(now)
            if tx.exports.under_way(asker.organisation) >= MOST:
                raise Throttled
            tx.exports.begin(job)
        return job.id

    def progress(self, asker: Asker, id: str) -> Progress:
        """Where the organisation's export stands; NotFound for anybody else's."""
        with self._store.reading() as tx:
            job = self._own(tx, asker, id)
            return Progress(job, tuple(tx.exports.files(id)))

    def cancel(self, asker: Asker, id: str) -> None:
        """Forget an export; whoever works on it stops at the next page."""
        with self._store.writing() as tx:
            self._own(tx, asker, id)
            tx.exports.remove(id)

    def type_of(self, asker: Asker, id: str, no: int) -> str:
        """The type of the records in one file."""
        with self._store.reading() as tx:
            return self._file(tx, asker, id, no).type

    def file(self, asker: Asker, id: str, no: int) -> bytes:
        """One file as the asker may see it at this moment: a line for each record."""
        with self._store.reading() as tx:
            records = tx.records.many(self._file(tx, asker, id, no).records)
            disclosure = self._gate.disclose(tx, asker.request("access"), records, exit="export")
        return b"".join(_line(v) for v in disclosure.visible)

    def work(self, id: str) -> None:
        """Find what an export holds, page by page; nothing happens where somebody else does."""
        now = self._clock()
        with self._store.writing() as tx:
            job = tx.exports.claim(id, now, now + LEASE)
        try:
            while job is not None and job.state is ExportState.ACCEPTED:
                job = self._next(job)
        except Unavailable:
            self._leave(job)
        except Exception:  # whatever it was, the job must not seem to be under way for ever
            self._leave(job and replace(job, state=ExportState.FAILED, trouble="the hub could not go on"))
            raise

    def waiting(self) -> Iterator[str]:
        """The exports that nobody works on: after a restart, or when their process was killed."""
        with self._store.reading() as tx:
            yield from tx.exports.waiting(self._clock())

    def _next(self, job: ExportJob) -> ExportJob | None:
        """Find one page and write it down; None where the job was cancelled meanwhile.

        Types of which nothing is seen are passed over, so that no more is written than was found.
        """
        order, position, after = job.ordered, job.position, job.after
        asked = Asker(job.organisation, order.purpose, Basis(order.basis), order.person).request("access")
        page: Sequence[tuple[int, Reference]] = ()
        with self._store.reading() as tx:
            sight = self._sight(tx, asked)
            while position < len(order.types) and not page:
                page = tx.exports.page(
                    order.types[position],
                    sight,
                    after=after,
                    limit=self._page,
                    since=order.since,
                    clients=order.clients,
                    of_clients=order.of_clients,
                )
                full = len(page) == self._page
                position, after = (position, page[-1][0]) if full else (position + 1, 0)
        state = ExportState.ACCEPTED if position < len(order.types) else ExportState.COMPLETE
        found = job.found + len(page)
        return self._write(replace(job, state=state, position=position, after=after, found=found), page)

    def _write(self, job: ExportJob, page: Sequence[tuple[int, Reference]]) -> ExportJob | None:
        until = self._clock() + LEASE if job.state is ExportState.ACCEPTED else None
        with self._store.writing() as tx:
            if not tx.exports.advance(job, until=until):
                return None
            if page:
                no = len(tx.exports.files(job.id)) + 1
                type = page[0][1].split("/", 1)[0]
                tx.exports.add(ExportFile(job.id, no, type, tuple(reference for _, reference in page)))
        return job

    def _leave(self, job: ExportJob | None) -> None:
        if job is not None:
            with self._store.writing() as tx:
                tx.exports.advance(job, until=None)

    def _members(self, asker: Asker, group: str) -> tuple[Reference, ...]:
        """The clients in a Group, of those members that the asker sees."""
        must_be_id(group)
        with self._store.reading() as tx:
            sealed = tx.records.read("Group", group)
            if sealed is None or sealed.deleted:
                raise NotFound
            seen = self._gate.disclose(tx, asker.request("access"), [sealed], exit="read").visible
        if not seen:
            raise NotFound
        members = [m for m in seen[0].resource.get("member", ()) if not m.get("inactive")]
        references = {str(m.get("entity", {}).get("reference", "")) for m in members}
        return tuple(sorted(r for r in references if r.startswith("Patient/")))

    def _own(self, tx: Tx, asker: Asker, id: str) -> ExportJob:
        must_be_id(id)
        job = tx.exports.read(id)
        if job is None or job.organisation != asker.organisation or job.expires <= self._clock():
            raise NotFound
        return job

    def _file(self, tx: Tx, asker: Asker, id: str, no: int) -> ExportFile:
        job = self._own(tx, asker, id)
        file = tx.exports.file(id, no) if job.state is ExportState.COMPLETE else None
        if file is None:
            raise NotFound
        return file


def _line(record: Visible) -> bytes:
    written = record.text.strip()
    return (text.write(record.resource) if b"\n" in written or b"\r" in written else written) + b"\n"
