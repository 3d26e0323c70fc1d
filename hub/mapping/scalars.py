"""Rules for one value: read a text here, convert and translate it, write it there (docs/mappings.md,
"Values").

What only a document can show (a date that is none, a code that no table knows) is a warning with its
place; the text then stays untouched, and so in the residue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hub.errors import MappingDefect, UnmappableContent
from hub.mapping.conversions import (
    CONVERSIONS,
    NODE_CONVERSIONS,
    Conversion,
    NodeConversion,
    UnconvertibleError,
)
from hub.mapping.model import Node
from hub.mapping.paths import Compiler
from hub.mapping.running import Place, Run, Step
from hub.mapping.steps import Nodes, Values
from hub.mapping.tables import Row, ValueTable
from hub.mapping.targets import Target, check_constant, compile_target

Fill = Callable[[Run, Node, Place], bool]
"""Fills the target; whether it could."""


@dataclass(frozen=True, slots=True)
class Turn:
    """From a text of the source to the value of one target: conversions, then a table."""

    rule: str
    to: Target
    conversions: list[Conversion]
    table: ValueTable | None

    def value(self, run: Run, node: Node, said: str) -> Any:
        """The value, or None with a warning."""
        value: Any = said
        try:
            for convert in self.conversions:
                value = convert(value, run.setting)
        except UnconvertibleError as problem:
            run.warn(node, self.rule, str(problem))
            return None
        if self.table is None:
            return value if value != "" else None
        row = self.table.find(str(value))
        if row is None:
            run.warn(node, self.rule, f"no row for this value in table {self.table.name}")
            return None
        return coded(row, self.to)

    def put(self, run: Run, node: Node, target: Place, value: Any) -> bool:
        """Write what was read at a node, and say so."""
        if value is None:
            return False
        run.touched[node.index] = 1
        run.trace.append((target, self.to.write(target.value, value), self.rule, node))
        return True

    def from_option(self, option: str) -> Fill:
        def fill(run: Run, node: Node, target: Place) -> bool:
            value = self.value(run, node, run.options[option]) if option in run.options else None
            if value is None:
                return False
            run.trace.append((target, self.to.write(target.value, value), self.rule, node))
            return True

        return fill

    def from_elements(self, nodes: Nodes, convert: NodeConversion) -> Fill:
        many = self.to.many

        def fill(run: Run, node: Node, target: Place) -> bool:
            done = False
            for one in nodes(node):
                value = convert(one, run.setting)
                if isinstance(value, str):
                    value = self.value(run, one, value)
                if self.put(run, one, target, value):
                    run.touch_all(one)
                    done = True
                    if not many:
                        break
            return done

        return fill

    def joined(self, values: Values, by: str) -> Fill:
        def fill(run: Run, node: Node, target: Place) -> bool:
            found = values(node)
            if not found or not self.put(
                run, found[0][1], target, self.value(run, found[0][1], by.join(said for said, _ in found))
            ):
                return False
            for _, one in found:
                run.touched[one.index] = 1
            return True

        return fill

    def from_texts(self, values: Values, *, distinct: bool) -> Fill:
        """The first text, or every one where the target is a list; the same said again is not left over."""
        many = self.to.many

        def fill(run: Run, node: Node, target: Place) -> bool:
            found = values(node)
            if not found:
                return False
            first, at = found[0]
            done = self.put(run, at, target, self.value(run, at, first))
            for said, one in found[1:]:
                if done and said == first and (distinct or not many):
                    run.touched[one.index] = 1
                elif many:
                    done = self.put(run, one, target, self.value(run, one, said)) or done
            return done

        return fill


class ScalarCompiler:
    """Compiles the rules of one file that write one value."""

    def __init__(self, file: str, paths: Compiler, tables: Mapping[str, ValueTable]) -> None:
        self._file = file
        self._paths = paths
        self._tables = tables

    def step(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        """The step of one rule."""
        only(spec, "id note when from to value option default map convert required keep join distinct", place)
        if "to" not in spec or not {"from", "value", "option", "default", "keep"} & set(spec):
            raise MappingDefect("a rule says where `from` and where `to`", place=place)
        to = compile_target(owner, spec["to"], place)
        when = self._paths.condition(str(spec["when"]), place) if "when" in spec else None
        fill = self._fill(spec, to, name, place)
        required = requirement(spec, place)
        keep = spec.get("keep")
        if keep not in (None, "narrative") or (keep and to.type != "Narrative"):
            raise MappingDefect("`keep` can be `narrative`, on a rule whose target is a Narrative", place=place)
        has_fixed = "value" in spec or "default" in spec
        fixed = spec.get("value", spec.get("default"))
        if has_fixed:
            check_constant(to.type, fixed, place)

        def scalar(run: Run, node: Node, target: Place) -> None:
            if keep:
                run.keepers.setdefault(node.index, (target.value, spec["to"]))
            if (when is not None and not when(node)) or fill(run, node, target):
                return
            if has_fixed:
                constant = deepcopy(fixed) if isinstance(fixed, (dict, list)) else fixed
                run.trace.append((target, to.write(target.value, constant), name, node))
            elif required:
                missing(run, node, name, required, self._file)

        return scalar

    def _fill(self, spec: dict[str, Any], to: Target, name: str, place: str) -> Fill:
        """How the rule gets its value: from an option, from whole elements, joined, or text by text."""
        named = self._conversions(spec, place)
        turn = Turn(name, to, [CONVERSIONS[one] for one in named if one in CONVERSIONS], self._table(spec, place))
        whole = next((NODE_CONVERSIONS[one] for one in named if one in NODE_CONVERSIONS), None)
        if "option" in spec:
            return turn.from_option(str(spec["option"]))
        if "from" not in spec:
            if named or "map" in spec:
                raise MappingDefect("`convert` and `map` need a `from`", place=place)
            return lambda run, node, target: False
        path = self._paths.path(str(spec["from"]), place)
        if whole is not None:
            return turn.from_elements(path.nodes, whole)
        if "join" in spec:
            return turn.joined(path.values, str(spec["join"]))
        return turn.from_texts(path.values, distinct=bool(spec.get("distinct", False)))

    def _conversions(self, spec: dict[str, Any], place: str) -> list[str]:
        named = spec.get("convert", [])
        named = [named] if isinstance(named, str) else named
        for one in named:
            if one not in CONVERSIONS and one not in NODE_CONVERSIONS:
                raise MappingDefect(f"no conversion is called `{one}`", place=place)
        return named

    def _table(self, spec: dict[str, Any], place: str) -> ValueTable | None:
        if "map" not in spec:
            return None
        if spec["map"] not in self._tables:
            raise MappingDefect(f"no table is called `{spec['map']}`", place=place)
        return self._tables[spec["map"]]


def only(spec: dict[str, Any], allowed: str, place: str) -> None:
    """Refuse keys that do not go together."""
    if wrong := set(spec) - set(allowed.split()):
        raise MappingDefect(f"`{sorted(wrong)[0]}` does not go with the other keys of the rule", place=place)


def requirement(spec: dict[str, Any], place: str) -> str:
    """What `required` says."""
    required = spec.get("required", "")
    if required not in ("", "error", "warn"):
        raise MappingDefect("`required` can be `error` or `warn`", place=place)
    return str(required)


def missing(run: Run, node: Node, name: str, required: str, file: str) -> None:
    """A required rule found nothing."""
    if required == "error":
        place = f"{run.source.name} {run.source.place(node)}"
        raise UnmappableContent(f"rule {name} of {file} found nothing", place=place)
    run.warn(node, name, "nothing found")


def coded(row: Row, to: Target) -> Any:
    """A table's row as the type that the target has."""
    if to.type not in ("Coding", "CodeableConcept"):
        return row.to
    coding = {"code": row.to}
    if row.system:
        coding = {"system": row.system, **coding}
    if row.display:
        coding["display"] = row.display
    return coding if to.type == "Coding" else {"coding": [coding]}
