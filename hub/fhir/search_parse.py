"""The text of a search made a `Query`: every name, modifier and value checked, every fault told at once.

https://hl7.org/fhir/R4/search.html. Unknown parameters are refused unless the caller asks for leniency (`Prefer:
handling=lenient`); a modifier that is not offered is refused always, as the specification wants. A fault names its
parameter, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, tzinfo
from typing import Final

from hub.errors import InvalidSearch
from hub.fhir.search_conditions import Conditions, LimitError, RefusedError, UnknownParameterError
from hub.fhir.search_definitions import Parameter
from hub.fhir.search_query import Condition, Query
from hub.fhir.search_results import RESULTS, Results
from hub.fhir.search_text import ValueTextError, split
from hub.fhir.shapes import RESOURCE_TYPES

MAX_PARAMS: Final = 30
MAX_NAME: Final = 300
MAX_VALUE: Final = 8000

DOOR: Final = frozenset(("_format", "_pretty"))
"""Parameters about the representation, which the door has answered before."""

_PRINTABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9:._*-]{0,99}")


def parse(
    type: str | None,
    params: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    zone: tzinfo = UTC,
    extra: Sequence[Parameter] = (),
    compartment: str = "",
    types: Collection[str] = RESOURCE_TYPES,
    base: str = "",
) -> Query:
    """The query of a search on a type, or on several (None, with `_type`, or all of `types`).

    `types` are those that the server keeps: what a reference may name is looked for in them. `base` is the server's
    own URL: references below it are relative. InvalidSearch lists every fault.
    """
    if len(params) > MAX_PARAMS:
        raise InvalidSearch(f"a search has at most {MAX_PARAMS} parameters")
    faults: list[tuple[str, str]] = []
    searched = (type,) if type else _types(params, types, faults)
    conditions = Conditions(searched, tuple(extra), zone, frozenset(types), base)
    results = Results(searched, conditions)
    found: list[Condition] = []
    used: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name, text in params:
        if name in DOOR:
            continue
        try:
            _must_fit(name, text)
            if name == "_type" and type is None:
                used.append((name, text))
            elif name.partition(":")[0] in RESULTS:
                used.append((name, results.read(name, text)))
            else:
                found.append(conditions.read(name, text))
                used.append((name, text))
        except UnknownParameterError as error:
            if lenient:
                ignored.append(name)
            else:
                faults.append((name, str(error)))
        except (RefusedError, LimitError, ValueTextError) as error:
            faults.append((name, str(error)))
    if faults:
        raise _invalid(faults)
    return results.query(found, compartment=compartment, used=tuple(used), ignored=tuple(ignored))


def _types(params: Sequence[tuple[str, str]], types: Collection[str], faults: list[tuple[str, str]]) -> tuple[str, ...]:
    """The types of a search of the whole system."""
    named = [name for key, text in params if key == "_type" for name in split(text, ",")]
    if any(name not in types for name in named):
        faults.append(("_type", "names a type that is not kept here"))
    return tuple(dict.fromkeys(name for name in named if name in types))


def _must_fit(name: str, text: str) -> None:
    if len(name) > MAX_NAME:
        raise RefusedError(f"is longer than {MAX_NAME} characters")
    if len(text) > MAX_VALUE:
        raise RefusedError(f"has a value longer than {MAX_VALUE} characters")
    if not text:
        raise RefusedError("has no value")


def _invalid(faults: Sequence[tuple[str, str]]) -> InvalidSearch:
    said = [f"{_shown(name)}: {text}" for name, text in faults]
    return InvalidSearch("; ".join(dict.fromkeys(said)), faults=tuple(dict.fromkeys(said)))


def _shown(name: str) -> str:
    return name if _PRINTABLE.fullmatch(name) else "a parameter"
