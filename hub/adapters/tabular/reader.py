"""Read a CSV table into the tree that mappings read: one node a row, one node a cell, tagged by its
header.

Encoding: byte order mark, else what is configured, else UTF-8 where the bytes are that, else
windows-1250 with a note (never a silent guess). The header may stand below a title; a row with too few
or too many cells is left out, noted with its place and its text, and the rest is read (RFC 4180 with
`;`).
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re

from hub.errors import MalformedContent
from hub.mapping.model import Node, Note
from hub.mapping.tree import Tree

_LOOK_FOR_HEADER = 20
_MAX_CELL = 100_000


def read(data: bytes, *, name: str, encoding: str | None = None) -> Tree:
    """The table as a tree; MalformedContent with the place where it is none."""
    notes: list[Note] = []
    text, used = _decode(data, name, encoding, notes)
    delimiter = max(";\t,", key=text[:4000].count)
    lines = _lines(text, delimiter, name)
    header_at = _header(lines)
    if header_at is None:
        raise MalformedContent("no header row with two columns or more", place=f"{name} row 1")
    number, header = lines[header_at]
    columns = [" ".join(cell.split()) for cell in _trimmed(header, 0)]
    if double := next((one for one in columns if one and columns.count(one) > 1), None):
        raise MalformedContent(f"two columns are called `{double}`", place=f"{name} row {number}")
    notes += [Note(f"row {at}", "above the header", " ".join(filter(None, line))) for at, line in lines[:header_at]]
    root = Node("table")
    root.attributes = dict.fromkeys(columns, "yes")
    for at, line in lines[header_at + 1 :]:
        cells = _trimmed(line, len(columns))
        if len(cells) == len(columns):
            root.children.append(_row(root, at, columns, cells))
        else:
            what = f"{len(line)} cells where the header has {len(columns)}"
            notes.append(Note(f"{name} row {at}", what, delimiter.join(line)))
    digest = hashlib.sha256(data).hexdigest()
    return Tree("tabular", name, root, f"tabular|{digest}", _where, tuple(notes), encoding=used)


def _lines(text: str, delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    """The rows that say something, each with the number of its first line."""
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        place = f"{name} row {reader.line_num}"
        raise MalformedContent(f"not a readable table ({error})", place=place) from None
    return lines


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without the empty cells that stand beyond the table's width."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _row(root: Node, number: int, columns: list[str], cells: list[str]) -> Node:
    row = Node("row", parent=root, line=number)
    for column, cell in zip(columns, cells, strict=True):
        if cell.strip():
            row.children.append(Node(column, cell.strip(), row, number))
    return row


def _decode(data: bytes, name: str, encoding: str | None, notes: list[Note]) -> tuple[str, str]:
    if data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif encoding is None:
        try:
            return data.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            encoding = "windows-1250"
            notes.append(Note(name, "no encoding configured and not UTF-8: read as windows-1250"))
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise MalformedContent(f"not valid {encoding}", place=f"{name} row {row}") from None


def _header(lines: list[tuple[int, list[str]]]) -> int | None:
    """The first row that is filled, of names only, and as wide as most rows below it."""
    widths = [len(cells) for _, cells in lines]
    for at, (_, cells) in enumerate(lines[:_LOOK_FOR_HEADER]):
        filled = [cell for cell in cells if cell.strip()]
        names = len(filled) >= 2 and all(re.match(r"[^\W\d]", cell.strip()) for cell in filled)
        if names and len(filled) >= len(cells) - 1 and widths[at:].count(widths[at]) * 2 > len(widths[at:]) - 1:
            return at
    return None


def _where(node: Node) -> str:
    if node.tag == "row" and node.line:
        return f"row {node.line}"
    return f"row {node.line} column {node.tag}" if node.line else "table"
