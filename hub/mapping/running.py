"""One run of a mapping over one source: what it has made so far, and the account it keeps of it.

A `Run` is thrown away afterwards; compiled rules hold no state. Ids are UUIDs of the source's own keys
(document id and entry id), never of the mapping, so the same document read again, or by a newer mapping,
gives the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from hub.fhir.value import Resource
from hub.mapping.conversions import Setting
from hub.mapping.model import MappingWarning, Node, Residue, Source

NAMESPACE = UUID("6f1f2b0e-3d5c-5a0e-9a53-6c1b7c9d2e11")


@dataclass(slots=True)
class Place:
    """Where a rule writes: an object under construction, and its path for the trace."""

    value: dict[str, Any]
    element: str = ""
    """Its name in `parent`, known when it is written there; of a resource, `Type/id`."""
    parent: Place | None = None

    @property
    def path(self) -> str:
        if self.parent is None:
            return self.element
        above = self.parent.path
        return f"{above}.{self.element}" if above else self.element


Step = Callable[["Run", Node, Place], None]
"""One compiled rule."""


@dataclass(slots=True)
class Run:
    """The state of one run."""

    source: Source
    setting: Setting
    options: Mapping[str, str]
    touched: bytearray
    trace: list[tuple[Place, str, str, Node]] = field(default_factory=list)
    """(object, element in it, rule, node)."""
    warnings: list[MappingWarning] = field(default_factory=list)
    residue: list[Residue] = field(default_factory=list)
    """Residue already known while the rules run; what no rule touched is added afterwards."""
    entries: dict[str, Resource] = field(default_factory=dict)
    """fullUrl -> resource, in the order in which they were made."""
    named: dict[str, str] = field(default_factory=dict)
    keepers: dict[int, tuple[dict[str, Any], str]] = field(default_factory=dict)
    """Index of a source node -> (object, element): the narrative that keeps the residue below that node."""
    by_source_id: dict[str, str] = field(default_factory=dict)
    links: list[tuple[Callable[[Resource], str], str, Node]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)

    def touch(self, node: Node) -> None:
        self.touched[node.index] = 1

    def touch_all(self, node: Node) -> None:
        for one in node.walk():
            self.touched[one.index] = 1

    def warn(self, node: Node, rule: str, text: str) -> None:
        self.warnings.append(MappingWarning(self.source.place(node), rule, text))

    def full_url(self, type_name: str, key: str, *, shared: bool) -> str:
        """The fullUrl of what has this key: its own for the whole hub (`shared`), or for this source."""
        if not key:
            self.counters[type_name] = number = self.counters.get(type_name, 0) + 1
            key = f"#{number}"
        elif not shared:
            whole = f"{type_name}|{key}"
            self.counters[whole] = number = self.counters.get(whole, 0) + 1
            key = key if number == 1 else f"{key}#{number}"
        scope = "" if shared else self.source.key
        return f"urn:uuid:{uuid5(NAMESPACE, f'{scope}|{type_name}|{key}')}"

    def put(self, full_url: str, resource: Resource) -> None:
        """Add a resource; one that is there already only gets what it lacks."""
        known = self.entries.get(full_url)
        if known is None:
            self.entries[full_url] = resource
            return
        for key, value in resource.items():
            known.setdefault(key, value)
