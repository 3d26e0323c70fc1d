"""The gate: everything that leaves the hub leaves through here.

(who asks, for what purpose, on which basis) + sealed records -> what may be seen + the reasons + the audit entry,
which is durable before anything is returned. The store hands out ciphertext; a door that forgot this gate would
have nothing to show. Rules: docs/consent.md.

INVARIANT: what is not decided here is not opened for anybody; what is hidden is not distinguishable from absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from hub.audit import entry as journal
from hub.consent.facts import beyond_parts
from hub.consent.model import AccessRequest, Decision, Effect, Labels, Reason, Record
from hub.consent.redact import redact
from hub.exchange.notes import Notes
from hub.exchange.policy import Binding, Policy, area_probe
from hub.exchange.vault import Vault
from hub.exchange.views import record_of
from hub.fhir import codes, text
from hub.fhir.value import Reference, Resource
from hub.store.journal import Journal
from hub.store.model import SealedRecord
from hub.store.store import Tx


@dataclass(frozen=True, slots=True)
class Visible:
    """One record as the asker may see it. `version` is that of the projection they see (ADR 0014)."""

    reference: Reference
    version: str
    text: bytes
    resource: Resource
    areas: tuple[str, ...]
    partial: bool
    decision: Decision
    at: datetime
    """When it was written; of a partial view, when the record began: a later moment could be of a hidden change."""
    source_version: int

    @property
    def pinned(self) -> str:
        """`Type/id|version`, as holdings and audit entries name it."""
        return f"{self.reference}|{self.version}"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that was left out, and why. Told to the client and the audit, never to the asker."""

    item: str
    because: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What left the gate for one request, with its reasons; `entry` is its durable audit entry."""

    visible: tuple[Visible, ...]
    withheld: tuple[Withheld, ...]
    binding: Binding
    clients: frozenset[Reference]
    entry: str

    def get(self, reference: Reference) -> Visible | None:
        """The visible form of one record, if any."""
        return next((v for v in self.visible if v.reference == reference), None)

    @property
    def withheld_areas(self) -> frozenset[str]:
        """The areas of life for which the asker has no permit, whether or not anything is there."""
        return self.binding.denied_areas(self.clients)

    @property
    def because(self) -> tuple[str, ...]:
        """Which Consents, provisions or bases let this through, each once, in order."""
        seen = (spoken(r) for v in self.visible for r in v.decision.because if r.effect is not Effect.DENY)
        return tuple(dict.fromkeys(seen))

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of life that the visible parts touch."""
        present = {area for v in self.visible for area in v.areas}
        return tuple(a for a in (*codes.AREAS, codes.UNCLASSIFIED) if a in present)


Look = Callable[[SealedRecord], Visible | None]
"""What of one version the asker may see."""


class Gate:
    """Decides, opens, redacts, and writes down; in that order, for every exit there is."""

    def __init__(
        self, *, vault: Vault, policy: Policy, journal: Journal, clock: Callable[[], datetime], ids: Callable[[], str]
    ) -> None:
        self._vault = vault
        self._policy = policy
        self._notes = Notes(journal, clock, ids)
        self._clock = clock

    def together(self) -> AbstractContextManager[None]:
        """What is decided inside is written down at once, when the block ends: nothing may leave before."""
        return self._notes.together()

    def disclose(
        self,
        tx: Tx,
        request: AccessRequest,
        sealed: Sequence[SealedRecord],
        *,
        exit: str,
        client: Reference | None = None,
        closed: bool = False,
        query: str = "",
    ) -> Disclosure:
        """What of these records the asker may see now. The audit entry is durable when this returns.

        `closed`: the records go out together as one item, so no reference may lead out of it (to the directory it
        may). `query`: the search that found them, without its values.
        """
        visible, withheld, bound, clients = self._weighed(tx, request, sealed, client, closed)
        entry = self._write_down(request, visible, withheld, clients, exit, query)
        return Disclosure(visible, withheld, bound, clients, entry)

    def examine(
        self, tx: Tx, request: AccessRequest, sealed: Sequence[SealedRecord], *, what: str
    ) -> tuple[Visible, ...]:
        """What the asker would see of these, for the hub to look something up in it. Audited as processing."""
        visible, _, _, clients = self._weighed(tx, request, sealed, None, False)
        self._notes.append(request, clients, "processing", "examine", because=(what,))
        return visible

    def disclose_chosen(
        self, tx: Tx, request: AccessRequest, choose: Callable[[Look], Sequence[Visible]], *, exit: str
    ) -> tuple[Visible, ...]:
        """What `choose` picks of the versions that it looks at, also several of one record; only that leaves."""
        concerned: set[Reference] = set()

        def look(sealed: SealedRecord) -> Visible | None:
            visible, _, _, clients = self._weighed(tx, request, [sealed], None, False)
            concerned.update(clients)
            return visible[0] if visible else None

        chosen = tuple(choose(look))
        self._write_down(request, chosen, (), frozenset(concerned), exit, "")
        return chosen

    def _weighed(
        self, tx: Tx, request: AccessRequest, sealed: Sequence[SealedRecord], client: Reference | None, closed: bool
    ) -> tuple[tuple[Visible, ...], tuple[Withheld, ...], Binding, frozenset[Reference]]:
        """What may be seen, what not and why, what that was decided by, and whose records they are."""
        records = [record_of(self._vault, self._policy, tx, s) for s in sealed if not s.deleted]
        clients = frozenset().union(*(r.clients for r in records)) | ({client} if client else set())
        bound = self._policy.bind(tx, self._vault, request, clients, at=self._clock(), about=records)
        decisions = {r.reference: bound.decide(r) for r in records}
        sealed_by = {s.reference: s for s in sealed}
        visible = tuple(
            self._project(tx, r, decisions, bound, sealed_by[r.reference], closed)
            for r in records
            if decisions[r.reference].permits
        )
        return visible, tuple(self._left_out(records, decisions)), bound, clients

    def permits(
        self, tx: Tx, request: AccessRequest, labels: Labels, clients: Collection[Reference], *, what: str
    ) -> Decision:
        """Whether the asker may do `request.action` with something labelled so (a write, a pull); audited."""
        record = Record(what, "", {"resourceType": what.split("/", maxsplit=1)[0]}, labels, frozenset(clients))
        bound = self._policy.bind(tx, self._vault, request, frozenset(clients), at=self._clock(), about=())
        decision = bound.decide(record)
        kind: journal.Kind = "disclosure" if decision.permits else "refusal"
        self._notes.append(request, frozenset(clients), kind, f"decide:{request.action}", because=_phrases(decision))
        return decision

    def areas(self, tx: Tx, request: AccessRequest, client: Reference) -> tuple[frozenset[str], dict[str, Decision]]:
        """The areas of life of which the asker may see something, and the decision for each; audited."""
        about = frozenset({client})
        bound = self._policy.bind(tx, self._vault, request, about, at=self._clock(), about=())
        decisions = {area: bound.decide(area_probe(area, about)) for area in codes.AREAS}
        because = tuple(dict.fromkeys(p for d in decisions.values() for p in _phrases(d)))
        self._notes.append(request, about, "processing", "explain", because=because)
        return bound.areas(about), decisions

    def wrote(
        self, request: AccessRequest, versions: Mapping[Reference, int], *, exit: str, clients: Collection[Reference]
    ) -> None:
        """Write down what the asker wrote: `exit` is create, update or transaction."""
        self._notes.append(
            request,
            frozenset(clients),
            "consent" if any(r.startswith("Consent/") for r in versions) else "processing",
            exit,
            disclosed=tuple(journal.Disclosed(r, str(v)) for r, v in versions.items()),
            because=("written by the asker",),
        )

    def _project(
        self,
        tx: Tx,
        record: Record,
        decisions: dict[Reference, Decision],
        bound: Binding,
        sealed: SealedRecord,
        closed: bool,
    ) -> Visible:
        """The record as the asker sees it: the stored text if whole, the redacted projection otherwise."""
        decision = decisions[record.reference]

        def seen(reference: Reference) -> bool:
            known = decisions.get(reference)
            if not closed and bound.is_own_word(record):
                return True
            if known is not None:
                return known.permits
            return bound.names(reference, record) if closed else bound.sees(reference, record)

        denied = bound.denied_areas(record.clients) if record.parts or sealed.type == "Patient" else frozenset[str]()
        shown = redact(record, decision, visible=seen, withheld_areas=denied)
        areas = beyond_parts(record.labels, record.parts).areas.union(
            *(p.labels.areas for p in record.parts if not is_below(p.pointer, decision.hidden_parts))
        )
        whole = shown is record.resource or text.digest(shown) == text.digest(record.resource)
        partial = decision.effect is Effect.PARTIAL or not whole
        if not partial:
            body = text.write(record.resource)
            return Visible(
                record.reference, record.version, body, record.resource, tuple(sorted(areas)), False, decision,
                sealed.at, sealed.version,
            )  # fmt: skip
        version = f"p{text.digest(shown)[:16]}"
        meta = {k: v for k, v in shown.get("meta", {}).items() if k != "lastUpdated"} | {"versionId": version}
        shown = {**shown, "meta": meta}
        first = tx.records.vread(sealed.type, sealed.id, 1)
        return Visible(
            record.reference, version, text.write(shown), shown, tuple(sorted(areas)), True, decision,
            first.at if first else sealed.at, sealed.version,
        )  # fmt: skip

    def _left_out(self, records: Sequence[Record], decisions: dict[Reference, Decision]) -> list[Withheld]:
        out: list[Withheld] = []
        for record in records:
            decision = decisions[record.reference]
            if not decision.permits:
                out.append(Withheld(_item(record.reference, record.labels), "; ".join(_phrases(decision))))
            hidden = set(decision.hidden_parts)
            out.extend(
                Withheld(
                    _item(f"{record.reference}{p.pointer}", p.labels),
                    "; ".join(_phrases(decisions.get(p.refers_to or "", decision))),
                )
                for p in record.parts
                if p.pointer in hidden
            )
        return out

    def _write_down(
        self,
        request: AccessRequest,
        visible: Sequence[Visible],
        withheld: Sequence[Withheld],
        clients: frozenset[Reference],
        exit: str,
        query: str,
    ) -> str:
        because = dict.fromkeys(p for v in visible for p in _phrases(v.decision))
        return self._notes.append(
            request,
            clients,
            "disclosure" if visible or (query and not withheld) else "refusal",
            exit,
            query=query,
            disclosed=tuple(journal.Disclosed(v.reference, str(v.source_version), v.partial) for v in visible),
            withheld=tuple(journal.Withheld(w.item, w.because) for w in withheld),
            because=tuple(because or dict.fromkeys(w.because for w in withheld)),
        )


def is_below(pointer: str, hidden: Collection[str]) -> bool:
    """Whether a part is one of the hidden ones, or inside one."""
    return any(pointer == one or pointer.startswith(f"{one}/") for one in hidden)


def spoken(reason: Reason) -> str:
    """One reason as people and audits read it: Consent, version and path, or the named default or basis."""
    return f"{reason.consent} {reason.path}".strip() if reason.consent else reason.text or "default: deny"


def _phrases(decision: Decision) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spoken(r) for r in decision.because))


def _item(reference: str, labels: Labels) -> str:
    return f"{reference} [{', '.join(sorted(labels.areas)) or codes.UNCLASSIFIED}]"
