"""CSV tables through a folder: `in/` is read, `out/` is written (README.md says how to connect one).

A table that goes out is written once for each key: a small mark in `.keys/` remembers what was written, also
after the counterpart has fetched the file and taken it away. A crash between the two leaves the file without
its mark; then the same name with the same content is found, and marked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
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
from hub.adapters.sdk.folders import LONGEST_NAME, away, write_whole
from hub.adapters.sdk.inbound_files import InboundFiles
from hub.errors import ConfigurationError, CounterpartRefused

SCHEMA: Final = ConfigurationSchema.beside(__file__)


class TabularFolder:
    """Takes tables and hands tables over."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._files = InboundFiles("tabular", SCHEMA, clock)

    def check(self, connection: Connection) -> list[Finding]:
        findings = self._files.findings(connection) if "pull" in connection.directions else []
        if "push" in connection.directions:
            writable = os.access(_folder(connection) / "out", os.R_OK | os.W_OK | os.X_OK)
            advice = "create it, or give the hub rights to it"
            findings.append(Finding("out/ is there, and the hub may write to it", writable, advice))
        return findings

    def pull(self, connection: Connection, request: PullRequest | None) -> Iterable[Received]:
        if request is not None:
            raise ConfigurationError("a drop folder cannot be asked for one client", place=connection.organisation)
        return self._files.pull(connection)

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        self._files.settle(connection, received, answer)

    def push(self, connection: Connection, parcel: Parcel) -> Receipt:
        if parcel.media_type.split(";")[0].strip() != "text/csv":
            raise CounterpartRefused("takes tables (text/csv) only", place=f"item {parcel.item}")
        out = _folder(connection) / "out"
        name = _safe_name(parcel)
        mark = out.parent / ".keys" / sha256(parcel.key.encode()).hexdigest()
        try:
            if mark.exists():
                return Receipt("duplicate", "written before", f"out/{mark.read_text(encoding='utf-8')}")
            target = _free_target(out / name, parcel)
            there = target.exists()
            if not there:
                write_whole(target, parcel.body)  # an `out/` that is not there is never made: see README.md
            mark.parent.mkdir(exist_ok=True)
            write_whole(mark, target.name.encode())
        except OSError as error:
            raise away(error, "out") from None
        return Receipt("duplicate" if there else "delivered", "written", f"out/{target.name}")

    def listen(self, connection: Connection, take: Take) -> Listening | None:
        return None


def build(clock: Callable[[], datetime]) -> TabularFolder:
    """The adapter, with the hub's clock."""
    return TabularFolder(clock)


def _folder(connection: Connection) -> Path:
    return Path(SCHEMA.of(connection)["folder"])


def _safe_name(parcel: Parcel) -> str:
    name = parcel.name
    if not name or Path(name).name != name or name.startswith(".") or not name.isprintable():
        raise ConfigurationError("the parcel's name is not a plain file name", place=f"item {parcel.item}")
    if len(name.encode()) > LONGEST_NAME:
        raise ConfigurationError("the parcel's name is too long", place=f"item {parcel.item}")
    return name


def _free_target(target: Path, parcel: Parcel) -> Path:
    """Where to write: never over another file, since the counterpart may not have fetched it yet."""
    if target.exists() and target.read_bytes() != parcel.body:
        return target.with_name(f"{target.stem}-{sha256(parcel.key.encode()).hexdigest()[:12]}{target.suffix}")
    return target
