"""Read a CDA document into the tree that mappings read: elements of `urn:hl7-org:v3` by their local names.

The bytes go through the one hardened parser (`hub.fhir.xml`), which repairs what it can and reports each
repair. The document's key is its id (CDA R2 4.2.1.1): the same document read again gives the same ids.
"""

from __future__ import annotations

import hashlib
from typing import Any

from hub.errors import UnmappableContent
from hub.fhir import xml
from hub.mapping.model import Node, Note
from hub.mapping.tree import Tree, stepwise

V3 = "{urn:hl7-org:v3}"
_FOLDED = (
    "{urn:epsos-org:ep:medication}",
    "{urn:hl7-org:pharm}",
    "{urn:ihe:pharm:medication}",
    "{urn:ihe:pharm}",
)
"""Extensions for medicines that say the same under several names: read as if they were CDA's own."""
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def read(data: bytes, *, name: str, encoding: str | None = None) -> Tree:
    """The document as a tree; MalformedContent or UnmappableContent with the place where it is none."""
    document = xml.parse(data, name=name, repair=True)
    if document.root.tag != f"{V3}ClinicalDocument":
        local = str(document.root.tag).rpartition("}")[2]
        raise UnmappableContent(
            f"`{local}` is not a whole CDA document", place=f"{name} line {document.root.sourceline}"
        )
    anchors: dict[str, Node] = {}
    root = _node(document.root, None, anchors)
    return Tree(
        format="cda",
        name=name,
        root=root,
        key=_key(root, data),
        where=stepwise(),
        notes=tuple(Note(f"{name} line {one.line} column {one.column}", one.what) for one in document.repairs),
        anchors=anchors,
        encoding=document.encoding,
    )


def _node(element: Any, parent: Node | None, anchors: dict[str, Node]) -> Node:
    tag = element.tag.removeprefix(V3)
    if tag[0] == "{":
        for folded in _FOLDED:
            tag = tag.removeprefix(folded)
    node = Node(tag, element.text or "", parent, element.sourceline or 0)
    if len(element.attrib):
        node.attributes = dict(element.attrib)
        if _TYPE in node.attributes:
            node.attributes["type"] = node.attributes[_TYPE].rpartition(":")[2]
        if "ID" in node.attributes:
            anchors.setdefault(node.attributes["ID"], node)
    for below in element:
        child = _node(below, node, anchors)
        child.tail = below.tail or ""
        node.children.append(child)
    return node


def _key(root: Node, data: bytes) -> str:
    for child in root.children:
        if child.tag == "id" and child.attributes.get("root"):
            return f"cda|{child.attributes['root']}^{child.attributes.get('extension', '')}"
    return f"cda|{hashlib.sha256(data).hexdigest()}"
