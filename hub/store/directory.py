"""Connected organisations, wrapped keys, the hub's own settings, and the tokens that were used up.

Secrets and client keys are stored wrapped; a client key is written once, since what was sealed under a key
that is overwritten is lost (docs/guarantees.md, "erasure by crypto-shredding").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import NotFound, VersionConflict
from hub.store.engine import Sql
from hub.store.kept import Kept
from hub.store.model import OrganisationEntry, SealedContent
from hub.store.prepared import Prepared, named
from hub.store.schema import client_key, meta, organisation, used_token

_Entries = list[OrganisationEntry]

_ENTRY: Final = Prepared(sa.select(organisation).where(organisation.c.id == sa.bindparam("id")))
_TURN: Final = "organisations"
"""The setting that names the present state of the directory: another one after every change, never the same again."""
_TURNED: Final = sa.select(meta.c.value).where(meta.c.name == _TURN).scalar_subquery().label("turn")
_ENTRIES: Final = Prepared(sa.select(*organisation.c, _TURNED).order_by(organisation.c.id))
_KEYS: Final = Prepared(sa.select(client_key).where(named(client_key.c.client, "clients")))
_META: Final = Prepared(sa.select(meta.c.value).where(meta.c.name == sa.bindparam("name")))


class Organisations:
    """The connected organisations, as one transaction sees them. Every state of them is read once."""

    def __init__(self, sql: Sql, kept: Kept[_Entries]) -> None:
        self._sql = sql
        self._kept = kept

    def put(self, entry: OrganisationEntry) -> None:
        """Connect an organisation, or replace its entry."""
        secrets = entry.secrets
        row = {
            **{name: getattr(entry, name) for name in ("id", "resource", "configuration", "active")},
            "nonce": secrets.nonce if secrets else None,
            "ciphertext": secrets.ciphertext if secrets else None,
            "wraps": secrets.wraps if secrets else None,
        }
        self._sql.put(organisation, row, by="id")
        self._turn()

    def read(self, id: str) -> OrganisationEntry | None:
        """One entry, disabled ones included."""
        row = self._sql.row(_ENTRY, {"id": id})
        return _entry(row) if row else None

    def list(self) -> _Entries:
        """Every entry by id, disabled ones included."""
        return list(self.standing()[1])

    def standing(self) -> tuple[str, Sequence[OrganisationEntry]]:
        """The same, with the name of this state of the directory; empty where it has none."""
        turn = self._sql.value(_META, {"name": _TURN})
        known = self._kept.get(turn) if turn else None
        if known is not None:
            return turn, known
        rows = self._sql.rows(_ENTRIES)
        entries = [_entry(row) for row in rows]
        turn = rows[0].turn if rows else None
        return turn or "", self._kept.put(turn, entries) if turn else entries

    def disable(self, id: str) -> None:
        """Stop exchanging with an organisation; its entry stays."""
        if not self._sql.run(sa.update(organisation).where(organisation.c.id == id).values(active=False)):
            raise NotFound("there is no such organisation")
        self._turn()

    def _turn(self) -> None:
        """Name the state that this change makes: anew each time, so also after a change that is rolled back."""
        self._sql.put(meta, {"name": _TURN, "value": uuid4().hex}, by="name")


class Keys:
    """Wrapped client keys and the hub's own settings, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._known: dict[str, bytes] = {}

    def client_key(self, client: str) -> bytes | None:
        """A client's key, wrapped."""
        return self.client_keys((client,)).get(client)

    def client_keys(self, clients: Collection[str]) -> Mapping[str, bytes]:
        """The wrapped keys of these clients; those without one are left out."""
        missing = set(clients) - self._known.keys()
        if missing:
            self._known |= {row.client: bytes(row.wrapped) for row in self._sql.rows(_KEYS, {"clients": missing})}
        return {client: self._known[client] for client in clients if client in self._known}

    def put_client_key(self, client: str, wrapped: bytes) -> None:
        """Give a client a key; VersionConflict where the client has another one."""
        if self._sql.insert_new(client_key, {"client": client, "wrapped": wrapped}) is not None:
            return
        if self.client_key(client) != wrapped:
            raise VersionConflict("the client has a key already")

    def meta(self, name: str) -> str | None:
        """One of the hub's own settings."""
        found: str | None = self._sql.value(_META, {"name": name})
        return found

    def set_meta(self, name: str, value: str) -> None:
        """Set one of the hub's own settings."""
        self._sql.put(meta, {"name": name, "value": value}, by="name")


class Tokens:
    """Which tokens were used up, as one transaction sees it."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def once(self, jti: str, organisation: str, until: datetime) -> bool:
        """Use up a token id of an organisation: True the first time, False on a replay."""
        row = {"organisation": organisation, "jti": jti, "until": until}
        return self._sql.insert_new(used_token, row) is not None

    def purge(self, now: datetime) -> int:
        """Forget the ids of tokens that have expired; how many."""
        return self._sql.run(sa.delete(used_token).where(used_token.c.until < now))


def _entry(row: Row[Any]) -> OrganisationEntry:
    secrets = None
    if row.nonce is not None:
        secrets = SealedContent(bytes(row.nonce), bytes(row.ciphertext), row.wraps)
    return OrganisationEntry(
        id=row.id,
        resource=row.resource,
        configuration=row.configuration,
        secrets=secrets,
        active=row.active,
    )
