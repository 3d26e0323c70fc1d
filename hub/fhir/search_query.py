"""A search request as a value: what `hub.fhir.search_parse.parse` makes of its text
(https://hl7.org/fhir/R4/search.html).

A `Query` is checked against the search parameters: each name, kind and modifier in it exists. What the
text says in several ways is said here in one:

- `code:text=x` is a string `Term` on `code:text`, `subject:identifier=s|v` a token on `subject:identifier`,
  `identifier:of-type=s|c|v` a token on `identifier:of-type` with system `s|c`; `subject:Patient=1` and
  `patient=1` are reference values `Patient/1`;
- a `Term` without type asks the index rows of every type searched (a search of several types);
- `_id` and `_lastUpdated` are terms (token, date) about the record itself;
- a code of an element whose system is implied (`gender`) has no system, whether one was typed or not;
- `:missing` of a composite asks its first component, `param$0`;
- `_list`, `_text` and `_content` are terms of kind `special` with string values; who answers the search
  makes an `InSet` of them, and tokens of `:in`, `:not-in` (a `UriValue`), `:above` and `:below`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
Total = Literal["none", "accurate", "estimate"]


@dataclass(frozen=True, slots=True)
class TokenValue:
    """A code of a system: system None is any, "" is none at all; code None is any code of the system.

    A secret one is an identifier: system and code are compared by their keyed hash, where a code is given;
    its system is then never None, but `ANY_SYSTEM`, which has a row of its own.
    """

    system: str | None
    code: str | None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class StringValue:
    """Words as they were typed; how they are folded is for the kind and the modifier to say."""

    text: str


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """`Type/id`, an absolute URL or a canonical; `versioned` where it names a version too."""

    reference: str
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class DateValue:
    """An interval, ISO 8601 in UTC to the microsecond, both ends inclusive; `ap` is widened already."""

    prefix: Prefix
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number: for `eq`, `ne` and `ap` the range it stands for, for the others the number twice."""

    prefix: Prefix
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number as `NumberValue`, with its unit: system None is any system, code None any unit.

    A code without system is compared with the code and with the unit as it is written.
    """

    prefix: Prefix
    low: float
    high: float
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class UriValue:
    """A URI, compared letter by letter."""

    uri: str


@dataclass(frozen=True, slots=True)
class NearValue:
    """A point (WGS84) and how far around it, in kilometres."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """One value for each component of the term, in its order; all must hold of one element."""

    parts: tuple[Value, ...]


Value = (
    TokenValue
    | StringValue
    | ReferenceValue
    | DateValue
    | NumberValue
    | QuantityValue
    | UriValue
    | NearValue
    | CompositeValue
)


@dataclass(frozen=True, slots=True)
class Term:
    """`param:modifier=value,value`: any of the values. `missing` has the one value `true` or `false`."""

    type: str
    param: str
    kind: str
    modifier: str
    values: tuple[Value, ...]
    components: tuple[tuple[str, str], ...] = ()
    """Of a composite: (name in the index, kind) for each part."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`param:Target.inner`: what the reference names meets `inner`, which has one condition per target type."""

    type: str
    param: str
    targets: tuple[str, ...]
    inner: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """`_has:source:param:inner`: some `source` that meets `inner` refers to the record through `param`."""

    type: str
    source: str
    param: str
    inner: Condition


@dataclass(frozen=True, slots=True)
class InSet:
    """The record is one of these."""

    references: tuple[str, ...]


Condition = Term | Chain | Has | InSet


@dataclass(frozen=True, slots=True)
class Sort:
    """One level of order, by index rows of a kind or (`_id`, `_lastUpdated`) by the record itself."""

    param: str
    kind: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`_include` or (reverse) `_revinclude`: `source:param:target`; param `*` is every reference, source `*`
    every type."""

    source: str
    param: str
    target: str | None = None
    iterate: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One search: which types, under which conditions (all of them), and how the answer is to look.

    `_count=0` is `_summary=count` with count 0.
    """

    types: tuple[str, ...]
    """Empty where every type is searched."""
    conditions: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    total: Total = "none"
    summary: str = ""
    elements: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    compartment: str = ""
    """`Patient/x`: only what is in it."""
    used: tuple[tuple[str, str], ...] = ()
    """The parameters that were understood, in order, for the self link."""
    ignored: tuple[str, ...] = ()
    """Names of what was not understood; only where the caller asked for leniency."""


Params = Sequence[tuple[str, str]]
"""A query string or form, decoded, in order."""
