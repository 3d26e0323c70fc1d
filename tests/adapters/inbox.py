"""The hub's hand in tests: a small, real inbox that keeps what it is given and knows it again.

Like the hub's own, it takes the same (message id, content) once in effect, refuses the same id with other
content, keeps what is not whole without reading it, and can be out of order.
"""

from __future__ import annotations

import threading
from hashlib import sha256

from hub.adapters.sdk.contract import Answer, Received
from hub.errors import Unavailable


class Inbox:
    """Takes; `kept` is what had an effect, `calls` is everything it was handed."""

    def __init__(self) -> None:
        self.calls: list[Received] = []
        self.kept: list[Received] = []
        self.unread: list[Received] = []
        self.away = False
        self.crashes = False
        self.verdict = Answer("accepted")
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def take(self, received: Received) -> Answer:
        self.reached.set()
        self.open.wait(20)
        with self._lock:
            self.calls.append(received)
            if self.away:
                raise Unavailable("the store is away")
            if self.crashes:
                raise RuntimeError(received.body.decode("latin-1"))
            if received.broken:
                self.unread.append(received)
                return Answer("rejected", received.broken)
            digest = sha256(received.body).hexdigest()
            known = self._known.setdefault(received.message_id, digest)
            if known != digest:
                return Answer("rejected", "the same message id with other content")
            if self.verdict.outcome in ("accepted", "partly") and received not in self.kept:
                self.kept.append(received)
            return self.verdict
