"""The entries of a transaction applied, in one database transaction, each as the interaction that it is.

First what is deleted goes, then every entry gets the name that it will have, then they are written: clients before
what is about them, a client's agreement to share before what is written under it, parts before their containers. One
that is refused waits for the rest, which may be what it needs; what is refused still when nothing else moves is what
is wrong. https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hub.consent.codes import DIRECTORY_TYPES
from hub.errors import EntriesRefused, HubError, InvalidResource
from hub.exchange.asker import Asker
from hub.exchange.change import Change, matched
from hub.exchange.conditional import Conditions
from hub.exchange.entries import Entry, Names
from hub.exchange.recorder import Recorder, Written
from hub.exchange.write import Writer
from hub.fhir.references import parse_reference
from hub.fhir.renaming import references_in, renamed
from hub.fhir.value import Reference, Resource
from hub.store.store import Tx

Read = Callable[[Tx, Asker, str, str, str | None], object]
"""One read inside the transaction: (transaction, asker, type, id, version or None); raises where it finds nothing."""

RANKS = {"Patient": 0, "Consent": 2, "CareTeam": 4, "CarePlan": 5, "Composition": 6, "List": 6, "Bundle": 6}
"""What is written after what: the rest comes third, the directory first."""

Refusal = tuple[int, HubError]


@dataclass(slots=True)
class Run:
    """One transaction under way: who runs it, what its entries are called, what was written."""

    tx: Tx
    asker: Asker
    names: Names
    written: dict[int, Written] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    """The ids that new records will have, by the number of the entry."""
    lent: dict[int, frozenset[Reference]] = field(default_factory=dict)
    """The clients of records that support what is about them."""


class Runs:
    """Applies entries."""

    def __init__(
        self, *, writer: Writer, conditions: Conditions, read: Read, base: str, ids: Callable[[], str]
    ) -> None:
        self._writer = writer
        self._conditions = conditions
        self._read = read
        self._base = base
        self._ids = ids

    def run(self, tx: Tx, asker: Asker, entries: Sequence[Entry]) -> Run:
        """Apply these entries, or raise EntriesRefused with all that are refused."""
        run = Run(tx, asker, Names(self._base))
        for target in sorted({e.target for e in entries if e.target and not e.reads}):
            tx.records.lock(*target.split("/"))
        self._each(run, [e for e in entries if e.method == "DELETE"], self._delete)
        told = [e for e in entries if e.method in ("POST", "PUT")]
        self._each(run, told, self._name)
        self._each(run, [e for e in told if _introduces(e) and e.number not in run.written], self._write)
        run.lent = self._supported(run, told)
        writes = [e for e in entries if e.method in ("POST", "PUT", "PATCH") and e.number not in run.written]
        self._until_all_are(run, sorted(writes, key=_rank))
        self._each(run, [e for e in entries if e.reads and e.id], self._look)
        return run

    def _each(self, run: Run, entries: Sequence[Entry], do: Callable[[Run, Entry], None]) -> None:
        if refused := self._tried(run, entries, do):
            refuse(refused)

    def _until_all_are(self, run: Run, entries: Sequence[Entry]) -> None:
        waiting = list(entries)
        while waiting:
            refused = self._tried(run, waiting, self._write)
            if len(refused) == len(waiting):
                refuse(refused)
            still = {number for number, _ in refused}
            waiting = [e for e in waiting if e.number in still]

    @staticmethod
    def _tried(run: Run, entries: Sequence[Entry], do: Callable[[Run, Entry], None]) -> list[Refusal]:
        refused: list[Refusal] = []
        for entry in entries:
            try:
                do(run, entry)
            except HubError as error:
                if error.http_status >= 500 or error.__cause__ is not None:
                    raise  # not the entry's: the database's, after which nothing more can be asked of it
                refused.append((entry.number, error))
        return refused

    # -- what each entry asks for ----------------------------------------------------------------------------------

    def _delete(self, run: Run, entry: Entry) -> None:
        id = entry.id
        if not id:
            found = self._conditions.match(run.tx, run.asker, entry.type, entry.query, place="/request/url")
            if found is None:
                return
            id = found.reference.split("/")[1]
        written = self._writer.removed(run.tx, run.asker, entry.type, id, entry.if_match)
        if written is not None:
            run.written[entry.number] = written

    def _name(self, run: Run, entry: Entry) -> None:
        """Give an entry the name that it will have; one that a condition meets is done with that."""
        condition = entry.if_none_exist if entry.method == "POST" else entry.query
        if condition:
            found = self._conditions.match(run.tx, run.asker, entry.type, condition, place="/request")
            if found is not None:
                run.names.give(entry, found.reference)
                run.names.meets(f"{entry.type}?{condition}", found.reference)
                if entry.method == "POST":
                    run.written[entry.number] = matched(found)
                return
            if entry.method == "POST" and (twin := run.names.met(f"{entry.type}?{condition}")):
                run.names.give(entry, twin)
                run.ids[entry.number] = ""
                return
        named = entry.id or (entry.resource.get("id", "") if entry.method == "PUT" else "")
        run.ids[entry.number] = named or self._ids()
        if _introduces(entry):
            return  # whoever they are, is known once they are introduced
        reference = f"{entry.type}/{run.ids[entry.number]}"
        run.names.give(entry, reference)
        if condition:
            run.names.meets(f"{entry.type}?{condition}", reference)

    def _write(self, run: Run, entry: Entry) -> None:
        tx, asker = run.tx, run.asker
        if entry.method == "PATCH":
            assert entry.edit is not None
            id = entry.id or self._writer.one(tx, asker, entry.type, entry.query).split("/")[1]
            run.written[entry.number] = self._writer.patched(tx, asker, entry.type, id, entry.edit, entry.if_match)
            return
        resource = self._named(run, entry)
        lent = run.lent.get(entry.number, frozenset())
        if entry.method == "POST" and run.ids[entry.number] == "":
            run.written[entry.number] = self._twin(run, entry)
        elif entry.method == "POST":
            written = self._writer.make(tx, asker, resource, id=run.ids[entry.number], lent=lent)
            run.written[entry.number] = written
            run.names.give(entry, written.reference)
        elif entry.id:
            change = Change(resource, new=False, if_match=entry.if_match, if_none=entry.if_none, lent=lent)
            run.written[entry.number] = self._writer.apply(tx, asker, change)
        else:
            id = run.ids.get(entry.number, "")
            run.written[entry.number] = self._writer.put_where(
                tx, asker, resource, entry.query, entry.if_match, id=id, lent=lent
            )

    def _look(self, run: Run, entry: Entry) -> None:
        """Read what an entry asks for, so that one that finds nothing stops the whole."""
        rest = entry.url.partition("?")[0].split("/")[2:]
        if not rest or (len(rest) == 2 and rest[0] == "_history"):
            self._read(run.tx, run.asker, entry.type, entry.id, rest[1] if rest else None)

    # -- names ---------------------------------------------------------------------------------------------------

    def _named(self, run: Run, entry: Entry) -> Resource:
        """The entry's resource with everything that it names called as it will be."""
        for text in set(references_in(entry.resource)):
            if run.names.is_condition(text):
                type, query = text.split("?", 1)
                found = self._conditions.match(run.tx, run.asker, type, query, place="/resource")
                if found is None:
                    raise InvalidResource("a conditional reference meets nothing that you see", place="/resource")
                run.names.meets(text, found.reference)
        return renamed(entry.resource, run.names.of(entry))

    def _twin(self, run: Run, entry: Entry) -> Written:
        """An entry that another of this transaction creates already, under the same condition."""
        reference = run.names.met(f"{entry.type}?{entry.if_none_exist}")
        first = next((w for w in run.written.values() if w.reference == reference), None)
        if first is None:
            raise InvalidResource("its twin is not created yet", place="/request/ifNoneExist")
        return replace(first, created=False, changed=False)

    def _supported(self, run: Run, entries: Sequence[Entry]) -> dict[int, frozenset[Reference]]:
        """The client of each entry that names none (a medicine, a device) but is named by what is about one client."""
        by_name: dict[Reference, Entry] = {}
        about: dict[int, set[Reference]] = {}
        names: dict[int, set[str]] = {}
        for entry in entries:
            content = renamed(entry.resource, run.names.of(entry))
            about[entry.number] = set(_clients(content))
            names[entry.number] = {str(p) for t in references_in(content) if (p := parse_reference(t))}
            if entry.number in run.ids:
                by_name[f"{entry.type}/{run.ids[entry.number]}"] = entry
        lacking = {e.number for e in by_name.values() if not about[e.number] and e.type not in DIRECTORY_TYPES}
        moved = True
        while moved:
            moved = False
            for number, named in names.items():
                for entry in (by_name[r] for r in named if r in by_name):
                    if entry.number in lacking and not about[number] <= about[entry.number]:
                        about[entry.number] |= about[number]
                        moved = True
        return {number: frozenset(about[number]) for number in lacking if len(about[number]) == 1}


def refuse(refusals: Sequence[Refusal]) -> None:
    """Raise what is wrong with the entries, in their order."""
    raise EntriesRefused(sorted(refusals, key=lambda refusal: refusal[0]))


def _introduces(entry: Entry) -> bool:
    return entry.type == "Patient" and entry.method == "POST"


def _rank(entry: Entry) -> int:
    if entry.type in DIRECTORY_TYPES:
        return 1
    agreement = entry.type == "Consent" and any(
        c.get("code") == "treatment" for c in entry.resource.get("scope", {}).get("coding", [])
    )
    return 7 if agreement else RANKS.get(entry.type, 3)


def _clients(resource: Resource) -> frozenset[Reference]:
    return frozenset() if resource["resourceType"] == "Patient" else Recorder.clients_of(resource)
