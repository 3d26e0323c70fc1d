"""Which records and parts are seen, as SQL, by what is said of their facets (consent rules §5).

A record that is judged whole is seen if every client permits; a Patient already with any permit on that client. A
container is seen if a way into it is open (`hub.store.ways`). What is about nobody: the directory, and what the asker
contributed.

Each question is written once in a statement, as a common table that is never made: the database looks only at the rows
that are asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.facets import BEYOND_PERMIT, PROSE
from hub.store.rules import PERMITS, SILENT
from hub.store.rules_schema import sight_step, sight_way
from hub.store.schema import record, record_client, record_part
from hub.store.speech import Facet, Rows, Speech, Yes, some
from hub.store.ways import CLIENT

_OWN: Final[Any] = sa.literal_column("0")


def may_be(types: Collection[str] | None, wanted: Collection[str]) -> bool:
    """Whether a record of these types (None: any) can be of a wanted one."""
    return types is None or not set(types).isdisjoint(wanted)


class Shapes:
    """Records and parts, as one request sees them."""

    def __init__(self, speech: Speech, organisations: Collection[str]) -> None:
        self._speech = speech
        self._organisations = sorted(organisations)

    def seen(self, r: Rows, *, containers: bool = True) -> Yes:
        """May anything of the record be seen? What the record cannot be is not asked."""
        x = self._own.alias()
        limit = sa.case((sa.and_(x.c.type == CLIENT, self._speech.shows(x.c.reference)), SILENT), else_=PERMITS)
        own = sa.and_(r.c.client_count > 0, ~some(x, x.c.record == r.c.key, self._refuses(x, limit)))
        if not containers:
            return sa.or_(self.about_nobody(r), own)
        by_parts = sa.and_(r.c.container, r.c.type != CLIENT)
        w = self._open.alias()
        opened = some(w, w.c.record == r.c.key)
        return sa.or_(self.about_nobody(r), sa.and_(~by_parts, own), sa.and_(by_parts, opened))

    def sees(self, target: Any) -> Yes:
        """Whether the record of this reference is there, and anything of it may be seen."""
        t = self._seen.alias()
        return some(t, t.c.reference == target)

    def about_nobody(self, r: Rows) -> Yes:
        """About no client: the directory is open, anything else to who contributed it."""
        mine = sa.func.coalesce(r.c.owner, "").in_(self._organisations)
        return sa.and_(r.c.client_count == 0, sa.or_(r.c.type.in_(sorted(DIRECTORY_TYPES)), mine))

    def stricter(self, v: Rows, r: Rows) -> Yes:
        """Whether the stricter of a version's labels and today's is permitted by every client."""
        c = record_client.alias()
        higher = v.c.own_confidentiality > r.c.own_confidentiality
        rank = sa.case((higher, v.c.own_confidentiality), else_=r.c.own_confidentiality)
        sensitivity = v.c.own_sensitivity.bitwise_or(r.c.own_sensitivity)
        areas = v.c.own_areas.bitwise_or(r.c.own_areas)
        said = self._speech.of(c.c.client, Facet(r.c.key, _OWN, r.c.type, rank, sensitivity, areas))
        refused = sa.or_(said > PERMITS, self._speech.not_looked_at(c.c.client))
        return sa.and_(r.c.client_count > 0, ~some(c, c.c.record == r.c.key, refused))

    def hidden_part(self, r: Rows, which: Callable[[Any], Yes] | None = None) -> Yes:
        """Whether a part (one of those whose number is so) is hidden."""
        p, w = record_part.alias(), self._shown.alias()
        hidden = ~some(w, w.c.record == p.c.record, w.c.part == p.c.no)
        of_these = [which(p.c.no)] if which is not None else []
        return some(p, p.c.record == r.c.key, p.c.no > 0, *of_these, hidden)

    def hidden_prose(self, r: Rows) -> Yes:
        """Whether no provision of some client covers all that the prose may tell of."""
        x = self._prose.alias()
        return some(x, x.c.record == r.c.key, self._refuses(x, PERMITS))

    def narrowed(self, r: Rows) -> Yes:
        """Whether a Patient has more than what follows any permit, and only that is shown."""
        p, x = record_part.alias(), self._own.alias()
        beyond = some(p, p.c.record == r.c.key, p.c.no == BEYOND_PERMIT)
        return sa.and_(r.c.type == CLIENT, beyond, some(x, x.c.record == r.c.key, self._refuses(x, PERMITS)))

    def _refuses(self, x: Rows, limit: Any) -> Yes:
        return sa.or_(x.c.said > limit, self._speech.not_looked_at(x.c.client))

    @cached_property
    def _seen(self) -> sa.CTE:
        r = record.alias()
        return _common("sight_seen", sa.select(r.c.reference).where(~r.c.deleted, self.seen(r)))

    @cached_property
    def _own(self) -> sa.CTE:
        """What each client says of each record beyond its parts."""
        r, c = record.alias(), record_client.alias()
        labels = (r.c.own_confidentiality, r.c.own_sensitivity, r.c.own_areas)
        said = self._speech.of(c.c.client, Facet(r.c.key, _OWN, r.c.type, *labels))
        found = sa.select(r.c.key.label("record"), r.c.type, r.c.reference, c.c.client, said.label("said"))
        return _common("sight_own", found.select_from(r.join(c, c.c.record == r.c.key)))

    @cached_property
    def _prose(self) -> sa.CTE:
        """What each client says of the prose of each container."""
        r, p, c = record.alias(), record_part.alias(), record_client.alias()
        labels = (p.c.confidentiality, p.c.sensitivity, p.c.areas)
        said = self._speech.of(c.c.client, Facet(p.c.record, p.c.no, r.c.type, *labels))
        joined = p.join(r, r.c.key == p.c.record).join(c, c.c.record == p.c.record)
        found = sa.select(p.c.record, c.c.client, said.label("said")).select_from(joined).where(p.c.no == PROSE)
        return _common("sight_prose", found)

    @cached_property
    def _steps(self) -> sa.CTE:
        """What each client says of each step of a way."""
        s, t, p, c = sight_step.alias(), record.alias(), record_part.alias(), record_client.alias()
        joined = (
            s.join(t, t.c.key == s.c.of_record)
            .outerjoin(p, sa.and_(p.c.record == s.c.of_record, p.c.no == s.c.of_part))
            .outerjoin(c, c.c.record == s.c.of_record)
        )
        facet = Facet(
            s.c.of_record,
            s.c.of_part,
            sa.func.coalesce(sa.func.nullif(p.c.type, ""), t.c.type),
            sa.func.coalesce(p.c.confidentiality, t.c.own_confidentiality),
            sa.func.coalesce(p.c.sensitivity, t.c.own_sensitivity),
            sa.func.coalesce(p.c.areas, t.c.own_areas),
        )
        said = self._speech.of(c.c.client, facet).label("said")
        kept = (s.c.record, s.c.way, s.c.most, s.c.shown, s.c.mixed, s.c.patient, s.c.owner)
        return _common("sight_steps", sa.select(*kept, t.c.deleted, c.c.client, said).select_from(joined))

    @cached_property
    def _open(self) -> sa.CTE:
        """The ways by which a container is seen."""
        w, x = sight_way.alias(), self._steps.alias()
        shut = some(x, x.c.record == w.c.record, x.c.way == w.c.way, self._shut(x, x.c.most))
        return _common("sight_open", sa.select(w.c.record, w.c.part).where(~shut))

    @cached_property
    def _shown(self) -> sa.CTE:
        """The ways by which a part is shown."""
        w, x = sight_way.alias(), self._steps.alias()
        unsure = sa.and_(x.c.mixed, self._speech.deep(x.c.client))
        shut = some(x, x.c.record == w.c.record, x.c.way == w.c.way, sa.or_(unsure, self._shut(x, x.c.shown)))
        return _common("sight_shown", sa.select(w.c.record, w.c.part).where(~shut))

    def _shut(self, x: Rows, limit: Any) -> Yes:
        """Whether a step cannot be taken."""
        shows = sa.and_(x.c.patient != "", self._speech.shows(x.c.patient))
        refused = self._refuses(x, sa.case((shows, SILENT), else_=limit))
        others = sa.and_(x.c.owner != "", x.c.owner.not_in(self._organisations))
        return sa.or_(x.c.deleted, others, sa.and_(x.c.owner == "", refused))


def _common(name: str, found: sa.Select[Any]) -> sa.CTE:
    """Written once in a statement; not made, but looked into where it is asked."""
    return found.cte(name).prefix_with("NOT MATERIALIZED")
