"""Read a CSV table into the tree that mappings read: one node a row, one node a cell, tagged by its header.

Encoding: byte order mark, else what is configured, else UTF-8 where the bytes are that, else windows-1250
with a note (never a silent guess). The header may stand below a title; a row with too few or too many cells
is left out, noted with its place and its text, and the rest is read (RFC 4180 with `;`).
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
    delimiter = max(";\t,", key=lambda one: text[:4000].count(one))
    csv.field_size_limit(_MAX_CELL)
    lines: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedContent(
            f"not a readable table ({error})", place=f"{name} row {reader.line_num}"
        ) from None
    header_at = _header(lines)
    if header_at is None:
        raise MalformedContent("no header row with two columns or more", place=f"{name} row 1")
    columns = [" ".join(cell.split()) for cell in lines[header_at][1]]
    while columns and not columns[-1]:
        columns.pop()
    if double := next((one for one in columns if one and columns.count(one) > 1), None):
        raise MalformedContent(
            f"two columns are called `{double}`", place=f"{name} row {lines[header_at][0]}"
        )
    for number, cells in lines[:header_at]:
        notes.append(Note(f"row {number}", "above the header", " ".join(filter(None, cells))))
    root = Node("table")
    for number, cells in lines[header_at + 1 :]:
        kept = cells
        while len(kept) > len(columns) and not kept[-1].strip():
            kept = kept[:-1]
        if len(kept) != len(columns):
            what = f"{len(cells)} cells where the header has {len(columns)}"
            notes.append(Note(f"{name} row {number}", what, delimiter.join(cells)))
            continue
        row = Node("row", parent=root, line=number)
        root.children.append(row)
        for column, cell in zip(columns, kept, strict=True):
            child = Node(column, cell.strip(), row, number)
            row.children.append(child)
    root.attributes = dict.fromkeys(columns, "yes")
    digest = hashlib.sha256(data).hexdigest()
    return Tree("tabular", name, root, f"tabular|{digest}", _where, tuple(notes), encoding=used)


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
        if (
            names
            and len(filled) >= len(cells) - 1
            and widths[at:].count(widths[at]) * 2 > len(widths[at:]) - 1
        ):
            return at
    return None


def _where(node: Node) -> str:
    if node.tag == "row" and node.line:
        return f"row {node.line}"
    return f"row {node.line} column {node.tag}" if node.line else "table"
