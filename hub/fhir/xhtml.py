"""A narrative's div between its two forms: a text in JSON, markup of its own namespace in XML.

https://hl7.org/fhir/R4/narrative.html, https://hl7.org/fhir/R4/json.html#xhtml. The text is kept as it was
written: comments, quotes and character references included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from html.entities import html5
from typing import Any, Final

from hub.errors import HubError, InvalidResource
from hub.fhir.narrative_rules import XHTML
from hub.fhir.xml import parse_fragment

_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
_MARK: Final = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(?P<end>/?)(?:[^\s<>/:]+:)?div(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>",
    re.DOTALL,
)
_DECLARED: Final = re.compile(r"\sxmlns\s*=")
_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
_PREDEFINED: Final = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))


class Divs:
    """The outermost div elements of a well-formed document, handed out in document order."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._spans = _spans(source)

    def text_of(self, node: Any) -> str:
        """The text of the next div; `node` is the same in the tree."""
        span = next(self._spans, None)
        if span is None or not _stands_alone(node):
            return _written(node, "")
        begin, head, end = span
        text = self._source[begin:end]
        return text if _DECLARED.search(self._source, begin, head) else f'<div xmlns="{XHTML}"{text[4:]}'


def embedded(div: object, *, place: str) -> str:
    """A div's text as it may stand in a document: one well-formed XHTML div, HTML's named characters by number."""
    if not isinstance(div, str):
        raise InvalidResource("a narrative must be text", place=place)
    text = div.strip()
    try:
        root = parse_fragment(text, name="div")
    except HubError:
        raise InvalidResource("a narrative must be well-formed XHTML", place=place) from None
    if not text.startswith("<div") or root.tag != f"{{{XHTML}}}div":
        raise InvalidResource("a narrative must be one div element of XHTML", place=place)
    return _ENTITY.sub(_numbered, text) if "&" in text else text


def _spans(source: str) -> Iterator[tuple[int, int, int]]:
    """Of each outermost div: where it begins, where its start tag ends, where it ends."""
    plain = not any(sign in source for sign in ("<!", "<?", ":div"))
    at = 0
    while True:
        if plain:  # every `<div` is a tag: leap to it
            at = max(source.find("<div", at), at)
        depth = begin = head = 0
        for mark in _MARK.finditer(source, at):
            if mark["end"] is None:
                continue
            if depth == 0:
                begin, head = mark.span()
            if mark["end"]:
                depth -= 1
            elif not mark.group().endswith("/>"):
                depth += 1
            if depth == 0:
                at = mark.end()
                yield begin, head, at
                break
        else:
            return


def _stands_alone(node: Any) -> bool:
    """Whether the text of a div needs no declaration from around it: no prefixes but `xml:`."""
    if set(node.nsmap) == {None}:
        return True
    return not any(
        element.prefix or any(key.startswith("{") and not key.startswith(_XML) for key in element.attrib)
        for element in node.iter()
    )


def _written(node: Any, around: str) -> str:
    """Markup that leaned on declarations outside of it, written anew with its own."""
    space, _, name = str(node.tag)[1:].rpartition("}")
    head = name if space == around else f'{name} xmlns="{space}"'
    for number, (key, value) in enumerate(node.attrib.items()):
        foreign, _, bare = key[1:].rpartition("}") if key.startswith("{") else ("", "", key)
        if key.startswith(_XML):
            head += f' xml:{bare}="{_escaped(value)}"'
        elif foreign:
            head += f' xmlns:n{number}="{_escaped(foreign)}" n{number}:{bare}="{_escaped(value)}"'
        else:
            head += f' {bare}="{_escaped(value)}"'
    inner = escape(node.text or "", quote=False)
    inner += "".join(_written(child, space) + escape(child.tail or "", quote=False) for child in node)
    return f"<{head}>{inner}</{name}>" if inner else f"<{head}/>"


def _escaped(value: str) -> str:
    return escape(value).replace("\n", "&#10;").replace("\t", "&#9;").replace("\r", "&#13;")


def _numbered(match: re.Match[str]) -> str:
    entity = match.group(1)
    if entity in _PREDEFINED or entity not in html5:
        return match.group()
    return "".join(f"&#{ord(sign)};" for sign in html5[entity])
