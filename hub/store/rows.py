"""How a record becomes rows, and a row a record again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from hub.store import masks
from hub.store.model import (
    IndexRow,
    RecordDraft,
    SealedContent,
    SealedRecord,
    StoredFacet,
    StoredLabels,
    StoredPart,
    own_words_of,
)

_INDEX: Final = ("param", "kind", "system", "value", "start", "end")
_SIGHT: Final = ("low", "high", "part", "target", "element", "prose", "tie")
_COPIED: Final = ("version", "at", "digest", "deleted", "contributor", "author", "clients")


def head_row(draft: RecordDraft) -> dict[str, Any]:
    """What stands beside the current version, for SQL to compare."""
    return {
        "type": draft.type,
        **{name: getattr(draft, name) for name in _COPIED},
        "owner": own_words_of(draft),
        "client": draft.clients[0] if len(draft.clients) == 1 else None,
        "client_count": len(draft.clients),
        "container": draft.container,
        **label_row(draft.labels),
        **own_row(draft.own, draft.labels),
    }


def label_row(labels: StoredLabels) -> dict[str, Any]:
    """The labels of the whole record."""
    return {
        "confidentiality": masks.rank(labels.confidentiality),
        "sensitivity_mask": masks.sensitivity_mask(labels.sensitivity),
        "area_mask": masks.area_mask(labels.areas),
        "sensitivity": labels.sensitivity,
        "areas": labels.areas,
    }


def own_row(own: StoredFacet | None, labels: StoredLabels) -> dict[str, Any]:
    """The labels beyond those of the parts; where nobody took them apart, all of them."""
    facet = own or StoredFacet(
        masks.rank(labels.confidentiality),
        masks.sensitivity_mask(labels.sensitivity),
        masks.area_mask(labels.areas),
    )
    return {
        "own_confidentiality": facet.confidentiality,
        "own_sensitivity": facet.sensitivity,
        "own_areas": facet.areas,
    }


def version_row(draft: RecordDraft, key: int) -> dict[str, Any]:
    """One version, sealed."""
    return {
        "record": key,
        **{name: getattr(draft, name) for name in _COPIED},
        "source": draft.source,
        "labels": draft.labels,
        "nonce": draft.content.nonce,
        "ciphertext": draft.content.ciphertext,
        "wraps": draft.content.wraps,
        **own_row(draft.own, draft.labels),
    }


def index_rows(key: int, reference: str, index: Iterable[IndexRow]) -> list[dict[str, Any]]:
    """The search values; a reference points to what it names."""
    type, _, id = reference.partition("/")
    own = {"record": key, "type": type, "id": id}
    rows = [{**own, **{name: getattr(row, name) for name in (*_INDEX, *_SIGHT)}} for row in index]
    for row in rows:
        if row["kind"] == "reference" and not row["target"]:
            row["target"] = row["value"]
    return rows


def part_rows(key: int, parts: Sequence[StoredPart]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The parts, and what each is within."""
    own = [
        {
            "record": key,
            "no": part.no,
            "refers_to": part.refers_to,
            "confidentiality": part.facet.confidentiality,
            "sensitivity": part.facet.sensitivity,
            "areas": part.facet.areas,
            "type": part.type,
        }
        for part in parts
    ]
    return own, [{"record": key, "no": part.no, "above": above} for part in parts for above in part.above]


def record_of(row: Row[Any]) -> SealedRecord:
    """One version of a record, as the store hands it out."""
    return SealedRecord(
        type=row.type,
        id=row.reference.partition("/")[2],
        version=row.version,
        at=row.at,
        content=SealedContent(bytes(row.nonce), bytes(row.ciphertext), row.wraps),
        digest=row.digest,
        clients=row.clients,
        labels=row.labels,
        contributor=row.contributor,
        source=row.source,
        deleted=row.deleted,
        author=row.author,
    )


def records_of(rows: Sequence[Row[Any]]) -> list[SealedRecord]:
    """Every one."""
    return [record_of(row) for row in rows]
