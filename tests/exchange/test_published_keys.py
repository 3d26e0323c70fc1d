"""Keys that an organisation publishes: fetched from the registered address alone, kept for a while, within limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hub.adapters.fhir_rest.tests.counterpart import Asked, FhirServer, Reply
from hub.errors import ConfigurationError, HubError
from hub.exchange.published_keys import PublishedKeys, fetch, kept_for
from tests.exchange.world import Clock

PUBLIC = {"kty": "EC", "crv": "P-384", "kid": "one", "x": "AA", "y": "AA"}


class Publisher:
    """An organisation's server with a JWKS."""

    def __init__(self, server: FhirServer) -> None:
        self.url = f"{server.base}/jwks.json"
        self.reply = Reply(200, json.dumps({"keys": [PUBLIC]}).encode(), {"Content-Type": "application/json"})
        self.asked = 0
        server.override = self._answer

    def _answer(self, asked: Asked) -> Reply | None:
        self.asked += 1
        return self.reply

    def says(self, *kids: str, cache_control: str = "") -> None:
        body = json.dumps({"keys": [{**PUBLIC, "kid": kid} for kid in kids]}).encode()
        self.reply = Reply(200, body, {"Cache-Control": cache_control} if cache_control else {})


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    server = FhirServer()
    yield Publisher(server)
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published(clock: Clock) -> PublishedKeys:
    return PublishedKeys(clock=clock)


def found(jwks: Any) -> list[str]:
    return [key["kid"] for key in jwks["keys"]]


def test_keys_are_fetched_once_and_kept(publisher: Publisher, published: PublishedKeys, clock: Clock) -> None:
    for _ in range(3):
        assert found(published.of(publisher.url, "one")) == ["one"]
    clock.later(minutes=4)
    published.of(publisher.url, "one")
    assert publisher.asked == 1
    clock.later(minutes=1)
    published.of(publisher.url, "one")
    assert publisher.asked == 2


def test_they_are_kept_no_longer_than_their_publisher_allows(
    publisher: Publisher, published: PublishedKeys, clock: Clock
) -> None:
    publisher.says("one", cache_control="max-age=30")
    published.of(publisher.url, "one")
    clock.later(seconds=29)
    published.of(publisher.url, "one")
    assert publisher.asked == 1
    clock.later(seconds=1)
    published.of(publisher.url, "one")
    assert publisher.asked == 2


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [("no-store", 0), ("no-cache", 0), ("max-age=0", 0), ("public, max-age=60", 60), ("max-age=99999", 3600),
     ("s-maxage=9", 300), ("", 300), ("max-age=x", 300)],
)  # fmt: skip
def test_cache_control_is_read(cache_control: str, seconds: int) -> None:
    assert kept_for(cache_control).total_seconds() == seconds


def test_an_unknown_kid_is_looked_for_again_at_most_once_a_minute(
    publisher: Publisher, published: PublishedKeys, clock: Clock
) -> None:
    published.of(publisher.url, "one")
    publisher.says("one", "two", cache_control="no-store")
    for _ in range(20):
        assert found(published.of(publisher.url, "two")) == ["one"]
    assert publisher.asked == 1
    clock.later(minutes=1)
    assert found(published.of(publisher.url, "two")) == ["one", "two"]
    for _ in range(20):
        published.of(publisher.url, "three")
    assert publisher.asked == 2


def test_a_key_that_was_taken_away_is_gone_once_the_set_is_stale(
    publisher: Publisher, published: PublishedKeys, clock: Clock
) -> None:
    published.of(publisher.url, "one")
    publisher.says("two")
    clock.later(minutes=5)
    assert found(published.of(publisher.url, "one")) == ["two"]


def test_where_a_fetch_fails_no_old_key_is_taken_and_the_next_try_waits(
    publisher: Publisher, published: PublishedKeys, clock: Clock
) -> None:
    published.of(publisher.url, "one")
    good, publisher.reply = publisher.reply, Reply(500, b"")
    clock.later(minutes=5)
    assert published.of(publisher.url, "one") is None
    publisher.reply = good
    assert published.of(publisher.url, "one") is None
    assert publisher.asked == 2
    clock.later(minutes=1)
    assert found(published.of(publisher.url, "one")) == ["one"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html/>", b"[]", b'{"keys": 1}', b'{"keys": [1]}', b'{"keys": [{"kid": "one"}]}', b"[" * 50_000,
     b'{"keys": [' + b" " * 70_000 + b"]}", b'{"keys": [{"kty": "EC", "d": "secret"}]}',
     b'{"keys": [{"kty": "oct", "k": "secret"}]}'],
)  # fmt: skip
def test_what_is_no_small_set_of_public_keys_is_not_taken(publisher: Publisher, body: bytes) -> None:
    publisher.reply = Reply(200, body, {})
    with pytest.raises(HubError):
        fetch(publisher.url)


def test_a_redirect_is_not_followed(publisher: Publisher) -> None:
    publisher.reply = Reply(302, b"", {"Location": "http://127.0.0.1:9/jwks.json"})
    with pytest.raises(HubError, match="redirects are not followed"):
        fetch(publisher.url)
    assert publisher.asked == 1


@pytest.mark.parametrize(
    "url",
    ["http://keys.example/jwks.json", "ftp://keys.example/jwks", "file:///etc/passwd", "https://u:p@keys.example/"],
)
def test_no_other_kind_of_address_is_asked(url: str) -> None:
    with pytest.raises(ConfigurationError):
        fetch(url)
