"""What a record points at, which codes it holds, and who wrote it (consent rules §2.6, §2.7).

`provision.data` and `provision.code` speak of the content of a record; this module reads that content once.
What a permit may rely on is narrower than what a deny catches: `contained` resources and Bundle entries count
for a deny only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from hub.fhir.codes import HUB
from hub.fhir.references import parse_reference
from hub.fhir.value import Reference, Resource

AUTHOR_ELEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    kind: tuple(paths)
    for kind, paths in tomllib.loads(resources.files("hub.consent").joinpath("tables/authors.toml").read_text("utf-8"))[
        "authors"
    ].items()
}
"""Type -> elements that name who wrote the record."""

Code = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Content:
    """The codings and references of a record: `own` of itself, `inner` of what is contained in it."""

    own_codes: frozenset[Code]
    inner_codes: frozenset[Code]
    references: frozenset[Reference]


def local(text: object) -> Reference | None:
    """`Type/id` of a reference into this hub, version left off; None for any other."""
    return _local(text) if isinstance(text, str) else None


@lru_cache(maxsize=16384)
def _local(text: str) -> Reference | None:
    parsed = parse_reference(text.removeprefix(f"{HUB}/"))
    return str(parsed) if parsed else None


def version_of(text: str) -> str | None:
    """The version that a reference names."""
    parsed = parse_reference(text.removeprefix(f"{HUB}/"))
    return parsed.version if parsed else None


def content_of(value: Any, *, pointer: str = "", without: Collection[str] = ()) -> Content:
    """Everything coded or referred to below `value`, the subtrees at the pointers `without` left out."""
    own: set[Code] = set()
    inner: set[Code] = set()
    references: set[Reference] = set()
    for inside, item in _objects(value, pointer, frozenset(without), inside=False):
        code, system = item.get("code"), item.get("system")
        if isinstance(code, str) and isinstance(system, str) and "value" not in item:
            (inner if inside else own).add((system, code))
        target = local(item.get("reference"))
        if target is not None:
            references.add(target)
    return Content(frozenset(own), frozenset(inner), frozenset(references))


def authors_of(resource: Resource) -> frozenset[Reference]:
    """Who wrote a record, by the table of author elements."""
    found: set[Reference] = set()
    for path in AUTHOR_ELEMENTS.get(str(resource.get("resourceType")), ()):
        for value in follow(resource, path.split(".")):
            target = local(value.get("reference")) if isinstance(value, dict) else None
            if target is not None:
                found.add(target)
    return frozenset(found)


def document_codes(resource: Resource) -> frozenset[Code]:
    """The codings that say what kind of document a resource is."""
    kind = resource.get("resourceType")
    if kind == "Bundle":
        entries = resource.get("entry") or [{}]
        first = entries[0].get("resource") if isinstance(entries[0], dict) else None
        return document_codes(first) if first and first.get("resourceType") == "Composition" else frozenset()
    path = {"Composition": "type", "DocumentReference": "type", "DiagnosticReport": "code"}.get(str(kind))
    if path is None:
        return frozenset()
    return frozenset(
        (coding["system"], coding["code"])
        for coding in follow(resource, [path, "coding"])
        if isinstance(coding, dict) and {"system", "code"} <= coding.keys()
    )


def follow(value: Any, steps: list[str]) -> Iterator[Any]:
    """The values at a path, through lists."""
    if isinstance(value, list):
        for item in value:
            yield from follow(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from follow(value[steps[0]], steps[1:])


def _objects(
    value: Any, pointer: str, without: frozenset[str], *, inside: bool
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Each object below `value`, and whether it is inside a contained resource or entry; `meta` is not
    content.
    """
    if isinstance(value, list):
        for index, item in enumerate(value):
            if not without or f"{pointer}/{index}" not in without:
                yield from _objects(item, f"{pointer}/{index}", without, inside=inside)
    elif isinstance(value, dict):
        yield inside, value
        whole = "resourceType" in value
        for key, item in value.items():
            if not isinstance(item, dict | list) or (whole and key == "meta"):
                continue
            if not without or f"{pointer}/{key}" not in without:
                deeper = inside or (whole and key in {"contained", "entry"})
                yield from _objects(item, f"{pointer}/{key}", without, inside=deeper)
