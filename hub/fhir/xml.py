"""The one hardened XML parser of the hub (OWASP XML External Entity Prevention; https://www.w3.org/TR/xml/).

A document type declaration is refused before anything is parsed, so there are no entities, no external
files and no network; XInclude and stylesheets are inert. Text is decoded strictly under the declared
encoding, from a short list. Size and depth are capped. Others receive trees and never a parser.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html.entities import html5
from typing import Final

from lxml import etree

from hub.errors import MalformedContent, TooCostly
from hub.fhir.xml_repair import Repair, position, repaired

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_DEPTH: Final = 256

_ENCODINGS: Final = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
    "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "windows-1250": "cp1250", "cp1250": "cp1250", "iso-8859-2": "iso-8859-2", "latin2": "iso-8859-2",
    "windows-1252": "cp1252", "iso-8859-1": "iso-8859-1", "iso-8859-15": "iso-8859-15",
}  # fmt: skip
_DECLARATION: Final = re.compile(r"<\?xml\s[^>]*?\?>")
_DECLARED: Final = re.compile(r"""encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_PROLOG: Final = re.compile(r"(?:[ \t\r\n]+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_HTML_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
_PREDEFINED: Final = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))
_TOO_DEEP: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """A parsed document: its tree (comments and processing instructions left out) and what was repaired."""

    root: etree._Element
    repairs: tuple[Repair, ...]
    name: str
    encoding: str
    text: str = ""
    """What was parsed, decoded; blanks stand for its declaration."""


def parse(data: bytes, *, name: str = "document", repair: bool = False) -> XmlDocument:
    """The document in `data`; with `repair`, the few faults that have one safe cure are cured and reported.

    Raises `MalformedContent` with line and column.
    """
    if len(data) > MAX_BYTES:
        raise TooCostly(f"larger than {MAX_BYTES} bytes", place=name)
    text, encoding = _decode(data, name)
    _refuse_doctype(text, name)
    try:
        return XmlDocument(_tree(text, name), (), name, encoding, text)
    except MalformedContent:
        mended, repairs = repaired(text) if repair else (text, ())
        if not repairs:
            raise
    return XmlDocument(_tree(mended, name), repairs, name, encoding, mended)


def parse_fragment(text: str, *, name: str = "text") -> etree._Element:
    """The one element in `text` (a narrative's div); the named characters of HTML are understood."""
    if len(text) > MAX_BYTES:
        raise TooCostly(f"larger than {MAX_BYTES} characters", place=name)
    _refuse_doctype(text, name)
    return _tree(_HTML_ENTITY.sub(_character, text) if "&" in text else text, name)


def _tree(text: str, name: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except UnicodeEncodeError:
        raise MalformedContent("half of a surrogate pair", place=name) from None
    except etree.XMLSyntaxError as error:
        line, column = error.position
        entry = parser.error_log.last_error
        kind = entry.type_name.removeprefix("ERR_").replace("_", " ").lower() if entry is not None else "syntax"
        raise MalformedContent(f"not well-formed XML ({kind})", place=_place(name, line, column)) from None
    if _TOO_DEEP(root):
        raise MalformedContent(f"nested deeper than {MAX_DEPTH} levels", place=name)
    return root


def _decode(data: bytes, name: str) -> tuple[str, str]:
    """The text without declaration (blanks keep the columns), and the encoding it was in."""
    start = _place(name, 1, 1)
    encoding = _encoding_shown(data)
    if encoding is None:
        head = data[:256].decode("latin-1")
        declaration = _DECLARATION.match(head.lstrip(" \t\r\n"))
        declared = _DECLARED.search(declaration.group()) if declaration else None
        asked = declared.group(1).lower() if declared else "utf-8"
        encoding = _ENCODINGS.get(asked)
        if encoding is None or encoding.startswith("utf-16"):
            raise MalformedContent("an encoding that is not taken here", place=start)
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise MalformedContent(f"not valid {encoding}", place=_place(name, line, column)) from None
    declaration = _DECLARATION.match(text)
    if declaration is None:
        return text, encoding
    declared = _DECLARED.search(declaration.group())
    if declared and _ENCODINGS.get(declared.group(1).lower()) is None:
        raise MalformedContent("an encoding that is not taken here", place=start)
    blank = re.sub(r"[^\r\n]", " ", declaration.group())
    return blank + text[declaration.end() :], encoding


def _encoding_shown(data: bytes) -> str | None:
    """The encoding that the first bytes show by themselves (https://www.w3.org/TR/xml/#sec-guessing)."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data.startswith(b"<\x00"):
        return "utf-16-le"
    if data.startswith(b"\x00<"):
        return "utf-16-be"
    return None


def _refuse_doctype(text: str, name: str) -> None:
    prolog = _PROLOG.match(text)
    end = prolog.end() if prolog else 0
    if text.startswith("<!", end):
        line, column = position(text, end)
        raise MalformedContent("a document type declaration is not taken", place=_place(name, line, column))


def _character(match: re.Match[str]) -> str:
    entity = match.group(1)
    if entity in _PREDEFINED or entity not in html5:
        return match.group()
    return "".join(f"&#{ord(sign)};" for sign in html5[entity])


def _place(name: str, line: int, column: int) -> str:
    return f"{name} line {line} column {column}"
