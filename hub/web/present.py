"""An overview made ready for the page: the same facts, named, ordered, and counted in one language.

Nothing is added and nothing decided here: what the viewer may see was decided at the gate (`hub.exchange.overview`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.exchange.overview import Overview, Row
from hub.fhir.codes import AREAS, UNCLASSIFIED, is_care_area
from hub.fhir.value import Resource
from hub.web import words
from hub.web.languages import Language
from hub.web.words import Why, word

LANES: Final = 8
"""Lanes that the style sheet can tell apart; further organisations share the last."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One goal: its text, how far it is, and who does what about it."""

    text: str
    status: str
    doing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of cooperation and its goals, area by area."""

    title: str
    status: str
    in_force: bool
    version: str
    period: tuple[str, ...]
    areas: tuple[tuple[str, tuple[Aim, ...]], ...]


@dataclass(frozen=True, slots=True)
class Sharing:
    """One organisation in the matrix: its name, what it is, its lane, and yes or no for each area."""

    id: str
    name: str
    kind: str
    lane: int
    may_see: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """One item that an organisation holds."""

    lane: int
    organisation: str
    item: str
    version: str
    areas: tuple[str, ...]
    basis: str
    why: Why
    at: str
    iso: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What stayed behind for one reason: (area, how many entries)."""

    areas: tuple[tuple[str, int], ...]
    why: Why


@dataclass(frozen=True, slots=True)
class Refused:
    """What one organisation did not get of one item, reason by reason."""

    item: str
    reasons: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one client."""

    name: str
    plan: Plan | None
    areas: tuple[str, ...]
    sharing: tuple[Sharing, ...]
    held: tuple[Held, ...]
    refused: tuple[tuple[Sharing, tuple[Refused, ...]], ...]


def view_of(overview: Overview, language: Language, zone: ZoneInfo) -> View:
    """The page of one client, in one language."""
    sharing = tuple(_sharing(language, number, row) for number, row in enumerate(overview.rows))
    held = tuple(
        Held(
            lane=one.lane,
            organisation=one.name,
            item=word(language, words.ITEMS, cell.item),
            version=words.shown_version(cell.version),
            areas=language.areas(cell.areas),
            basis=word(language, words.BASES, cell.basis),
            why=words.why_given(language, cell.because),
            at=language.moment(cell.at, zone),
            iso=cell.at.isoformat(),
        )
        for one, row in zip(sharing, overview.rows, strict=True)
        for cell in row.cells
        if cell.areas
    )
    refused = tuple(
        (one, _refused(language, row)) for one, row in zip(sharing, overview.rows, strict=True) if row.withheld
    )
    return View(
        name=overview.name,
        plan=_plan(overview, language),
        areas=language.areas(AREAS),
        sharing=sharing,
        held=held,
        refused=refused,
    )


def lane_of(names: Sequence[str], name: str) -> int:
    """The lane of an organisation by its name; the last one for whoever is not the client's any more."""
    return min(names.index(name) if name in names else len(names), LANES - 1)


def _sharing(language: Language, number: int, row: Row) -> Sharing:
    may_see = tuple((language.area[area], area in row.shared) for area in AREAS)
    return Sharing(row.id, row.name, word(language, words.KINDS, row.kind), min(number, LANES - 1), may_see)


def _refused(language: Language, row: Row) -> tuple[Refused, ...]:
    """What an organisation did not get, by item; parts of a container count only where no record of theirs does."""
    certain = {(left.item, left.areas) for left in row.withheld if words.reason_withheld(left.because)[2]}
    counted: dict[str, dict[str, Counter[str]]] = {}
    rules: dict[tuple[str, str], dict[str, None]] = {}
    for left in row.withheld:
        reason, spoke, sure = words.reason_withheld(left.because)
        if sure or (left.item, left.areas) not in certain:
            number = dict.fromkeys(left.areas or (UNCLASSIFIED,), left.records)
            counted.setdefault(left.item, {}).setdefault(reason, Counter()).update(number)
            rules.setdefault((left.item, reason), {}).update(dict.fromkeys(spoke))
    return tuple(
        Refused(
            item=word(language, words.ITEMS, item),
            reasons=tuple(
                Kept(
                    areas=tuple((language.area[a], n[a]) for a in (*AREAS, UNCLASSIFIED) if a in n),
                    why=Why(language.gettext(reason), tuple(rules[item, reason])),
                )
                for reason, n in by_reason.items()
            ),
        )
        for item, by_reason in counted.items()
    )


def _plan(overview: Overview, language: Language) -> Plan | None:
    plan = overview.plan
    if plan is None:
        return None
    names = {f"Organization/{row.id}": row.name for row in overview.rows}
    names[overview.client] = overview.name
    areas: dict[str, list[Aim]] = {}
    for goal in overview.goals:
        areas.setdefault(_area(goal), []).append(_aim(goal, plan, names, language))
    period = plan.get("period", {})
    status = str(plan.get("status", "unknown"))
    return Plan(
        title=str(plan.get("title") or word(language, words.ITEMS, "plan")),
        status=word(language, words.PLAN_STATUS, status),
        in_force=status == "active",
        version=words.shown_version(str(plan.get("meta", {}).get("versionId", ""))),
        period=tuple(_day(language, str(period[end])) for end in ("start", "end") if period.get(end)),
        areas=tuple((language.area[a], tuple(areas[a])) for a in (*AREAS, UNCLASSIFIED) if a in areas),
    )


def _aim(goal: Resource, plan: Resource, names: dict[str, str], language: Language) -> Aim:
    own = f"Goal/{goal.get('id')}"
    details: list[dict[str, Any]] = [activity.get("detail", {}) for activity in plan.get("activity", [])]
    doing = tuple(
        (
            str(detail["description"]),
            ", ".join(names.get(p.get("reference", ""), p.get("display", "")) for p in detail.get("performer", [])),
        )
        for detail in details
        if detail.get("description") and any(g.get("reference") == own for g in detail.get("goal", []))
    )
    text = goal.get("description", {}).get("text", "")
    return Aim(str(text), word(language, words.GOAL_STATUS, str(goal.get("lifecycleStatus", ""))), doing)


def _area(goal: Resource) -> str:
    """The area of a goal: the first of its categories that names one."""
    named = (
        coding.get("code")
        for category in goal.get("category", [])
        for coding in category.get("coding", [])
        if is_care_area(coding.get("system"))
    )
    return next((str(code) for code in named if code in AREAS), UNCLASSIFIED)


def _day(language: Language, value: str) -> str:
    """A FHIR date in words; a partial one as it stands."""
    try:
        return language.short_day(date.fromisoformat(value[:10]))
    except ValueError:
        return value
