"""Who is nobody sees nothing of anybody: another host's name, a proxy, another machine, a hub that names no viewer."""

from __future__ import annotations

import httpx
import pytest
from starlette.requests import Request

from hub.demo.cast import MUNICIPALITY, ORGANISATIONS
from hub.web.visitors import is_loopback, viewer_of
from tests.web.house import House


def request(client: str | None, host: str | None, **headers: str) -> Request:
    """A request as it reaches the page."""
    sent = {**({"host": host} if host is not None else {}), **headers}
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in sent.items()],
            "client": (client, 40000) if client else None,
        }
    )


@pytest.mark.parametrize(
    ("client", "host"),
    [
        ("127.0.0.1", "127.0.0.1:8080"),
        ("127.3.2.1", "localhost"),
        ("::1", "[::1]:8080"),
        ("::ffff:127.0.0.1", "localhost:1"),
    ],
)
def test_a_visitor_on_this_machine_gets_the_view_that_the_operator_named(client: str, host: str) -> None:
    viewer = viewer_of(request(client, host), MUNICIPALITY.id)
    assert viewer is not None
    assert viewer.organisation == MUNICIPALITY.id


@pytest.mark.parametrize(
    "asked",
    [
        request("192.0.2.7", "127.0.0.1:8080"),
        request("127.0.0.1", "hub.example"),
        request("127.0.0.1", "localhost.hub.example"),
        request("127.0.0.1", "127.0.0.1.hub.example:80"),
        request("127.0.0.1", "[::1"),
        request("127.0.0.1", ""),
        request("127.0.0.1", None),
        request(None, "localhost"),
        request("127.0.0.1", "localhost", x_forwarded_for="192.0.2.7"),
        request("127.0.0.1", "localhost", forwarded="for=192.0.2.7"),
        request("127.0.0.1", "localhost", x_real_ip="127.0.0.1"),
    ],
    ids=lambda r: str(dict(r.headers)),
)
def test_everybody_else_is_nobody(asked: Request) -> None:
    assert viewer_of(asked, MUNICIPALITY.id) is None


def test_nobody_gets_a_view_that_the_operator_did_not_name() -> None:
    assert viewer_of(request("127.0.0.1", "localhost"), "") is None


@pytest.mark.parametrize("headers", [{"Host": "hub.example"}, {"X-Forwarded-For": "192.0.2.7"}])
def test_nobodys_page_welcomes_and_tells_nothing_of_anybody(
    house: House, visitor: httpx.Client, headers: dict[str, str]
) -> None:
    for address in ("/", f"/?client={house.client.split('/')[1]}"):
        answer = visitor.get(address, headers=headers)
        assert answer.status_code == 200
        assert "One plan, shared exactly as the client agreed" in answer.text
        assert "Vzorová" not in answer.text
        assert not any(one.name in answer.text for one in ORGANISATIONS)
        assert house.client.split("/")[1] not in answer.text


def test_names_are_loopback_only_where_they_are_addresses_of_it() -> None:
    assert is_loopback("127.0.0.1")
    assert not is_loopback("127.0.0.1.example")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("")
