"""The keys that organisations publish at a registered address (JWKS URL), fetched and kept for a while.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html. Fetched by the one client for HTTP to
others: the registered origin alone, no redirect, capped in bytes and time. Kept no longer than Cache-Control allows,
an hour at most; looked at again for a `kid` that is not there, at most once a minute. Where a fetch fails the keys
are not known: nothing is taken on an old word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import msgspec

from hub.adapters.sdk.http import Outbound
from hub.errors import ConfigurationError, HubError

MOST_BYTES: Final = 64 * 1024
MOST_SECONDS: Final = 5.0
LONGEST: Final = timedelta(hours=1)
UNSTATED: Final = timedelta(minutes=5)
"""How long keys are kept whose address says nothing of it."""
AGAIN: Final = timedelta(minutes=1)
"""How soon an unknown `kid`, or a fetch that failed, may lead to the next fetch."""
_REMEMBERED: Final = 1024
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})")

Jwks = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Fetched:
    jwks: Jwks | None
    at: datetime
    until: datetime


class PublishedKeys:
    """The JWKS of registered addresses."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[str, _Fetched] = {}
        self._lock = Lock()
        self._fetching: dict[str, Lock] = {}

    def of(self, url: str, kid: str, *, private_network: bool = False) -> Jwks | None:
        """The keys published at an address, in which `kid` is looked for; None where they cannot be had."""
        with self._lock:
            alone = self._fetching.setdefault(url, Lock())
        with alone:
            known, now = self._known.get(url), self._clock()
            if known is None or self._stale(known, kid, now):
                known = self._fetch(url, now, private_network=private_network)
                self._known[url] = known
                while len(self._known) > _REMEMBERED:
                    self._known.pop(next(iter(self._known)))
        return known.jwks

    @staticmethod
    def _stale(known: _Fetched, kid: str, now: datetime) -> bool:
        if known.jwks is None:
            return now >= known.at + AGAIN
        return now >= (known.until if kid in kids(known.jwks) else known.at + AGAIN)

    @staticmethod
    def _fetch(url: str, now: datetime, *, private_network: bool) -> _Fetched:
        try:
            jwks, keep = fetch(url, private_network=private_network)
        except HubError:
            return _Fetched(None, now, now)
        return _Fetched(jwks, now, now + keep)


def fetch(url: str, *, private_network: bool = False) -> tuple[Jwks, timedelta]:
    """The keys at an address and how long they may be kept; a HubError where there are none."""
    outbound = Outbound(url, private_network=private_network, total_seconds=MOST_SECONDS, max_bytes=MOST_BYTES)
    try:
        reply = outbound.send("GET", "", headers={"Accept": "application/json"})
        if not reply.ok:
            raise outbound.refusal(reply)
    finally:
        outbound.close()
    try:
        jwks = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise ConfigurationError("answers no JSON", place="smart.jwks_url") from broken
    check_keys(jwks, place="smart.jwks_url")
    return jwks, kept_for(reply.headers.get("cache-control", ""))


def kept_for(cache_control: str) -> timedelta:
    """How long an answer with this Cache-Control may be kept (RFC 9111 5.2.2)."""
    said = cache_control.lower()
    if "no-store" in said or "no-cache" in said:
        return timedelta(0)
    found = _MAX_AGE.search(said)
    return min(timedelta(seconds=int(found[1])), LONGEST) if found else UNSTATED


def kids(jwks: Jwks) -> frozenset[str]:
    """The ids of the keys in a set."""
    return frozenset(str(key["kid"]) for key in jwks.get("keys", ()) if "kid" in key)


def check_keys(jwks: object, *, place: str) -> None:
    """ConfigurationError for what is no set of public keys."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not all(isinstance(key, Mapping) and "kty" in key for key in keys):
        raise ConfigurationError("is no set of keys: { keys = [ ... ] }", place=place)
    if any("d" in key or key["kty"] == "oct" for key in keys):
        raise ConfigurationError("only public keys are registered", place=place)
