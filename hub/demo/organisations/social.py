"""The social service: speaks CSV files only. Semicolons, windows-1250, Czech headers, decimal comma.

Its software writes an export into one folder and reads what others send from another; a file that was read
is moved away. Writing is by a temporary name and a rename, so nobody reads half a file.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hub.demo.cast import SOCIAL
from hub.demo.mailbag import Mailbag

ENCODING = "windows-1250"
LOOK_EVERY_SECONDS = 0.05


class SocialService:
    """The care service's file exchange: a folder whose `in` the hub reads and whose `out` it writes."""

    def __init__(self, mailbag: Mailbag, folder: Path, export: str) -> None:
        self.organisation = SOCIAL
        self.folder = folder
        self._to_hub = folder / "in"
        self._from_hub = folder / "out"
        self._read = folder / "read"
        self._mailbag = mailbag
        self._export = export
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        for one in (self._to_hub, self._from_hub, self._read):
            one.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> None:
        self._stopped.set()
        self._watcher.join(timeout=5)

    def drop_export(self) -> str:
        """Write the export of the day; dropping the same file again is harmless. Returns its name."""
        name = "export-klienti.csv"
        drop_file(self._to_hub, name, self._export.encode(ENCODING))
        return name

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_SECONDS):
            self._take_in()

    def _take_in(self) -> None:
        for file in sorted(self._from_hub.iterdir()):
            if file.suffix != ".csv" or file.name.startswith("."):
                continue
            self._mailbag.keep(SOCIAL.id, "file", file.read_bytes(), "csv", how=f"file {file.name}", key=file.name)
            file.replace(self._read / file.name)


def drop_file(folder: Path, name: str, content: bytes) -> None:
    """Put a file into a folder that somebody else reads: whole or not at all."""
    growing = folder / f".{name}.tmp"
    with growing.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    growing.replace(folder / name)
