"""`column IN (texts)` with the texts as one value, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from hub.store.among import among
from hub.store.prepared import Names


def one_of(column: Any, texts: Sequence[str]) -> ColumnElement[bool]:
    """Whether the column is one of the texts."""
    slot = hasattr(texts, "__clause_element__")
    return among(column, texts if slot else sa.bindparam("texts", texts, type_=Names(), unique=True))
