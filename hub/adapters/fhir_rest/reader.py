"""Read FHIR JSON into what mappings read: the parsed document, and its members as a tree.

Strict JSON by `hub.fhir.text` (a duplicate key, NaN, half a surrogate pair is refused with its place);
numbers keep their text (https://hl7.org/fhir/R4/json.html).
"""

from __future__ import annotations

import hashlib
from typing import Any

from hub.fhir import text
from hub.fhir.value import Resource
from hub.mapping.model import Node
from hub.mapping.tree import Tree


def read(data: bytes, *, name: str, encoding: str | None = None) -> Tree:
    """The resource as document and tree; MalformedContent with the place where it is not FHIR JSON."""
    return of(text.read(data, name=name), name=name, digest=hashlib.sha256(data).hexdigest())


def of(document: Resource, *, name: str, digest: str = "") -> Tree:
    """A resource that is parsed already."""
    root = Node(str(document.get("resourceType", "resource")))
    _members(document, root)
    identifier = document.get("identifier")
    key = digest or str(document.get("id", name))
    if isinstance(identifier, dict) and identifier.get("value"):
        key = f"{identifier.get('system', '')}|{identifier['value']}"
    return Tree(format="fhir", name=name, root=root, key=f"fhir|{key}", where=_pointer, document=document)


def _members(value: dict[str, Any], node: Node) -> None:
    for key, inner in value.items():
        for one in inner if isinstance(inner, list) else [inner]:
            child = Node(key, parent=node)
            node.children.append(child)
            if isinstance(one, dict):
                _members(one, child)
            elif one is not None:
                child.text = str(one).lower() if isinstance(one, bool) else str(one)


def _pointer(node: Node) -> str:
    steps: list[str] = []
    while node.parent is not None:
        alike = [one for one in node.parent.children if one.tag == node.tag]
        steps.append(node.tag if len(alike) == 1 else f"{node.tag}/{alike.index(node)}")
        node = node.parent
    return "/" + "/".join(reversed(steps))
