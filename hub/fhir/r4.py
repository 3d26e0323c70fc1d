"""The one door to `fhir.resources` (its R4B models), for building resources in code and as an oracle in
tests.

The library ships R4B, not R4, accepts what R4 forbids, and rewrites what it prints (docs/adr). So it neither
guards the store nor serialises: `build` gives back a plain resource that `hub.fhir.validate` has passed, and
`model` gives a typed view for reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from hub.errors import InvalidResource
from hub.fhir.shapes import RESOURCE_TYPES
from hub.fhir.text import instant, read
from hub.fhir.validate import assert_valid
from hub.fhir.value import Resource


def build(type: str, **fields: Any) -> Resource:
    """A valid resource of this type: None is left out, dates become FHIR text, models become plain objects.

    A field that is a Python keyword takes a trailing underscore (`for_`, `class_`).
    """
    plain = {key.rstrip("_"): _plain(value) for key, value in fields.items() if value is not None}
    resource: Resource = {"resourceType": type, **plain}
    assert_valid(resource)
    return resource


def model(resource: Resource) -> Any:
    """The typed R4B model of a resource; `InvalidResource` where it has none."""
    kind = resource.get("resourceType")
    if kind not in RESOURCE_TYPES:
        raise InvalidResource("is not a resource type of R4", place="/resourceType")
    try:
        return _model_class(str(kind)).model_validate(resource)
    except ValidationError as error:
        places = sorted({"/" + "/".join(str(step) for step in fault["loc"]) for fault in error.errors()})
        raise InvalidResource("does not fit the typed model", place=", ".join(places)) from None
    except (KeyError, AttributeError, TypeError):
        raise InvalidResource("does not fit the typed model", place=str(kind)) from None


@cache
def _model_class(kind: str) -> Any:
    try:
        return get_fhir_model_class(kind)
    except (ValueError, LookupError, AttributeError):
        raise InvalidResource("has no typed model", place=kind) from None


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return read(value.model_dump_json(exclude_none=True))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return instant(value)
    return value.isoformat() if isinstance(value, date) else value
