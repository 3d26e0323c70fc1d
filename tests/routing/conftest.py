"""Both bells for the tests of routing: the one in the process, and a real RabbitMQ.

The broker is the one that HUB_TEST_BROKER_URL names, else the one that answers on this machine. With
CASEHUB_REQUIRE_SERVICES=1 it must answer; without it the tests that need it say that they did not run.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from hub.routing.bell import Bell, open_bell
from hub.routing.rabbit import BROKEN, RabbitBell, connection

LOCAL_BROKER = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture(scope="session")
def broker_url() -> str:
    """A RabbitMQ that answers."""
    url = os.environ.get("HUB_TEST_BROKER_URL", LOCAL_BROKER)
    try:
        connection(url, heartbeat=0).release()
    except BROKEN:
        if "HUB_TEST_BROKER_URL" in os.environ or os.environ.get("CASEHUB_REQUIRE_SERVICES") == "1":
            pytest.fail("a RabbitMQ is required, and none answers", pytrace=False)
        pytest.skip("no RabbitMQ answers, so the tests on RabbitMQ did not run")
    return url


@pytest.fixture
def queue_name(broker_url: str) -> Iterator[str]:
    """A name that no other queue has; what was declared under it is gone afterwards."""
    name = f"casehub-test-{uuid.uuid4().hex}"
    yield name
    cleaner = RabbitBell(broker_url, name=name, delivery_limit=20)
    cleaner.remove()


@pytest.fixture(params=["memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def bell(request: pytest.FixtureRequest) -> Iterator[Bell]:
    """The test runs once on each bell."""
    if request.param == "memory":
        opened = open_bell("memory://")
    else:
        name = request.getfixturevalue("queue_name")
        opened = open_bell(request.getfixturevalue("broker_url"), name=name)
    yield opened
    opened.close()


@pytest.fixture
def rabbit(broker_url: str, queue_name: str) -> Iterator[RabbitBell]:
    """The bell on RabbitMQ alone."""
    opened = RabbitBell(broker_url, name=queue_name, delivery_limit=5)
    yield opened
    opened.close()
