"""Pages of a search: the state that a paging token carries, and the links of a page.

The next page is `/fhir/Goal?_page=…` and nothing else: what was searched for stands inside the token, so no number of
a client gets into a URL that the hub made. Nothing is kept between pages, and each is decided anew.
https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hub.errors import MalformedContent, NotFound, TooCostly
from hub.exchange.asker import Asker
from hub.security.paging import PageTokens
from hub.store.search.page import PageKey

PAGE: Final = "_page"
LONGEST: Final = 7 * 1024
"""Characters of a token: more would not fit into a URL (`hub.api.door`)."""
Params = Sequence[tuple[str, str]]

_NAME: Final = ":-_."
_VALUE: Final = ":/,-_.~$"
"""Marks that mean something in a search and may stand in a query string as they are (RFC 3986 3.4)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was asked for, and the place in it that this page begins at."""

    params: tuple[tuple[str, str], ...] = ()
    compartment: str = ""
    lenient: bool = False
    at: tuple[Any, ...] = ()
    """Where the page beside this one ended; empty on the first page."""
    back: bool = False
    """Whether the page lies before that place."""

    @property
    def key(self) -> dict[str, PageKey | None]:
        """Where the store begins the page of a search, or where it is to end."""
        key = PageKey(self.at[:-1], self.at[-1]) if self.at else None
        return {"before": key} if self.back else {"after": key}


class Pages:
    """Makes and reads the links of pages, each good for one organisation and one type."""

    def __init__(self, tokens: PageTokens, *, base: str) -> None:
        self._tokens = tokens
        self._base = base

    def asked(self, asker: Asker, place: str, params: Params, *, compartment: str = "", lenient: bool = False) -> Asked:
        """What is asked for at `place` (`Goal`, empty for the base): a search, or a page of one."""
        tokens = [value for name, value in params if name == PAGE]
        if not tokens:
            return Asked(tuple(params), compartment, lenient)
        if len(params) > 1:
            raise MalformedContent("a page is asked for by its link as it stands", place=PAGE)
        content = self._tokens.open(tokens[0], organisation=asker.organisation, place=place)
        try:
            return msgspec.json.decode(content, type=Asked)
        except msgspec.MsgspecError as other:
            raise NotFound("there is no such page", place=PAGE) from other

    def link(self, asker: Asker, place: str, asked: Asked) -> str:
        """The absolute address of a page: its token, and nothing of what was searched for."""
        token = self._tokens.seal(msgspec.json.encode(asked), organisation=asker.organisation, place=place)
        if len(token) > LONGEST:
            raise TooCostly("a search this long has one page only: ask for less, or in several searches", place=PAGE)
        return f"{self._url(place)}?{PAGE}={token}"

    def first(self, place: str, asked: Asked, used: Params) -> str:
        """The address of a search as it was understood: what `self` and `first` of its first page say."""
        written = "&".join(f"{quote(name, safe=_NAME)}={quote(value, safe=_VALUE)}" for name, value in used)
        within = f"{self._base}/{asked.compartment}/{place or '*'}" if asked.compartment else self._url(place)
        return f"{within}?{written}" if written else within

    def _url(self, place: str) -> str:
        return f"{self._base}/{place}" if place else self._base


def onward(asked: Asked, at: Sequence[Any], *, back: bool = False) -> Asked:
    """The same search, from another place on (or up to it)."""
    return replace(asked, at=tuple(at), back=back)


def beside(asked: Asked, key: PageKey | None, *, back: bool = False) -> Asked:
    """The same search, at the page beside this key; without one, at its beginning."""
    return onward(asked, (*key.values, key.reference) if key else (), back=back)
