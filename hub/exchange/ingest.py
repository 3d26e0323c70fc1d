"""Take in what an organisation's system sends: kept verbatim, mapped, identified, written, announced; once in effect.

The answer is given only after everything is durable in one transaction. What cannot be understood is kept and reported
with its place; the rest goes on. Flow: docs/architecture.md; mappings: docs/mappings.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.adapters.sdk.contract import Answer, Received
from hub.audit.entry import Disclosed, JournalEntry
from hub.errors import HubError, InvalidResource, MalformedContent, Unavailable, UnmappableContent, VersionConflict
from hub.exchange.identify import Identities
from hub.exchange.organisations import member
from hub.exchange.recorder import Recorder, Written
from hub.exchange.vault import Vault
from hub.exchange.writeup import Writeup, write_bundle
from hub.fhir.value import Reference
from hub.mapping.model import Mapped, Source
from hub.store.journal import Journal
from hub.store.model import ReceivedEntry
from hub.store.store import Store, Tx

Read = Callable[[Received], Source]
"""Parses one Received with the reader of its format."""


HOSPITALS = frozenset({"hospital", "long-term-hospital"})
"""Kinds of organisation that owe the registering practitioner a report on a stay."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where something came in: the organisation, its adapter, the mapping it is read with, its own number systems."""

    organisation: str
    adapter: str
    mapping: str
    options: Mapping[str, str]
    strict_ids: bool = False
    """Whether the same message id with other content is refused (HL7 v2), not taken as the next issue of a file."""
    about: Reference | None = None
    """The client who was asked about: an answer about somebody else is not taken in."""


class Ingest:
    """The use case `take`: bytes in, one honest Answer out."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        recorder: Recorder,
        identities: Identities,
        journal: Journal,
        read: Read,
        map_all: Callable[[Channel, Source], Sequence[Mapped]],
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._vault = vault
        self._recorder = recorder
        self._identities = identities
        self._journal = journal
        self._read = read
        self._map_all = map_all
        self._clock = clock
        self._ids = ids

    def take(self, channel: Channel, received: Received) -> Answer:
        """Take one message or file. Never raises for bad content; `failed` means: send it again."""
        sha256 = hashlib.sha256(received.body).hexdigest()
        try:
            if earlier := self._seen(channel, received, sha256):
                return earlier
            mapped, fault = self._understand(channel, received)
            try:
                return self._store_all(channel, received, sha256, mapped, fault)
            except (Unavailable, VersionConflict):
                raise
            except HubError as error:
                return self._store_all(channel, received, sha256, (), error)
            except Exception as defect:  # kept and reported like bad content, so that it holds up nothing
                return self._store_all(channel, received, sha256, (), of_the_hub(defect, received.name))
        except (Unavailable, VersionConflict) as passing:
            return Answer("failed", str(passing))

    def _seen(self, channel: Channel, received: Received, sha256: str) -> Answer | None:
        with self._store.reading() as tx:
            known = tx.received.find(channel.organisation, received.message_id, sha256)
        return answer_of(known) if known else None

    def _understand(self, channel: Channel, received: Received) -> tuple[Sequence[Mapped], HubError | None]:
        if received.broken:
            return (), MalformedContent(received.broken, place=received.name)
        try:
            return self._map_all(channel, self._read(received)), None
        except Unavailable:
            raise
        except HubError as error:
            return (), error
        except Exception as defect:
            return (), of_the_hub(defect, received.name)

    def _store_all(
        self,
        channel: Channel,
        received: Received,
        sha256: str,
        mapped: Sequence[Mapped],
        fault: HubError | None,
    ) -> Answer:
        id = self._ids()
        with self._store.writing() as tx:
            if known := tx.received.find(channel.organisation, received.message_id, sha256):
                return answer_of(known)
            if channel.strict_ids and tx.received.find(channel.organisation, received.message_id):
                mapped, fault = (), UnmappableContent("this message id was used before for other content")
            writeups, failed = self._write_all(tx, channel, mapped, id)
            clients = sorted({w.client for w in writeups})
            outcome, report = account(mapped, writeups, fault, failed)
            entry = ReceivedEntry(
                id=id,
                organisation=channel.organisation,
                adapter=channel.adapter,
                format=received.format,
                message_id=received.message_id,
                sha256=sha256,
                size=len(received.body),
                at=self._clock(),
                content=self._vault.seal(tx, received.body, context=f"received:{id}", clients=clients),
                outcome=outcome,
                mapping=mapped[0].mapping if mapped else channel.mapping,
                report=report,
                clients=tuple(clients),
            )
            tx.received.take(entry)
            self._announce(tx, writeups)
            self._journal.append(self._journal_entry(channel, received, entry, writeups).to_body())
        return answer_of(entry)

    def _write_all(
        self, tx: Tx, channel: Channel, mapped: Sequence[Mapped], source: str
    ) -> tuple[list[Writeup], list[HubError]]:
        """Each client of a message apart, so that one who cannot be taken in holds up no other."""
        writeups: list[Writeup] = []
        failed: list[HubError] = []
        for one in mapped:
            try:
                writeups.append(self._write(tx, channel, one, source))
            except (UnmappableContent, InvalidResource) as error:
                failed.append(error)
        if failed and not writeups:
            raise failed[0]
        return writeups, failed

    def _write(self, tx: Tx, channel: Channel, mapped: Mapped, source: str) -> Writeup:
        return write_bundle(
            tx,
            mapped.bundle,
            organisation=channel.organisation,
            about=channel.about,
            source=source,
            recorder=self._recorder,
            identities=self._identities,
            ids=self._ids,
        )

    def _announce(self, tx: Tx, writeups: Sequence[Writeup]) -> None:
        self._recorder.announce(tx, [w for up in writeups for w in up.written])
        for up in writeups:
            if up.discharged and self._is_hospital(tx, up.organisation):
                tx.outbox.put("discharge", up.client, {"organisation": up.organisation}, self._clock())

    @staticmethod
    def _is_hospital(tx: Tx, organisation: str) -> bool:
        """Whether it is the one that owes a report on a stay; a stay in a GP's summary is somebody else's."""
        entry = tx.organisations.read(organisation)
        return entry is not None and member(entry).kind in HOSPITALS

    def _journal_entry(
        self, channel: Channel, received: Received, entry: ReceivedEntry, writeups: Sequence[Writeup]
    ) -> JournalEntry:
        written: list[Written] = [w for up in writeups for w in up.written if w.changed]
        return JournalEntry(
            id=self._ids(),
            at=self._clock().isoformat(),
            kind="received",
            organisation=f"Organization/{channel.organisation}",
            purpose="COC",
            action="collect",
            exit=f"{channel.adapter}:{received.format}",
            clients=entry.clients,
            disclosed=tuple(Disclosed(w.reference, str(w.version)) for w in written),
            because=(f"received {entry.id} sha256 {entry.sha256}", f"mapping {entry.mapping}"),
            outcome="refused" if entry.outcome == "rejected" else "success",
        )


def account(
    mapped: Sequence[Mapped], writeups: Sequence[Writeup], fault: HubError | None, failed: Sequence[HubError] = ()
) -> tuple[str, dict[str, Any]]:
    """The outcome of one message and its report: places and rules only, the text of residue stays sealed."""
    if fault is not None:
        place = fault.place or ""
        return "rejected", {"error": fault.message, "place": place, "code": fault.issue_code}
    residue = [{"place": r.place, "why": r.why} for m in mapped for r in m.residue]
    warnings = [{"place": w.place, "rule": w.rule, "text": w.text} for m in mapped for w in m.warnings]
    conflicts = [c for up in writeups for c in up.conflicts]
    report = {
        "residue": residue,
        "warnings": warnings,
        "conflicts": conflicts,
        "refused": [{"place": p, "why": w} for up in writeups for p, w in up.refused]
        + [{"place": error.place or "", "why": error.message} for error in failed],
        "records": len({w.reference for up in writeups for w in up.written}),
        "review": [up.client for up in writeups if up.suspect],
    }
    understood = not report["refused"] and not warnings
    return ("accepted" if understood else "partly"), report


def of_the_hub(defect: Exception, name: str) -> HubError:
    """A defect as an error that says its kind alone: its text may be about a person."""
    return HubError(f"the hub could not process this: {type(defect).__name__}", place=name)


def answer_of(entry: ReceivedEntry) -> Answer:
    """The answer to a message, now or when it is sent again."""
    report = entry.report
    if entry.outcome == "rejected":
        place = str(report.get("place", ""))
        return Answer("rejected", str(report.get("error", "")), (place,) if place else (), entry.id)
    places = [str(w["place"]) for key in ("refused", "warnings") for w in report.get(key, [])]
    note = f"{report.get('records', 0)} records" + (f", {len(places)} places not understood" if places else "")
    return Answer("accepted" if entry.outcome == "accepted" else "partly", note, tuple(places), entry.id)
