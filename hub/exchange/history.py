"""The history interaction: of one record, of a type, of everything, the newest first, as the asker may see it today.

What is not told again and what is hidden leave no gap: a page is filled by reading on, and its token is sealed.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import Gone, MalformedContent, NotFound
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate, Look, Visible
from hub.exchange.paging import PAGE, Params
from hub.exchange.policy import Policy
from hub.exchange.rulebook import Rulebook
from hub.exchange.vault import Vault
from hub.exchange.versions import Told, Versions
from hub.fhir.clinical_time import Interval, date_interval
from hub.fhir.text import instant
from hub.fhir.value import Reference, Resource
from hub.security.paging import PageTokens
from hub.store.model import SealedRecord
from hub.store.store import Store, Tx

COUNT: Final = 20
LARGEST: Final = 100
CHUNK: Final = 50
"""Versions read at once while a page is filled."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A history as it was asked for, and the key or version under which this page begins."""

    params: tuple[tuple[str, str], ...]
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a history is asked for."""

    count: int = COUNT
    since: datetime | None = None
    at: Interval | None = None


@dataclass(slots=True)
class Found:
    """A page under way."""

    told: list[Told] = field(default_factory=list)
    next: int | None = None
    """The key or version under which the next page begins; None where there is none."""


class Historian:
    """The use cases of history."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        vault: Vault,
        policy: Policy,
        rulebook: Rulebook,
        tokens: PageTokens,
        base: str,
    ) -> None:
        self._store = store
        self._gate = gate
        self._vault = vault
        self._policy = policy
        self._tokens = tokens
        self._rulebook = rulebook
        self._base = base

    def of_record(self, asker: Asker, type: str, id: str, params: Params) -> Resource:
        """The versions of one record; NotFound where nothing of any may be seen."""
        place = f"{type}/{id}/_history"
        asked, wish = self._asked(asker, place, params)
        with self._store.reading() as tx:
            head = tx.records.read(type, id)
            if head is None:
                raise NotFound
            found = Found()
            known = False

            def choose(look: Look) -> Sequence[Visible]:
                nonlocal known
                versions = Versions(tx, self._vault, self._policy, head, look)
                known = next(versions.told(), None) is not None
                self._fill(found, ((t.sealed.version, t, versions) for t in versions.told(asked.below)), wish)
                return [t.seen for t in found.told if t.seen is not None]

            self._gate.disclose_chosen(tx, asker.request("access"), choose, exit="history")
        if not known:
            raise NotFound
        return self._bundle(asker, place, asked, found)

    def of_types(self, asker: Asker, type: str | None, types: Collection[str], params: Params) -> Resource:
        """The versions of every record of these types; `type` is None for a history of everything."""
        place = f"{type}/_history" if type else "_history"
        asked, wish = self._asked(asker, place, params)
        with self._store.reading() as tx:
            found = Found()

            def choose(look: Look) -> Sequence[Visible]:
                self._fill(found, self._across(tx, asker, types, asked.below, wish, look), wish)
                return [t.seen for t in found.told if t.seen is not None]

            self._gate.disclose_chosen(tx, asker.request("access"), choose, exit="history")
        return self._bundle(asker, place, asked, found)

    def version(self, tx: Tx, asker: Asker, head: SealedRecord, version: str) -> Visible:
        """One version by the name that the asker knows it by; NotFound where there is none for them."""

        def choose(look: Look) -> Sequence[Visible]:
            versions = Versions(tx, self._vault, self._policy, head, look)
            if versions.is_end(version):
                raise Gone
            seen = versions.named(version)
            return [seen] if seen is not None else []

        chosen = self._gate.disclose_chosen(tx, asker.request("access"), choose, exit="vread")
        if not chosen:
            raise NotFound
        return chosen[0]

    def _across(
        self, tx: Tx, asker: Asker, types: Collection[str], below: int | None, wish: Wish, look: Look
    ) -> Iterator[tuple[int, Told, Versions]]:
        """What is told of all records, by the key of the version, the newest first."""
        records: dict[Reference, Versions | None] = {}
        sight = self._rulebook.sight(tx, asker.request("access"))
        while chunk := tx.versions.walk(types, sight, below=below, limit=CHUNK):
            for key, sealed in chunk:
                if wish.since is not None and sealed.at < wish.since:
                    return
                if sealed.reference not in records:
                    head = tx.records.read(sealed.type, sealed.id)
                    records[sealed.reference] = Versions(tx, self._vault, self._policy, head, look) if head else None
                versions = records[sealed.reference]
                told = versions.tell(sealed.version) if versions is not None else None
                if told is not None and versions is not None:
                    yield key, told, versions
            below = chunk[-1][0]

    @staticmethod
    def _fill(found: Found, told: Iterator[tuple[int, Told, Versions]], wish: Wish) -> None:
        """Take what is wished for until the page is full, and look whether there is more."""
        wanted = ((key, one) for key, one, versions in told if _is_wanted(one, versions, wish))
        page = list(islice(wanted, wish.count + 1))
        found.told = [one for _, one in page[: wish.count]]
        if len(page) > wish.count:
            found.next = page[wish.count - 1][0] if wish.count else None

    def _asked(self, asker: Asker, place: str, params: Params) -> tuple[Asked, Wish]:
        """What is asked for: a history, or a page of one by its link."""
        asked = Asked(tuple(params))
        if tokens := [value for name, value in params if name == PAGE]:
            if len(params) > 1:
                raise MalformedContent("a page is asked for by its link as it stands", place=PAGE)
            content = self._tokens.open(tokens[0], organisation=asker.organisation, place=place)
            asked = msgspec.json.decode(content, type=Asked)
        return asked, wish_of(asked.params, self._policy.zone)

    def _link(self, asker: Asker, place: str, asked: Asked) -> str:
        if asked.below is None:
            return f"{self._base}/{place}{'?' if asked.params else ''}{urlencode(asked.params)}"
        token = self._tokens.seal(msgspec.json.encode(asked), organisation=asker.organisation, place=place)
        return f"{self._base}/{place}?{PAGE}={token}"

    def _bundle(self, asker: Asker, place: str, asked: Asked, found: Found) -> Resource:
        links = [{"relation": "self", "url": self._link(asker, place, asked)}]
        if found.next is not None:
            following = Asked(asked.params, found.next)
            links.append({"relation": "next", "url": self._link(asker, place, following)})
        bundle: Resource = {"resourceType": "Bundle", "type": "history", "link": links}
        if asked.below is None and found.next is None:
            bundle["total"] = len(found.told)
        if found.told:
            bundle["entry"] = [self._entry(told) for told in found.told]
        return bundle

    def _entry(self, told: Told) -> Resource:
        """One version: what was done, how it was answered, and, where there is one, what is seen of it."""
        reference = told.sealed.reference
        method = "DELETE" if told.seen is None else "POST" if told.first else "PUT"
        status = {"DELETE": "204 No Content", "POST": "201 Created", "PUT": "200 OK"}[method]
        response = {"status": status, "lastModified": instant(told.at)}
        entry: Resource = {"fullUrl": f"{self._base}/{reference}"}
        if told.seen is not None:
            entry["resource"] = told.seen.resource
            response["etag"] = f'W/"{told.seen.version}"'
        url = told.sealed.type if method == "POST" else reference
        return {**entry, "request": {"method": method, "url": url}, "response": response}


def wish_of(params: Params, zone: ZoneInfo) -> Wish:
    """What the parameters of a history ask for; MalformedContent for one that is none."""
    count, since, at = COUNT, None, None
    for name, value in params:
        if name in ("_format", "_pretty"):
            continue
        if name == "_count" and value.isascii() and value.isdecimal() and len(value) <= 18:
            count = min(int(value), LARGEST)
        elif name == "_since" and (span := _span(value, zone)) and "T" in value:
            since = span[0]
        elif name == "_at" and (span := _span(value, zone)):
            at = span
        else:
            known = name in ("_count", "_since", "_at")
            said = "cannot be read" if known else "a history is asked for with _count, _since and _at"
            raise MalformedContent(said, place=name if known else "URL")
    return Wish(count, since, at)


def _span(value: str, zone: ZoneInfo) -> Interval | None:
    """The span of time that a dateTime means; a `+` that nobody escaped reached us as a blank."""
    try:
        return date_interval(value.strip().replace(" ", "+"), zone)
    except (ValueError, OverflowError):
        return None


def _is_wanted(told: Told, versions: Versions, wish: Wish) -> bool:
    if wish.since is not None and told.at < wish.since:
        return False
    if wish.at is None:
        return True
    until = versions.until(told)
    return told.at.astimezone(UTC) <= wish.at[1] and (until is None or until.astimezone(UTC) > wish.at[0])
