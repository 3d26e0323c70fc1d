"""What a narrative may contain: FHIR R4 txt-1 and txt-2 (https://hl7.org/fhir/R4/narrative.html).

A whitelist: basic formatting of HTML 4.0 chapters 7-11 and 15, links and images. No script, no event, no
form, no frame, no object; an image only as data or as something contained, so that reading calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hub.errors import HubError
from hub.fhir.xml import parse_fragment

XHTML: Final = "http://www.w3.org/1999/xhtml"

_FORMATTING: Final = """
a abbr acronym address area b bdo big blockquote br caption cite code col
colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span
strong sub sup table tbody td tfoot th thead tr tt u ul var
"""
_HARMLESS: Final = """
abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset
cite class clear colspan compact coords datetime dir frame headers height href hreflang hspace id idref
idRef ismap lang longdesc name nohref noshade nowrap rel rev rowspan rules scope shape size span src start style
summary tabindex target title type usemap valign value vspace width
"""
ELEMENTS: Final = frozenset(_FORMATTING.split())
ATTRIBUTES: Final = frozenset(_HARMLESS.split())
_ALLOWED: Final = frozenset(f"{{{XHTML}}}{name}" for name in ELEMENTS)
_XML: Final = frozenset(f"{{http://www.w3.org/XML/1998/namespace}}{name}" for name in ("lang", "space", "id"))
_LINKS: Final = re.compile(r"(?:https?:|mailto:|tel:|urn:|#|[^:\x00-\x20]*(?:[/?#]|$))", re.IGNORECASE)
_IMAGES: Final = re.compile(r"(?:#|data:image/(?:png|jpeg|gif|webp|bmp)[;,]|[^:/\\\s][^:\\\s]*$)", re.IGNORECASE)
_BAD_STYLE: Final = re.compile(r"url\s*\(|expression\s*\(|@import|javascript:|behaviou?r\s*:|-moz-binding|\\", re.I)
_CONTENT: Final = frozenset(f"{{{XHTML}}}{name}" for name in ("img", "hr"))


def narrative_faults(div: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a narrative's div: (rule, text) pairs."""
    if not div.lstrip().startswith("<div"):
        yield "txt-1", "must be one div element"
        return
    try:
        root = parse_fragment(div, name="div")
    except HubError as error:
        yield "txt-1", f"is not well-formed XHTML: {error}"
        return
    if root.tag != f"{{{XHTML}}}div":
        yield "txt-1", "must be one div element in the XHTML namespace"
    has_content = False
    for element in root.iter():
        tag = element.tag
        if tag not in _ALLOWED:
            yield "txt-1", f"element {_shown(tag)} is not allowed"
        for key, value in element.items():
            if (fault := _attribute_fault(str(key), str(value))) is not None:
                yield "txt-1", fault
        if not has_content:
            text, tail = element.text, element.tail
            has_content = tag in _CONTENT or bool((text and text.strip()) or (tail and tail.strip()))
    if not has_content:
        yield "txt-2", "must have some content"


def _attribute_fault(key: str, value: str) -> str | None:
    if key not in ATTRIBUTES and key not in _XML:
        return f"attribute {_shown(key)} is not allowed"
    if key == "href" and not _LINKS.match(value.strip()):
        return "a link of this kind is not allowed"
    if key in ("src", "longdesc", "usemap") and not _IMAGES.match(value.strip()):
        return "an image from elsewhere is not allowed"
    if key == "style" and _BAD_STYLE.search(value):
        return "a style that loads or runs something is not allowed"
    return None


def _shown(tag: object) -> str:
    """A name of the markup, where it is one, else a question mark: names can carry content."""
    name = str(tag).rpartition("}")[2]
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,15}", name) else "?"
