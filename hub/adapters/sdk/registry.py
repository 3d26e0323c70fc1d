"""Every adapter there is: a folder with a `manifest.toml` beside this one is registered, nothing else is.

Each folder's `adapter.py` offers `build(clock)`, which makes the adapter (docs/adapters.md, "Writing one").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hub.adapters.sdk.configuration import ConfigurationSchema
from hub.adapters.sdk.contract import Adapter, Connection
from hub.adapters.sdk.manifest import Manifest, read_manifest
from hub.errors import ConfigurationError

Clock = Callable[[], datetime]
FOLDER: Final = Path(__file__).resolve().parent.parent
FILES: Final = ("manifest.toml", "config.schema.json", "README.md", "adapter.py", "tests")
"""What every adapter's folder holds."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One adapter, with what it says about itself and what its configuration may be."""

    manifest: Manifest
    schema: ConfigurationSchema
    adapter: Adapter

    def connection(
        self,
        organisation: str,
        config: Mapping[str, Any],
        *,
        directions: Iterable[str] | None = None,
        encoding: str | None = None,
    ) -> Connection:
        """A checked entry of an organisation: its configuration complete, its directions offered."""
        place = f"organisation {organisation} adapter {self.manifest.id}"
        wanted = self.manifest.directions if directions is None else frozenset(directions)
        if unknown := wanted - self.manifest.directions:
            raise ConfigurationError(
                f"directions {', '.join(sorted(unknown))} are not offered; offered are "
                f"{', '.join(sorted(self.manifest.directions))}",
                place=place,
            )
        complete = self.schema.complete(config, place=f"{place} config")
        return Connection(
            organisation=organisation,
            adapter=self.manifest.id,
            directions=wanted,
            config=complete,
            encoding=complete.get("encoding") or encoding,
        )


class Registry:
    """Adapters by id."""

    def __init__(self, entries: Iterable[Registered]) -> None:
        self._entries = {entry.manifest.id: entry for entry in entries}

    @property
    def ids(self) -> tuple[str, ...]:
        """Every adapter's id, in order."""
        return tuple(sorted(self._entries))

    def get(self, id: str) -> Registered:
        """The adapter with this id; `ConfigurationError` names those there are."""
        if id not in self._entries:
            raise ConfigurationError(f"there is no such adapter; there are {', '.join(self.ids)}", place=id)
        return self._entries[id]

    def __iter__(self) -> Iterator[Registered]:
        return iter([self.get(known) for known in self.ids])


def load(folder: Path, clock: Clock, *, package: str = "hub.adapters") -> Registry:
    """Read every adapter folder in `folder`; one that is not whole is an error that names what it lacks."""
    return Registry(_registered(manifest.parent, clock, package) for manifest in sorted(folder.glob("*/manifest.toml")))


@cache
def registry(clock: Clock | None = None) -> Registry:
    """The hub's adapters; loaded once for each clock, since adapters remember what they saw in a folder."""
    return load(FOLDER, clock or _utc)


def _registered(folder: Path, clock: Clock, package: str) -> Registered:
    manifest = read_manifest(folder / "manifest.toml")
    schema = ConfigurationSchema.read(folder / "config.schema.json")
    module = import_module(f"{package}.{folder.name}.adapter")
    build = getattr(module, "build", None)
    if not callable(build):
        raise ConfigurationError("offers no `build(clock)`", place=f"{folder.name}/adapter.py")
    return Registered(manifest, schema, build(clock))


def _utc() -> datetime:
    return datetime.now(UTC)
