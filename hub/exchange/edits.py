"""A patch as it came, as what it does to a resource (https://hl7.org/fhir/R4/http.html#patch)."""

from __future__ import annotations

from collections.abc import Callable

from hub.fhir import patch
from hub.fhir.value import Resource


def edit_of(media_type: str, body: bytes) -> Callable[[Resource], Resource]:
    """What a patch of this media type makes of a resource; MalformedContent where it is none."""
    document = patch.read_patch(media_type, body)
    return lambda resource: patch.apply(resource, document)
