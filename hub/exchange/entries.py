"""The entries of a transaction, understood: what each asks for, and what its resources call each other.

https://hl7.org/fhir/R4/bundle.html#transaction; https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from hub.errors import HubError, InvalidResource, MalformedContent, NotPermitted, NotSupported
from hub.exchange.conditional import normalised
from hub.fhir import text
from hub.fhir.shapes import RESOURCE_TYPES
from hub.fhir.value import Reference, Resource

Edit = Callable[[Resource], Resource]
EditOf = Callable[[str, bytes], Edit]
"""A patch as it came: (media type, bytes)."""

CONDITION: Final = re.compile(r"[A-Z][A-Za-z]{1,63}\?.+", re.DOTALL)
"""A reference that says how its target is found (https://hl7.org/fhir/R4/http.html#3.1.0.11.2)."""

METHODS: Final = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
_URL: Final = re.compile(
    r"/?(?P<type>[A-Z][A-Za-z]{1,63})(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?(?P<rest>/[^?]*)?(?:\?(?P<query>.*))?", re.DOTALL
)
_ASKED: Final = re.compile(r"/?(?:_history|metadata|\$[a-z-]+)?(?:\?.*)?", re.DOTALL)
"""What is read of no type at all."""
_ETAG: Final = re.compile(r'\s*(?:W/)?"?(\d{1,18})"?\s*')
_PARTIAL: Final = re.compile(r'\s*(?:W/)?"?p[0-9a-f]{16}"?\s*')


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its request in parts."""

    number: int
    method: str
    url: str
    type: str
    id: str = ""
    query: str = ""
    full_url: str = ""
    resource: Resource = field(default_factory=dict)
    if_match: int | None = None
    if_none: bool = False
    if_none_exist: str | None = None
    edit: Edit | None = None

    @property
    def place(self) -> str:
        return f"/entry/{self.number}"

    @property
    def target(self) -> Reference:
        """The record that the URL names; empty where it names none."""
        return f"{self.type}/{self.id}" if self.id else ""

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def needs(self) -> list[tuple[str, str]]:
        """The scopes that it needs, as (type, letter)."""
        if self.reads:
            return [(self.type, "r")] if self.id else []  # what else is read, its own route asks for
        letter = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}[self.method]
        asks = self.if_none_exist is not None or self.query
        return [(self.type, letter), *([(self.type, "s")] if asks else [])]


def entries_of(
    bundle: Resource, edit_of: EditOf, *, without: Collection[int] = ()
) -> tuple[list[Entry], list[tuple[int, HubError]]]:
    """The entries that can be understood, and what is wrong with the others; `without` those that are no FHIR."""
    found: list[Entry] = []
    wrong: list[tuple[int, HubError]] = []
    for number, entry in enumerate(bundle.get("entry", [])):
        if number in without:
            continue
        try:
            found.append(entry_of(number, entry, edit_of))
        except HubError as error:
            wrong.append((number, error))
    return found, wrong + _twice(found)


def entry_of(number: int, entry: Resource, edit_of: EditOf) -> Entry:
    """One entry; raises what is wrong with it, with the place inside the entry."""
    request = entry.get("request")
    if not isinstance(request, dict):
        raise InvalidResource("an entry says in `request` what is to be done", place="/request")
    method, url = str(request.get("method", "")), str(request.get("url", ""))
    if method in ("GET", "HEAD") and _ASKED.fullmatch(url):
        return Entry(number, method, url.removeprefix("/"), "")
    parts = _URL.fullmatch(url)
    if method not in METHODS or parts is None or parts["type"] not in RESOURCE_TYPES:
        raise NotSupported("an entry is asked as `METHOD Type`, `Type/id` or `Type?condition`", place="/request/url")
    type, id, query = parts["type"], parts["id"] or "", parts["query"] or ""
    resource = entry.get("resource") or {}
    if method not in ("GET", "HEAD"):
        _check_url(method, parts)
    if method in ("POST", "PUT") and resource.get("resourceType") != type:
        raise InvalidResource("the resource is not of the type in the URL", place="/resource/resourceType")
    if method == "PUT" and id and resource.get("id") != id:
        raise InvalidResource("the id of the resource and the id in the URL differ", place="/resource/id")
    none_match = request.get("ifNoneMatch")
    if none_match not in (None, "*") and method not in ("GET", "HEAD"):
        raise NotSupported("a write takes `*` in ifNoneMatch", place="/request/ifNoneMatch")
    return Entry(
        number=number,
        method=method,
        url=url.removeprefix("/"),
        type=type,
        id=id,
        query=query,
        full_url=str(entry.get("fullUrl", "")),
        resource=resource,
        if_match=version_of(request.get("ifMatch"), "/request/ifMatch"),
        if_none=none_match == "*",
        if_none_exist=request.get("ifNoneExist") if method == "POST" else None,
        edit=edit_of(*patch_in(resource)) if method == "PATCH" else None,
    )


def _check_url(method: str, parts: re.Match[str]) -> None:
    id, query = parts["id"] or "", parts["query"]
    shape = (bool(id), query is not None)
    fits = {"POST": [(False, False)]}.get(method, [(True, False), (False, True)])
    if parts["rest"] or shape not in fits:
        said = "is asked of a `Type`" if method == "POST" else "is asked of `Type/id` or `Type?condition`"
        raise NotSupported(f"{method} {said}", place="/request/url")


def patch_in(resource: Resource) -> tuple[str, bytes]:
    """A patch as an entry carries it: a Binary with its media type, or Parameters."""
    if resource.get("resourceType") == "Parameters":
        return "application/fhir+json", text.write(resource)
    if resource.get("resourceType") != "Binary":
        raise InvalidResource("a patch comes as Binary or Parameters", place="/resource")
    try:
        return str(resource.get("contentType", "")), base64.b64decode(str(resource.get("data", "")), validate=True)
    except binascii.Error:
        raise InvalidResource("the data of the patch is not base64", place="/resource/data") from None


def _twice(entries: Iterable[Entry]) -> list[tuple[int, HubError]]:
    """Two entries that change one record: a transaction has no order in which they could."""
    seen: set[Reference] = set()
    wrong: list[tuple[int, HubError]] = []
    for entry in entries:
        if entry.reads or not entry.target:
            continue
        if entry.target in seen:
            wrong.append((entry.number, InvalidResource("another entry changes the same record", place="/request/url")))
        seen.add(entry.target)
    return wrong


def version_of(etag: object, place: str = "If-Match") -> int | None:
    """The version that an If-Match names (`W/"3"`, `"3"` or `3`); None where none was sent."""
    if etag is None:
        return None
    match = _ETAG.fullmatch(str(etag))
    if _PARTIAL.fullmatch(str(etag)):
        raise NotPermitted("you see this record in part, so you cannot replace it", place=place)
    if match is None:
        raise MalformedContent('If-Match names a version like W/"3"', place=place)
    return int(match[1])


class Names:
    """What the entries of one transaction are called, by themselves and by the hub.

    A reference is looked up as its entry's fullUrl, then beside the fullUrl of the entry that it stands in, then as
    the id that a new resource had where it came from.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._by_url: dict[str, Reference] = {}
        self._by_old: dict[str, Reference] = {}
        self._by_condition: dict[str, Reference] = {}

    def give(self, entry: Entry, reference: Reference) -> None:
        """An entry has this reference in the hub."""
        if entry.full_url:
            self._by_url[entry.full_url] = reference
        old = entry.resource.get("id")
        if entry.method == "POST" and isinstance(old, str):
            self._by_old[f"{entry.type}/{old}"] = reference
        if entry.if_none_exist:
            self.meets(f"{entry.type}?{entry.if_none_exist}", reference)

    def meets(self, condition: str, reference: Reference) -> None:
        """What a condition (`Type?query`) leads to."""
        self._by_condition[_key(condition)] = reference

    def met(self, condition: str) -> Reference | None:
        """What a condition led to."""
        return self._by_condition.get(_key(condition))

    def of(self, entry: Entry) -> Callable[[str], str | None]:
        """The renaming of what one entry says."""
        around = entry.full_url if entry.full_url.startswith(("http://", "https://")) else ""
        beside = around.rsplit("/", 2)[0]

        def name(text: str) -> str | None:
            if CONDITION.fullmatch(text):
                return self.met(text)
            bare, mark, version = text.partition("/_history/")
            new = self._by_url.get(bare)
            if new is None and beside and "://" not in bare:
                new = self._by_url.get(f"{beside}/{bare}")
            if new is None:
                new = self._by_old.get(bare.removeprefix(f"{self._base}/"))
            return None if new is None else new + mark + version

        return name

    def is_condition(self, text: str) -> bool:
        """Whether this is a conditional reference that nobody has met yet."""
        return CONDITION.fullmatch(text) is not None and self.met(text) is None


def _key(condition: str) -> str:
    type, _, query = condition.partition("?")
    try:
        return f"{type}?{normalised(query)}"
    except MalformedContent:
        return condition  # what it says is refused where it is asked
