"""The languages of the pages: catalogues, their choice, and how each writes days and times.

Catalogues are gettext files (`locale/*.po`), read once; every text of a page is a message in all of them. Areas
of life keep the names that the consent rules give them, so that a page and an explanation say the same.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, dates, negotiate_locale
from babel.messages.pofile import read_po

from hub.consent.explain import area_names
from hub.fhir.codes import AREAS, UNCLASSIFIED

NAMES: Final = {"cs": "Čeština", "de": "Deutsch", "en": "English"}
"""Every language of the pages by its own name, in the order of the switch."""

DEFAULT: Final = "en"


def mark(text: str) -> str:
    """Mark a message that is looked up later."""
    return text


@dataclass(frozen=True, eq=False)
class Language:
    """One language: its messages, and the names of the areas of life."""

    code: str
    messages: Mapping[str, tuple[str, ...]]
    plural: Callable[[int], int]
    area: Mapping[str, str]

    def gettext(self, message: str) -> str:
        """The message in this language; itself where the catalogue lacks it."""
        return self.messages.get(message, (message,))[0]

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The message in the plural form of a number."""
        forms = self.messages.get(one)
        if forms is None:
            return one if number == 1 else many
        return forms[min(self.plural(number), len(forms) - 1)]

    def say(self, message: str, **values: object) -> str:
        """A message with its blanks filled in."""
        return self.gettext(message) % values if values else self.gettext(message)

    def areas(self, codes: Iterable[str]) -> tuple[str, ...]:
        """The names of areas, in the order in which people see them."""
        given = frozenset(codes)
        return tuple(self.area[code] for code in (*AREAS, UNCLASSIFIED) if code in given)

    def day(self, at: date | datetime, zone: ZoneInfo) -> str:
        """A day, in full."""
        local = at.astimezone(zone) if isinstance(at, datetime) else at
        return str(dates.format_date(local, format="full", locale=self._locale))

    def short_day(self, at: date) -> str:
        """A day, in short."""
        return str(dates.format_date(at, format="medium", locale=self._locale))

    def time(self, at: datetime, zone: ZoneInfo) -> str:
        """A time of day."""
        return str(dates.format_time(at.astimezone(zone), format="medium", locale=self._locale))

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """A day and a time, in short."""
        return str(dates.format_datetime(at.astimezone(zone), format="short", locale=self._locale))

    @property
    def _locale(self) -> Locale:
        return Locale.parse("en_GB" if self.code == "en" else self.code)


@cache
def language(code: str) -> Language:
    """A language of the pages by its code."""
    with resources.files("hub.web").joinpath(f"locale/{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    messages = {
        message.id[0] if isinstance(message.id, tuple) else str(message.id): (
            tuple(message.string) if isinstance(message.string, tuple) else (str(message.string),)
        )
        for message in catalogue
        if message.id and message.string
    }
    areas = (*AREAS, UNCLASSIFIED)
    named = dict(zip(areas, area_names(areas, language=code), strict=True))
    return Language(code, messages, gettext.c2py(catalogue.plural_expr), named)


def choose(asked: str | None, remembered: str | None, accepted: str | None) -> str:
    """A visitor's language: asked for in the address, remembered in the cookie, or accepted by the browser."""
    for wanted in (asked, remembered):
        if wanted in NAMES:
            return wanted
    return negotiate_locale(_by_weight(accepted or ""), list(NAMES), sep="-") or DEFAULT


def _by_weight(accepted: str) -> list[str]:
    """The languages of an Accept-Language header, the best first, each also without its region."""
    weighted: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=").strip()
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            weighted.append((-quality, tag.partition("-")[0].lower()))
    return [tag for _, tag in sorted(weighted, key=lambda one: one[0])]
