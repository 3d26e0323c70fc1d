"""A TCP listener for framed messages: one thread a connection, one answer a frame, in the order they came.

It reads the next frame only when the last is answered, so a counterpart never has more in flight than the hub
has taken. The limits are told in docs/adapters.md.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hub.adapters.sdk.mllp import Broken, Event, Frame, Framer, Stray
from hub.errors import ConfigurationError

_CHUNK: Final = 65536
_SEND_SECONDS: Final = 30.0

Respond = Callable[[Frame | Broken], bytes | None]
"""What to say to a frame; None where nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener bears."""

    message_bytes: int = 1 << 20
    frame_seconds: float = 30.0
    idle_seconds: float = 3600.0
    connections: int = 32


class Listener:
    """Listens until stopped; a frame in hand is answered before the connection closes."""

    def __init__(self, host: str, port: int, respond: Respond, limits: Limits) -> None:
        self._respond = respond
        self._limits = limits
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigurationError(f"cannot listen: {error.strerror or error}", place=f"{host}:{port}") from error
        bound = self._socket.getsockname()
        self._address = (str(bound[0]), int(bound[1]))
        self._thread = threading.Thread(target=self._accept, name=f"mllp:{self.address[1]}", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens (the port that the system chose, where 0 was asked)."""
        return self._address

    def stop(self, seconds: float = 10.0) -> None:
        """Take no more; wait for the answers that are being made."""
        self._stopping.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(seconds)
        self._socket.close()
        with self._lock:
            waiting = list(self._open.items())
        for connection, _ in waiting:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for _, thread in waiting:
            thread.join(seconds)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._stopping.wait(0.1):
                    return
                continue
            with self._lock:
                if len(self._open) >= self._limits.connections:
                    connection.close()
                    continue
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError):
                self._converse(connection)
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        framer = Framer(self._limits.message_bytes)
        deadline = time.monotonic() + self._limits.idle_seconds
        while not self._stopping.is_set():
            data, fault = _receive(connection, deadline)
            if not data:
                if broken := framer.cut_off(fault):
                    self._respond(broken)
                return
            was_inside = framer.inside
            events = framer.feed(data)
            for event in events:
                if not self._answered(connection, event):
                    return
            if not framer.inside:
                deadline = time.monotonic() + self._limits.idle_seconds
            elif events or not was_inside:
                deadline = time.monotonic() + self._limits.frame_seconds

    def _answered(self, connection: socket.socket, event: Event) -> bool:
        if isinstance(event, Stray):
            return False
        answer = self._respond(event)
        if answer is not None:
            connection.settimeout(_SEND_SECONDS)
            connection.sendall(answer)
        return True


def _receive(connection: socket.socket, deadline: float) -> tuple[bytes, str]:
    """What came, or nothing and why."""
    left = deadline - time.monotonic()
    if left <= 0:
        return b"", "not complete in time"
    connection.settimeout(left)
    try:
        return connection.recv(_CHUNK), "connection ended inside a frame"
    except TimeoutError:
        return b"", "not complete in time"
    except OSError:
        return b"", "connection broke inside a frame"
