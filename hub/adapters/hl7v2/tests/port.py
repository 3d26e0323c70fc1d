"""A listening hub on a port of its own, for tests."""

from __future__ import annotations

from hub.adapters.hl7v2.adapter import build
from hub.adapters.hl7v2.tests.counterpart import FACILITY, Line, code, message
from hub.adapters.sdk.contract import Connection, Listening
from tests.adapters.contract import TestClock
from tests.adapters.inbox import Inbox


class Port:
    """A listening hub, its inbox, and lines to it."""

    def __init__(self, encoding: str | None = None, **config: object) -> None:
        self.inbox = Inbox()
        settings = {"port": 0, "sending_facility": FACILITY, "frame_seconds": 5, **config}
        connection = Connection("hospital", "hl7v2", frozenset({"listen"}), settings, encoding)
        listening = build(TestClock()).listen(connection, self.inbox.take)
        assert listening is not None
        self.listening: Listening = listening
        self._lines: list[Line] = []

    def line(self) -> Line:
        line = Line(self.listening.address)
        self._lines.append(line)
        return line

    def ask(self, body: bytes) -> bytes:
        return self.line().ask(body)

    def still_works(self) -> bool:
        return code(self.ask(message("probe"))) == "AA"

    def close(self) -> None:
        for line in self._lines:
            line.close()
        self.listening.stop()
