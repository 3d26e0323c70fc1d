"""FHIR XML read into the JSON form (https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html).

The bytes go through the one hardened parser; the official shapes say what each element is. The order of
elements is not trusted and an element of the wrong name, namespace or number is refused with its place,
all of them at once. A value that is not of its type is handed on as text, for `hub.fhir.validate` to name
beside the other faults. A narrative's div is the text that stood in the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from hub.errors import MalformedContent
from hub.fhir.decimals import decimal
from hub.fhir.shapes import RESOURCE_TYPES, Element
from hub.fhir.text_place import MAX_DEPTH
from hub.fhir.value import Resource
from hub.fhir.xhtml import Divs
from hub.fhir.xml import parse
from hub.fhir.xml_shapes import FHIR, XmlShape, xml_shape

MAX_FAULTS: Final = 20
"""So many are named; what has more is no FHIR at all."""

_IGNORED: Final = frozenset(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
"""Hints for editors: never followed."""

_FHIR_TAG: Final = f"{{{FHIR}}}"
_BLANK: Final = " \t\r\n"
_INTEGER: Final = re.compile(r"0|[+-]?[1-9][0-9]{0,18}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")

_Node = Any
"""An element of the parsed tree."""


def read_xml(body: bytes, *, name: str = "document") -> Resource:
    """The resource in a FHIR XML document; `MalformedContent` names line and place (`/Patient/name[2]/use`)."""
    document = parse(body, name=name)
    reader = _Reader(Divs(document.text))
    found = reader.resource(document.root, 1)
    if reader.faults:
        raise _refusal(reader.faults, name)
    assert found is not None
    return found


class _Reader:
    """One reading: the faults so far, and the source of the narratives."""

    def __init__(self, divs: Divs) -> None:
        self.divs = divs
        self.faults: list[tuple[_Node, str]] = []

    def say(self, node: _Node, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append((node, text))

    def resource(self, node: _Node, depth: int) -> Resource | None:
        """The resource that an element is; None, and a fault, where it is none."""
        tag = str(node.tag)
        kind = tag.removeprefix(_FHIR_TAG)
        if not tag.startswith(_FHIR_TAG):
            self.say(node, "is not in the namespace of FHIR")
            return None
        if kind not in RESOURCE_TYPES:
            self.say(node, "is not a resource type of R4")
            return None
        found: Resource = {"resourceType": kind}
        self._members(node, xml_shape(kind), found, depth)
        return found

    def _members(self, node: _Node, kind: XmlShape, found: dict[str, Any], depth: int) -> None:
        """Everything in an element, put into `found`."""
        if depth > MAX_DEPTH:
            self.say(node, f"is nested deeper than {MAX_DEPTH} levels")
            return
        self._attributes(node, kind, found)
        self._blank(node, node.text)
        by_tag = kind.by_tag
        sides: dict[str, list[Any]] = {}
        for child in node:
            if child.tail:
                self._blank(node, child.tail)
            element = by_tag.get(child.tag)
            if element is None:
                self._unknown(child)
            elif element.check is None:
                self._complex(child, element, found, depth)
            elif element.many:
                self._item(child, element, found, sides, depth)
            else:
                self._primitive(child, element, found, depth)
        for key, side in sides.items():
            _beside(key, side, found)

    def _attributes(self, node: _Node, kind: XmlShape, found: dict[str, Any]) -> None:
        for key, value in node.items():
            if key in kind.attributes:
                found[key] = value
            elif key not in _IGNORED:
                self.say(node, f"attribute {_shown(key)} is not of this type")

    def _blank(self, node: _Node, text: str | None) -> None:
        if text and text.strip(_BLANK):
            self.say(node, "text stands where FHIR has none")

    def _unknown(self, node: _Node) -> None:
        tag = str(node.tag)
        if tag.startswith(_FHIR_TAG):
            self.say(node, "is not an element of this type")
        else:
            self.say(node, "is not in the namespace of FHIR")

    def _complex(self, node: _Node, element: Element, found: dict[str, Any], depth: int) -> None:
        below = depth + 2 if element.many else depth + 1
        value: Any
        if element.type == "Resource":
            value = self._inner(node, below)
        elif element.type == "xhtml":
            value = self.divs.text_of(node)
        else:
            value = {}
            self._members(node, xml_shape(element.type), value, below)
        key = element.key
        if element.many:
            if key in found:
                found[key].append(value)
            else:
                found[key] = [value]
        elif key in found:
            self.say(node, "stands twice")
        else:
            found[key] = value

    def _inner(self, node: _Node, depth: int) -> Resource | None:
        """The one resource in `contained`, `resource` or `outcome`."""
        if len(node) != 1 or node.attrib or (node.text and node.text.strip(_BLANK)):
            self.say(node, "must hold one resource and nothing else")
            return None
        if node[0].tail and node[0].tail.strip(_BLANK):
            self.say(node, "text stands where FHIR has none")
        return self.resource(node[0], depth)

    def _primitive(self, node: _Node, element: Element, found: dict[str, Any], depth: int) -> None:
        key = element.key
        if key in found or f"_{key}" in found:
            self.say(node, "stands twice")
        value, side = self._value(node, element, depth + 1)
        if value is not None:
            found[key] = value
        if side:
            found[f"_{key}"] = side

    def _item(
        self, node: _Node, element: Element, found: dict[str, Any], sides: dict[str, list[Any]], depth: int
    ) -> None:
        """One more of a list of primitives; its extension side goes to `sides`."""
        if depth == MAX_DEPTH:
            self.say(node, f"is nested deeper than {MAX_DEPTH} levels")
        value, side = self._value(node, element, depth + 2)
        found.setdefault(element.key, []).append(value)
        sides.setdefault(element.key, []).append(side or None)

    def _value(self, node: _Node, element: Element, depth: int) -> tuple[Any, dict[str, Any] | None]:
        """A primitive's value and its extension side."""
        written = node.get("value")
        convert = _VALUES.get(element.type)
        value: Any = written if convert is None or written is None else convert(written)
        if len(node) == 0 and node.text is None and node.keys() == _ONLY_VALUE:
            return value, None
        side: dict[str, Any] = {}
        self._members(node, _SIDE, side, depth)
        side.pop("value", None)
        if value is None and not side:
            self.say(node, "must have a value or an extension")
        return value, side


def _beside(key: str, side: list[Any], found: dict[str, Any]) -> None:
    """The extension sides of a list of primitives, as long as the list; a list of nothing is left out."""
    if any(side):
        found[f"_{key}"] = side
        if all(value is None for value in found[key]):
            del found[key]


_SIDE: Final = xml_shape("Element", also=("value",))
_ONLY_VALUE: Final = ["value"]


def _boolean(value: str) -> Any:
    return value == "true" if value in ("true", "false") else value


def _integer(value: str) -> Any:
    return int(value) if _INTEGER.fullmatch(value) else value


def _decimal(value: str) -> Any:
    match = _DECIMAL.fullmatch(value)
    if match is None:
        return value
    if match["fraction"] is None and match["exponent"] is None and value != "-0" and len(value) < 1000:
        return int(value)
    number = decimal(value)
    return value if number is None else number


_VALUES: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
}


def _refusal(faults: list[tuple[_Node, str]], name: str) -> MalformedContent:
    """Every fault in one message, each with its place; the first one's line."""
    said = "; ".join(f"{_place(node)} {text}" for node, text in faults)
    return MalformedContent(said, place=f"{name} line {faults[0][0].sourceline}")


def _place(node: _Node) -> str:
    """Where an element stands, as an XPath without namespaces (`/Patient/name[2]/given[1]`)."""
    steps: list[str] = []
    while node is not None:
        tag, parent = node.tag, node.getparent()
        step = _shown(str(tag))
        if parent is not None and len(alike := [child for child in parent if child.tag == tag]) > 1:
            step += f"[{alike.index(node) + 1}]"
        steps.append(step)
        node = parent
    return "/" + "/".join(reversed(steps))


def _shown(tag: str) -> str:
    """A name of the document where it looks like one of FHIR's, else a question mark: names can carry content."""
    name = tag.rpartition("}")[2]
    return name if _WORD.fullmatch(name) else "?"
