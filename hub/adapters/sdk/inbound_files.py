"""Pull and settle for adapters whose counterpart drops files: one Received a file, oldest first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from hub.adapters.sdk.configuration import ConfigurationSchema
from hub.adapters.sdk.contract import Answer, Connection, Finding, Received
from hub.adapters.sdk.folders import DropFolder, shown_name
from hub.errors import HubError

_DIGEST = "sha256:"


class InboundFiles:
    """The drop folders of all organisations that use one adapter; it remembers what it saw in each."""

    def __init__(self, format: str, schema: ConfigurationSchema, clock: Callable[[], datetime]) -> None:
        self._format = format
        self._schema = schema
        self._clock = clock
        self._folders: dict[str, tuple[dict[str, Any], DropFolder]] = {}
        self._lock = Lock()

    def pull(self, connection: Connection) -> Iterator[Received]:
        """Each finished file of `in/`; settle each before asking for the next, or after all."""
        config = self._schema.of(connection)
        for piece in self._folder(connection).take():
            yield Received(
                body=piece.body,
                format=self._format,
                message_id=f"{_DIGEST}{piece.sha256}",
                name=shown_name(piece, config["shown_names"]),
                encoding=connection.encoding or config.get("encoding"),
            )

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        """Move the file to where its answer sends it."""
        self._folder(connection).settle(received.message_id.removeprefix(_DIGEST), answer)

    def findings(self, connection: Connection) -> list[Finding]:
        """What can be said of `in/` without touching it."""
        folder = self._folder(connection)
        inside = folder.folder / "in"
        readable = os.access(inside, os.R_OK | os.W_OK | os.X_OK)
        findings = [
            Finding(
                "in/ is there, and the hub may read and move files",
                readable,
                "create it, or give the hub rights to it",
            )
        ]
        if not readable:
            return findings
        try:
            ready, alone = folder.look(remember=False)
        except HubError as error:
            return [Finding("in/ can be listed", well=False, advice=error.message)]
        counted: dict[str, int] = {}
        for entry in alone:
            counted[entry.why] = counted.get(entry.why, 0) + 1
        passing = {"may still be growing", "hidden or temporary"}
        findings.append(Finding(f"in/ holds {len(ready) + len(alone)} entries", well=True))
        findings += [
            Finding(f"{count} left alone: {why}", why in passing, "" if why in passing else "remove or replace it")
            for why, count in sorted(counted.items())
        ]
        return findings

    def _folder(self, connection: Connection) -> DropFolder:
        config = self._schema.of(connection)
        with self._lock:
            known = self._folders.get(connection.organisation)
            if known is None or known[0] != config:
                folder = DropFolder(
                    Path(config["folder"]),
                    pattern=config["pattern"],
                    quiet=timedelta(seconds=config["quiet_seconds"]),
                    limit=config["max_file_bytes"],
                    clock=self._clock,
                )
                self._folders[connection.organisation] = known = (config, folder)
            return known[1]
