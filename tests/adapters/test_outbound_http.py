"""The outbound HTTP client against servers that lie, drip, flood and point elsewhere."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import threading
import time
import tracemalloc
from datetime import timedelta
from email.utils import format_datetime

import pytest

from hub.adapters.sdk.http import LONGEST_WAIT, CounterpartBusy, Outbound
from hub.adapters.sdk.network import Origin, allowed
from hub.errors import ConfigurationError, CounterpartRefused, CounterpartUnreachable
from tests.adapters.contract import TestClock
from tests.adapters.raw_server import RawServer, Say, head, saying


def sends(*parts: bytes) -> Say:
    def say(connection: socket.socket, over: threading.Event) -> None:
        for part in parts:
            connection.sendall(part)

    return say


def drips(beginning: bytes, drop: bytes) -> Say:
    def say(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.wait(0.02):
            connection.sendall(drop)

    return say


def floods(beginning: bytes, drop: bytes) -> Say:
    def say(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.is_set():
            connection.sendall(drop)

    return say


def to(server: RawServer, **options: object) -> Outbound:
    return Outbound(server.base, **{"total_seconds": 5.0, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "say",
    [
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drips(head("Content-Length: 100000"), b"x"),
        drips(head("Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        drips(b"", b""),
    ],
    ids=["status line", "headers", "body", "chunks", "silence"],
)
def test_an_answer_that_drips_is_cut_off_in_time(say: Say) -> None:
    with saying(say) as server:
        began = time.monotonic()
        with pytest.raises(CounterpartUnreachable):
            to(server, total_seconds=0.3).get("metadata")
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "say",
    [
        floods(head("Content-Length: 10000000000"), b"x" * 65536),
        floods(head("Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        sends(head("Content-Encoding: gzip", "Connection: close"), gzip.compress(b"0" * 50_000_000)),
    ],
    ids=["10 GB", "chunks without end", "gzip bomb"],
)
def test_an_answer_without_measure_is_cut_at_the_cap(say: Say) -> None:
    with saying(say) as server, pytest.raises(CounterpartRefused, match="more than 1000000 bytes"):
        to(server, max_bytes=1_000_000).get("metadata")


def test_a_gzip_bomb_is_not_unpacked_to_be_measured() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with saying(sends(head("Content-Encoding: gzip", "Connection: close"), bomb)) as server:
        client = to(server, max_bytes=1_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(CounterpartRefused):
                client.get("metadata")
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


def test_an_answer_in_gzip_is_read() -> None:
    with saying(sends(head("Content-Encoding: gzip", "Connection: close"), gzip.compress(b"hello"))) as server:
        assert to(server).get("metadata").body == b"hello"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (head("Content-Encoding: gzip", "Connection: close") + b"not gzip", CounterpartRefused),
        (
            head("Content-Encoding: gzip", "Connection: close") + gzip.compress(b"x" * 999)[:-9],
            CounterpartUnreachable,
        ),
        (head("Content-Encoding: br", "Connection: close") + b"x", CounterpartRefused),
        (head("Content-Length: 10") + b"x", CounterpartUnreachable),
        (b"SSH-2.0-OpenSSH\r\n", CounterpartUnreachable),
        (b"", CounterpartUnreachable),
    ],
)
def test_an_answer_that_is_not_what_it_says_is_no_answer(said: bytes, error: type[Exception]) -> None:
    with saying(sends(said)) as server, pytest.raises(error):
        to(server).get("metadata")


def test_the_time_of_one_exchange_does_not_shorten_the_next() -> None:
    with saying(sends(head("Content-Length: 2", "Connection: close"), b"ok")) as server:
        client = to(server)
        assert [client.get("metadata").body for _ in range(3)] == [b"ok"] * 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("31536000", LONGEST_WAIT),
        ("-5", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", LONGEST_WAIT),
    ],
)
def test_a_wait_that_is_asked_for_is_carried_and_capped(value: str, seconds: float | None) -> None:
    with saying(sends(head(f"Retry-After: {value}", "Content-Length: 0", status="429 Too Many"))) as server:
        client = to(server)
        error = client.refusal(client.get("metadata"))
    assert isinstance(error, CounterpartBusy)
    assert error.retry_after == seconds


def test_a_wait_may_be_given_as_a_date() -> None:
    clock = TestClock()
    until = format_datetime(clock.now + timedelta(seconds=90), usegmt=True)
    with saying(sends(head(f"Retry-After: {until}", "Content-Length: 0", status="503 Busy"))) as server:
        client = to(server, clock=clock)
        error = client.refusal(client.get("metadata"))
    assert isinstance(error, CounterpartBusy)
    assert error.retry_after == 90


def test_the_environment_cannot_put_a_proxy_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with saying(sends(head("Content-Length: 2"), b"ok")) as server:
        assert to(server).get("metadata").body == b"ok"


def test_a_cookie_is_not_sent_back() -> None:
    with saying(sends(head("Set-Cookie: a=b", "Content-Length: 0", "Connection: close"))) as server:
        client = to(server)
        client.get("metadata")
        client.get("metadata")
        assert b"ookie" not in server.heard[1]


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "../../../x", "@evil.example", "http://evil.example/", "?x=http://evil.example"],
)
def test_no_path_leads_to_another_origin(path: str) -> None:
    with saying(sends(head("Content-Length: 2", "Connection: close"), b"ok")) as server:
        to(server, credential=lambda: "Bearer x").get(path)
        assert f"host: 127.0.0.1:{server.port}".encode() in server.heard[0].lower()


@pytest.mark.parametrize("name", ["0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "ip6-localhost"])
def test_a_name_that_leads_to_this_host_is_refused_unless_it_is_meant(name: str) -> None:
    heard: list[bytes] = []
    with saying(sends(head("Content-Length: 0"))) as server:
        with pytest.raises((ConfigurationError, CounterpartUnreachable)):
            Outbound(f"https://{name}:{server.port}/fhir", total_seconds=2).get("metadata")
        heard = server.heard
    if "." in name and not name.startswith("["):
        assert heard == []


def test_a_name_of_this_host_works_where_a_private_network_is_configured() -> None:
    with saying(sends(head("Content-Length: 2"), b"ok")) as server:
        client = Outbound(f"http://127.1:{server.port}/fhir", private_network=True)
        assert client.get("metadata").body == b"ok"


@pytest.mark.parametrize(
    "url",
    [
        "gopher://a.example/",
        "file:///etc/passwd",
        "https://",
        "https://a@b.example/",
        "https://b.example/?q",
        "a b",
    ],
)
def test_what_is_no_plain_web_address_is_a_mistake_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        Origin.of(url)


def test_plain_http_is_for_loopback_and_private_networks_only() -> None:
    assert Origin.of("http://127.0.0.1:8080/fhir").private
    assert Origin.of("http://gp:8080/fhir", private_network=True).private
    with pytest.raises(ConfigurationError, match="plain http"):
        Origin.of("http://gp.example/fhir")


def test_an_origin_is_compared_whole() -> None:
    configured = Origin.of("https://allowed.org/fhir")
    assert Origin.of("https://ALLOWED.org:443/other") == configured
    for other in ("https://allowed.org.evil.com/", "https://allowed.org:8443/", "https://allowed.or/"):
        assert Origin.of(other) != configured


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("fd00::1", False, True),
        ("::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("2002:7f00:1::", False, True),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::7f00:1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("255.255.255.255", False, False),
        ("100.64.0.1", False, True),
    ],
)
def test_which_addresses_may_be_connected_to(address: str, public: bool, private: bool) -> None:
    parsed = ipaddress.ip_address(address)
    assert (allowed(parsed, private=False), allowed(parsed, private=True)) == (public, private)


def test_a_certificate_that_does_not_hold_gets_nothing_sent() -> None:
    with saying(sends(b"\x15\x03\x03\x00\x02\x02\x28")) as server, pytest.raises(CounterpartUnreachable):
        Outbound(f"https://127.0.0.1:{server.port}/fhir", credential=lambda: "Bearer x", total_seconds=2).get(
            "metadata"
        )
    assert b"Bearer" not in b"".join(server.heard)
