"""Run a compiled mapping over a source: a valid FHIR R4 Bundle, and the honest account of how it came to
be.

Pure: no clock, no I/O, no randomness; the same source and mapping give the same bytes. `run_all` is for
sources that hold several clients (tables); `run` for those that hold one.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from typing import Any

from hub.errors import UnmappableContent
from hub.fhir.codes import SOURCE_KEY
from hub.fhir.value import Resource
from hub.mapping.carrying import carry
from hub.mapping.conversions import Setting
from hub.mapping.language import Mapping
from hub.mapping.leftover import gather, keep
from hub.mapping.model import Mapped, MappingWarning, Node, Note, Residue, Source, Table, Trace
from hub.mapping.outward import to_table
from hub.mapping.running import Place, Run
from hub.mapping.salvage import salvage

ZONE = "Europe/Prague"
"""Where a source gives a time without a zone (option `zone`)."""

_NOTHING: Map[str, str] = {}


def run(mapping: Mapping, source: Source, *, options: Map[str, str] = _NOTHING) -> Mapped:
    """Map a source that holds one client."""
    found = run_all(mapping, source, options=options)
    if len(found) > 1:
        raise UnmappableContent(f"{len(found)} clients in one source", place=source.name)
    return found[0]


def run_all(mapping: Mapping, source: Source, *, options: Map[str, str] = _NOTHING) -> tuple[Mapped, ...]:
    """Map a source, one `Mapped` for each client in it (at least one)."""
    if source.format != mapping.format:
        raise UnmappableContent(f"mapping {mapping.id} reads {mapping.format}, not {source.format}", place=source.name)
    if mapping.carry is not None:
        return (carry(mapping.carry, mapping.label, source),)
    if mapping.columns is not None:
        raise UnmappableContent(f"mapping {mapping.id} makes a table, not a record", place=source.name)
    if not mapping.accepts(source.root):
        said = [found[0] for values in mapping.kind if (found := values(source.root))]
        place = source.place(said[0][1] if said else source.root)
        kind = "^".join(text for text, _ in said) or "this"
        raise UnmappableContent(f"`{kind}` is not what mapping {mapping.id} is for", place=f"{source.name} {place}")
    clients, nobody = _clients(mapping, source)
    if not clients:
        raise UnmappableContent("no client in it", place=source.name)
    made = [_one(mapping, source, client, options) for client in clients]
    notes = [*source.notes, *nobody]
    if notes:
        warnings = tuple(MappingWarning(note.place, "reader", note.text) for note in notes)
        kept = tuple(Residue(note.place, note.kept, note.text) for note in notes if note.kept)
        first = made[0]
        made[0] = Mapped(first.bundle, first.mapping, first.trace, kept + first.residue, warnings + first.warnings)
    return tuple(made)


def run_out(mapping: Mapping, source: Source, *, options: Map[str, str] = _NOTHING) -> Table:
    """Map a FHIR Bundle out to a table, with what its columns cannot carry."""
    if mapping.columns is None:
        raise UnmappableContent(f"mapping {mapping.id} makes a record, not a table", place=source.name)
    if source.format != mapping.format or not mapping.accepts(source.root):
        raise UnmappableContent(f"not what mapping {mapping.id} is for", place=source.name)
    return to_table(mapping.columns, mapping.label, source, options)


def _clients(mapping: Mapping, source: Source) -> tuple[list[Node], list[Note]]:
    """The node of each client, and the rows that are nobody's."""
    if mapping.group is None:
        return [source.root], []
    groups: dict[str, Node] = {}
    nobody: list[Note] = []
    for row in source.root.children:
        said = mapping.group(row)
        if not said:
            nobody.append(Note(source.place(row), "does not say whose row it is", row.full_text()))
            continue
        key = said[0][0]
        if key not in groups:
            groups[key] = client = Node("client", parent=source.root, line=row.line)
            client.index = source.root.index
            client.attributes["key"] = key
        groups[key].children.append(row)
    return list(groups.values()), nobody


def _one(mapping: Mapping, source: Source, root: Node, options: Map[str, str]) -> Mapped:
    setting = Setting(source.anchors, mapping.oids, options.get("zone", ZONE))
    state = Run(source, setting, options, bytearray(source.count))
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": mapping.bundle}
    for step in mapping.bundle_steps + mapping.steps:
        step(state, root, Place(bundle, "Bundle"))
    _link(state)
    clients = [one for one in state.entries.values() if one["resourceType"] == "Patient"]
    if len(clients) != 1:
        place = f"{source.name} {source.place(root)}"
        raise UnmappableContent("no patient in it" if not clients else "more than one patient", place=place)
    named = bundle.get("identifier", {})
    if mapping.bundle == "document" and not ("system" in named and "value" in named):
        bundle["identifier"] = {"system": SOURCE_KEY, "value": source.key}
    leftover = gather(mapping, state, root)
    ordered = sorted(state.entries.items(), key=lambda one: one[1]["resourceType"] != "Composition")
    bundle["entry"] = [{"fullUrl": url, "resource": resource} for url, resource in ordered]
    traces, places = _traces(mapping, state)
    label = mapping.label

    def where(full_url: str, inside: str) -> str:
        return places.get(full_url[9:], source.name)

    bundle, taken_out, complaints = salvage(bundle, where)
    return Mapped(
        bundle=bundle,
        mapping=label,
        trace=tuple(traces),
        residue=tuple(state.residue + leftover + taken_out),
        warnings=tuple(state.warnings + complaints),
    )


def _link(state: Run) -> None:
    """Fill in the references to what was made from other ids of the source; what leads nowhere is residue."""
    for fill, key, node in state.links:
        full_url = state.by_source_id.get(key)
        if full_url is None:
            state.residue.append(Residue(state.source.place(node), key, "refers to nothing in this source"))
            keep(state, node, key)
        else:
            fill({"reference": full_url})


def _traces(mapping: Mapping, state: Run) -> tuple[list[Trace], dict[str, str]]:
    label, place = mapping.label, state.source.place
    traces = []
    first: dict[str, str] = {}
    for holder, element, rule, node in state.trace:
        target = holder.path
        source = place(node)
        first.setdefault(target.partition("/")[2].partition(".")[0], source)
        traces.append(Trace(f"{target}.{element}", rule, label, source))
    return traces, first


def resources(mapped: Mapped, type_name: str) -> list[Resource]:
    """The resources of one type, in order."""
    return [e["resource"] for e in mapped.bundle["entry"] if e["resource"]["resourceType"] == type_name]
