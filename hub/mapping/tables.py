"""Value tables of mapping files: `mappings/tables/*.csv`, reviewed by clinicians and social workers.

One file, one table: `from,to` and optionally `display`, `system` (of `to`) and `note`; the row `*` is
for everything else. Lines that start with `#` say what the table is: `# version: 1.0.0` and `# system:
<uri>` are read, the rest is for people. Tables hold what would otherwise be a ladder of ifs
(docs/mappings.md).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from hub.errors import MappingDefect


@dataclass(frozen=True, slots=True)
class Row:
    to: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class ValueTable:
    """One table: what a code of the source is called in the target."""

    name: str
    version: str
    system: str
    rows: Mapping[str, Row]

    def find(self, key: str) -> Row | None:
        """The row for a value of the source, or the row `*`, or nothing."""
        return self.rows.get(key) or self.rows.get("*")


def read_table(text: str, *, name: str) -> ValueTable:
    """Read one table; raises MappingDefect naming the table and line."""
    about: dict[str, str] = {}
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if line.startswith("#"):
            word, colon, rest = line[1:].partition(":")
            if colon:
                about[word.strip()] = rest.strip()
        elif line.strip():
            lines.append((number, line))
    if not lines:
        raise MappingDefect("the table is empty", place=f"tables/{name}.csv")
    header = next(csv.reader([lines[0][1]]))
    if header[:2] != ["from", "to"] or set(header) - {"from", "to", "display", "system", "note"}:
        raise MappingDefect("the header must be from,to[,display][,system][,note]", place=f"tables/{name}.csv")
    rows: dict[str, Row] = {}
    for number, line in lines[1:]:
        cells = next(csv.reader([line]))
        if len(cells) != len(header):
            where = f"tables/{name}.csv line {number}"
            raise MappingDefect(f"{len(cells)} cells where the header has {len(header)}", place=where)
        row = dict(zip(header, cells, strict=True))
        if row["from"] in rows:
            raise MappingDefect(f"`{row['from']}` is there twice", place=f"tables/{name}.csv line {number}")
        rows[row["from"]] = Row(row["to"], row.get("system", "") or about.get("system", ""), row.get("display", ""))
    return ValueTable(name, about.get("version", ""), about.get("system", ""), rows)
