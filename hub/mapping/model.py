"""What a mapping reads and what it leaves: source trees with places, traces, residue.

Every reader (XML, HL7 v2, table, FHIR JSON) hands the interpreter the same kind of tree, so that a trace
can always say where an element came from. The rule: nothing is silently lost (docs/mappings.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.fhir.value import Resource


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader did so that the rest could be read: a repair, or (`kept`) content left out."""

    place: str
    text: str
    kept: str = ""


class Source(Protocol):
    """A parsed source document. One class for each language: XPath, HL7 path, column name, FHIR path."""

    format: str
    """`cda`, `hl7v2`, `tabular` or `fhir`."""
    name: str
    """The file or message it came from, as places name it (never a person's name)."""
    root: Node
    count: int
    """How many nodes the tree has; `Node.index` runs from 0 to `count - 1` in document order."""
    key: str
    """What makes ids stable: the source's own identity (document id, MSH-10), whatever the mapping."""
    notes: Sequence[Note]
    """What the reader had to repair or leave out before it could read."""

    document: Resource | None
    """The parsed FHIR JSON, where the source is one."""
    anchors: Mapping[str, Node]
    """What `#id` references inside the source reach."""

    def place(self, node: Node) -> str:
        """Where a node stands, in the words of the format; never what it says."""
        ...


class Node:
    """One part of a source: an XML element, a segment, field or component, a row or cell, a member."""

    __slots__ = ("attributes", "children", "index", "line", "parent", "tag", "tail", "text")

    def __init__(self, tag: str, text: str = "", parent: Node | None = None, line: int = 0) -> None:
        self.tag = tag
        self.text = text
        self.tail = ""
        self.line = line
        self.parent = parent
        self.attributes: dict[str, str] = {}
        self.children: list[Node] = []
        self.index = -1

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def full_text(self) -> str:
        """All text in and below this node, with runs of white space as one space."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        yield self.text
        for child in self.children:
            yield from child._pieces()
            yield child.tail


@dataclass(frozen=True, slots=True)
class Trace:
    """One element of the result: which rule of which mapping version made it, from which place."""

    target: str
    """`Type[uuid].path`, e.g. `AllergyIntolerance/3f…/code.coding[0].code`."""
    rule: str
    mapping: str
    """`id|version` of the mapping file."""
    source: str
    """The place: `/ClinicalDocument/…/entry[2] line 231`, `PID-5.1`, `row 4 column Bydliště`, `/entry/3`."""


@dataclass(frozen=True, slots=True)
class Residue:
    """Content of the source that no rule took, kept in the narrative and reported with its place."""

    place: str
    text: str
    why: str = "no rule"


@dataclass(frozen=True, slots=True)
class MappingWarning:
    """Something a rule could not do as asked (unknown code, unparsable date), with its place and rule."""

    place: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """The result of one run: a FHIR R4 Bundle (valid), and the honest account of how it came to be."""

    bundle: Resource
    mapping: str
    trace: tuple[Trace, ...] = ()
    residue: tuple[Residue, ...] = ()
    warnings: tuple[MappingWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The result of a mapping out to a table: header and rows of text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    mapping: str
    dropped: Sequence[str] = field(default=())
    """What the table's columns cannot carry (FHIR paths), said rather than lost in silence."""
