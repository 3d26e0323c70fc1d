"""Whatever can be said within the OpenAPI, and a little beyond it, finds no defect: schemathesis against a live hub.

A few examples of each route here; `make test-slow` tries many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.service import Service, serving
from tests.exchange.world import House

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def bounded(examples: int) -> settings:
    """So many examples, the same in every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def own(one_house: House) -> Iterator[Service]:
    """A hub of its own: much of what is tried here is written down."""
    one_house.intake()
    with serving(one_house) as service:
        yield service


@pytest.fixture(scope="module")
def operations(own: Service) -> list[Any]:
    """Every operation of the live hub's OpenAPI, as schemathesis reads it."""
    schema = schemathesis.openapi.from_dict(own.http.get("/openapi.json").json())
    schema.config.update(base_url=str(own.http.base_url).rstrip("/"))
    found = [operation.ok() for operation in schema.get_all_operations()]
    assert len(found) > 30
    return found


def tried(operation: Any, service: Service, examples: int) -> None:
    """Ask for one operation again and again, with a good token; a defect fails with what was asked."""

    @bounded(examples)
    @given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        case.headers = {**(case.headers or {}), **service.headers("municipality")}
        answer = case.call(timeout=30)
        said = answer.content.decode("utf-8", "replace")
        assert answer.status_code < 500, f"{answer.status_code} {said[:500]}\n{case.as_curl_command()[:2000]}"
        assert "Traceback" not in said

    asked()


def test_no_request_finds_a_defect(own: Service, operations: list[Any]) -> None:
    for operation in operations:
        tried(operation, own, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_request_of_many_finds_a_defect(own: Service, operations: list[Any]) -> None:
    for operation in operations:
        tried(operation, own, 100)


@pytest.mark.parametrize("examples", [30, pytest.param(2_000, marks=pytest.mark.slow)])
def test_no_path_at_all_finds_a_defect(own: Service, examples: int) -> None:
    headers = own.headers("municipality")

    @bounded(examples)
    @given(method=st.sampled_from(METHODS), path=st.text(max_size=60), query=st.text(max_size=60), body=st.binary())
    def asked(method: str, path: str, query: str, body: bytes) -> None:
        url = f"/fhir/{quote(path)}?{quote(query, safe='=&:')}"
        answer = own.http.request(method, url, content=body, headers=headers)
        assert answer.status_code < 500, answer.text

    asked()
