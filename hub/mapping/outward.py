"""Mappings out to a table: FHIR resources as rows of text under Czech headers, and what the columns
cannot carry.

A file with `columns:` and `rows:` reads a Bundle and writes a `Table`; what stands in the resources and
goes into no column is listed by FHIR path, said rather than lost in silence (docs/mappings.md, "Out to a
table").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.errors import MappingDefect, UnmappableContent
from hub.mapping import times
from hub.mapping.model import Node, Source, Table
from hub.mapping.paths import Compiler
from hub.mapping.steps import Condition, Nodes, Values
from hub.mapping.tables import ValueTable

_CONVERSIONS: Mapping[str, Callable[[str], str]] = {
    "to_date_cz": times.to_czech,
    "to_decimal_cz": lambda said: said.replace(".", ",") if re.fullmatch(r"-?\d+(\.\d+)?", said) else said,
}
_CELL = frozenset(["column", "from", "option", "value", "default", "map", "convert", "join"])
_ROW = frozenset(["id", "each", "when", "cells", "note"])


@dataclass(frozen=True, slots=True)
class Cell:
    column: int
    values: Values | None
    option: str
    value: str
    table: ValueTable | None
    convert: Callable[[str], str] | None
    join: str


@dataclass(frozen=True, slots=True)
class RowRule:
    id: str
    nodes: Nodes
    when: Condition | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A compiled mapping out."""

    columns: tuple[str, ...]
    rows: tuple[RowRule, ...]
    known: tuple[str, ...]
    """Elements that need no column: ids, versions, references that only hold things together."""


def compile_columns(document: dict[str, Any], name: str, paths: Compiler, tables: Mapping[str, ValueTable]) -> Columns:
    """Compile `columns:` and `rows:`; raises MappingDefect naming file and rule."""
    columns = document["columns"]
    if not isinstance(columns, list) or len(set(columns)) != len(columns):
        raise MappingDefect("`columns` is a list of different headers", place=name)
    rules = []
    for row in document.get("rows", []):
        place = f"{name} rule {row.get('id', '?')}"
        if unknown := set(row) - _ROW:
            raise MappingDefect(f"unknown key `{sorted(unknown)[0]}`", place=place)
        cells = tuple(_cell(cell, columns, place, paths, tables) for cell in row["cells"])
        when = paths.condition(row["when"], place) if "when" in row else None
        rules.append(RowRule(str(row["id"]), paths.path(row["each"], place).nodes, when, cells))
    known = tuple(str(one["element"]) for one in document.get("ignore", []))
    return Columns(tuple(map(str, columns)), tuple(rules), tuple(tag for one in known for tag in one.split()))


def _cell(
    cell: dict[str, Any], columns: list[str], place: str, paths: Compiler, tables: Mapping[str, ValueTable]
) -> Cell:
    if unknown := set(cell) - _CELL:
        raise MappingDefect(f"unknown key `{sorted(unknown)[0]}`", place=place)
    if cell.get("column") not in columns:
        raise MappingDefect(f"`{cell.get('column')}` is not one of the columns", place=place)
    if "map" in cell and cell["map"] not in tables:
        raise MappingDefect(f"no table is called `{cell['map']}`", place=place)
    if "convert" in cell and cell["convert"] not in _CONVERSIONS:
        raise MappingDefect(f"no conversion is called `{cell['convert']}`", place=place)
    return Cell(
        columns.index(cell["column"]),
        paths.path(cell["from"], place).values if "from" in cell else None,
        str(cell.get("option", "")),
        str(cell.get("value", cell.get("default", ""))),
        tables[cell["map"]] if "map" in cell else None,
        _CONVERSIONS[cell["convert"]] if "convert" in cell else None,
        str(cell.get("join", "")),
    )


def to_table(columns: Columns, label: str, source: Source, options: Mapping[str, str]) -> Table:
    """The rows of a Bundle, and the paths that no column carries."""
    if source.format != "fhir":
        raise UnmappableContent("only FHIR is mapped to a table", place=source.name)
    touched: set[int] = set()
    rows = []
    for rule in columns.rows:
        for node in rule.nodes(source.root):
            if rule.when is None or rule.when(node):
                rows.append(_row(rule, node, len(columns.columns), touched, options))
    return Table(columns.columns, tuple(rows), label, tuple(_dropped(columns, source.root, touched)))


def _row(rule: RowRule, node: Node, width: int, touched: set[int], options: Mapping[str, str]) -> tuple[str, ...]:
    cells = [""] * width
    for cell in rule.cells:
        said: list[str] = [options[cell.option]] if options.get(cell.option) else []
        for text, one in cell.values(node) if cell.values and not said else ():
            touched.add(one.index)
            row = cell.table.find(text) if cell.table else None
            word = (row.to or text) if row else text
            said.append(cell.convert(word) if cell.convert else word)
            if not cell.join:
                break
        cells[cell.column] = cell.join.join(said) or cells[cell.column] or cell.value
    return tuple(cells)


def _dropped(columns: Columns, root: Node, touched: set[int]) -> list[str]:
    found: dict[str, None] = {}
    for entry in root.children:
        for resource in entry.children:
            if entry.tag == "entry" and resource.tag == "resource":
                kind = next((one.text for one in resource.children if one.tag == "resourceType"), "Resource")
                _untouched(columns, resource, kind, touched, found)
    return list(found)


def _untouched(columns: Columns, node: Node, path: str, touched: set[int], found: dict[str, None]) -> None:
    for child in node.children:
        if child.tag in columns.known and not (child.tag == "text" and path.count(".")):
            continue
        if child.children:
            _untouched(columns, child, f"{path}.{child.tag}", touched, found)
        elif child.index not in touched:
            found[f"{path}.{child.tag}"] = None
