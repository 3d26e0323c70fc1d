"""Narrative made from data: what a person reads of a resource, or of a section (FHIR R4 Narrative).

https://hl7.org/fhir/R4/narrative.html. Everything shown comes from the resources handed in; their own `text`
is never read, so narrative of a redacted resource tells no more than the resource does. All text is escaped;
only elements and attributes of the FHIR whitelist are written. `sanitise` is for narrative that others wrote.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import nh3

from hub.fhir.narrative_rows import Row, row_of
from hub.fhir.narrative_values import Reader, Resolve, nothing, text_of
from hub.fhir.narrative_words import column_word, empty_word, primary_language, type_word
from hub.fhir.value import Resource

__all__ = ["narrative", "sanitise", "section_narrative", "text_of"]

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONCEALED: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|<!--", re.IGNORECASE)

_TAGS: Final = (
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 "
    "hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
)
_ATTRIBUTES: Final = {
    "*": {"title", "lang", "dir", "class"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "headers", "scope", "abbr"},
    "th": {"colspan", "rowspan", "headers", "scope", "abbr"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type"},
}


def narrative(resource: Resource, *, language: str, resolve: Resolve = nothing) -> dict[str, str]:
    """The generated Narrative of one resource, ready for its `text` element.

    `resolve` finds resources that it refers to and the reader may see; contained ones are found anyway.
    """
    reader = Reader(language, _with_contained(resource, resolve))
    kind = type_word(str(resource.get("resourceType", "")), language)
    rows = "".join(
        f"<tr><th>{_escape(column_word(column, language))}</th><td>{_escape(value)}</td></tr>"
        for column, value in row_of(resource, reader).items()
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    return {"status": "generated", "div": _div(f"<p><b>{_escape(kind)}</b></p>{table}", language)}


def section_narrative(
    resources: Sequence[Resource], *, language: str, empty: str | None = None, resolve: Resolve = nothing
) -> str:
    """The xhtml `div` of a section: one table per type of resource.

    Without resources it says why nothing is there: `empty` is a code of list-empty-reason.
    """
    by_type: dict[str, list[Row]] = {}
    for resource in resources:
        reader = Reader(language, _with_contained(resource, resolve))
        if row := row_of(resource, reader):
            by_type.setdefault(str(resource.get("resourceType", "")), []).append(row)
    if not by_type:
        return _div(f"<p>{_escape(empty_word(empty or 'unavailable', language))}</p>", language)
    tables = (_table(kind, rows, language, named=len(by_type) > 1) for kind, rows in by_type.items())
    return _div("".join(tables), language)


def sanitise(div: str) -> str:
    """Narrative that another system wrote, safe to put into a page: no script, style or remote image."""
    return nh3.clean(
        div,
        tags=set(_TAGS.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_local_images_only,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        clean_content_tags={"script", "style"},
    )


def _local_images_only(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if re.match(r"#|data:image/(png|jpe?g|gif|webp);", value) else None
    if attribute == "href":
        return value if re.match(r"#|https?:|mailto:|tel:", value.strip(), re.IGNORECASE) else None
    return value


def _table(kind: str, rows: Sequence[Row], language: str, *, named: bool) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f"<th>{_escape(column_word(column, language))}</th>" for column in columns)
    lines = (
        "<tr>" + "".join(f"<td>{_escape(row.get(column, ''))}</td>" for column in columns) + "</tr>" for row in rows
    )
    caption = f"<caption>{_escape(type_word(kind, language))}</caption>" if named else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _div(inner: str, language: str) -> str:
    tag = primary_language(language) or "en"
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{tag}" xml:lang="{tag}">{inner}</div>'


def _escape(text: str) -> str:
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=True)


def _with_contained(resource: Mapping[str, Any], resolve: Resolve) -> Resolve:
    contained = {f"#{c.get('id')}": c for c in resource.get("contained") or [] if isinstance(c, dict)}
    return lambda reference: contained.get(reference) or resolve(reference)


def conceals(div: str) -> bool:
    """Whether a narrative has text that a browser would not show: styled away, or in a comment."""
    return _CONCEALED.search(div) is not None
