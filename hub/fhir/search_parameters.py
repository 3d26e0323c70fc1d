"""The index values of a resource, by its search parameters (https://hl7.org/fhir/R4/search.html).

The official expressions are compiled (`hub.fhir.search_definitions`), joined to one tree for each type
(`hub.fhir.search_plan`), and a resource is walked along it once (`hub.fhir.search_values` reads what is
found). Beside the rows of its parameters a resource has rows

- `code:text`: the words of a code, an identifier's type or a reference, as strings;
- `subject:identifier`, `identifier:of-type`: secret, as every identifier; each identifier has a row with its
  system and one with system `*`, by which it is found without;
- `code-value-quantity$0`, `…$1`: the components of a composite, tied where they come from one element;
- `*`: the references that no parameter covers, so that every reference of a record has a row.

Who is on record without a code, only in words, still has the element: its row holds an empty value.
`_id` and `_lastUpdated` have no rows, the record itself has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from hub.fhir.references import is_reference, unversioned
from hub.fhir.search_definitions import (
    NOT_COMPILED,
    Parameter,
    ParameterClaim,
    claims,
    compile_parameter,
    parameters,
    parameters_with,
    uncompiled,
)
from hub.fhir.search_plan import Composite, Node, passes, plan
from hub.fhir.search_values import ANY_SYSTEM, MAX_BYTES, fitting, fold
from hub.fhir.value import Resource

__all__ = [
    "ANY_SYSTEM",
    "NOT_COMPILED",
    "IndexValue",
    "Parameter",
    "ParameterClaim",
    "claims",
    "compile_parameter",
    "extract",
    "fold",
    "parameters",
    "parameters_with",
    "uncompiled",
]

SHORT = MAX_BYTES // 4
"""Letters that fit into an index row whatever they are."""

EVERY_REFERENCE = "*"
"""The name of the rows of references that no parameter covers."""


class IndexValue(NamedTuple):
    """One search value of a resource.

    Dates have `start` and `end` (ISO 8601 UTC), numbers and quantities `low` and `high`, a position its latitude
    and longitude there; others a `value`. A string's `system` is its text as written, a quantity's its unit's.
    """

    param: str
    kind: str
    system: str = ""
    value: str = ""
    start: str = ""
    end: str = ""
    low: float | None = None
    high: float | None = None
    pointer: str = ""
    """Where in the resource it came from (RFC 6901)."""
    target: str = ""
    """The literal of the innermost Reference around, without version; "" where there is none."""
    tie: int = 0
    """Components of a composite with the same tie came from one element; 0 for all else."""
    secret: bool = False
    """An identifier: only its keyed hash may be stored."""


def extract(resource: Resource, *, zone: tzinfo = UTC, extra: Sequence[Parameter] = ()) -> tuple[IndexValue, ...]:
    """All index values of a resource, each once, with the parameters that a deployment adds."""
    walk = _Walk(resource, zone)
    walk.visit(resource, plan(resource["resourceType"], tuple(extra)), "", "")
    for pointer, target in walk.references:
        if pointer not in walk.covered:
            walk.rows.append(IndexValue(EVERY_REFERENCE, "reference", value=target, pointer=pointer, target=target))
    return tuple(walk.rows)


class _Walk:
    """One walk along the plan: the rows so far, and the references that were met."""

    __slots__ = ("covered", "references", "resource", "rows", "tie", "ties", "zone")

    def __init__(self, resource: Resource, zone: tzinfo) -> None:
        self.resource = resource
        self.zone = zone
        self.rows: list[IndexValue] = []
        self.references: list[tuple[str, str]] = []
        self.covered: set[str] = set()
        self.tie = 0
        """The composite that is being read, or 0."""
        self.ties = 0

    def visit(self, value: Any, node: Node, at: str, target: str, position: int = 0) -> None:
        """Read an element and what is in it; what the plan does not know is only looked through for references."""
        if value.__class__ is list:
            for index, item in enumerate(value):
                self.visit(item, node, f"{at}/{index}", target, index)
            return
        if value.__class__ is dict:
            target = self._met(value, at) or target
            branches = node.branches
            for key, item in value.items():
                if key in branches:
                    if item.__class__ is str:
                        self._read(item, branches[key], f"{at}/{key}", target, 0)
                    else:
                        self.visit(item, branches[key], f"{at}/{key}", target)
                elif item.__class__ is dict or item.__class__ is list:
                    self._look_through(item, f"{at}/{key}")
        self._read(value, node, at, target, position)

    def _collect(self, value: Any, node: Node, at: str, target: str, position: int = 0) -> None:
        """Read what the plan knows of an element whose references are met elsewhere."""
        if value.__class__ is list:
            for index, item in enumerate(value):
                self._collect(item, node, f"{at}/{index}", target, index)
            return
        if value.__class__ is dict:
            target = _literal(value) or target
            for key, branch in node.branches.items():
                if key in value:
                    self._collect(value[key], branch, f"{at}/{key}", target)
        self._read(value, node, at, target, position)

    def _read(self, value: Any, node: Node, at: str, target: str, position: int) -> None:
        """The rows of one element."""
        rows, tie = self.rows, self.tie
        for read, names in node.readers.items():
            for suffix, kind, system, said, start, end, low, high, pointer, secret in read(value, at, self.zone):
                text = said if len(said) <= SHORT or secret else fitting(kind, said)
                if kind == "reference":
                    self.covered.add(at)
                    source = target or (text if value.__class__ is dict else "")
                elif tie and suffix:
                    continue
                else:
                    source = target
                rest = (kind, system, text, start, end, low, high, pointer, source, tie, secret)
                for name in names:
                    rows.append(_made(IndexValue, (name + suffix, *rest)))
        if node.tested or node.composites or node.questions:
            self._read_more(value, node, at, target, position)

    def _read_more(self, value: Any, node: Node, at: str, target: str, position: int) -> None:
        """What is beyond a test, the composites of the element, and what is asked of a resource."""
        for tests, beyond in node.tested:
            if passes(tests, value, position):
                self._collect(value, beyond, at, target, position)
        if value.__class__ is not dict:
            return
        for composite in node.composites:
            if not composite.needs.isdisjoint(value):
                self._compose(composite, value, at, target)
        for name, keys in node.questions:
            asked = [key for key in keys if key in value]
            answer = "true" if any(value[key] is not False for key in asked) else "false"
            self.rows.append(IndexValue(name, "token", value=answer, pointer=f"/{asked[0]}" if asked else ""))

    def _compose(self, composite: Composite, value: Any, at: str, target: str) -> None:
        """The rows of a composite at its element: none unless each component has one. The last is the rarest."""
        outside, self.rows = self.rows, []
        self.ties += 1
        self.tie = self.ties
        for node, from_resource in reversed(composite.components):
            before = len(self.rows)
            self._collect(*((self.resource, node, "", "") if from_resource else (value, node, at, target)))
            if len(self.rows) == before:
                break
        else:
            outside += self.rows
        self.rows, self.tie = outside, 0

    def _met(self, value: dict[str, Any], at: str) -> str:
        """The literal of an object that is a Reference, noted; else nothing."""
        literal = _literal(value)
        if literal:
            self.references.append((at, literal))
        return literal

    def _look_through(self, value: Any, at: str) -> None:
        """Note the references in what no parameter leads into."""
        if value.__class__ is list:
            for index, item in enumerate(value):
                if item.__class__ is dict or item.__class__ is list:
                    self._look_through(item, f"{at}/{index}")
            return
        if "reference" in value:
            self._met(value, at)
        for key, item in value.items():
            if item.__class__ is dict or item.__class__ is list:
                self._look_through(item, f"{at}/{key}")


_made = tuple.__new__


def _literal(value: dict[str, Any]) -> str:
    """What a Reference names outside of its resource, without version."""
    if "reference" not in value or not is_reference(value):
        return ""
    text: str = value["reference"]
    return "" if text.startswith("#") else fitting("reference", unversioned(text))
