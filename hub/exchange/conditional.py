"""Conditional interactions: which one record a condition meets, among those that the asker sees.

Who asks the same at the same moment waits for the first, so that fifty conditional creates make one record.
https://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #3.1.0.7.1
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from hub.errors import MalformedContent, SeveralMatch
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate, Visible
from hub.fhir.value import Reference
from hub.store.store import Tx

Find = Callable[[Tx, Asker, str, str, int], list[Reference]]
"""Search as the asker sees it, in this transaction: (transaction, asker, type, query, at most)."""


class Conditions:
    """Finds what a condition meets."""

    def __init__(self, *, gate: Gate, find: Find) -> None:
        self._gate = gate
        self._find = find

    def match(self, tx: Tx, asker: Asker, type: str, query: str, *, place: str = "URL") -> Visible | None:
        """The one record that meets the condition, as the asker sees it; None where there is none.

        SeveralMatch where there are more. In a writing transaction the condition is held until its end.
        """
        asked = normalised(query, place=place)
        tx.hold(f"condition {asker.organisation} {type}?{asked}")
        found = self._find(tx, asker, type, asked, 2)
        if not found:
            return None
        sealed = tx.records.many(found)
        seen = self._gate.disclose(tx, asker.request("access"), sealed, exit="search").visible
        if len(seen) > 1:
            raise SeveralMatch(place=place)
        return seen[0] if seen else None


def normalised(query: str, *, place: str = "URL") -> str:
    """A condition with its parameters in order; MalformedContent for one that says nothing."""
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, strict_parsing=True, max_num_fields=30)
    except ValueError as error:
        raise MalformedContent("a condition is a search like `identifier=system|value`", place=place) from error
    if not pairs or any(not name or not value for name, value in pairs):
        raise MalformedContent("every parameter of a condition has a value", place=place)
    return urlencode(sorted(pairs))
