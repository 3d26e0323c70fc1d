"""Where the hub may connect to: exact origins, and addresses looked at before they are used.

A name is resolved once; every address it gives must be allowed, and the connection goes to one of those (so a
second, different answer of the name server changes nothing). Addresses of the host itself and of private
networks are allowed only where the configuration means them: an address or `localhost` written out, or
`private_network`.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx

from hub.errors import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port; `private` where the configuration means a private network."""

    scheme: str
    host: str
    port: int
    private: bool

    @classmethod
    def of(cls, url: str, *, private_network: bool = False) -> Origin:
        """The origin of a URL without credentials, query or fragment."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            raise ConfigurationError("is not a URL", place="base_url") from None
        if parsed.scheme not in _PORTS or not parsed.host:
            raise ConfigurationError("must begin with https:// (or http://) and name a host", place="base_url")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ConfigurationError("must hold no user, query or fragment", place="base_url")
        private = private_network or _means_private(parsed.host)
        if parsed.scheme == "http" and not private:
            raise ConfigurationError("plain http is for loopback or private_network only", place="base_url")
        return cls(parsed.scheme, parsed.host, parsed.port or _PORTS[parsed.scheme], private)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def allowed(address: Address, *, private: bool) -> bool:
    """Whether the hub may connect there. Link-local (cloud metadata), multicast and the like never."""
    if isinstance(address, ipaddress.IPv6Address):
        if inner := address.ipv4_mapped or address.sixtofour:
            return allowed(inner, private=private)
        if any(address in network for network in _TRANSLATED) or address.teredo:
            return False
    elif address.is_reserved:
        return False
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global


def _means_private(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback


class GuardedBackend(httpcore.SyncBackend):
    """Connects to allowed addresses only, and lets no exchange outlast its time, however slow the bytes."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._exchange = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Everything this thread reads and writes inside must be done in so many seconds."""
        self._exchange.due = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._exchange.due

    def left(self, timeout: float | None) -> float:
        """Seconds left for the exchange of this thread, at most `timeout`."""
        left: float = self._exchange.due - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._resolve(host, port):
            try:
                stream = super().connect_tcp(
                    str(address), port, self.left(timeout), local_address, socket_options or ()
                )
                return _Timed(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("no address")

    def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name does not resolve") from None
        addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
        if not all(allowed(address, private=self._origin.private) for address in addresses):
            raise ConfigurationError(
                "resolves to an address inside this host or a private network; set private_network if that is meant",
                place=str(self._origin),
            )
        return list(dict.fromkeys(addresses))


class _Timed(httpcore.NetworkStream):
    """A stream on which every wait ends with the exchange."""

    def __init__(self, stream: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._backend.left(timeout)), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
