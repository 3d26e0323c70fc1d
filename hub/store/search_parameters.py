"""Search parameters that this hub adds to the official ones (https://hl7.org/fhir/R4/searchparameter.html)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import VersionConflict
from hub.store.engine import Sql
from hub.store.jobs_model import StoredParameter
from hub.store.jobs_schema import search_parameter
from hub.store.prepared import Prepared
from hub.store.schema import record_index

_p, _i = search_parameter.c, record_index.c
_ALL: Final = sa.select(search_parameter).order_by(_p.url)
_EVERY: Final = Prepared(_ALL)


class SearchParameters:
    """The hub's own search parameters, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, parameter: StoredParameter) -> None:
        """Add one, or replace the one of the same URL; VersionConflict where another has its name."""
        same = sa.and_(_p.code == parameter.code, _p.url != parameter.url)
        if self._sql.row(_ALL.where(same)) is not None:
            raise VersionConflict("another search parameter of this hub has this name", place="SearchParameter.code")
        row = {"url": parameter.url, "code": parameter.code, "resource": parameter.resource}
        self._sql.put(search_parameter, row, by="url")

    def remove(self, url: str) -> StoredParameter | None:
        """Take one away, and the rows that records have for it; None where there is none."""
        known = self._sql.row(_ALL.where(_p.url == url))
        if known is None:
            return None
        self._sql.run(sa.delete(search_parameter).where(_p.url == url))
        beside = (_i.param.startswith(f"{known.code}{mark}", autoescape=True) for mark in ":$")
        self._sql.run(sa.delete(record_index).where(sa.or_(_i.param == known.code, *beside)))
        return _parameter(known)

    def all(self) -> list[StoredParameter]:
        """Every one, by URL."""
        return [_parameter(row) for row in self._sql.rows(_EVERY)]


def _parameter(row: Row[Any]) -> StoredParameter:
    return StoredParameter(row.url, row.code, row.resource)
