"""What a reference parameter is compared with (https://hl7.org/fhir/R4/search.html#reference)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hub.fhir.references import type_of_reference
from hub.fhir.search_definitions import Parameter
from hub.fhir.search_query import ReferenceValue
from hub.fhir.search_text import ValueTextError, unescape

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def reference_values(
    parameter: Parameter, text: str, types: Sequence[str], *, narrowed: bool = False, base: str = ""
) -> tuple[ReferenceValue, ...]:
    """`Type/id` (with `/_history/v`), an absolute URL, a canonical, or a bare id of any of the types.

    `narrowed` where a modifier named the one type that it may be. What is below `base`, the server's own URL, is
    relative.
    """
    meant = unescape(text)
    if base and meant.startswith(base.rstrip("/") + "/"):
        meant = meant[len(base.rstrip("/")) + 1 :]
    if not parameter.literal:
        return (ReferenceValue(meant, versioned="|" in meant),)
    if _ID.fullmatch(meant):
        if not types:
            raise ValueTextError("names no type, as in `Patient/1`")
        return tuple(ReferenceValue(f"{type}/{meant}") for type in types)
    named = type_of_reference(meant)
    if narrowed and named is not None and named not in types:
        raise ValueTextError("names another type than the modifier")
    return (ReferenceValue(meant, versioned="/_history/" in meant or "|" in meant),)
