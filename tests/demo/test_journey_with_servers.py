"""The same journey on PostgreSQL and RabbitMQ: the same code, the same checks, two addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.demo.playing import SERVICES_REQUIRED, demo

BROKER = os.environ.get("HUB_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of this test's own."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def broker() -> str:
    """A RabbitMQ that answers."""
    host, _, port = BROKER.split("@")[-1].strip("/").partition(":")
    with socket.socket() as probe:
        probe.settimeout(2)
        answers = probe.connect_ex((host, int(port or 5672))) == 0
    if not answers and SERVICES_REQUIRED:
        pytest.fail("a RabbitMQ is required, and none answers", pytrace=False)
    if not answers:
        pytest.skip("no RabbitMQ answers: the journey over RabbitMQ did not run")
    return BROKER


@pytest.mark.postgresql
def test_the_journey_holds_on_postgresql(tmp_path: Path, database: str) -> None:
    printed = demo(tmp_path / "received", environment={"HUB_DATABASE_URL": database})
    assert (printed.broken, printed.code) == ([], 0), printed.said


@pytest.mark.postgresql
@pytest.mark.rabbitmq
def test_the_journey_holds_on_postgresql_and_rabbitmq(tmp_path: Path, database: str, broker: str) -> None:
    printed = demo(tmp_path / "received", environment={"HUB_DATABASE_URL": database, "HUB_BROKER_URL": broker})
    assert (printed.broken, printed.code) == ([], 0), printed.said
