"""The journey as a timeline: day by day, a lane for each organisation, every event also a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from hub.exchange.overview import Moment
from hub.web import words
from hub.web.languages import Language, mark
from hub.web.present import lane_of
from hub.web.words import word

SENTENCES: Final = {
    "received": mark("sent %(item)s to the hub"),
    "collected": mark("was asked by the hub and gave it: %(item)s"),
    "delivered": mark("received: %(item)s"),
    "fetched": mark("fetched: %(item)s"),
    "answered": mark("got an answer: %(item)s"),
    "notice": mark("was told that the client withdrew something"),
    "withheld": mark("was not given: %(item)s"),
    "dead": mark("could not be reached; the delivery was given up: %(item)s"),
}
"""What happened, after the name of the organisation."""

FIRST: Final = {
    "plan": mark("wrote down the plan of cooperation"),
    "consent": mark("took down what the client agreed to"),
    "agreement": mark("took down that the client agreed to the plan"),
}
CHANGED: Final = {
    "plan": mark("changed the plan of cooperation"),
    "consent": mark("took down that the client changed an agreement"),
    "agreement": mark("took down that the client changed an agreement"),
}
CONCERNS: Final = mark("for: %(who)s")
REPEATED: Final = frozenset({"withheld", "collected"})
"""What the hub does again and again, with the same result; it is told once, with how often."""

KINDS: Final = (
    "received",
    "collected",
    "consent",
    "plan",
    "withheld",
    "notice",
    "delivered",
    "fetched",
    "answered",
    "dead",
)
"""Every kind; of one and the same instant, what comes in stands before what goes out."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: where it stands in the picture, and what it says."""

    kind: str
    lane: int
    time: str
    iso: str
    organisation: str
    sentence: str
    version: str
    areas: tuple[str, ...]
    note: str
    times: int
    """How often the very same happened before anything else about the item did."""


@dataclass(frozen=True, slots=True)
class Day:
    """The events of one day."""

    name: str
    iso: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole journey; `lanes` are the names of the organisations in it."""

    lanes: tuple[str, ...]
    days: tuple[Day, ...]


def timeline_of(moments: Sequence[Moment], names: Sequence[str], language: Language, zone: ZoneInfo) -> Timeline:
    """The moments in their order, grouped by day in the hub's zone."""
    lanes = tuple(dict.fromkeys((*names, *(m.organisation for m in moments))))
    days = groupby(told(moments), key=lambda one: one[0].at.astimezone(zone).date())
    return Timeline(
        lanes,
        tuple(
            Day(
                language.day(day, zone),
                day.isoformat(),
                tuple(event_of(moment, times, lanes, language, zone) for moment, times in of_day),
            )
            for day, of_day in days
        ),
    )


def told(moments: Sequence[Moment]) -> list[tuple[Moment, int]]:
    """Each moment in its order, and how often it happened again before anything else about its item did."""
    ordered = sorted(moments, key=lambda m: (m.at, KINDS.index(m.kind) if m.kind in KINDS else len(KINDS)))
    counted: list[tuple[Moment, int]] = []
    last: dict[tuple[str, str], int] = {}
    for moment in ordered:
        if moment.kind == "notice" and not moment.areas:
            continue
        about = (moment.organisation, moment.item)
        place = last.get(about)
        if (
            place is not None
            and moment.kind in REPEATED
            and replace(moment, at=counted[place][0].at) == counted[place][0]
        ):
            counted[place] = (counted[place][0], counted[place][1] + 1)
            continue
        last[about] = len(counted)
        counted.append((moment, 1))
    return counted


def event_of(moment: Moment, times: int, lanes: Sequence[str], language: Language, zone: ZoneInfo) -> Event:
    """One moment as the page tells it."""
    return Event(
        kind=moment.kind if moment.kind in KINDS else "delivered",
        lane=lane_of(lanes, moment.organisation),
        time=language.time(moment.at, zone),
        iso=moment.at.isoformat(),
        organisation=moment.organisation,
        sentence=_sentence(moment, language),
        version=words.shown_version(moment.version) if moment.kind not in ("consent", "notice") else "",
        areas=language.areas(moment.areas),
        note=_note(moment, language),
        times=times,
    )


def _sentence(moment: Moment, language: Language) -> str:
    if moment.kind in ("plan", "consent"):
        table = FIRST if moment.version in ("", "1") else CHANGED
        return language.gettext(table[moment.item if moment.item in table else moment.kind])
    said = SENTENCES.get(moment.kind, SENTENCES["delivered"])
    return language.say(said, item=word(language, words.ITEMS, moment.item))


def _note(moment: Moment, language: Language) -> str:
    """For a Consent, whom it concerns; for what was carried, what came of it."""
    if moment.kind == "consent":
        return language.say(CONCERNS, who=moment.detail) if moment.detail else ""
    return word(language, words.OUTCOMES, moment.detail) if moment.detail in words.OUTCOMES else ""
