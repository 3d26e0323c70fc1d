"""Conditions that are met by opening records: words (`_text`, `_content`) and membership of a List (`_list`).

What is opened is what the asker would be shown, so what is hidden is not found by its words, nor by a List that names
it. Each becomes a set of records that the store then searches in (https://hl7.org/fhir/R4/search.html#list).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hub.errors import InsufficientScope, NotSupported, TooCostly
from hub.exchange import fulltext
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate
from hub.fhir.references import parse_reference
from hub.fhir.search_query import InSet, Query, StringValue, Term
from hub.fhir.value import Reference
from hub.store.sight import Sight
from hub.store.store import Tx

MOST_OPENED: Final = 1000
"""Records that one search for words opens at most."""
LIST: Final = "_list"


class Narrower:
    """Meets these conditions, for one asker."""

    def __init__(self, *, gate: Gate) -> None:
        self._gate = gate

    def narrow(
        self,
        tx: Tx,
        asker: Asker,
        query: Query,
        sight: Sight,
        *,
        client: Reference | None,
        allowed: Callable[[str], bool],
    ) -> Query:
        """The query with sets of records for words and lists; `client` is the one that it is about, if any."""
        terms = [one for one in query.conditions if isinstance(one, Term) and one.kind == "special"]
        if not terms:
            return query
        rest = tuple(one for one in query.conditions if one not in terms)
        lists = [self._members(tx, asker, one, allowed) for one in terms if one.param == LIST]
        narrowed = replace(query, conditions=(*rest, *lists))
        words = [one for one in terms if one.param in fulltext.PARAMS]
        if not words:
            return narrowed
        if client is None:
            said = "words are looked for in one client's record: name the client, as in `patient=Patient/…`"
            raise NotSupported(said, place=words[0].param)
        return replace(narrowed, conditions=(self._with_words(tx, asker, narrowed, sight, words), *rest, *lists))

    def _members(self, tx: Tx, asker: Asker, term: Term, allowed: Callable[[str], bool]) -> InSet:
        """What a List names, as far as the asker sees of it; nothing where they do not see it."""
        if not allowed("List"):
            raise InsufficientScope("the token has no scope to read the List", place=LIST, scope="system/List.r")
        ids = [value.text for value in term.values if isinstance(value, StringValue)]
        sealed = tx.records.many([f"List/{id}" for id in ids])
        visible = self._gate.examine(tx, asker.request("access"), sealed, what="search by a List") if sealed else ()
        named = [
            parse_reference(entry.get("item", {}).get("reference"))
            for seen in visible
            for entry in seen.resource.get("entry", [])
            if not entry.get("deleted")
        ]
        return InSet(tuple(dict.fromkeys(str(one) for one in named if one)))

    def _with_words(self, tx: Tx, asker: Asker, query: Query, sight: Sight, words: list[Term]) -> InSet:
        """Those that meet the rest of the query and have all the words in what the asker sees of them."""
        candidates = tx.search.page(replace(query, sort=(), count=MOST_OPENED), sight)
        if candidates.next is not None:
            said = f"more than {MOST_OPENED} records would have to be opened: narrow the search, by type or by date"
            raise TooCostly(said, place=words[0].param)
        seen = self._gate.examine(tx, asker.request("access"), candidates.records, what="search for words")
        return InSet(tuple(v.reference for v in seen if all(fulltext.holds(v.resource, term) for term in words)))
