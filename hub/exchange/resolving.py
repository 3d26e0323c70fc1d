"""Make a query exact before the store is asked: what only the hub can know of its words.

Identifiers become the keyed hashes that they are indexed by; value sets and hierarchies of codes become their codes
(`:in`, `:not-in`, `:above`, `:below`); conditions on types that the token does not cover are refused.
https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from hub.errors import InsufficientScope, NotFound, NotSupported
from hub.fhir.search_query import Chain, Condition, Has, InSet, Query, ReferenceValue, Term, TokenValue, UriValue, Value
from hub.fhir.terminology import Terminology
from hub.fhir.value import Reference

CLIENT_PARAMS: Final = ("patient", "subject")
"""Parameters that name the client of a record."""
NONE: Final = InSet(())
MOST_CODES: Final = 2000
"""Codes that one value set or hierarchy may come to in a search."""


class Resolver:
    """Makes queries exact."""

    def __init__(self, *, identifier_hash: Callable[[str, str], str], terminology: Terminology) -> None:
        self._hash = identifier_hash
        self._terminology = terminology

    def exact(self, query: Query) -> Query:
        """The query with hashes for identifiers and codes for sets of codes."""
        return replace(query, conditions=tuple(self._exact(one) for one in query.conditions))

    def _exact(self, condition: Condition) -> Condition:
        if isinstance(condition, Chain):
            return replace(condition, inner=tuple(self._exact(one) for one in condition.inner))
        if isinstance(condition, Has):
            return replace(condition, inner=self._exact(condition.inner))
        if isinstance(condition, Term) and condition.kind == "token":
            return self._token(condition)
        return condition

    def _token(self, term: Term) -> Condition:
        if term.modifier in ("in", "not-in"):
            values = tuple(v for one in term.values for v in self._set(one))
            exact = replace(term, modifier="not" if term.modifier == "not-in" else "", values=_few(values, term))
            return exact if values or term.modifier == "not-in" else NONE
        if term.modifier in ("above", "below"):
            values = tuple(v for one in term.values for v in self._hierarchy(term.modifier, one))
            return replace(term, modifier="", values=_few(values, term))
        return replace(term, values=tuple(self._hashed(value) for value in term.values))

    def _hashed(self, value: Value) -> Value:
        """An identifier as it is indexed; what has no value of its own (`system|`) has nothing to hash."""
        if not isinstance(value, TokenValue) or not value.secret or value.code is None:
            return value
        return TokenValue(value.system, self._hash(value.system or "", value.code), secret=True)

    def _set(self, value: Value) -> Iterator[Value]:
        url = value.uri if isinstance(value, UriValue) else ""
        try:
            yield from (TokenValue(system, code) for system, code in self._terminology.expand(url))
        except NotFound as unknown:
            raise NotSupported("the hub does not carry this value set", place=":in") from unknown

    def _hierarchy(self, modifier: str, value: Value) -> Iterator[Value]:
        if not isinstance(value, TokenValue) or not value.system or not value.code:
            raise NotSupported("a code with its system is needed", place=f":{modifier}")
        walk = self._terminology.broader if modifier == "above" else self._terminology.narrower
        yield from (TokenValue(system, code) for system, code in walk(value.system, value.code))


def covered(conditions: Iterable[Condition], allowed: Callable[[str], bool]) -> tuple[Condition, ...]:
    """The conditions, chains narrowed to the types that the token covers; InsufficientScope where none is left."""
    return tuple(_covered(one, allowed) for one in conditions)


def _covered(condition: Condition, allowed: Callable[[str], bool]) -> Condition:
    if isinstance(condition, Has):
        if not allowed(condition.source):
            raise InsufficientScope(f"the token has no scope `system/{condition.source}.r`", place="_has")
        return replace(condition, inner=_covered(condition.inner, allowed))
    if isinstance(condition, Chain):
        kept = [
            (t, _covered(i, allowed)) for t, i in zip(condition.targets, condition.inner, strict=True) if allowed(t)
        ]
        if not kept:
            raise InsufficientScope("the token has no scope to read what the chain leads to", place=condition.param)
        return replace(condition, targets=tuple(t for t, _ in kept), inner=tuple(i for _, i in kept))
    return condition


def anchor(query: Query) -> Reference | None:
    """The one client whose records are searched, where the query names one."""
    if query.compartment:
        return query.compartment
    for condition in query.conditions:
        if isinstance(condition, Term) and (named := _client(condition)):
            return named
    return None


def _client(term: Term) -> Reference | None:
    """The Patient that a condition binds the record to."""
    if term.modifier not in ("", "Patient"):
        return None
    if term.kind == "reference" and term.param in CLIENT_PARAMS:
        named = {v.reference for v in term.values if isinstance(v, ReferenceValue) and not v.versioned}
    elif term.param == "_id" and term.type == "Patient":
        named = {f"Patient/{v.code}" for v in term.values if isinstance(v, TokenValue)}
    else:
        return None
    clients = {one for one in named if one.startswith("Patient/")}
    return next(iter(clients)) if len(named) == len(clients) == 1 else None


def _few(values: tuple[Value, ...], term: Term) -> tuple[Value, ...]:
    if len(values) > MOST_CODES:
        raise NotSupported(f"the codes come to more than {MOST_CODES}", place=f"{term.param}:{term.modifier}")
    return values
