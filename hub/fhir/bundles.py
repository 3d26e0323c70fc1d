"""Bundles: made, and their references resolved (https://hl7.org/fhir/R4/bundle.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.fhir.references import parse_reference, rewrite, unversioned
from hub.fhir.text import instant
from hub.fhir.value import Reference, Resource


def document(
    composition: Resource,
    resources: Iterable[Resource],
    *,
    identifier: str,
    at: datetime,
    full_url: Callable[[Resource], str],
) -> Resource:
    """A document Bundle: the Composition first, each resource once, references turned into fullUrls.

    `identifier` is the document's own URI; `full_url` names each resource (urn:uuid: or an absolute URL).
    """
    members = _once([composition, *resources])
    names = {f"{r['resourceType']}/{r['id']}": full_url(r) for r in members if "id" in r}
    entries = [
        {"fullUrl": names.get(reference_of(r) or "") or full_url(r), "resource": rewrite(r, names)} for r in members
    ]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": identifier},
        "type": "document",
        "timestamp": instant(at),
        "entry": entries,
    }


def transaction(
    resources: Iterable[Resource],
    *,
    identifier: str | None = None,
    if_match: Mapping[Reference, str] | None = None,
) -> Resource:
    """A transaction Bundle of PUTs by id (with If-Match where a version is named); it may be sent twice."""
    entries = []
    for resource in resources:
        reference = f"{resource['resourceType']}/{resource['id']}"
        request = {"method": "PUT", "url": reference}
        if if_match and reference in if_match:
            request["ifMatch"] = f'W/"{if_match[reference]}"'
        entries.append({"resource": resource, "request": request})
    return _bundle("transaction", entries, identifier)


def collection(resources: Iterable[Resource], *, full_url: Callable[[Resource], str] | None = None) -> Resource:
    """A collection Bundle, in the order given."""
    entries: list[dict[str, Any]] = []
    for resource in resources:
        entry: dict[str, Any] = {"fullUrl": full_url(resource)} if full_url else {}
        entries.append(entry | {"resource": resource})
    return _bundle("collection", entries, None)


def searchset(
    matches: Sequence[Resource],
    *,
    base: str,
    total: int | None = None,
    links: Iterable[tuple[str, str]] = (),
    included: Sequence[Resource] = (),
    outcome: Resource | None = None,
) -> Resource:
    """A searchset Bundle: matches, then what was included with them, then what there is to say about the search.

    `links` are (relation, absolute URL); without `total` the Bundle names none
    (https://hl7.org/fhir/R4/search.html#return).
    """
    found = [(r, "match") for r in matches] + [(r, "include") for r in included]
    entries: list[dict[str, Any]] = [
        {"fullUrl": f"{base}/{reference_of(r)}", "resource": r, "search": {"mode": mode}} for r, mode in found
    ]
    if outcome is not None:
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    if named := [{"relation": relation, "url": url} for relation, url in links]:
        bundle["link"] = named
    return {**bundle, "entry": entries} if entries else bundle


def resources_of(bundle: Resource) -> list[Resource]:
    """The resources of a Bundle, in order."""
    entries = bundle.get("entry", [])
    return [entry["resource"] for entry in entries if isinstance(entry.get("resource"), dict)]


def reference_of(resource: Resource) -> Reference | None:
    """`Type/id`, or None for a resource without id."""
    own = resource.get("id")
    return f"{resource['resourceType']}/{own}" if isinstance(own, str) else None


def full_urls(bundle: Resource) -> dict[str, Resource]:
    """fullUrl -> resource."""
    return {
        entry["fullUrl"]: entry["resource"]
        for entry in bundle.get("entry", [])
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource"), dict)
    }


def resolve(bundle: Resource, reference: str | None, *, seen_from: str = "") -> Resource | None:
    """The entry a reference names: by fullUrl, else relative to the base of the entry it stands in.

    https://hl7.org/fhir/R4/bundle.html#references; `seen_from` is the fullUrl of the entry with the
    reference.
    """
    if not reference:
        return None
    entries = full_urls(bundle)
    bare = unversioned(reference)
    if bare in entries:
        return entries[bare]
    literal = parse_reference(bare)
    if literal is None:
        return None
    base = seen_from.rsplit("/", 2)[0] if seen_from.startswith(("http://", "https://")) else ""
    if f"{base}/{bare}" in entries:
        return entries[f"{base}/{bare}"]
    return next((r for r in entries.values() if reference_of(r) == bare), None)


def _once(resources: Iterable[Resource]) -> list[Resource]:
    """Each resource once, the first of the same reference."""
    seen: set[str] = set()
    kept: list[Resource] = []
    for resource in resources:
        name = reference_of(resource)
        if name is None or name not in seen:
            kept.append(resource)
        if name:
            seen.add(name)
    return kept


def _bundle(kind: str, entries: list[dict[str, Any]], identifier: str | None) -> Resource:
    bundle: Resource = {"resourceType": "Bundle", "type": kind}
    if identifier:
        bundle["identifier"] = {"system": "urn:ietf:rfc:3986", "value": identifier}
    if entries:
        bundle["entry"] = entries
    return bundle
