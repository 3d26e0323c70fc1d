"""CDA narrative blocks as FHIR narrative: the same words in the same order, nothing that could run or
load.

CDA R2 NarrativeBlock -> the XHTML that FHIR allows (https://hl7.org/fhir/R4/narrative.html). Elements
not known here give their text; images and links to other places give their words only. Built from the
tree, never from markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from hub.mapping.model import Node

_SAME = frozenset({"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "sub", "sup"})
_RENAMED = {"paragraph": "p", "item": "li", "content": "span", "footnote": "span", "linkHtml": "span"}
_SPANS = ("colspan", "rowspan")
_TABLE_PARTS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "colgroup", "col"})
KEPT = "Kept as received, not structured / Ponecháno, jak přišlo / Unverändert übernommen:"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STYLES = {"Bold": "b", "Italics": "i"}


def plain_text(node: Node, anchors: Mapping[str, Node]) -> str:
    """The words of an ED element: its own, else those its `#id` reference reaches in the narrative."""
    own = node.full_text()
    if own:
        return own
    for child in node.children:
        if child.tag.rpartition("}")[2] == "reference":
            target = anchors.get(child.attributes.get("value", "").lstrip("#"))
            return target.full_text() if target is not None else ""
    return ""


def xhtml(node: Node) -> str:
    """The whole block as one `<div>`; empty text where it says nothing."""
    if not node.full_text():
        return ""
    inner = _inside(node, in_table=False)
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


def kept_list(lines: list[str]) -> str:
    """Residue as an XHTML fragment: what could not be structured, in the words of the source."""
    items = "".join(f"<li>{escape(_clean(line), quote=False)}</li>" for line in lines)
    return f"<p>{KEPT}</p><ul>{items}</ul>"


def _inside(node: Node, *, in_table: bool) -> str:
    pieces = [] if in_table and not node.text.strip() else [escape(_clean(node.text), quote=False)]
    for child in node.children:
        pieces.append(_element(child))
        if child.tail and (child.tail.strip() or not in_table):
            pieces.append(escape(_clean(child.tail), quote=False))
    return "".join(pieces)


def _element(node: Node) -> str:
    tag = node.tag
    if tag == "br":
        return "<br/>"
    if tag in ("colgroup", "col", "renderMultiMedia", "footnoteRef"):
        return ""
    inner = _inside(node, in_table=tag in _TABLE_PARTS)
    if tag == "list":
        name = "ol" if node.attributes.get("listType") == "ordered" else "ul"
        items = "".join(_element(child) for child in node.children if child.tag == "item")
        titles = "".join(f"<p>{_inside(c, in_table=False)}</p>" for c in node.children if c.tag == "caption")
        return f"{titles}<{name}>{items}</{name}>" if items else titles
    if tag == "caption" and (node.parent is None or node.parent.tag != "table"):
        return f"<b>{inner}</b>" if inner.strip() else ""
    if tag == "content":
        name = next((_STYLES[s] for s in node.attributes.get("styleCode", "").split() if s in _STYLES), "span")
        return f"<{name}>{inner}</{name}>" if inner.strip() else inner
    name = tag if tag in _SAME else _RENAMED.get(tag, "span")
    if not inner and name not in ("td", "th", "tr"):
        return ""
    if name in ("table", "tbody", "thead", "tfoot") and not inner:
        return ""
    spans = "".join(
        f' {one}="{value}"'
        for one in _SPANS
        if name in ("td", "th") and (value := node.attributes.get(one, "")).isdigit()
    )
    return f"<{name}{spans}>{inner}</{name}>"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)
