"""Records: every version of every resource, sealed; the current one with its labels, clients and index rows.

A version is assigned under the row's lock, and the index refuses a second of the same number, so parallel
updates give each version once and in order. Rule: docs/guarantees.md, "lost update impossible".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import VersionConflict
from hub.store import masks
from hub.store.engine import Sql
from hub.store.model import Head, RecordDraft, SealedContent, SealedRecord
from hub.store.schema import record, record_client, record_index, record_version, source_key

_CHUNK: Final = 500

_r, _v, _i, _s = record.c, record_version.c, record_index.c, source_key.c
_VERSION: Final = sa.select(
    _r.reference,
    _r.type,
    *(_v[name] for name in ("version", "at", "nonce", "ciphertext", "wraps", "digest", "clients", "labels")),
    *(_v[name] for name in ("contributor", "source", "deleted", "author")),
).select_from(record.join(record_version, _v.record == _r.key))
_CURRENT: Final = _VERSION.where(_v.version == _r.version)
_LIVE: Final = _CURRENT.where(_r.deleted == sa.false()).order_by(_r.key)
_READ: Final = _CURRENT.where(_r.reference == sa.bindparam("reference"))
_HISTORY: Final = _VERSION.where(_r.reference == sa.bindparam("reference")).order_by(_v.version.desc())
_VREAD: Final = _HISTORY.where(_v.version == sa.bindparam("version"))
_HEAD: Final = sa.select(_r.version, _r.digest, _r.deleted, _r.clients, _r.contributor).where(
    _r.reference == sa.bindparam("reference")
)
_LOCKED_HEAD: Final = _HEAD.with_for_update()
_HEAD_COLUMNS: Final = tuple(column.name for column in _r if column.name not in ("key", "reference"))
_NEXT: Final = (
    sa.update(record)
    .where(_r.reference == sa.bindparam("of"), _r.version == sa.bindparam("before"))
    .values({name: sa.bindparam(name) for name in _HEAD_COLUMNS})
    .returning(_r.key)
)
_VERSION_IN: Final = sa.insert(record_version)
_INDEX_IN: Final = sa.insert(record_index)
_CLIENT_IN: Final = sa.insert(record_client)
_INDEX_OUT: Final = sa.delete(record_index).where(_i.record == sa.bindparam("of"))
_CLIENT_OUT: Final = sa.delete(record_client).where(record_client.c.record == sa.bindparam("of"))
_OF_CLIENT: Final = _LIVE.where(
    _r.key.in_(sa.select(record_client.c.record).where(record_client.c.client == sa.bindparam("client")))
)
_SOURCE: Final = sa.select(_s.reference).where(
    _s.organisation == sa.bindparam("organisation"), _s.key_hash == sa.bindparam("key_hash")
)


class Records:
    """The records, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def lock(self, type: str, id: str) -> Head | None:
        """The current version, held until the end of the transaction; None where there is no record yet."""
        found = self._sql.row(_LOCKED_HEAD if self._sql.writing else _HEAD, {"reference": f"{type}/{id}"})
        if found is None:
            return None
        return Head(found.version, found.digest, found.deleted, found.clients, found.contributor)

    def append(self, draft: RecordDraft) -> None:
        """Add a version, the head's plus one; its index and client rows replace the old ones."""
        reference = f"{draft.type}/{draft.id}"
        row = _head_row(draft)
        if draft.version == 1:
            key = self._sql.insert_new(record, {"reference": reference, **row})
        else:
            key = self._sql.value(_NEXT, {"of": reference, "before": draft.version - 1, **row})
        if key is None:
            raise VersionConflict(f"version {draft.version} does not follow the current one", place=reference)
        self._sql.run(_VERSION_IN, _version_row(draft, key))
        if draft.version > 1:
            self._sql.run(_INDEX_OUT, {"of": key})
            self._sql.run(_CLIENT_OUT, {"of": key})
        if draft.clients:
            clients = dict.fromkeys(draft.clients)
            self._sql.run(_CLIENT_IN, [{"record": key, "client": client} for client in clients])
        if draft.index:
            self._sql.run(_INDEX_IN, _index_rows(draft, key))

    def read(self, type: str, id: str) -> SealedRecord | None:
        """The current version, also where it is a tombstone."""
        return _maybe(self._sql.row(_READ, {"reference": f"{type}/{id}"}))

    def vread(self, type: str, id: str, version: int) -> SealedRecord | None:
        """One version."""
        return _maybe(self._sql.row(_VREAD, {"reference": f"{type}/{id}", "version": version}))

    def history(self, type: str, id: str) -> list[SealedRecord]:
        """Every version, the newest first."""
        return _records(self._sql.rows(_HISTORY, {"reference": f"{type}/{id}"}))

    def of_client(self, client: str, types: Collection[str] | None = None) -> list[SealedRecord]:
        """What is about this client now, in the order in which it first came; no tombstones."""
        statement = _OF_CLIENT if types is None else _OF_CLIENT.where(_r.type.in_(sorted(types)))
        return _records(self._sql.rows(statement, {"client": client}))

    def many(self, references: Collection[str]) -> list[SealedRecord]:
        """The current versions of these, in the order asked for; what is absent or deleted is left out."""
        found: dict[str, SealedRecord] = {}
        for chunk in _chunks(references):
            for one in _records(self._sql.rows(_LIVE.where(_r.reference.in_(chunk)))):
                found[one.reference] = one
        return [found[reference] for reference in dict.fromkeys(references) if reference in found]

    def of_types(self, types: Collection[str]) -> list[SealedRecord]:
        """The directory: records of these types that are about no client; no tombstones."""
        nobody = ~sa.exists().where(record_client.c.record == _r.key)
        return _records(self._sql.rows(_LIVE.where(_r.type.in_(sorted(types)), nobody)))

    def find(self, type: str, param: str, value: str, system: str = "") -> list[SealedRecord]:
        """Records with this value of a search parameter; without `system`, of any system."""
        hits = sa.select(_i.record).where(_i.type == type, _i.param == param, _i.value == value)
        if system:
            hits = hits.where(_i.system == system)
        return _records(self._sql.rows(_LIVE.where(_r.key.in_(hits))))

    def referring(self, reference: str) -> list[str]:
        """References of the records whose reference index rows name this one; no tombstones."""
        hits = sa.select(_i.record).where(_i.kind == "reference", _i.value == reference)
        live = sa.select(_r.reference).where(_r.key.in_(hits), _r.deleted == sa.false()).order_by(_r.key)
        return [row.reference for row in self._sql.rows(live)]

    def source_key(self, organisation: str, key_hash: str) -> str | None:
        """The record that an organisation's own key stands for."""
        found: str | None = self._sql.value(_SOURCE, {"organisation": organisation, "key_hash": key_hash})
        return found

    def bind_source(self, organisation: str, key_hash: str, reference: str) -> None:
        """Let an organisation's own key stand for a record: once, for good."""
        row = {"organisation": organisation, "key_hash": key_hash, "reference": reference}
        if self._sql.insert_new(source_key, row) is None:
            raise VersionConflict("the source key already stands for a record", place=reference)


def _head_row(draft: RecordDraft) -> dict[str, Any]:
    labels = draft.labels
    return {
        "type": draft.type,
        "version": draft.version,
        "at": draft.at,
        "digest": draft.digest,
        "deleted": draft.deleted,
        "contributor": draft.contributor,
        "client": draft.clients[0] if len(draft.clients) == 1 else None,
        "clients": draft.clients,
        "confidentiality": masks.rank(labels.confidentiality),
        "sensitivity_mask": masks.sensitivity_mask(labels.sensitivity),
        "area_mask": masks.area_mask(labels.areas),
        "sensitivity": labels.sensitivity,
        "areas": labels.areas,
    }


def _version_row(draft: RecordDraft, key: int) -> dict[str, Any]:
    return {
        "record": key,
        **{name: getattr(draft, name) for name in ("version", "at", "digest", "deleted", "contributor")},
        **{name: getattr(draft, name) for name in ("source", "author", "clients", "labels")},
        "nonce": draft.content.nonce,
        "ciphertext": draft.content.ciphertext,
        "wraps": draft.content.wraps,
    }


def _index_rows(draft: RecordDraft, key: int) -> list[dict[str, Any]]:
    names = ("param", "kind", "system", "value", "start", "end")
    own = {"record": key, "type": draft.type}
    return [{**own, **{name: getattr(row, name) for name in names}} for row in draft.index]


def _record(row: Row[Any]) -> SealedRecord:
    content = SealedContent(bytes(row.nonce), bytes(row.ciphertext), row.wraps)
    return SealedRecord(
        type=row.type,
        id=row.reference.partition("/")[2],
        version=row.version,
        at=row.at,
        content=content,
        digest=row.digest,
        clients=row.clients,
        labels=row.labels,
        contributor=row.contributor,
        source=row.source,
        deleted=row.deleted,
        author=row.author,
    )


def _maybe(row: Row[Any] | None) -> SealedRecord | None:
    return _record(row) if row else None


def _records(rows: Sequence[Row[Any]]) -> list[SealedRecord]:
    return [_record(row) for row in rows]


def _chunks(references: Collection[str]) -> Iterator[list[str]]:
    each = iter(dict.fromkeys(references))
    while chunk := list(islice(each, _CHUNK)):
        yield chunk
