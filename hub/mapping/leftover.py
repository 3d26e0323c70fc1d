"""Residue: what of the source no rule touched, gathered by entry, segment or row, and kept in the
narrative.

A node has content when it has text of its own, or an attribute the mapping calls content (`code`,
`value`, ...). Knowingly ignored elements (`ignore:` with a reason) are not residue. Nothing is silently
lost (docs/mappings.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.mapping.language import Mapping
from hub.mapping.model import Node, Residue
from hub.mapping.narrative_in import kept_list
from hub.mapping.running import Run


def gather(mapping: Mapping, run: Run, root: Node) -> list[Residue]:
    """The residue below `root`, in document order, kept in the narratives that the rules named for it."""
    found: dict[int, tuple[Node, list[str]]] = {}
    _look(mapping, run, root, root, root, found)
    residue = []
    kept: dict[int, list[str]] = {}
    for unit, pieces in found.values():
        text = "; ".join(pieces)
        residue.append(Residue(run.source.place(unit), text))
        keeper = _keeper(run, unit)
        if keeper is not None:
            kept.setdefault(keeper.index, []).append(text)
    for index, lines in kept.items():
        holder, element = run.keepers[index]
        _append(holder, element, kept_list(lines))
    return residue


def keep(run: Run, node: Node, text: str) -> None:
    """Keep one more text in the narrative above `node`, where there is one."""
    keeper = _keeper(run, node)
    if keeper is not None:
        holder, element = run.keepers[keeper.index]
        _append(holder, element, kept_list([text]))


def _look(
    mapping: Mapping, run: Run, root: Node, node: Node, unit: Node, found: dict[int, tuple[Node, list[str]]]
) -> None:
    if node.tag in mapping.units or (node.parent is root and root.parent is None):
        unit = node
    if not run.touched[node.index]:
        ignored = mapping.ignored.get(node.tag)
        if ignored is not None and any(one.holds(node) for one in ignored):
            return
        if said := _content(mapping, node):
            name = _name if mapping.format == "cda" else _own_name(run)
            found.setdefault(unit.index, (unit, []))[1].append(f"{name(node, unit)}: {said}")
    for child in node.children:
        _look(mapping, run, root, child, unit, found)


def _content(mapping: Mapping, node: Node) -> str:
    pieces = [said for one in mapping.content if (said := node.attributes.get(one))] if node.attributes else []
    if node.text and (text := " ".join(node.text.split())):
        pieces.append(text)
    pieces += [" ".join(child.tail.split()) for child in node.children if child.tail and not child.tail.isspace()]
    return " ".join(pieces)


def _name(node: Node, unit: Node) -> str:
    names = []
    while node is not unit and node.parent is not None:
        names.append(node.tag.rpartition("}")[2])
        node = node.parent
    return "/".join(reversed(names[:4])) or node.tag.rpartition("}")[2]


def _own_name(run: Run) -> Callable[[Node, Node], str]:
    return lambda node, _: run.source.place(node)


def _keeper(run: Run, node: Node | None) -> Node | None:
    while node is not None and node.index not in run.keepers:
        node = node.parent
    return node


def _append(holder: dict[str, Any], element: str, fragment: str) -> None:
    narrative = holder.get(element)
    if narrative is None:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{fragment}</div>'
        holder[element] = {"status": "additional", "div": div}
    else:
        narrative["div"] = narrative["div"].removesuffix("</div>") + fragment + "</div>"
