"""The bell on a real RabbitMQ: what is confirmed is not lost, whatever happens to processes and wires."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import Queue
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import PreconditionFailed
from kombu.connection import Connection

from hub.errors import Unavailable
from hub.routing.rabbit import LONGEST_QUEUE, RabbitBell, connection
from tests.routing.tcp_proxy import TcpProxy

pytestmark = pytest.mark.rabbitmq
SOON = 30

CONSUMER = """
import sys, threading
from hub.routing.rabbit import RabbitBell
def hold(delivery_id):
    print(delivery_id, flush=True)
    threading.Event().wait()
RabbitBell(sys.argv[1], name=sys.argv[2], delivery_limit=5).listen(hold)
threading.Event().wait()
"""


@pytest.fixture
def proxy(broker_url: str) -> Iterator[TcpProxy]:
    parts = urlsplit(broker_url)
    wire = TcpProxy(parts.hostname or "127.0.0.1", parts.port or 5672)
    yield wire
    wire.close()


@pytest.fixture
def through_proxy(broker_url: str, queue_name: str, proxy: TcpProxy) -> Iterator[RabbitBell]:
    parts = urlsplit(broker_url)
    login = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
    url = f"amqp://{login}@127.0.0.1:{proxy.port}{parts.path or '//'}"
    opened = RabbitBell(url, name=queue_name, delivery_limit=5)
    yield opened
    opened.close()


def test_a_consumer_killed_before_it_acknowledged_leaves_the_ring_to_the_next(
    rabbit: RabbitBell, broker_url: str, queue_name: str
) -> None:
    command = [sys.executable, "-c", CONSUMER, broker_url, queue_name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as consumer:
        rabbit.ring("d-1")
        assert consumer.stdout is not None
        assert consumer.stdout.readline() == "d-1\n"
        os.kill(consumer.pid, signal.SIGKILL)
    heard: Queue[str] = Queue()
    rabbit.listen(heard.put)
    assert heard.get(timeout=SOON) == "d-1"


def test_a_cut_wire_heals_for_the_listener(rabbit: RabbitBell, through_proxy: RabbitBell, proxy: TcpProxy) -> None:
    heard: Queue[str] = Queue()
    through_proxy.listen(heard.put)
    rabbit.ring("d-1")
    assert heard.get(timeout=SOON) == "d-1"
    proxy.cut()
    rabbit.ring("d-2")
    proxy.mend()
    again = [heard.get(timeout=SOON)]
    while again[-1] != "d-2":
        again.append(heard.get(timeout=SOON))
    assert again in (["d-2"], ["d-1", "d-2"]), "d-1 comes again where the cut was faster than its receipt"


def test_a_wire_cut_while_a_ring_is_handled_brings_the_ring_again(
    rabbit: RabbitBell, through_proxy: RabbitBell, proxy: TcpProxy
) -> None:
    begun, finish = threading.Event(), threading.Event()
    heard: Queue[str] = Queue()

    def handle(delivery_id: str) -> None:
        heard.put(delivery_id)
        begun.set()
        finish.wait(SOON)

    through_proxy.listen(handle)
    rabbit.ring("d-1")
    assert begun.wait(SOON)
    proxy.cut()
    proxy.mend()
    finish.set()
    assert [heard.get(timeout=SOON) for _ in range(2)] == ["d-1", "d-1"]


def test_ringing_over_a_cut_wire_is_told_and_works_again_once_it_is_mended(
    through_proxy: RabbitBell, rabbit: RabbitBell, proxy: TcpProxy
) -> None:
    through_proxy.ring("d-1")
    proxy.cut()
    with pytest.raises(Unavailable):
        through_proxy.ring("d-2")
    assert through_proxy.ready()["ready"] is False
    proxy.mend()
    through_proxy.ring("d-3")
    heard: Queue[str] = Queue()
    rabbit.listen(heard.put)
    assert [heard.get(timeout=SOON) for _ in range(2)] == ["d-1", "d-3"]


def test_one_broken_connection_is_replaced_without_a_word(through_proxy: RabbitBell, proxy: TcpProxy) -> None:
    through_proxy.ring("d-1")
    proxy.cut()
    proxy.mend()
    through_proxy.ring("d-2")
    assert through_proxy.ready()["waiting"] == 2


def test_a_ring_that_no_queue_takes_is_noticed_and_the_queue_is_bound_again(
    rabbit: RabbitBell, broker_url: str, queue_name: str
) -> None:
    rabbit.ring("d-1")
    with connection(broker_url, heartbeat=0) as other:
        channel = other.channel()
        channel.queue_unbind(
            queue=f"{queue_name}.deliveries",
            exchange=f"{queue_name}.deliveries",
            routing_key=f"{queue_name}.deliveries",
        )
    rabbit.ring("d-2")
    assert rabbit.ready()["waiting"] == 2


def test_a_ring_over_the_limit_of_the_queue_is_told(broker_url: str, queue_name: str) -> None:
    short = RabbitBell(broker_url, name=queue_name, delivery_limit=5, longest_queue=3)
    taken = [takes(short, f"d-{number}") for number in range(20)]
    assert all(taken[:3])
    assert not any(taken[10:])
    assert short.ready()["waiting"] == sum(taken), "exactly what was told to be taken is there"
    short.close()


def takes(bell: RabbitBell, delivery_id: str) -> bool:
    try:
        bell.ring(delivery_id)
    except Unavailable:
        return False
    return True


def test_a_message_is_an_id_and_nothing_else(rabbit: RabbitBell, broker_url: str, queue_name: str) -> None:
    rabbit.ring("d-1")
    with connection(broker_url, heartbeat=0) as other:
        message = other.channel().basic_get(f"{queue_name}.deliveries", no_ack=True)
    assert message is not None
    assert message.body == '"d-1"'
    assert message.properties["delivery_mode"] == 2
    assert message.properties.get("application_headers", {}).keys() <= {"x-delivery-count"}


@pytest.mark.parametrize(
    "setting",
    ["x-queue-type", "x-delivery-limit", "x-max-length", "x-overflow", "x-dead-letter-exchange",
     "x-dead-letter-strategy"],
)  # fmt: skip
def test_the_broker_holds_the_queue_to_every_setting_that_prevents_a_loss(
    rabbit: RabbitBell, broker_url: str, queue_name: str, setting: str
) -> None:
    rabbit.ring("d-1")
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 5,
        "x-max-length": LONGEST_QUEUE,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": f"{queue_name}.dead",
        "x-dead-letter-routing-key": f"{queue_name}.dead",
        "x-dead-letter-strategy": "at-least-once",
    }
    del arguments[setting]
    with connection(broker_url, heartbeat=0) as other, pytest.raises(PreconditionFailed, match=setting):
        other.channel().queue_declare(f"{queue_name}.deliveries", durable=True, auto_delete=False, arguments=arguments)


def test_confirms_are_on(broker_url: str) -> None:
    with connection(broker_url, heartbeat=0) as opened:
        assert isinstance(opened, Connection)
        assert opened.connection.confirm_publish is True


def test_a_broker_that_is_away_is_told_without_the_password() -> None:
    bell = RabbitBell("amqp://hub:hunter2@127.0.0.1:9//", name="x", delivery_limit=5)
    with pytest.raises(Unavailable) as told:
        bell.ring("d-1")
    assert "hunter2" not in str(told.value)
    assert "hunter2" not in str(bell.ready())


def test_a_listener_is_kept_alive_while_its_handler_takes_longer_than_the_heartbeat(
    rabbit: RabbitBell, broker_url: str, queue_name: str
) -> None:
    patient = RabbitBell(broker_url, name=queue_name, delivery_limit=5, heartbeat=1)
    heard: Queue[str] = Queue()
    longer = threading.Event()

    def slow(delivery_id: str) -> None:
        heard.put(delivery_id)
        longer.wait(4)

    patient.listen(slow)
    rabbit.ring("d-1")
    rabbit.ring("d-2")
    assert [heard.get(timeout=SOON) for _ in range(2)] == ["d-1", "d-2"], "d-1 did not come twice"
    longer.set()
    patient.close()
