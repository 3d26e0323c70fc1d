"""Identity links: which client of an organisation is which client of the hub.

Numbers are keyed hashes. Uniqueness is per (organisation, system, value): a clash with something hidden
creates, and linking happens out of sight (docs/consent.md, "Every exit").
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import NotFound, VersionConflict
from hub.store.engine import Sql
from hub.store.model import IdentityLink, LinkState, SealedContent
from hub.store.prepared import Prepared
from hub.store.schema import identity_link

_l = identity_link.c
_ALL: Final = sa.select(identity_link).order_by(_l.key)
_FIND: Final = Prepared(_ALL.where(_l.value == sa.bindparam("value"), _l.system == sa.bindparam("system")))
_CLIENTS: Final = Prepared(_ALL.where(_l.client == sa.bindparam("client")))


class Identity:
    """The identity links, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def find(self, system: str, value_hash: str) -> list[IdentityLink]:
        """Every organisation's link for this number.

        In a writing transaction the number is held until its end, so that two organisations that bring the
        same new person at the same moment make one client of them.
        """
        self._sql.hold(f"identity {system} {value_hash}")
        return [_link(row) for row in self._sql.rows(_FIND, {"system": system, "value": value_hash})]

    def of_organisation(self, organisation: str, client: str) -> list[IdentityLink]:
        """How one organisation knows a client."""
        return self._where(_l.organisation == organisation, _l.client == client)

    def of_client(self, client: str) -> list[IdentityLink]:
        """Every link of a client."""
        return [_link(row) for row in self._sql.rows(_CLIENTS, {"client": client})]

    def all(self, state: LinkState | None = None) -> list[IdentityLink]:
        """Every link, or those in one state."""
        return self._where() if state is None else self._where(_l.state == state)

    def put(self, link: IdentityLink) -> None:
        """Add a link, or replace the one with its id; VersionConflict where its number is linked already."""
        row = _row(link)
        if self._sql.insert_new(identity_link, row) is not None:
            return
        statement = sa.update(identity_link).where(_l.id == link.id).values(row)
        if not self._sql.attempt(statement) or not self._known(link.id):
            raise VersionConflict("the number is linked already", place=link.organisation)

    def decide(self, id: str, state: LinkState, why: str) -> None:
        """A person decided whether a link holds."""
        if not self._sql.run(sa.update(identity_link).where(_l.id == id).values(state=state, why=why)):
            raise NotFound("there is no such identity link")

    def _known(self, id: str) -> bool:
        return self._sql.value(sa.select(_l.key).where(_l.id == id)) is not None

    def _where(self, *conditions: sa.ColumnElement[bool]) -> list[IdentityLink]:
        return [_link(row) for row in self._sql.rows(_ALL.where(*conditions))]


def _row(link: IdentityLink) -> dict[str, Any]:
    sealed = link.sealed_value
    names = ("id", "organisation", "system", "value", "client", "state", "suspect", "why")
    return {
        **{name: getattr(link, name) for name in names},
        "nonce": sealed.nonce if sealed else None,
        "ciphertext": sealed.ciphertext if sealed else None,
        "wraps": sealed.wraps if sealed else None,
    }


def _link(row: Row[Any]) -> IdentityLink:
    sealed = None
    if row.nonce is not None:
        sealed = SealedContent(bytes(row.nonce), bytes(row.ciphertext), row.wraps)
    return IdentityLink(
        id=row.id,
        organisation=row.organisation,
        system=row.system,
        value=row.value,
        client=row.client,
        state=row.state,
        suspect=row.suspect,
        sealed_value=sealed,
        why=row.why,
    )
