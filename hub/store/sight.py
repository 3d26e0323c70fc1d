"""What an asker may see, as one SQL condition: consent decided where the records are (consent rules §7).

INVARIANT: what is seen here, the interpreter (`hub.consent.decide` and `redact`) shows too. It decides again at the
gate. Where SQL would have to open a record to know, it sees less (docs/consent.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa

from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.parts import CONTAINERS
from hub.store.schema import organisation, record, record_client, record_index
from hub.store.shapes import Shapes, may_be
from hub.store.speech import Rows, Speech, Yes, some
from hub.store.ways import CLIENT

__all__ = ["Sight", "SightSpec"]

FOLLOWS_ANY_PERMIT: Final = (
    "", "id", "meta", "language", "implicitRules", "identifier", "active", "name", "birthDate", "gender",
    "deceasedBoolean", "deceasedDateTime",
)  # fmt: skip
"""The elements of a Patient that are shown with any permit on that client, and what turns their meaning."""

_ORGANIZATION: Final = "Organization/"


@dataclass(frozen=True)
class SightSpec:
    """Who looks: the sides of rules that hold for the request, and what is the asker's own.

    `organisations` are those that a permit may name to mean the asker; `organisation` is the one of the token.
    `clients`, where not None, are those whose rules were looked at: of others nothing is seen. Basis `all` is the
    hub's own work.
    """

    basis: Literal["consent", "own", "none", "all"]
    at: datetime
    sides: frozenset[int] = frozenset()
    organisations: frozenset[str] = frozenset()
    organisation: str = ""
    clients: frozenset[str] | None = None


class Sight:
    """The conditions of one request. Each takes aliases of the tables.

    `types`, where given, are the types that the record may have: what cannot be is left out of the SQL.
    """

    def __init__(self, spec: SightSpec) -> None:
        self.spec = spec
        self._organisations = sorted(spec.organisations)
        self._speech = Speech(spec.at, spec.sides, spec.clients)
        self._shapes = Shapes(self._speech, spec.organisations)

    def record(self, r: Rows, types: Collection[str] | None = None) -> Yes:
        """May anything of this record be seen?"""
        match self.spec.basis:
            case "all":
                return sa.true()
            case "none":
                return sa.false()
            case "own":
                return sa.or_(self._contributed(r), _directory(r))
        return self._shapes.seen(r, containers=may_be(types, CONTAINERS))

    def row(self, i: Rows, r: Rows, *, types: Collection[str] | None = None, kind: str = "") -> Yes:
        """Is this index row, of a record that is seen, also in what is shown of it?"""
        match self.spec.basis:
            case "all":
                return sa.true()
            case "none":
                return sa.false()
        if self.spec.basis == "own":
            return sa.or_(self._contributed(r), self._leads(i, r))
        shown = [self._leads(i, r), sa.or_(~i.c.prose, ~self._leads_astray(r))]
        if may_be(types, CONTAINERS | {CLIENT}):
            hidden = self._shapes.hidden_part(r, lambda no: sa.or_(no == i.c.part, i.c.prose))
            told = sa.and_(i.c.prose, self._shapes.hidden_prose(r))
            outside = sa.and_(i.c.part == 0, ~i.c.prose)
            shown.append(sa.or_(r.c.client_count == 0, ~r.c.container, outside, ~sa.or_(hidden, told)))
        if may_be(types, {CLIENT}):
            follows = sa.and_(i.c.element.in_(FOLLOWS_ANY_PERMIT), ~i.c.prose)
            shown.append(sa.or_(follows, ~self._shapes.narrowed(r)))
        return sa.and_(*shown)

    def whole(self, r: Rows, types: Collection[str] | None = None) -> Yes:
        """Is nothing hidden of this record, which is seen?"""
        match self.spec.basis:
            case "all":
                return sa.true()
            case "none":
                return sa.false()
            case "own":
                return sa.or_(self._contributed(r), ~self._leads_astray(r))
        shown = [~self._leads_astray(r)]
        if may_be(types, CONTAINERS | {CLIENT}):
            hidden = sa.or_(self._shapes.hidden_part(r), self._shapes.hidden_prose(r))
            shown.append(sa.or_(r.c.client_count == 0, ~r.c.container, ~hidden))
        if may_be(types, {CLIENT}):
            shown.append(~self._shapes.narrowed(r))
        return sa.and_(*shown)

    def version(self, v: Rows, r: Rows, types: Collection[str] | None = None) -> Yes:
        """May this version of a record be seen, which is shown whole: by the stricter of its labels then and now?

        What it refers to is not looked at. Parts, and rules that only content can answer, are known of the current
        version alone: of a container, and where there are such rules, no other is seen.
        """
        match self.spec.basis:
            case "all":
                return sa.true()
            case "none":
                return sa.false()
            case "own":
                return sa.or_(sa.func.coalesce(v.c.author, v.c.contributor).in_(self._organisations), _directory(r))
        soft = sa.and_(r.c.type.not_in(sorted(CONTAINERS)), self._shapes.stricter(v, r), ~self._speech.hard(r))
        then = sa.or_(v.c.version == r.c.version, self._shapes.about_nobody(r), soft)
        return sa.and_(then, self.whole(r, types))

    def _contributed(self, r: Rows) -> Yes:
        return sa.func.coalesce(r.c.owner, "").in_(self._organisations)

    def _own_words(self, r: Rows) -> Yes:
        """Whether the asker's own organisation wrote the current version: its references are its own words."""
        if not self.spec.organisation:
            return sa.false()
        return sa.func.coalesce(r.c.owner, "") == self.spec.organisation

    def _leads(self, i: Rows, r: Rows) -> Yes:
        """Whether a row points at nothing that is hidden."""
        return sa.or_(i.c.target == "", self._own_words(r), self._named(i, r), self._known(i))

    def _leads_astray(self, r: Rows) -> Yes:
        """Whether a row of the record points at something hidden."""
        j = record_index.alias()
        return some(j, j.c.record == r.c.key, j.c.target != "", ~self._leads(j, r))

    def _named(self, i: Rows, r: Rows) -> Yes:
        """Whether everybody may read who it names: the record itself, its clients, the connected organisations."""
        c, o = record_client.alias(), organisation.alias()
        organisations = sa.and_(
            i.c.target.like(f"{_ORGANIZATION}%"),
            some(o, o.c.id == sa.func.substr(i.c.target, len(_ORGANIZATION) + 1)),
        )
        client = some(c, c.c.record == r.c.key, c.c.client == i.c.target)
        return sa.or_(i.c.target == r.c.reference, client, organisations)

    def _known(self, i: Rows) -> Yes:
        """Whether the asker sees the record that it points at."""
        if self.spec.basis == "consent":
            return self._shapes.sees(i.c.target)
        t = record.alias()
        return some(t, t.c.reference == i.c.target, ~t.c.deleted, self.record(t))


def _directory(r: Rows) -> Yes:
    """About no client, and open to all."""
    return sa.and_(r.c.client_count == 0, r.c.type.in_(sorted(DIRECTORY_TYPES)))
