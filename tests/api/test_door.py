"""The HTTP door under attack: sizes, times and odd headers; a probe beside them is answered all the while."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from hub.api import door, protocol
from tests.api.service import Service, serving
from tests.exchange.world import House


def dial(service: Service) -> socket.socket:
    """A bare connection."""
    url = service.http.base_url
    return socket.create_connection((url.host, url.port or 80), timeout=10)


def said(connection: socket.socket) -> bytes:
    """Everything that comes until the hub closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def raw(service: Service, request: bytes) -> bytes:
    """What the hub says to these bytes; the connection is left open by us."""
    with closing(dial(service)) as connection:
        connection.sendall(request)
        return said(connection)


@contextmanager
def probed(service: Service) -> Iterator[None]:
    """Beside what is done inside, the hub answers somebody else, and quickly."""
    yield
    began = time.perf_counter()
    assert service.http.get("/health/live").status_code == 200
    assert time.perf_counter() - began < 1


def trickle(connection: socket.socket, words: bytes) -> None:
    """A byte now and then, until the hub has enough of it."""
    for letter in words:
        connection.sendall(bytes((letter,)))
        time.sleep(0.01)


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_a_url_is_at_most_8_kb_long(calm: Service) -> None:
    headers = calm.headers("municipality")
    assert calm.http.get(f"/fhir/Goal/x?_id={'x' * 8_000}", headers=headers).status_code != 414
    answer = calm.http.get(f"/fhir/Goal?_id={'x' * 9_000}", headers=headers)
    assert answer.status_code == 414
    assert answer.json()["issue"][0]["code"] == "too-long"


@pytest.mark.parametrize("many", [{f"X-{n}": "1" for n in range(1_000)}, {"X-Long": "x" * 40_000}])
def test_headers_are_limited(calm: Service, many: dict[str, str]) -> None:
    assert calm.http.get("/health/live", headers=many).status_code in (400, 431)


def test_headers_without_end_are_cut_off(calm: Service) -> None:
    with probed(calm), closing(dial(calm)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for number in range(10_000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"x" * 100))
            answer = said(connection)
        except ConnectionError:
            answer = b""
        assert answer == b"" or b" 431 " in answer.split(b"\r\n")[0]


def test_many_ranges_are_not_heeded(calm: Service) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(5_000))
    answer = calm.http.get("/fhir/metadata", headers={"Range": ranges[:30_000]})
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/octet-stream", "text/plain"])
def test_a_form_of_another_kind_is_not_read(calm: Service, kind: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 10_000
    answer = calm.http.post("/oauth/token", content=part, headers={"Content-Type": kind})
    assert answer.status_code == 415


# -- form ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
    ],
)
def test_what_is_no_request_is_400_and_closed(calm: Service, request_: bytes) -> None:
    with probed(calm):
        assert raw(calm, request_).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))


@pytest.mark.parametrize(
    "host", ["x/admin?", "x?_id=1#", "a b", "x@y", "", "[::1", "x:99999999", "x" * 300, "localhost\\x", "ěš"]
)
def test_a_host_that_is_no_host_is_400(calm: Service, host: str) -> None:
    answer = calm.http.get("/health/live", headers={"Host": host.encode("utf-8")})  # type: ignore[dict-item]
    assert answer.status_code == 400, answer.text
    assert "location" not in answer.headers


def test_two_hosts_are_400(calm: Service) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: one\r\nHost: two\r\nConnection: close\r\n\r\n"
    assert raw(calm, request).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("host", ["localhost", "hub.example:8443", "127.0.0.1", "[::1]:8080", "my_hub"])
def test_a_host_is_a_name_or_an_address(calm: Service, host: str) -> None:
    assert calm.http.get("/health/live", headers={"Host": host}).status_code == 200


ODD: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/fhir/Patient/", {}),
    ("GET", "//fhir/Patient/x", {}),
    ("GET", "/fhir//Patient/x", {}),
    ("GET", "/fhir/Patient/x;jsessionid=1", {}),
    ("GET", "/fhir/%50atient/x", {}),
    ("GET", "/fhir/../fhir/Patient/x", {}),
    ("GET", "/fhir/Patient/x", {"X-Original-URL": "/health/live", "X-Rewrite-URL": "/health/live"}),
    ("GET", "/fhir/Patient/x", {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "127.0.0.1"}),
    ("GET", "/health/live", {"X-Original-URL": "/fhir/Patient/x"}),
    ("POST", "/fhir/metadata", {"X-HTTP-Method-Override": "GET"}),
    ("GET", "/fhir/Patient", {"X-HTTP-Method-Override": "DELETE", "Host": "evil.example"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), ODD)
def test_no_odd_spelling_leads_past_the_door(calm: Service, method: str, path: str, headers: dict[str, str]) -> None:
    """Attack list 48: without a token an odd spelling gets nothing of /fhir, and nobody is sent elsewhere."""
    answer = calm.http.request(method, path, headers=headers)
    assert answer.status_code in (400, 401, 404, 405) or (path == "/health/live" and answer.status_code == 200)
    assert "location" not in answer.headers
    assert "evil.example" not in answer.text


def test_the_addresses_of_the_hub_do_not_come_from_a_header(served: Service) -> None:
    headers = {**served.headers("municipality"), "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    for path in ("/fhir/metadata", "/.well-known/smart-configuration", "/openapi.json", "/docs"):
        answer = served.http.get(path, headers=headers)
        assert answer.status_code == 200
        assert "evil.example" not in answer.text


def test_a_websocket_is_not_offered(calm: Service) -> None:
    request = (
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b" 101 " not in raw(calm, request).split(b"\r\n")[0]


# -- time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hurried(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The hub served, with a fifth of a second for what has fifteen or thirty."""
    monkeypatch.setattr(protocol.Connection, "head_seconds", 0.2)
    monkeypatch.setattr(door, "BODY_SECONDS", 0.2)
    with serving(house) as service:
        yield service


def test_a_connection_that_says_nothing_is_closed(hurried: Service) -> None:
    with probed(hurried), closing(dial(hurried)) as connection:
        assert said(connection) == b""


def test_headers_that_trickle_are_cut_off(hurried: Service) -> None:
    with probed(hurried), closing(dial(hurried)) as connection:
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            trickle(connection, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1_000)
        assert time.monotonic() - began < 5


def test_the_headers_of_the_second_request_have_their_time_too(hurried: Service) -> None:
    with closing(dial(hurried)) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in connection.recv(65536)
        connection.sendall(b"GET /health/live HTT")
        assert said(connection) == b""


@pytest.mark.parametrize("path", [b"/oauth/token", b"/fhir", b"/fhir/Goal", b"/fhir/Patient/_search"])
def test_a_body_that_trickles_is_answered_408_and_closed(hurried: Service, path: bytes) -> None:
    token = hurried.headers("municipality")["Authorization"].encode()
    kind = b"application/x-www-form-urlencoded" if path.endswith((b"token", b"_search")) else b"application/fhir+json"
    with probed(hurried), closing(dial(hurried)) as connection:
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\nContent-Type: %s\r\nContent-Length: 100"
        connection.sendall(head % (path, token, kind) + b"\r\n\r\n{")
        answer = said(connection)
    assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400")), answer
    assert b"connection: close" in answer.lower()


def test_a_body_that_is_refused_is_not_read_on(calm: Service) -> None:
    """After 413 or 401 the connection ends: what would still come is nobody's to read."""
    with closing(dial(calm)) as connection:
        connection.sendall(b"POST /fhir/Goal HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n{")
        answer = said(connection)
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 413"))
    assert b"connection: close" in answer.lower()


def test_idle_connections_leave_room_for_others(calm: Service) -> None:
    idle = [dial(calm) for _ in range(200)]
    with probed(calm):
        for connection in idle:
            connection.close()


# -- browsers --------------------------------------------------------------------------------------------------------

PREFLIGHT = {
    "Origin": "https://app.example",
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


def test_no_page_of_another_origin_may_call_by_default(calm: Service) -> None:
    answer = calm.http.options("/fhir/metadata", headers=PREFLIGHT)
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in calm.http.get("/fhir/metadata", headers=PREFLIGHT).headers


def test_an_origin_that_the_operator_named_may(house: House) -> None:
    house.restart("browser", cors_origins="https://app.example, https://other.example/")
    with serving(house) as service:
        answer = service.http.options("/fhir/metadata", headers=PREFLIGHT)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in answer.headers
        stranger = service.http.get("/fhir/metadata", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers
        assert service.http.get("/fhir/metadata").json()["rest"][0]["security"]["cors"] is True


def test_httpx_and_the_hub_agree_on_keeping_a_connection(calm: Service) -> None:
    with httpx.Client(base_url=calm.http.base_url) as client:
        for _ in range(50):
            assert client.get("/health/live").status_code == 200
