"""References of a resource: find them, read them, rewrite them (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hub.fhir.pointer import join
from hub.fhir.value import Resource

_LITERAL: Final = re.compile(
    r"(?:(?P<base>https?://[^\s|#?]+?)/)?(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)


class ParsedReference(NamedTuple):
    """A literal reference taken apart."""

    type: str
    id: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def parse_reference(text: str | None) -> ParsedReference | None:
    """`Type/id` or `Type/id/_history/v` taken apart; None for urn:, `#contained`, absolute or broken ones."""
    match = _LITERAL.fullmatch(text) if isinstance(text, str) else None
    if match is None or match["base"] is not None:
        return None
    return ParsedReference(match["type"], match["id"], match["version"])


def type_of_reference(text: str) -> str | None:
    """The type that the text of a literal reference shows, relative or absolute; None where it shows none."""
    match = _LITERAL.fullmatch(text)
    return match["type"] if match else None


def unversioned(text: str) -> str:
    """The reference without `/_history/…`."""
    return text.split("/_history/", 1)[0]


def walk_references(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Reference with its JSON pointer, in document order, contained resources and entries included."""
    for steps, value in _walk(resource, ()):
        yield join(steps), value


def references_of(resource: Resource) -> frozenset[str]:
    """The `Type/id` that the resource's literal relative references name."""
    said: set[str] = set()
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if is_reference(value):
                said.add(value["reference"])
            value = value.values()
        waiting += [item for item in value if isinstance(item, dict | list)]
    return frozenset(str(found) for text in said if (found := parse_reference(text)))


def rewrite(resource: Resource, mapping: Mapping[str, str]) -> Resource:
    """The resource with each reference (and fullUrl) that `mapping` names replaced; versions are kept."""
    result = _rewrite(resource, mapping)
    return dict(result)


def is_reference(value: dict[str, Any]) -> bool:
    """Whether an object is a Reference: its `reference` is a string (an Expression's is not meant)."""
    return isinstance(value.get("reference"), str) and not value.keys() & {"resourceType", "language"}


def _walk(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        if is_reference(value) or (steps and _names_only(value)):
            yield steps, value
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _walk(item, (*steps, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from _walk(item, (*steps, index))


def _names_only(value: dict[str, Any]) -> bool:
    """A Reference without literal: `identifier` as an object, and nothing a Reference does not have."""
    return isinstance(value.get("identifier"), dict) and value.keys() <= {
        "id", "extension", "type", "identifier", "display", "_type", "_display", "_reference",
    }  # fmt: skip


def _rewrite(value: Any, mapping: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        result = {
            key: _rewrite(item, mapping) if isinstance(item, dict | list) else item for key, item in value.items()
        }
        for key in ("reference", "fullUrl"):
            text = result.get(key)
            if isinstance(text, str):
                result[key] = _renamed(text, mapping)
        return result
    if isinstance(value, list):
        return [_rewrite(item, mapping) if isinstance(item, dict | list) else item for item in value]
    return value


def _renamed(text: str, mapping: Mapping[str, str]) -> str:
    if text in mapping:
        return mapping[text]
    bare = unversioned(text)
    return mapping[bare] + text[len(bare) :] if bare != text and bare in mapping else text
