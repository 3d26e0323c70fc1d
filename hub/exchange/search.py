"""Search: the records that the asker may see and that meet the conditions, page by page, as a searchset Bundle.

What may be seen is part of the question that the store answers (`Sight`), so pages are full, totals are right, and
nothing hidden can be told from what is absent. The gate decides again on the way out: what it does not let through is
left out, and is an alarm. https://hl7.org/fhir/R4/search.html; docs/consent.md.

INVARIANT: no condition, order, total or include looks at anything that the asker would not be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from hub.errors import InsufficientScope
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate, Visible
from hub.exchange.narrowing import Narrower
from hub.exchange.paging import Asked, Pages, Params, beside
from hub.exchange.reindexing import OwnParameters
from hub.exchange.resolving import Resolver, anchor, covered
from hub.exchange.rulebook import Rulebook
from hub.fhir import bundles, subset
from hub.fhir.registry import SUPPORTED
from hub.fhir.search_parse import parse
from hub.fhir.search_query import Query
from hub.fhir.value import Reference, Resource
from hub.store.search.page import Included, Page
from hub.store.sight import Sight
from hub.store.store import Store, Tx

Allowed = Callable[[str], bool]
"""Whether the caller's token covers reading a type."""

MOST_INCLUDED = 500
"""Records that may come along with one page."""
SEARCHED = tuple(name for name, row in SUPPORTED.items() if "s" in row.offers and not row.published)
"""The types of which there are records; what the hub publishes itself is found at its own door."""
_SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9:._*-]{0,99}")


@dataclass(frozen=True, slots=True)
class Found:
    """What the store found for one page: matches, what comes along, how many matches there are in all if it is said."""

    page: Page
    along: Included
    total: int | None = None


class Searcher:
    """The use cases of search."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        rulebook: Rulebook,
        resolver: Resolver,
        pages: Pages,
        own_parameters: OwnParameters,
        base: str,
        zone: ZoneInfo,
        disagreed: Callable[[], None],
    ) -> None:
        self._store = store
        self._gate = gate
        self._rulebook = rulebook
        self._resolver = resolver
        self._narrower = Narrower(gate=gate)
        self._pages = pages
        self._own_parameters = own_parameters
        self._base = base
        self._zone = zone
        self._disagreed = disagreed

    def search(
        self,
        asker: Asker,
        allowed: Allowed,
        type: str | None,
        params: Params,
        *,
        compartment: Reference = "",
        lenient: bool = False,
    ) -> Resource:
        """One page of a search of a type (None: of every type that the caller may read): a searchset Bundle."""
        place = type or ""
        asked = self._pages.asked(asker, place, params, compartment=compartment, lenient=lenient)
        with self._store.reading() as tx:
            query = self._query(tx, allowed, type, asked)
            asked = replace(asked, params=query.used)
            exact, sight = self._exact(tx, asker, allowed, query)
            found = self._found(tx, exact, sight, asked, allowed)
            visible = self._shown(tx, asker, query, found)
        return self._bundle(asker, place, asked, query, found, visible)

    def find(
        self,
        tx: Tx,
        asker: Asker,
        type: str,
        params: Params | str,
        limit: int = 2,
        *,
        allowed: Allowed = lambda _: True,
    ) -> list[Reference]:
        """The first records of a type that meet a condition, in the caller's transaction, for conditional interactions.

        Nothing is shown: who goes on with one of them asks the gate for it.
        """
        pairs = parse_qsl(params, keep_blank_values=True) if isinstance(params, str) else params
        query = self._query(tx, allowed, type, Asked(tuple(pairs)))
        exact, sight = self._exact(tx, asker, allowed, query)
        return tx.search.references(exact, sight, limit)

    def _query(self, tx: Tx, allowed: Allowed, type: str | None, asked: Asked) -> Query:
        query = parse(
            type,
            asked.params,
            lenient=asked.lenient,
            zone=self._zone,
            extra=self._own_parameters.of(tx),
            compartment=asked.compartment,
            types=SEARCHED,
            base=self._base,
        )
        self._own_parameters.refuse_unfinished(tx, query)
        types = query.types or tuple(one for one in SEARCHED if allowed(one))
        if type is None and (beyond := [one for one in types if not allowed(one)]):
            raise InsufficientScope("the token has no scope to search this type", scope=f"system/{beyond[0]}.rs")
        return replace(query, types=types, conditions=covered(query.conditions, allowed))

    def _exact(self, tx: Tx, asker: Asker, allowed: Allowed, query: Query) -> tuple[Query, Sight]:
        """The query as the store can answer it, and what of the record the asker may see."""
        client = anchor(query)
        sight = self._rulebook.sight(tx, asker.request("access"), client=client)
        exact = self._resolver.exact(query)
        return self._narrower.narrow(tx, asker, exact, sight, client=client, allowed=allowed), sight

    def _found(self, tx: Tx, query: Query, sight: Sight, asked: Asked, allowed: Allowed) -> Found:
        if query.summary == "count":
            return Found(Page([]), Included([]), tx.search.total(query, sight))
        page = tx.search.page(query, sight, **asked.key)
        types = [one for one in SEARCHED if allowed(one)]
        matches = [one.reference for one in page.records]
        along = tx.search.included(matches, query.includes, sight, cap=MOST_INCLUDED, types=types)
        if query.total != "none":
            return Found(page, along, tx.search.total(query, sight))
        is_whole = not asked.at and page.next is None
        return Found(page, along, len(page.records) if is_whole else None)

    def _shown(self, tx: Tx, asker: Asker, query: Query, found: Found) -> dict[Reference, Visible]:
        """What the gate lets through of a page; what it does not is an alarm, since the store was to know."""
        sealed = {one.reference: one for one in (*found.page.records, *found.along.records)}
        request = asker.request("access")
        disclosure = self._gate.disclose(
            tx, request, list(sealed.values()), exit="search", query=_without_values(query)
        )
        for _ in range(len(sealed) - len(disclosure.visible)):
            self._disagreed()
        return {one.reference: one for one in disclosure.visible}

    def _bundle(
        self,
        asker: Asker,
        place: str,
        asked: Asked,
        query: Query,
        found: Found,
        visible: dict[Reference, Visible],
    ) -> Resource:
        matches = [visible[s.reference] for s in found.page.records if s.reference in visible]
        along = [visible[s.reference] for s in found.along.records if s.reference in visible]
        return bundles.searchset(
            [_part(one.resource, query.summary, query.elements) for one in matches],
            base=self._base,
            total=found.total,
            links=self._links(asker, place, asked, query, found.page),
            included=[_part(one.resource, query.summary) for one in along],
            outcome=_outcome(query, found.along),
        )

    def _links(self, asker: Asker, place: str, asked: Asked, query: Query, page: Page) -> list[tuple[str, str]]:
        def link(relation: str, to: Asked) -> tuple[str, str]:
            return relation, self._pages.link(asker, place, to)

        links = [link("self", asked) if asked.at else ("self", self._pages.first(place, asked, query.used))]
        if asked.at:
            links.append(link("first", beside(asked, None)))
        if page.previous:
            links.append(link("previous", beside(asked, page.previous, back=True)))
        if page.next:
            links.append(link("next", beside(asked, page.next)))
        return links


def _part(resource: Resource, summary: str, elements: Collection[str] = ()) -> Resource:
    """As much of a resource as was asked for; the named elements are those of matches."""
    if elements:
        return subset.with_elements(resource, elements)
    return subset.summarised(resource, summary) if summary else resource


def _without_values(query: Query) -> str:
    """The search as the audit keeps it: which parameters, and nothing of what they were asked for."""
    names = "&".join(dict.fromkeys(name for name, _ in query.used))
    within = "Patient/*/" if query.compartment else ""
    return f"{within}{query.types[0] if len(query.types) == 1 else '*'}?{names}"


def _outcome(query: Query, along: Included) -> Resource | None:
    """What there is to say about the search beside its results; None where that is nothing."""
    names = [name if _SAYABLE.fullmatch(name) else "a parameter" for name in query.ignored]
    said = [(f"{name}: is no search parameter here and was left out", "not-supported") for name in names]
    if along.capped:
        said.append((f"at most {MOST_INCLUDED} records come along with a page: not all of them are here", "too-costly"))
    issues = [{"severity": "warning", "code": code, "diagnostics": text} for text, code in said]
    return {"resourceType": "OperationOutcome", "issue": issues} if issues else None
