"""Search parameters about the answer: its order, size and shape (https://hl7.org/fhir/R4/search.html#return)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from hub.fhir.search_conditions import Conditions, LimitError, RefusedError
from hub.fhir.search_query import Condition, Include, Query, Sort, Total
from hub.fhir.search_text import one_of, split
from hub.fhir.shapes import shape

DEFAULT_COUNT: Final = 20
MAX_COUNT: Final = 100
MAX_INCLUDES: Final = 20
MAX_SORTS: Final = 5
MAX_ELEMENTS: Final = 100

SUMMARIES: Final = ("true", "text", "data", "count", "false")
TOTALS: Final[tuple[Total, ...]] = get_args(Total)
SORTABLE: Final = frozenset(("date", "number", "quantity", "reference", "string", "token", "uri"))

RESULTS: Final = frozenset(
    ("_contained", "_count", "_elements", "_include", "_revinclude", "_sort", "_summary", "_total", "_totalMethod")
)
_REPEATABLE: Final = frozenset(("_elements", "_include", "_revinclude", "_sort"))


@dataclass(slots=True)
class Results:
    """Reads what the answer is to look like."""

    searched: tuple[str, ...]
    conditions: Conditions
    _seen: set[str] = field(default_factory=set)
    _count: int = DEFAULT_COUNT
    _total: Total = "none"
    _summary: str = ""
    _elements: list[str] = field(default_factory=list)
    _sort: list[Sort] = field(default_factory=list)
    _includes: list[Include] = field(default_factory=list)

    def read(self, key: str, text: str) -> str:
        """Take one parameter in; its value as it is used comes back."""
        name, colon, modifier = key.partition(":")
        if colon and not (name in ("_include", "_revinclude") and modifier in ("iterate", "recurse")):
            raise RefusedError("has a modifier that is not offered for it")
        if name in self._seen and name not in _REPEATABLE:
            raise RefusedError("stands more than once")
        self._seen.add(name)
        if name in ("_include", "_revinclude"):
            self._read_include(text, iterate=bool(modifier), reverse=name == "_revinclude")
            return text
        readers: dict[str, Callable[[str], None]] = {
            "_contained": self._read_contained,
            "_count": self._read_count,
            "_elements": self._read_elements,
            "_sort": self._read_sort,
            "_summary": self._read_summary,
            "_total": self._read_total,
            "_totalMethod": self._read_total_method,
        }
        readers[name](text)
        return str(self._count) if name == "_count" else text

    def query(
        self,
        conditions: Sequence[Condition],
        *,
        compartment: str,
        used: tuple[tuple[str, str], ...],
        ignored: tuple[str, ...],
    ) -> Query:
        """The whole search."""
        return Query(
            types=self.searched,
            conditions=tuple(conditions),
            sort=tuple(self._sort),
            count=self._count,
            total=self._total,
            summary="count" if self._count == 0 else self._summary,
            elements=tuple(dict.fromkeys(self._elements)),
            includes=tuple(dict.fromkeys(self._includes)),
            compartment=compartment,
            used=used,
            ignored=ignored,
        )

    def _read_contained(self, text: str) -> None:
        if text != "false":
            raise RefusedError("is not offered here: contained resources are not searched")

    def _read_count(self, text: str) -> None:
        if not re.fullmatch(r"[0-9]{1,20}", text):
            raise RefusedError("is not a whole number from 0 on")
        self._count = min(int(text), MAX_COUNT)

    def _read_total(self, text: str) -> None:
        one_of(text, TOTALS)
        self._total = next(total for total in TOTALS if total == text)

    def _read_total_method(self, text: str) -> None:
        """What fhirpy asks beside `_count=0`, in the words of another server; it means an exact total."""
        one_of(text, ("count",))
        self._total = "accurate"

    def _read_summary(self, text: str) -> None:
        self._summary = one_of(text, SUMMARIES)
        if text == "false":
            self._summary = ""

    def _read_elements(self, text: str) -> None:
        names = split(text, ",")
        known = {element for type in self.searched or sorted(self.conditions.types) for element in _elements_of(type)}
        if unknown := [name for name in names if name not in known]:
            said = f"`{unknown[0]}`" if re.fullmatch(r"[A-Za-z]{1,64}", unknown[0]) else "something"
            raise RefusedError(f"names {said}, which is no element of what is searched")
        self._elements += names
        if len(self._elements) > MAX_ELEMENTS:
            raise LimitError(f"names more than {MAX_ELEMENTS} elements")

    def _read_sort(self, text: str) -> None:
        for name in split(text, ","):
            descending = name.startswith("-")
            parameter = self.conditions.parameter(self.searched, name.removeprefix("-"))
            if parameter.kind not in SORTABLE or parameter.secret:
                raise RefusedError("names a parameter that has no order")
            kind = "date" if parameter.code == "_lastUpdated" else parameter.kind
            self._sort.append(Sort(parameter.code, kind, descending))
        if len(self._sort) > MAX_SORTS:
            raise LimitError(f"has more than {MAX_SORTS} levels")

    def _read_include(self, text: str, *, iterate: bool, reverse: bool) -> None:
        if len(self._includes) >= MAX_INCLUDES:
            raise LimitError(f"stands more than {MAX_INCLUDES} times")
        source, _, rest = text.partition(":")
        code, _, target = rest.partition(":")
        if source != "*" and source not in self.conditions.types:
            raise RefusedError("names a type that is not kept here")
        if target and target not in self.conditions.types:
            raise RefusedError("names a target that is not kept here")
        if source == "*" and code not in ("", "*"):
            raise RefusedError("names a parameter, but not the type that has it")
        if source == "*" or code == "*":
            self._includes.append(Include(source, "*", target or None, iterate, reverse))
            return
        if not code:
            raise RefusedError("is not `Type:parameter` or `*`")
        parameter = self.conditions.parameter((source,), code)
        if parameter.kind != "reference":
            raise RefusedError("names a parameter that is no reference")
        if target and target not in self.conditions.targets(parameter):
            raise RefusedError("names a target that the reference cannot have")
        self._includes.append(Include(source, code, target or None, iterate, reverse))


def _elements_of(type: str) -> set[str]:
    """The names of the elements of a type, choices without their `[x]`."""
    known = shape(type)
    inside = {key for _, keys in known.choices for key in keys}
    return (known.elements.keys() - inside) | {stem.removesuffix("[x]") for stem, _ in known.choices}
