"""Patches: part of a resource changed, in one of three languages (https://hl7.org/fhir/R4/http.html#patch).

    application/json-patch+json      JSON Patch, RFC 6902
    application/merge-patch+json     JSON Merge Patch, RFC 7386; also a plain object sent as application/json
    application/fhir+json, +xml      FHIRPath Patch: Parameters (https://hl7.org/fhir/R4/fhirpatch.html)

A patch is a value that can be applied again to a newer version; it never changes the resource it is given,
nor whose it is: id, resourceType and the version's own stamps. What comes out is still to be validated.
"""

from __future__ import annotations

from typing import Final

from hub.errors import InvalidResource, MalformedContent, NotSupported
from hub.fhir import text
from hub.fhir.patch import fhirpath_patch, json_patch, merge_patch
from hub.fhir.patch.fhirpath_patch import FhirPathPatch
from hub.fhir.patch.guard import refuse_new_identity
from hub.fhir.patch.json_patch import JsonPatch
from hub.fhir.patch.merge_patch import MergePatch
from hub.fhir.text_place import MAX_DEPTH
from hub.fhir.value import Resource
from hub.fhir.xml_read import read_xml

__all__ = ["PATCH_FORMATS", "FhirPathPatch", "JsonPatch", "MergePatch", "PatchDocument", "apply", "read_patch"]

PatchDocument = JsonPatch | MergePatch | FhirPathPatch

PATCH_FORMATS: Final = (
    "application/fhir+json",
    "application/fhir+xml",
    "application/json-patch+json",
    "application/merge-patch+json",
)
"""As CapabilityStatement.patchFormat names them."""

_FHIR_JSON: Final = frozenset(("application/fhir+json", "application/json+fhir"))
_FHIR_XML: Final = frozenset(("application/fhir+xml", "application/xml+fhir", "application/xml", "text/xml"))
_PLAIN: Final = frozenset(("application/json", "text/json"))


def read_patch(media_type: str, body: bytes, *, name: str = "patch") -> PatchDocument:
    """The patch in a body; `MalformedContent` where it is none, `TooCostly` where it asks for too much.

    Plain JSON is what it looks like: a list is a JSON Patch, Parameters are a FHIRPath Patch, any other object
    is a merge patch.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind == "application/json-patch+json" or (kind in _PLAIN and body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["):
        return json_patch.read(text.read_array(body, name=name))
    if kind == "application/merge-patch+json":
        return merge_patch.read(text.read(body, name=name))
    if kind in _FHIR_XML:
        return fhirpath_patch.read(read_xml(body, name=name))
    if kind in _FHIR_JSON:
        return fhirpath_patch.read(text.read(body, name=name))
    if kind in _PLAIN:
        found = text.read(body, name=name)
        return fhirpath_patch.read(found) if found.get("resourceType") == "Parameters" else merge_patch.read(found)
    raise NotSupported(f"a patch is sent as one of {', '.join(PATCH_FORMATS)}", place="Content-Type")


def apply(resource: Resource, patch: PatchDocument) -> Resource:
    """The resource as the patch makes it, a new one; `InvalidResource` names the operation that does not fit."""
    match patch:
        case JsonPatch():
            patched = json_patch.apply(resource, patch)
        case MergePatch():
            patched = merge_patch.apply(resource, patch)
        case FhirPathPatch():
            patched = fhirpath_patch.apply(resource, patch)
        case _:
            raise MalformedContent("not a patch")
    refuse_new_identity(resource, patched)
    if text.too_deep(patched):
        raise InvalidResource(f"nested deeper than {MAX_DEPTH} levels", place="the patched resource")
    return patched
