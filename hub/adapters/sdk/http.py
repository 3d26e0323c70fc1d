"""The one client for HTTP to other organisations.

It speaks to the origins that the organisation's configuration names and to no other: same scheme, host and
port, compared whole. The address that a name resolves to is looked at before connecting, and that address is
the one connected to. No redirect is followed, no proxy of the environment used, no cookie kept; the
credential goes to its own origin. An answer has a size (before and after gzip) and a time. Errors name the
place, never what was said, since that may be about a person.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import isnan
from typing import Final

import httpcore
import httpx

from hub.adapters.sdk.network import GuardedBackend, Origin
from hub.errors import ConfigurationError, CounterpartRefused, CounterpartUnreachable

LONGEST_WAIT: Final = 3600.0
"""However long a counterpart asks the hub to wait, it asks again after an hour."""
_STEP_SECONDS: Final = 10.0
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class CounterpartBusy(CounterpartUnreachable):
    """The other system asked the hub to come back later."""

    def __init__(self, message: str, *, place: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, place=place)
        self.retry_after = retry_after
        """Seconds, where it said how long; at most an hour."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: whole, decoded, within the caps."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    destination: str
    """The URL without a query, as an operator would say it."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Outbound:
    """HTTP to one organisation. `credential` is asked for the Authorization header at each use."""

    def __init__(
        self,
        base_url: str,
        *,
        private_network: bool = False,
        credential: Callable[[], str | None] = lambda: None,
        total_seconds: float = 30.0,
        max_bytes: int = 20 << 20,
        ca_file: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.base = base_url.rstrip("/")
        self.origin = Origin.of(self.base, private_network=private_network)
        self._credential = credential
        self._seconds = total_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._backend = GuardedBackend(self.origin)
        self._transport = _Transport(self._backend, _context(ca_file) if self.origin.scheme == "https" else None)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET a path below the base."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST a body to a path below the base; the base itself for an empty path."""
        return self.send("POST", path, body=body, headers=headers)

    def send(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One exchange, whatever its status; `CounterpartUnreachable` where none came about."""
        url = httpx.URL(f"{self.base}/{path}" if path else self.base)
        if Origin.of(str(url.copy_with(query=None)), private_network=self.origin.private) != self.origin:
            raise ConfigurationError("the request would leave the configured origin", place=str(self.origin))
        sent = {"Accept-Encoding": "gzip", "User-Agent": "casehub", **(headers or {})}
        if secret := self._credential():
            sent["Authorization"] = secret
        step = min(_STEP_SECONDS, self._seconds)
        timeouts = {"connect": step, "read": self._seconds, "write": self._seconds, "pool": step}
        request = httpx.Request(method, url, headers=sent, content=body, extensions={"timeout": timeouts})
        with self._translated(), self._backend.within(self._seconds):
            response = self._transport.handle_request(request)
            try:
                content = b"".join(self._content(response))
            finally:
                response.close()
        lowered = {key.lower(): value for key, value in response.headers.items()}
        return Reply(response.status_code, lowered, content, str(url.copy_with(query=None)))

    def refusal(self, reply: Reply, said: str = "") -> CounterpartRefused | CounterpartUnreachable:
        """The error for an answer that is not a yes; `said` may only be codes and places."""
        tail = f" ({said})" if said else ""
        if reply.status in _TRY_AGAIN:
            wait = self._retry_after(reply.headers.get("retry-after"))
            return CounterpartBusy(f"answered {reply.status}{tail}", place=reply.destination, retry_after=wait)
        if 300 <= reply.status < 400:
            tail = " (redirects are not followed: configure the address it points to, if it is theirs)"
        elif reply.status in (401, 403):
            tail = f"{tail} (look at the credential in the organisation's configuration)"
        return CounterpartRefused(f"answered {reply.status}{tail}", place=reply.destination)

    def close(self) -> None:
        """Let go of connections kept open."""
        self._transport.close()

    def _content(self, response: httpx.Response) -> Iterator[bytes]:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", ""):
            raise CounterpartRefused("answered in a content encoding that was not asked for", place=str(self.origin))
        inflate = zlib.decompressobj(wbits=31) if coding == "gzip" else None
        room = self._max_bytes
        for chunk in response.iter_raw():
            part = inflate.decompress(chunk, room + 1) if inflate else chunk
            room -= len(part)
            if room < 0:
                raise CounterpartRefused(f"answered more than {self._max_bytes} bytes", place=str(self.origin))
            yield part
        if inflate and not inflate.eof and room != self._max_bytes:
            raise CounterpartUnreachable("the answer was cut off", place=str(self.origin))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Vendor words stay here. `from None`: their texts may quote what was sent."""
        try:
            yield
        except (httpcore.TimeoutException, TimeoutError):
            raise CounterpartUnreachable(f"no answer within {self._seconds:g} s", place=str(self.origin)) from None
        except ssl.SSLError:
            raise self._distrusted() from None
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
                raise self._distrusted() from None
            raise CounterpartUnreachable("cannot be connected to", place=str(self.origin)) from None
        except (httpcore.NetworkError, OSError):
            raise CounterpartUnreachable("the connection broke", place=str(self.origin)) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            raise CounterpartUnreachable("what came back is not HTTP", place=str(self.origin)) from None
        except zlib.error:
            raise CounterpartRefused("the answer is not the gzip it says", place=str(self.origin)) from None

    def _distrusted(self) -> CounterpartUnreachable:
        return CounterpartUnreachable("its certificate does not hold, so nothing was sent", place=str(self.origin))

    def _retry_after(self, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            try:
                moment = parsedate_to_datetime(value)
            except ValueError:
                return None
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (aware - self._clock()).total_seconds()
        return None if isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT)


class _Transport(httpx.BaseTransport):
    """httpx's requests and responses over one guarded pool of connections."""

    def __init__(self, backend: GuardedBackend, context: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, network_backend=backend, max_connections=16, keepalive_expiry=5.0, retries=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), request=request)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@lru_cache(maxsize=32)
def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError("cannot be read as certificates", place=ca_file) from error
