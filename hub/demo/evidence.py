"""What can be read out of the raw bytes that the organisations received. Nothing here asks the hub.

Texts are sought in the bytes as they are, and, since JSON and windows-1250 can write a letter in several
ways, in the decoded text as well: a fact is absent only if it is in neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from hub.demo.mailbag import Letter, Mailbag
from hub.demo.marks import Mark
from hub.demo.organisations.social import ENCODING as CSV_ENCODING

ARRIVED: Final = ("pushed", "file", "ack", "pulled")
"""Beginnings of the names of letters that brought an organisation something it did not ask itself to write.
"""


class Evidence:
    """The kept bytes, asked in the words of the checks."""

    def __init__(self, mailbag: Mailbag) -> None:
        self._mailbag = mailbag
        self.lines = tuple(mailbag.lines)

    def letters(self, organisation: str, what: str = "", *, after: int = 0, until: int | None = None) -> list[Letter]:
        """An organisation's letters in order, those after a moment or until one."""
        return [
            letter
            for letter in self._mailbag.of(organisation, what)
            if letter.number > after and (until is None or letter.number <= until)
        ]

    def body(self, letter: Letter) -> bytes:
        """The raw bytes of a letter, from its file."""
        return self._mailbag.read(letter)

    def text(self, letter: Letter) -> str:
        """The letter as text: JSON without escapes, CSV decoded as its software does."""
        body = self.body(letter)
        if letter.path.endswith(".json"):
            try:
                return json.dumps(json.loads(body), ensure_ascii=False)
            except ValueError:
                return body.decode("utf-8", "replace")
        return body.decode(CSV_ENCODING if letter.path.endswith(".csv") else "iso-8859-2", "replace")

    def json(self, letter: Letter) -> Any:
        """The letter as JSON; ValueError where it is none."""
        return json.loads(self.body(letter))

    def bundles(self, organisation: str, what: str = "pushed", **when: Any) -> list[dict[str, Any]]:
        """The FHIR Bundles among an organisation's letters."""
        found = []
        for letter in self.letters(organisation, what, **when):
            if letter.path.endswith(".json"):
                content = self.json(letter)
                if isinstance(content, dict) and content.get("resourceType") == "Bundle":
                    found.append(content)
        return found

    def holds(self, letters: Iterable[Letter], text: str) -> bool:
        """Whether the text is in the bytes, or in the decoded text, of any of the letters."""
        raw = text.encode("utf-8")
        folded = " ".join(text.split())
        return any(raw in self.body(one) or folded in " ".join(self.text(one).split()) for one in letters)

    def all_of(self, letters: Iterable[Letter], marks: Iterable[Mark]) -> bool:
        """Whether every mark is somewhere in the letters."""
        kept = list(letters)
        return all(self.holds(kept, mark.text) for mark in marks)

    def none_of(self, letters: Iterable[Letter], texts: Iterable[Mark | str]) -> bool:
        """Whether none of the marks or texts is anywhere in the letters."""
        kept = list(letters)
        return not any(self.holds(kept, one.text if isinstance(one, Mark) else one) for one in texts)


def resources_in(bundle: dict[str, Any], type: str = "") -> list[dict[str, Any]]:
    """The resources of a Bundle, in order; those of one type where it is named."""
    resources = [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]
    return [one for one in resources if not type or one.get("resourceType") == type]


def dangling(bundle: dict[str, Any], held: Iterable[str] = ()) -> list[str]:
    """References of a Bundle to something that is neither in it nor held already by who receives it.

    Organisations are known to everybody from the directory.
    """
    there = {entry.get("fullUrl", "") for entry in bundle.get("entry", [])} | set(held)
    there |= names_in(bundle)
    return [
        reference
        for resource in resources_in(bundle)
        for reference in references_in(resource)
        if not reference.startswith(("#", "Organization/")) and reference.split("/_history/")[0] not in there
    ]


def names_in(bundle: dict[str, Any]) -> set[str]:
    """`Type/id` of every resource of a Bundle."""
    return {f"{one['resourceType']}/{one.get('id', '')}" for one in resources_in(bundle)}


def deleted_by(bundle: dict[str, Any]) -> set[str]:
    """`Type/id` of everything that a transaction takes away."""
    requests = [entry.get("request", {}) for entry in bundle.get("entry", [])]
    return {request["url"] for request in requests if request.get("method") == "DELETE"}


def references_in(value: Any) -> Iterator[str]:
    """Every `reference` in a resource, at any depth."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "reference" and isinstance(one, str):
                yield one
            else:
                yield from references_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from references_in(one)


def narratives_in(value: Any) -> Iterator[str]:
    """Every narrative in a resource or Bundle, at any depth."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "div" and isinstance(one, str):
                yield one
            else:
                yield from narratives_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from narratives_in(one)
