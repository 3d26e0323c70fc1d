"""$everything: all that the asker may see of one client's record, page by page.

The records that are about the client, and who and what they name besides; what is hidden leaves no gap. Each page is
decided when it is asked for. https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from hub.errors import InvalidSearch, NotFound
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate, Visible
from hub.exchange.paging import Asked, Pages, Params, beside
from hub.exchange.read import must_be_id
from hub.exchange.rulebook import Rulebook
from hub.exchange.search import MOST_INCLUDED, SEARCHED, Allowed
from hub.fhir import bundles
from hub.fhir.clinical_time import OPEN_END, OPEN_START, Interval, clinical_period, date_interval, overlaps
from hub.fhir.search_query import Condition, DateValue, Include, InSet, Query, Term
from hub.fhir.value import Reference, Resource
from hub.store.search.page import Included, Page
from hub.store.sight import Sight
from hub.store.store import Store, Tx

PAGE: Final = 500
"""Records on one page, unless fewer are asked for."""
NAMED: Final = frozenset(
    {
        "Binary", "Device", "Endpoint", "HealthcareService", "Location", "Medication", "Organization", "Practitioner",
        "PractitionerRole", "Questionnaire",
    }
)  # fmt: skip
"""Types that come along where a record of the client names one: who, where and with what."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parameters of one $everything."""

    types: tuple[str, ...] = ()
    count: int = PAGE
    since: datetime | None = None
    care: Interval = field(default=(OPEN_START, OPEN_END))
    """The dates of care (`start`, `end`); records without a date of care are always in."""

    @property
    def is_dated(self) -> bool:
        return self.care != (OPEN_START, OPEN_END)


class Everything:
    """The use case of $everything."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        rulebook: Rulebook,
        pages: Pages,
        base: str,
        zone: ZoneInfo,
        disagreed: Callable[[], None],
    ) -> None:
        self._store = store
        self._gate = gate
        self._rulebook = rulebook
        self._pages = pages
        self._base = base
        self._zone = zone
        self._disagreed = disagreed

    def of(self, asker: Asker, allowed: Allowed, client: Reference, params: Params = ()) -> Resource:
        """One page of a client's record: a searchset Bundle. NotFound where the client is absent or hidden."""
        must_be_id(client.removeprefix("Patient/"))
        place = f"{client}/$everything"
        asked = self._pages.asked(asker, place, params)
        wanted = read(asked.params, self._zone)
        types = tuple(t for t in wanted.types or SEARCHED if allowed(t))
        with self._store.reading() as tx:
            sight = self._rulebook.sight(tx, asker.request("access"), client=client)
            theirs = Query(("Patient",), (InSet((client,)),))
            if not tx.search.references(theirs, sight, 1):
                raise NotFound
            query = Query(types, self._conditions(tx, asker, client, wanted), count=wanted.count)
            page = tx.search.page(query, sight, **asked.key)
            along = self._along(tx, types, page, sight)
            visible = self._shown(tx, asker, client, page, along)
        shown = [visible[s.reference].resource for s in page.records if s.reference in visible]
        named = [visible[s.reference].resource for s in along.records if s.reference in visible]
        total = len(page.records) if not asked.at and page.next is None else None
        links = self._links(asker, place, asked, page)
        return bundles.searchset(shown, base=self._base, total=total, links=links, included=named)

    def _conditions(self, tx: Tx, asker: Asker, client: Reference, wanted: Wanted) -> tuple[Condition, ...]:
        references: Iterable[Reference] = tx.records.about(client)
        if wanted.is_dated:
            sealed = tx.records.many(list(references))
            seen = self._gate.examine(tx, asker.request("access"), sealed, what="$everything of some dates")
            references = [v.reference for v in seen if self._is_of(wanted.care, v)]
        conditions: list[Condition] = [InSet(tuple(references))]
        if wanted.since is not None:
            since = wanted.since.isoformat(timespec="microseconds")
            values = (DateValue("ge", since, since),)
            conditions.append(Term("", "_lastUpdated", "date", "", values))
        return tuple(conditions)

    def _is_of(self, care: Interval, seen: Visible) -> bool:
        """Whether what is seen of a record is about these dates, or about none."""
        period = clinical_period(seen.resource, zone=self._zone)
        return period is None or overlaps(period, care)

    def _along(self, tx: Tx, types: tuple[str, ...], page: Page, sight: Sight) -> Included:
        references, named = [one.reference for one in page.records], sorted(NAMED & set(types))
        if not named:
            return Included([])
        return tx.search.included(references, [Include("*", "*")], sight, cap=MOST_INCLUDED, types=named)

    def _shown(self, tx: Tx, asker: Asker, client: Reference, page: Page, along: Included) -> dict[Reference, Visible]:
        sealed = {one.reference: one for one in (*page.records, *along.records)}
        request = asker.request("access")
        disclosure = self._gate.disclose(tx, request, list(sealed.values()), exit="everything", client=client)
        for _ in range(len(sealed) - len(disclosure.visible)):
            self._disagreed()
        return {one.reference: one for one in disclosure.visible}

    def _links(self, asker: Asker, place: str, asked: Asked, page: Page) -> list[tuple[str, str]]:
        own = self._pages.link(asker, place, asked) if asked.at else self._pages.first(place, asked, asked.params)
        links = [("self", own)]
        if page.previous:
            links.append(("previous", self._pages.link(asker, place, beside(asked, page.previous, back=True))))
        if page.next:
            links.append(("next", self._pages.link(asker, place, beside(asked, page.next))))
        return links


def read(params: Params, zone: ZoneInfo) -> Wanted:
    """The parameters of a request; InvalidSearch with every fault."""
    wanted, faults = Wanted(), list[str]()
    names = [name for name, _ in params]
    faults += [f"{name}: stands more than once" for name in READERS if name != "_type" and names.count(name) > 1]
    for name, text in params:
        reader = READERS.get(name)
        read_one = reader(wanted, text, zone) if reader else None
        if read_one is None:
            faults.append(f"{name}: cannot be understood" if reader else "a parameter is not offered here")
        else:
            wanted = read_one
    if faults:
        raise InvalidSearch("; ".join(dict.fromkeys(faults)), faults=tuple(dict.fromkeys(faults)))
    return wanted


def _types(wanted: Wanted, text: str, _: ZoneInfo) -> Wanted | None:
    types = dict.fromkeys((*wanted.types, *text.split(",")))
    return replace(wanted, types=tuple(types)) if types.keys() <= set(SEARCHED) else None


def _count(wanted: Wanted, text: str, _: ZoneInfo) -> Wanted | None:
    return replace(wanted, count=min(int(text), PAGE)) if text.isascii() and text.isdigit() and int(text) else None


def _since(wanted: Wanted, text: str, _: ZoneInfo) -> Wanted | None:
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return replace(wanted, since=at.astimezone(UTC)) if at.tzinfo else None


def _start(wanted: Wanted, text: str, zone: ZoneInfo) -> Wanted | None:
    found = date_interval(text, zone)
    return replace(wanted, care=(found[0], wanted.care[1])) if found else None


def _end(wanted: Wanted, text: str, zone: ZoneInfo) -> Wanted | None:
    found = date_interval(text, zone)
    return replace(wanted, care=(wanted.care[0], found[1])) if found else None


Reader = Callable[[Wanted, str, ZoneInfo], Wanted | None]
READERS: Final[dict[str, Reader]] = {
    "_type": _types, "_count": _count, "_since": _since, "start": _start, "end": _end,
}  # fmt: skip
