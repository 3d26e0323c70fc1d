"""A counterpart that exchanges files: a folder with `in/` and `out/`, as its own software would use them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.adapters.sdk.contract import Connection, Parcel
from tests.adapters import rights
from tests.adapters.contract import CANARY, Sent


class FolderCounterpart:
    """Drops files into `in/`, each named after a person, as some software does."""

    def __init__(self, folder: Path, adapter: str, suffix: str, body: bytes) -> None:
        self.folder = folder / "organisation"
        self._adapter = adapter
        self._suffix = suffix
        self._body = body
        self._count = 0
        for name in ("in", "out"):
            (self.folder / name).mkdir(parents=True)

    @property
    def connection(self) -> Connection:
        return self._connection(self.folder)

    def unreachable(self) -> Connection:
        return self._connection(self.folder.parent / "not-mounted")

    def refusing(self) -> Connection:
        """A folder that the hub may not look into."""
        return self._connection(self.folder.parent / "closed")

    def state(self) -> Hashable:
        return tuple(
            (
                str(path.relative_to(self.folder)),
                path.stat().st_mtime_ns,
                path.is_file() and path.read_bytes(),
            )
            for path in sorted(self.folder.rglob("*"))
        )

    def offer(self) -> None:
        self._count += 1
        file = self.folder / "in" / f"{CANARY}-{self._count}{self._suffix}"
        file.write_bytes(self._body + b"\n" * self._count)

    def waiting(self) -> int:
        return len(list((self.folder / "in").iterdir()))

    def parcel(self, key: str) -> Parcel:
        return Parcel(key, "plan", "1", "text/csv", b"Klient;C\xedl\r\n1;ch\xf9ze\r\n", f"plan-{key}.csv")

    def in_effect(self) -> int:
        return len([path for path in (self.folder / "out").iterdir() if not path.name.startswith(".")])

    def send(self, address: tuple[str, int], *, message_id: str) -> Sent:
        raise AssertionError("nobody calls the hub here")

    def _connection(self, folder: Path) -> Connection:
        return Connection("folders", self._adapter, frozenset({"pull", "push"}), {"folder": str(folder)})


@contextmanager
def open_folder(folder: Path, adapter: str, suffix: str, body: bytes) -> Iterator[FolderCounterpart]:
    """The counterpart, with a folder beside it that this process has no rights to."""
    counterpart = FolderCounterpart(folder, adapter, suffix, body)
    closed = folder / "closed"
    for name in ("in", "out"):
        (closed / name).mkdir(parents=True)
    closed.chmod(0)
    try:
        with rights.of_everybody():
            yield counterpart
    finally:
        closed.chmod(0o700)
