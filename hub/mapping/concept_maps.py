"""The value tables of the mappings as concept maps, so that others can read and use them.

https://hl7.org/fhir/R4/conceptmap.html. A table's source codes are words of some system's own; only what they become
is of a code system, and sometimes that is a code which FHIR itself binds. How close the two are nobody has said.
"""

from __future__ import annotations

from hub.fhir.codes import HUB
from hub.fhir.terminology_model import ConceptMap, MapRow
from hub.mapping.tables import Row, read_table

_REST = "*"


def concept_map(text: str, *, name: str) -> ConceptMap:
    """One table (`mappings/tables/<name>.csv`) as a concept map."""
    table = read_table(text, name=name)
    rest = table.rows.get(_REST)
    return ConceptMap(
        url=f"{HUB}/ConceptMap/{name}",
        id=name,
        title=_title(text) or name,
        version=table.version,
        rows=tuple(_row(code, row) for code, row in table.rows.items() if code != _REST and row.to),
        otherwise=_row(_REST, rest) if rest is not None and rest.to else None,
    )


def _row(code: str, row: Row) -> MapRow:
    return MapRow(code, row.to, row.system, row.display)


def _title(text: str) -> str:
    """What the first line says the table is."""
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    return first.lstrip("# ").strip() if first.startswith("#") and ":" not in first else ""
