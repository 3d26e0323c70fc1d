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
from hub.store.engine import Sql
from hub.store.model import Head, IndexRow, RecordDraft, SealedRecord, Standing, StoredFacet, StoredLabels, StoredPart
from hub.store.prepared import Prepared, named
from hub.store.rows import head_row, index_rows, label_row, own_row, part_rows, record_of, records_of, version_row
from hub.store.schema import (
    POINTING,
    VALUED,
    record,
    record_client,
    record_index,
    record_part,
    record_part_above,
    record_version,
    source_key,
)
from hub.store.ways import renew_ways

_CHUNK: Final = 500

_r, _v, _i, _s = record.c, record_version.c, record_index.c, source_key.c
VERSION_COLUMNS: Final = (
    _r.reference,
    _r.type,
    *(_v[name] for name in ("version", "at", "nonce", "ciphertext", "wraps", "digest", "clients", "labels")),
    *(_v[name] for name in ("contributor", "source", "deleted", "author")),
)
"""What a SealedRecord is made of."""

_VERSION: Final = sa.select(*VERSION_COLUMNS).select_from(record.join(record_version, _v.record == _r.key))
_CURRENT: Final = _VERSION.where(_v.version == _r.version)
_STANDING: Final = (
    sa.select(*(_v[name] for name in ("version", "nonce", "clients", "labels", "contributor", "author")), _r.reference)
    .select_from(record.join(record_version, sa.and_(_v.record == _r.key, _v.version == _r.version)))
    .where(_r.deleted == sa.false())
    .order_by(_r.key)
)
_LIVE: Final = _CURRENT.where(_r.deleted == sa.false()).order_by(_r.key)
_READ: Final = Prepared(_CURRENT.where(_r.reference == sa.bindparam("reference")))
_EVERY: Final = _VERSION.where(_r.reference == sa.bindparam("reference")).order_by(_v.version.desc())
_HISTORY: Final = Prepared(_EVERY)
_VREAD: Final = Prepared(_EVERY.where(_v.version == sa.bindparam("version")))
_MANY: Final = Prepared(_LIVE.where(named(_r.reference, "references")))
_TOP: Final = sa.select(_r.version, _r.digest, _r.deleted, _r.clients, _r.contributor).where(
    _r.reference == sa.bindparam("reference")
)
_HEAD: Final = Prepared(_TOP)
_LOCKED_HEAD: Final = Prepared(_TOP.with_for_update())
_STAYS: Final = ("key", "reference", "first_at")
_HEAD_COLUMNS: Final = tuple(column.name for column in _r if column.name not in _STAYS)
_NEXT: Final = Prepared(
    sa.update(record)
    .where(_r.reference == sa.bindparam("of"), _r.version == sa.bindparam("before"))
    .values({name: sa.bindparam(name) for name in _HEAD_COLUMNS})
    .returning(_r.key)
)
_HEAD_IN: Final = sa.insert(record).returning(_r.key, sort_by_parameter_order=True)
_VERSION_IN: Final = Prepared(sa.insert(record_version))
_INDEX_IN: Final = Prepared(sa.insert(record_index))
_CLIENT_IN: Final = Prepared(sa.insert(record_client))
_PART_IN: Final = Prepared(sa.insert(record_part))
_ABOVE_IN: Final = Prepared(sa.insert(record_part_above))
_INDEX_OUT: Final = tuple(
    Prepared(sa.delete(table).where(table.c.record == sa.bindparam("of")))
    for table in (record_index, record_part, record_part_above)
)
_CLIENT_OUT: Final = Prepared(sa.delete(record_client).where(record_client.c.record == sa.bindparam("of")))
_THEIRS: Final = _r.key.in_(sa.select(record_client.c.record).where(record_client.c.client == sa.bindparam("client")))
_OF_CLIENT: Final = Prepared(_LIVE.where(_THEIRS))
_OF_CLIENT_IN: Final = Prepared(_LIVE.where(_THEIRS, named(_r.type, "types")))
_STANDING_AROUND: Final = Prepared(
    _STANDING.where(
        _r.key.in_(sa.select(record_client.c.record).where(named(record_client.c.client, "clients"))),
        named(_r.type, "types"),
    )
)
_STANDING_OF: Final = Prepared(_STANDING.where(named(_r.reference, "references")))
_VALUE: Final = sa.select(_i.record).where(
    _i.type == sa.bindparam("type"), _i.param == sa.bindparam("param"), _i.value == sa.bindparam("value"), VALUED
)
_FIND: Final = Prepared(_LIVE.where(_r.key.in_(_VALUE)))
_FIND_IN: Final = Prepared(_LIVE.where(_r.key.in_(_VALUE.where(_i.system == sa.bindparam("system")))))
_POINTING: Final = sa.select(_i.record).where(_i.target == sa.bindparam("target"), _i.kind == "reference", POINTING)
_REFERRING: Final = Prepared(
    sa.select(_r.reference).where(_r.key.in_(_POINTING), _r.deleted == sa.false()).order_by(_r.key)
)
_SOURCE: Final = Prepared(
    sa.select(_s.reference).where(
        _s.organisation == sa.bindparam("organisation"), _s.key_hash == sa.bindparam("key_hash")
    )
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
        row = head_row(draft)
        if draft.version == 1:
            key = self._sql.insert_new(record, {"reference": reference, "first_at": draft.at, **row})
        else:
            key = self._sql.value(_NEXT, {"of": reference, "before": draft.version - 1, **row})
        if key is None:
            raise VersionConflict(f"version {draft.version} does not follow the current one", place=reference)
        self._sql.run(_VERSION_IN, version_row(draft, key))
        if draft.version > 1:
            self._forget(key)
            self._sql.run(_CLIENT_OUT, {"of": key})
        if draft.clients:
            clients = dict.fromkeys(draft.clients)
            self._sql.run(_CLIENT_IN, [{"record": key, "client": client} for client in clients])
        self._take_in(key, reference, draft.parts, draft.index)
        renew_ways(self._sql, (reference,))

    def append_new(self, drafts: Sequence[RecordDraft]) -> None:
        """Add many records that are new, a few statements for all; VersionConflict where one of them is not."""
        if not drafts:
            return
        heads = [
            {"reference": f"{one.type}/{one.id}", "first_at": one.at, **head_row(one)}
            for one in drafts
            if one.version == 1
        ]
        if len(heads) < len(drafts):
            raise VersionConflict("a new record begins with version 1")
        keys = [row.key for row in self._sql.rows_in(_HEAD_IN, heads)]
        each = list(zip(keys, drafts, strict=True))
        parts = [part_rows(key, one.parts) for key, one in each]
        for statement, rows in (
            (_VERSION_IN, [version_row(one, key) for key, one in each]),
            (_CLIENT_IN, [{"record": key, "client": who} for key, one in each for who in dict.fromkeys(one.clients)]),
            (_PART_IN, [row for own, _ in parts for row in own]),
            (_ABOVE_IN, [row for _, above in parts for row in above]),
            (_INDEX_IN, [row for key, one in each for row in index_rows(key, f"{one.type}/{one.id}", one.index)]),
        ):
            if rows:
                self._sql.run(statement, rows)
        for chunk in _chunks([f"{one.type}/{one.id}" for one in drafts]):
            renew_ways(self._sql, chunk)

    def reindex(
        self,
        reference: str,
        own: StoredFacet | None,
        parts: Sequence[StoredPart],
        index: Collection[IndexRow],
        *,
        version: int,
        labels: StoredLabels,
        container: bool = False,
    ) -> None:
        """Replace what is known beside the current version, which stays; VersionConflict where it is another."""
        beside = {**own_row(own, labels), "container": container, **label_row(labels)}
        this = sa.and_(_r.reference == reference, _r.version == version, _r.deleted == sa.false())
        key = self._sql.value(sa.update(record).where(this).values(beside).returning(_r.key))
        if key is None:
            raise VersionConflict("the record was changed in the meantime", place=reference)
        current = sa.and_(_v.record == key, _v.version == version)
        self._sql.run(sa.update(record_version).where(current).values(labels=labels, **own_row(own, labels)))
        self._forget(key)
        self._take_in(key, reference, parts, index)
        renew_ways(self._sql, (reference,))

    def read(self, type: str, id: str) -> SealedRecord | None:
        """The current version, also where it is a tombstone."""
        return _maybe(self._sql.row(_READ, {"reference": f"{type}/{id}"}))

    def vread(self, type: str, id: str, version: int) -> SealedRecord | None:
        """One version."""
        return _maybe(self._sql.row(_VREAD, {"reference": f"{type}/{id}", "version": version}))

    def history(self, type: str, id: str) -> list[SealedRecord]:
        """Every version, the newest first."""
        return records_of(self._sql.rows(_HISTORY, {"reference": f"{type}/{id}"}))

    def of_client(self, client: str, types: Collection[str] | None = None) -> list[SealedRecord]:
        """What is about this client now, in the order in which it first came; no tombstones."""
        if types is None:
            return records_of(self._sql.rows(_OF_CLIENT, {"client": client}))
        return records_of(self._sql.rows(_OF_CLIENT_IN, {"client": client, "types": types}))

    def about(self, client: str) -> list[str]:
        """References of the records that are about this client now; no tombstones."""
        theirs = sa.select(record_client.c.record).where(record_client.c.client == client)
        live = sa.select(_r.reference).where(_r.key.in_(theirs), _r.deleted == sa.false()).order_by(_r.key)
        return [row.reference for row in self._sql.rows(live)]

    def many(self, references: Collection[str]) -> list[SealedRecord]:
        """The current versions of these, in the order asked for; what is absent or deleted is left out."""
        found = {one.reference: one for one in records_of(self._sql.rows(_MANY, {"references": set(references)}))}
        return [found[reference] for reference in dict.fromkeys(references) if reference in found]

    def standing(self, references: Collection[str]) -> list[Standing]:
        """The same without their content, in the order in which they came."""
        rows = self._sql.rows(_STANDING_OF, {"references": set(references)}) if references else ()
        return [_standing(row) for row in rows]

    def standing_around(self, clients: Collection[str], types: Collection[str]) -> list[Standing]:
        """What of these types is about any of these clients now, without its content; no tombstones."""
        rows = self._sql.rows(_STANDING_AROUND, {"clients": set(clients), "types": types}) if clients else ()
        return [_standing(row) for row in rows]

    def of_types(self, types: Collection[str]) -> list[SealedRecord]:
        """The directory: records of these types that are about no client; no tombstones."""
        nobody = ~sa.exists().where(record_client.c.record == _r.key)
        return records_of(self._sql.rows(_LIVE.where(_r.type.in_(sorted(types)), nobody)))

    def find(self, type: str, param: str, value: str, system: str = "") -> list[SealedRecord]:
        """Records with this value of a search parameter; without `system`, of any system."""
        asked = {"type": type, "param": param, "value": value}
        found = self._sql.rows(_FIND_IN, {**asked, "system": system}) if system else self._sql.rows(_FIND, asked)
        return records_of(found)

    def referring(self, reference: str) -> list[str]:
        """References of the records whose reference index rows name this one; no tombstones."""
        return [row.reference for row in self._sql.rows(_REFERRING, {"target": reference})]

    def source_key(self, organisation: str, key_hash: str) -> str | None:
        """The record that an organisation's own key stands for."""
        found: str | None = self._sql.value(_SOURCE, {"organisation": organisation, "key_hash": key_hash})
        return found

    def bind_source(self, organisation: str, key_hash: str, reference: str) -> None:
        """Let an organisation's own key stand for a record: once, for good."""
        row = {"organisation": organisation, "key_hash": key_hash, "reference": reference}
        if self._sql.insert_new(source_key, row) is None:
            raise VersionConflict("the source key already stands for a record", place=reference)

    def _forget(self, key: int) -> None:
        for statement in _INDEX_OUT:
            self._sql.run(statement, {"of": key})

    def _take_in(self, key: int, reference: str, parts: Sequence[StoredPart], index: Collection[IndexRow]) -> None:
        own, above = part_rows(key, parts)
        for statement, rows in ((_PART_IN, own), (_ABOVE_IN, above), (_INDEX_IN, index_rows(key, reference, index))):
            if rows:
                self._sql.run(statement, rows)


def _standing(row: Row[Any]) -> Standing:
    return Standing(row.reference, row.version, bytes(row.nonce), row.clients, row.labels, row.contributor, row.author)


def _maybe(row: Row[Any] | None) -> SealedRecord | None:
    return record_of(row) if row else None


def _chunks(references: Collection[str]) -> Iterator[list[str]]:
    each = iter(dict.fromkeys(references))
    while chunk := list(islice(each, _CHUNK)):
        yield chunk
