"""A social service's software that exchanges CSV files."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.adapters.contract import TestClock
from tests.adapters.folder_counterpart import FolderCounterpart, open_folder

TABLE = "Číslo klienta;Cíl;Částka\r\n0042;Chůze;1,5\r\n".encode("windows-1250")


def open_counterpart(folder: Path, clock: TestClock) -> AbstractContextManager[FolderCounterpart]:
    return open_folder(folder, "tabular", ".csv", TABLE)
