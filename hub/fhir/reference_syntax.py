"""How a literal reference may be written (https://hl7.org/fhir/R4/references.html#literal).

`Type/id`, with a version or without; an absolute URI; `#id` of something contained; `Type?search` in a transaction.
A relative URL whose last step cannot be an id names what no FHIR server serves: R4 does not forbid it, so it is
advised against. Whose record something is must be sure, so a Patient is named rightly or not at all.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from hub.fhir.shapes import RESOURCE_TYPES

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_SEARCH: Final = re.compile(r"[A-Z][A-Za-z]{1,63}\?\S+")
_TYPED: Final = re.compile(r"([A-Z][A-Za-z]{1,63})/[^\s/?#]+(?:/_history/[^\s/?#]+)?")


def syntax_fault(text: str) -> tuple[str, Literal["error", "warning"]] | None:
    """What is wrong with a literal that is neither `Type/id` nor `#id`, and how bad that is."""
    if _ABSOLUTE.fullmatch(text) or _SEARCH.fullmatch(text):
        return None
    typed = _TYPED.fullmatch(text)
    if typed is None or typed[1] not in RESOURCE_TYPES or typed[1] == "Patient":
        return "is neither Type/id, nor absolute, nor #id", "error"
    return "names something that cannot be an id", "warning"
