"""Whether an index row has one of the values asked for, by kind and modifier
(https://hl7.org/fhir/R4/search.html#ptypes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from hub.errors import NotSupported
from hub.fhir.search_parameters import fold
from hub.fhir.search_query import (
    DateValue,
    NearValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)
from hub.store.search.slots import derived
from hub.store.search.texts import above, past, storable

Test = ColumnElement[bool]
Columns = Any
"""The columns of `record_index`, or of an alias of it."""

V = TypeVar("V", bound=Value)

DEGREE: Final = 111.32
"""Kilometres in a degree of latitude; of longitude at the equator."""


def matches(kind: str, modifier: str, values: Sequence[Value], i: Columns, *, postgresql: bool) -> Test:
    """Whether the row `i` has one of the values."""
    known = [value for value in values if storable(value)]
    if not known:
        return sa.false()
    match kind:
        case "token":
            return tokens(_only(TokenValue, known), i)
        case "reference":
            return references(_only(ReferenceValue, known), i)
        case "string":
            return _any(strings(value.text, modifier, i, postgresql) for value in _only(StringValue, known))
        case "date":
            return _any(spans(v.prefix, v.start, v.end, i.start, i.end) for v in _only(DateValue, known))
        case "number":
            return _any(spans(v.prefix, v.low, v.high, i.low, i.high) for v in _only(NumberValue, known))
        case "quantity":
            return _any(_quantity(value, i) for value in _only(QuantityValue, known))
        case "uri":
            return _any(uris(value.uri, modifier, i) for value in _only(UriValue, known))
        case "near":
            return _any(_near(value, i) for value in _only(NearValue, known))
    raise NotSupported(f"a search by `{kind}` is not answered here")


def spans(prefix: str, low: Any, high: Any, start: Columns, end: Columns) -> Test:
    """How what a row covers stands to what was asked for (https://hl7.org/fhir/R4/search.html#prefix)."""
    within = sa.and_(start >= low, end <= high)
    tests: dict[str, Callable[[], Test]] = {
        "eq": lambda: within,
        "ne": lambda: sa.or_(start < low, end > high),
        "gt": lambda: end > high,
        "lt": lambda: start < low,
        "ge": lambda: sa.or_(end > high, within),
        "le": lambda: sa.or_(start < low, within),
        "sa": lambda: start > high,
        "eb": lambda: end < low,
        "ap": lambda: sa.and_(start <= high, end >= low),
    }
    return tests[prefix]()


def tokens(values: Collection[TokenValue], i: Columns) -> Test:
    """Codes of a system, of any, of none; all codes of a system. One `IN` for each system."""
    tests: list[Test] = []
    for system in dict.fromkeys(value.system for value in values):
        codes = sorted({value.code for value in values if value.system == system and value.code is not None})
        of_it = [] if system is None else [i.system == system]
        if any(value.system == system and value.code is None for value in values):
            tests.append(sa.and_(sa.true(), *of_it))
        elif codes:
            tests.append(sa.and_(_in(i.value, codes), *of_it))
    return _any(tests)


def references(values: Collection[ReferenceValue], i: Columns) -> Test:
    """What is named; a canonical without version names every version of it."""
    exact = sorted({value.reference for value in values})
    canonical = [v.reference for v in values if not v.versioned and ":" in v.reference and "|" not in v.reference]
    return _any([_in(i.value, exact), *(starts_with(i.value, derived(_with_version, one)) for one in canonical)])


def strings(text: str, modifier: str, i: Columns, postgresql: bool) -> Test:
    """From the start, without case and accents; anywhere in it; or exactly as it is written."""
    folded = derived(fold, text)
    if modifier == "exact":
        return sa.and_(i.value == folded, i.system == text)
    if modifier == "contains":
        place = sa.func.strpos if postgresql else sa.func.instr
        return place(i.value, folded) > 0
    return starts_with(i.value, folded)


def uris(uri: str, modifier: str, i: Columns) -> Test:
    """The same URI; `above` what it is a part of, `below` what is a part of it, by whole path segments."""
    if modifier == "above":
        return _in(i.value, [derived(_nth_above(no), uri) for no in range(len(above(uri)))])
    if modifier == "below" and "://" in uri:
        return sa.or_(i.value == uri, starts_with(i.value, uri if uri.endswith("/") else derived(_as_folder, uri)))
    return _in(i.value, [uri])


def starts_with(column: Columns, text: str) -> Test:
    """By code points, as a range that an index can walk; no character of the text has a meaning of its own."""
    after = derived(past, text)
    return sa.and_(column >= text, column < after) if after else cast("Test", column >= text)


def box(value: NearValue) -> tuple[float, float, float]:
    """Degrees of latitude around a point, degrees of longitude, and the cosine between them."""
    cosine = max(math.cos(math.radians(value.latitude)), 1e-6)
    reach = value.km / DEGREE
    return reach, reach / cosine, cosine


def _with_version(canonical: str) -> str:
    return f"{canonical}|"


def _as_folder(uri: str) -> str:
    return f"{uri}/"


def _nth_above(no: int) -> Callable[[str], str]:
    return lambda uri: above(uri)[no]


def _quantity(value: QuantityValue, i: Columns) -> Test:
    tests = [spans(value.prefix, value.low, value.high, i.low, i.high)]
    if value.code is not None:
        tests.append(i.value == value.code)
    if value.system is not None:
        tests.append(i.system == value.system)
    return sa.and_(*tests)


def _near(value: NearValue, i: Columns) -> Test:
    """As on a plane: good to a few per cent at the distances that care is organised over."""
    reach, wide, cosine = box(value)
    centres = [value.longitude]
    if abs(value.longitude) + wide > 180:
        centres.append(value.longitude - math.copysign(360, value.longitude))

    def around(longitude: float) -> Test:
        north, east = (i.low - value.latitude) * DEGREE, (i.high - longitude) * (DEGREE * cosine)
        return cast("Test", north * north + east * east <= value.km * value.km)

    return sa.and_(
        i.low.between(value.latitude - reach, value.latitude + reach), _any(around(each) for each in centres)
    )


def _only(kind: type[V], values: Sequence[Value]) -> list[V]:
    if not all(isinstance(value, kind) for value in values):
        raise NotSupported("the value is not of the kind that the parameter has")
    return cast("list[V]", list(values))


def _in(column: Columns, values: Sequence[str]) -> Test:
    return cast("Test", column == values[0] if len(values) == 1 else column.in_(values))


def _any(tests: Any) -> Test:
    each = list(tests)
    return sa.or_(*each) if each else sa.false()
