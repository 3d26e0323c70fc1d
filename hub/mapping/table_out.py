"""A `Table` as the bytes of a CSV file: `;`, CRLF and the encoding that the counterpart can read.

Characters that the encoding lacks are refused, or replaced with a stated warning where the caller says
so. A cell that a spreadsheet would run as a formula is written as text (a leading apostrophe), which is
stated as well.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata

from hub.errors import UnmappableContent
from hub.mapping.model import Table

_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s]*([.,]\d+)?$)")


def write(table: Table, *, encoding: str = "windows-1250", delimiter: str = ";") -> bytes:
    """The file; raises UnmappableContent naming row and column of a character the encoding lacks."""
    return write_reported(table, encoding=encoding, delimiter=delimiter, replace=False)[0]


def write_reported(
    table: Table, *, encoding: str = "windows-1250", delimiter: str = ";", replace: bool = True
) -> tuple[bytes, tuple[str, ...]]:
    """The file and what had to be written differently, by row and column."""
    notes: list[str] = []
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    out.writerow(table.columns)
    for number, row in enumerate(table.rows, 2):
        out.writerow(
            [
                _fit(cell, encoding, f"row {number} column {column}", replace, notes)
                for column, cell in zip(table.columns, row, strict=True)
            ]
        )
    mark = b"\xef\xbb\xbf" if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig") else b""
    return mark + text.getvalue().encode("utf-8" if mark else encoding), tuple(notes)


def _fit(cell: str, encoding: str, place: str, replace: bool, notes: list[str]) -> str:
    if _FORMULA.match(cell):
        notes.append(f"{place}: written as text, not as a formula")
        cell = f"'{cell}"
    try:
        cell.encode(encoding)
    except UnicodeEncodeError as error:
        if not replace:
            what = unicodedata.name(cell[error.start], "a character")
            raise UnmappableContent(f"{encoding} has no {what.lower()}", place=place) from None
        notes.append(f"{place}: a character that {encoding} lacks was replaced")
        cell = "".join(_nearest(one, encoding) for one in cell)
    return cell


def _nearest(one: str, encoding: str) -> str:
    for said in (one, unicodedata.normalize("NFKD", one)):
        kept = said.encode(encoding, "ignore").decode(encoding)
        if kept:
            return kept
    return "?"
