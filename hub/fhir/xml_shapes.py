"""The official shapes as XML sees them: in which order elements stand, which of them are attributes.

https://hl7.org/fhir/R4/xml.html: `id` of an element and `url` of an Extension are attributes; everything
else is an element in the namespace of FHIR, in the order of the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from hub.fhir.narrative_rules import XHTML
from hub.fhir.shapes import Element, shape

FHIR: Final = "http://hl7.org/fhir"
_DIV: Final = f"{{{XHTML}}}div"


@dataclass(frozen=True, slots=True)
class XmlShape:
    """How objects of one type stand in XML."""

    attributes: tuple[str, ...]
    by_tag: dict[str, Element]
    """Qualified name -> element."""
    order: dict[str, int]
    """JSON key (of the value or of its extension side) -> rank."""
    elements: dict[str, Element]


@cache
def xml_shape(name: str, *, also: tuple[str, ...] = ()) -> XmlShape:
    """The XML side of a shape, made when first needed; `also` names attributes beside the shape's own."""
    kind = shape(name)
    attributes = kind.attributes
    elements = {key: element for key, element in kind.elements.items() if key not in attributes}
    order: dict[str, int] = {"resourceType": -1} if kind.is_resource else {}
    order |= dict.fromkeys(attributes, -1)
    for rank, (key, element) in enumerate(elements.items()):
        order[key] = rank
        if element.check is not None:
            order[f"_{key}"] = rank
    return XmlShape(
        attributes=attributes + also,
        by_tag={f"{{{FHIR}}}{key}" if e.type != "xhtml" else _DIV: e for key, e in elements.items()},
        order=order,
        elements=elements,
    )
