"""What the database refuses, by what may be done about it: wait and try again, or mend the hub."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from hub.errors import IntegrityFailure
from hub.store.engine import open_engines, transaction


def test_a_statement_that_the_database_cannot_do_is_a_defect_and_no_reason_to_wait(empty_database_url: str) -> None:
    engines = open_engines(empty_database_url, pool=1)
    nested = "SELECT " + "(" * 100_000 + "1" + ")" * 100_000
    with pytest.raises(IntegrityFailure), transaction(engines.reader, writing=False) as sql:
        sql.rows(sa.text(nested))
    engines.close()
