"""A resource as FHIR XML (https://hl7.org/fhir/R4/xml.html).

Elements stand in the order of the official definitions, whatever order the JSON had; decimals keep their
text; a narrative's div is embedded as it is. What XML cannot carry is refused with its JSON pointer, so that
what is written can always be read again.
"""

from __future__ import annotations

import re
from typing import Any, Final

from hub.errors import InvalidResource
from hub.fhir.pointer import join
from hub.fhir.shapes import RESOURCE_TYPES, Element
from hub.fhir.value import Resource
from hub.fhir.xhtml import embedded
from hub.fhir.xml_shapes import FHIR, XmlShape, xml_shape

_SPECIAL: Final = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_MAX_DEPTH: Final = 256

_Path = tuple[Any, ...]
"""A linked list: `(parent, step)`, `()` at the root."""


def write_xml(resource: Resource, *, pretty: bool = False) -> bytes:
    """The resource as UTF-8 XML; `pretty` puts each element on a line of its own (narratives stay as they are)."""
    writer = _Writer(pretty)
    writer.resource(resource, (), 0, f' xmlns="{FHIR}"')
    body = "".join(writer.out)
    return f'<?xml version="1.0" encoding="UTF-8"?>{"" if pretty else chr(10)}{body}'.encode()


class _Writer:
    """The pieces of the document so far."""

    def __init__(self, pretty: bool) -> None:
        self.out: list[str] = []
        self._pretty = pretty

    def resource(self, value: Any, path: _Path, depth: int, declaration: str = "") -> None:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in RESOURCE_TYPES:
            raise _refused(path, "is not a resource of R4")
        self._object(value, kind, kind + declaration, xml_shape(kind), path, depth)

    def _object(self, value: Any, name: str, head: str, kind: XmlShape, path: _Path, depth: int) -> None:
        """An element with everything in it; `head` is its name with declarations."""
        if type(value) is not dict:
            raise _refused(path, "must be an object")
        if depth > _MAX_DEPTH:
            raise _refused(path, "is nested too deeply")
        for key in kind.attributes:
            if key in value:
                head += f' {key}="{_escaped(value[key], (path, key))}"'
        out, pad = self.out, self._pad(depth)
        at = len(out)
        out.append(f"{pad}<{head}>")
        self._members(value, kind, path, depth + 1)
        if len(out) == at + 1:
            out[at] = f"{pad}<{head}/>"
        else:
            out.append(f"{pad}</{name}>")

    def _members(self, value: dict[str, Any], kind: XmlShape, path: _Path, depth: int) -> None:
        elements = kind.elements
        for key in self._in_order(value, kind, path):
            element = elements.get(key)
            if element is None:
                if key[0] == "_" and key[1:] not in value:
                    self._primitives(value, elements[key[1:]], path, depth)
            elif element.check is None:
                self._complex(value[key], element, (path, key), depth)
            elif element.many:
                self._primitives(value, element, path, depth)
            else:
                self._primitive(value[key], value.get(f"_{key}"), key, (path, key), depth)

    def _in_order(self, value: dict[str, Any], kind: XmlShape, path: _Path) -> list[str]:
        try:
            return sorted(value, key=kind.order.__getitem__)
        except KeyError:
            wrong = next(key for key in value if key not in kind.order)
            raise _refused((path, wrong), "is not an element of this type") from None

    def _complex(self, value: Any, element: Element, path: _Path, depth: int) -> None:
        if not element.many:
            self._one(value, element, path, depth)
        elif type(value) is list:
            for index, item in enumerate(value):
                self._one(item, element, (path, index), depth)
        else:
            raise _refused(path, "must be a list")

    def _one(self, value: Any, element: Element, path: _Path, depth: int) -> None:
        key = element.key
        if element.type == "Resource":
            pad = self._pad(depth)
            self.out.append(f"{pad}<{key}>")
            self.resource(value, path, depth + 1)
            self.out.append(f"{pad}</{key}>")
        elif element.type == "xhtml":
            self.out.append(self._pad(depth) + embedded(value, place=_pointer(path)))
        else:
            self._object(value, key, key, xml_shape(element.type), path, depth)

    def _primitives(self, home: dict[str, Any], element: Element, path: _Path, depth: int) -> None:
        """One primitive element or a list of them, each with its id and extensions."""
        key = element.key
        value, side = home.get(key), home.get(f"_{key}")
        if not element.many:  # only its extension side is there
            self._primitive(value, side, key, (path, key), depth)
            return
        if not isinstance(value, list | None) or not isinstance(side, list | None):
            raise _refused((path, key), "must be a list")
        values, sides = value or (), side or ()
        for index in range(max(len(values), len(sides))):
            self._primitive(
                values[index] if index < len(values) else None,
                sides[index] if index < len(sides) else None,
                key,
                ((path, key), index),
                depth,
            )

    def _primitive(self, value: Any, side: Any, key: str, path: _Path, depth: int) -> None:
        head = key if value is None else f'{key} value="{_escaped(value, path)}"'
        if side:
            self._object(side, key, head, _SIDE, path, depth)
        elif value is None:
            raise _refused(path, "must have a value or an extension")
        else:
            self.out.append(f"{self._pad(depth)}<{head}/>")

    def _pad(self, depth: int) -> str:
        return "\n" + "  " * depth if self._pretty else ""


_SIDE: Final = xml_shape("Element")


def _escaped(value: Any, path: _Path) -> str:
    """A primitive as the text of an attribute."""
    kind = type(value)
    if kind is str:
        return _SPECIAL.sub(lambda match: _escape(match, path), value) if _SPECIAL.search(value) else value
    if kind is bool:
        return "true" if value else "false"
    if kind is dict or kind is list or value is None:
        raise _refused(path, "must be a primitive")
    return str(value)


def _escape(match: re.Match[str], path: _Path) -> str:
    sign = _ESCAPES.get(match.group())
    if sign is None:
        raise _refused(path, "holds a character that XML has not")
    return sign


def _refused(path: _Path, text: str) -> InvalidResource:
    return InvalidResource(text, place=_pointer(path) or "/")


def _pointer(path: _Path) -> str:
    steps: list[str | int] = []
    while path:
        path, step = path
        steps.append(step)
    return join(reversed(steps))
