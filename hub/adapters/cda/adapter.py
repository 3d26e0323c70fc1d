"""CDA R2 documents that a system drops into a folder (README.md says how to connect one)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from hub.adapters.sdk.configuration import ConfigurationSchema
from hub.adapters.sdk.contract import (
    Answer,
    Connection,
    Finding,
    Listening,
    Parcel,
    PullRequest,
    Receipt,
    Received,
    Take,
)
from hub.adapters.sdk.inbound_files import InboundFiles
from hub.errors import ConfigurationError

SCHEMA: Final = ConfigurationSchema.beside(__file__)


class CdaFolder:
    """Takes documents; hands nothing over."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._files = InboundFiles("cda", SCHEMA, clock)

    def check(self, connection: Connection) -> list[Finding]:
        return self._files.findings(connection)

    def pull(self, connection: Connection, request: PullRequest | None) -> Iterable[Received]:
        if request is not None:
            raise ConfigurationError("a drop folder cannot be asked for one client", place=connection.organisation)
        return self._files.pull(connection)

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        self._files.settle(connection, received, answer)

    def push(self, connection: Connection, parcel: Parcel) -> Receipt:
        raise ConfigurationError("nothing is handed over through this adapter", place=connection.organisation)

    def listen(self, connection: Connection, take: Take) -> Listening | None:
        return None


def build(clock: Callable[[], datetime]) -> CdaFolder:
    """The adapter, with the hub's clock."""
    return CdaFolder(clock)
