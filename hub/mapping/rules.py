"""Rules of mapping files compiled to steps: read here, turn it so, write there, and say so in the trace.

What each key of a rule means: docs/mappings.md, "Rules". Everything that can be known to be wrong is refused when the
file is compiled (MappingDefect naming file and rule): unknown keys, conversions, tables and groups, and targets
that FHIR R4 does not have. What only a document can show (a date that is none, a code no table knows) is a warning
with its place, and the text stays in the residue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hub.errors import MappingDefect, UnmappableContent
from hub.fhir.shapes import RESOURCE_TYPES
from hub.mapping.conversions import CONVERSIONS, NODE_CONVERSIONS, Unconvertible
from hub.mapping.model import Node
from hub.mapping.paths import Compiler
from hub.mapping.running import Place, Run, Step
from hub.mapping.tables import Row, ValueTable
from hub.mapping.targets import Target, check_constant, compile_target

KEYS = frozenset(
    "id note when each from to value option default map convert required keep use rules choose make key shared"
    " name reference link".split()
)
"""Every key a rule may have."""


class RuleCompiler:
    """Compiles the rules of one file."""

    def __init__(
        self, file: str, paths: Compiler, tables: Mapping[str, ValueTable], groups: Mapping[str, Any]
    ) -> None:
        self._file = file
        self._paths = paths
        self._tables = tables
        self._groups = groups
        self._compiled: dict[tuple[str, str], list[Step]] = {}

    def steps(self, rules: Any, owner: str, parent: str) -> list[Step]:
        """The steps of a list of rules that write into `owner`."""
        if not isinstance(rules, list) or not rules:
            raise MappingDefect("`rules` must be a list of rules", place=f"{self._file} {parent}".strip())
        seen: set[str] = set()
        steps = []
        for spec in rules:
            name = spec.get("id") if isinstance(spec, dict) else None
            if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
                raise MappingDefect("a rule without an id of a-z, 0-9 and -", place=f"{self._file} {parent}".strip())
            whole = f"{parent}.{name}" if parent else name
            if name in seen:
                raise MappingDefect("two rules have this id", place=f"{self._file} rule {whole}")
            seen.add(name)
            if unknown := set(spec) - KEYS:
                raise MappingDefect(f"unknown key `{sorted(unknown)[0]}`", place=f"{self._file} rule {whole}")
            steps.append(self._rule(spec, owner, whole))
        return steps

    def _rule(self, spec: dict[str, Any], owner: str, name: str) -> Step:
        place = f"{self._file} rule {name}"
        if "choose" in spec:
            step = self._choice(spec, owner, name, place)
        elif "make" in spec:
            step = self._make(spec, owner, name, place)
        elif "reference" in spec or "link" in spec:
            step = self._reference(spec, owner, name, place)
        elif "use" in spec or "rules" in spec:
            step = self._block(spec, owner, name, place)
        else:
            return self._scalar(spec, owner, name, place)
        if "when" in spec and "each" not in spec:
            holds = self._paths.condition(str(spec["when"]), place)
            inner = step

            def guarded(run: Run, node: Node, target: Place) -> None:
                if holds(node):
                    inner(run, node, target)

            return guarded
        return step

    # blocks -----------------------------------------------------------------------------------------------

    def _choice(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        """The first alternative whose `when` holds; with `each`, for every node by itself."""
        self._only(spec, "id note when each choose", place)
        options = []
        inner = self.steps([{k: v for k, v in one.items() if k != "when"} for one in spec["choose"]], owner, name)
        for one, step in zip(spec["choose"], inner, strict=True):
            options.append((self._paths.condition(str(one.get("when", ".")), place), step))
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes
        guard = self._paths.condition(str(spec["when"]), place) if "when" in spec and "each" in spec else None

        def choose(run: Run, node: Node, target: Place) -> None:
            for one in nodes(node):
                if guard is not None and not guard(one):
                    continue
                for holds, step in options:
                    if holds(one):
                        step(run, one, target)
                        break

        return choose

    def _inner(self, spec: dict[str, Any], owner: str, name: str, place: str) -> list[Step]:
        steps: list[Step] = []
        used = spec.get("use", [])
        for group in [used] if isinstance(used, str) else used:
            steps += [self._group(group, owner, place)]
        if "rules" in spec:
            steps += self.steps(spec["rules"], owner, name)
        return steps

    def _group(self, group: str, owner: str, place: str) -> Step:
        if group not in self._groups:
            raise MappingDefect(f"no group is called `{group}`", place=place)
        spec = self._groups[group]
        if not isinstance(spec, dict) or set(spec) - {"type", "rules", "note"} or not {"type", "rules"} <= set(spec):
            raise MappingDefect("a group has `type` and `rules`", place=f"{self._file} group {group}")
        types = [spec["type"]] if isinstance(spec["type"], str) else spec["type"]
        if owner not in types:
            raise MappingDefect(f"group `{group}` is for {', '.join(types)}, not {owner}", place=place)
        if (group, owner) not in self._compiled:
            self._compiled[group, owner] = []
            self._compiled[group, owner].extend(self.steps(spec["rules"], owner, group))
        steps = self._compiled[group, owner]

        def apply(run: Run, node: Node, target: Place) -> None:
            for step in steps:
                step(run, node, target)

        return apply

    def _block(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        self._only(spec, "id note when each to use rules required", place)
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes
        holds = self._paths.condition(str(spec["when"]), place) if "when" in spec and "each" in spec else None
        to = compile_target(owner, spec["to"], place) if "to" in spec else None
        steps = self._inner(spec, to.type if to else owner, name, place)
        required = self._required(spec, place)

        def block(run: Run, node: Node, target: Place) -> None:
            made = False
            for one in nodes(node):
                if holds is not None and not holds(one):
                    continue
                if to is None:
                    for step in steps:
                        step(run, one, target)
                    made = True
                    continue
                inner = Place({}, "", target)
                for step in steps:
                    step(run, one, inner)
                if inner.value:
                    inner.element = to.write(target.value, inner.value)
                    made = True
                    if not to.many:
                        break
            if required and not made:
                self._missing(run, node, name, required)

        return block

    def _make(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        self._only(spec, "id note when each to use rules make key shared name", place)
        type_name = spec["make"]
        if type_name not in RESOURCE_TYPES:
            raise MappingDefect(f"`{type_name}` is not a resource type of FHIR R4", place=place)
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes
        holds = self._paths.condition(str(spec["when"]), place) if "when" in spec and "each" in spec else None
        keys = [self._paths.path(one, place).values for one in spec.get("key", [])]
        steps = self._inner(spec, type_name, name, place)
        to = self._reference_target(owner, spec["to"], place) if "to" in spec else None
        shared = bool(spec.get("shared", False))
        known_as = str(spec.get("name", name))

        def make(run: Run, node: Node, target: Place) -> None:
            for one in nodes(node):
                if holds is not None and not holds(one):
                    continue
                said = [values[0][0].strip() if (values := key(one)) else "" for key in keys]
                key = "^".join(said) if any(said) else ""
                whole = shared and bool(key)
                if shared and not key:
                    key = one.full_text()
                    if not key:
                        continue
                full_url = run.full_url(type_name, key, shared=whole)
                identity = full_url[9:]
                resource: dict[str, Any] = {"resourceType": type_name, "id": identity}
                before = run.named.get(known_as)
                run.named[known_as] = full_url
                whole_resource = Place(resource, f"{type_name}/{identity}")
                for step in steps:
                    step(run, one, whole_resource)
                if len(resource) == 2:
                    if before is None:
                        del run.named[known_as]
                    else:
                        run.named[known_as] = before
                    continue
                run.put(full_url, resource)
                if key and not key.startswith("#"):
                    run.by_source_id.setdefault(key, full_url)
                if to is not None:
                    to.write(target.value, {"reference": full_url})

        return make

    def _reference(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        """`reference`: to what a `make` rule of that name made; `link`: to what was made from that source id."""
        self._only(spec, "id note when each to reference link", place)
        to = self._reference_target(owner, spec.get("to"), place)
        if "reference" in spec:
            known_as = str(spec["reference"])

            def refer(run: Run, node: Node, target: Place) -> None:
                if known_as in run.named:
                    written = to.write(target.value, {"reference": run.named[known_as]})
                    run.trace.append((target, written, name, node))

            return refer
        root = self._paths.path(f"{spec['link']}/@root", place).values
        extension = self._paths.path(f"{spec['link']}/@extension", place).values
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes

        def link(run: Run, node: Node, target: Place) -> None:
            for one in nodes(node):
                first = [values[0][0].strip() if (values := part(one)) else "" for part in (root, extension)]
                if any(first):
                    held = target.value
                    run.links.append((lambda value, held=held: to.write(held, value), "^".join(first), one))

        return link

    # scalars ----------------------------------------------------------------------------------------------

    def _scalar(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        self._only(spec, "id note when from to value option default map convert required keep", place)
        if "to" not in spec or not {"from", "value", "option", "default", "keep"} & set(spec):
            raise MappingDefect("a rule says where `from` and where `to`", place=place)
        to = compile_target(owner, spec["to"], place)
        when = self._paths.condition(str(spec["when"]), place) if "when" in spec else None
        convert = self._conversions(spec, place)
        table = self._table(spec, place)
        on_node = next((NODE_CONVERSIONS[one] for one in convert if one in NODE_CONVERSIONS), None)
        plain = [CONVERSIONS[one] for one in convert if one in CONVERSIONS]
        path = self._paths.path(str(spec["from"]), place) if "from" in spec else None
        if path is None and (convert or table) and "option" not in spec:
            raise MappingDefect("`convert` and `map` need a `from`", place=place)
        required = self._required(spec, place)
        keep = spec.get("keep")
        if keep not in (None, "narrative") or (keep and to.type != "Narrative"):
            raise MappingDefect("`keep` can be `narrative`, on a rule whose target is a Narrative", place=place)
        fixed = spec.get("value", spec.get("default"))
        has_fixed = "value" in spec or "default" in spec
        if has_fixed:
            check_constant(to.type, fixed, place)
        option = spec.get("option")
        all_values = to.many

        def turned(run: Run, node: Node, said: str) -> Any:
            value: Any = said
            try:
                for one in plain:
                    value = one(value, run.setting)
            except Unconvertible as problem:
                run.warn(node, name, str(problem))
                return None
            if table is None:
                return value
            row = table.find(str(value))
            if row is None:
                run.warn(node, name, f"no row for this value in table {table.name}")
                return None
            return coded(row, to)

        def scalar(run: Run, node: Node, target: Place) -> None:
            if keep:
                run.keepers.setdefault(node.index, (target.value, spec["to"]))
            if when is not None and not when(node):
                return
            done = False
            if path is not None and on_node is not None:
                for one in path.nodes(node):
                    value = on_node(one, run.setting)
                    if value is not None and not (plain and (value := turned(run, one, value)) is None):
                        run.touch_all(one)
                        run.trace.append((target, to.write(target.value, value), name, one))
                        done = True
                        if not all_values:
                            break
            elif path is not None:
                for said, one in path.values(node):
                    value = turned(run, one, said)
                    if value is not None and value != "":
                        run.touched[one.index] = 1
                        run.trace.append((target, to.write(target.value, value), name, one))
                        done = True
                    if not all_values:
                        break
            elif option is not None and option in run.options:
                value = turned(run, node, run.options[option])
                if value is not None:
                    run.trace.append((target, to.write(target.value, value), name, node))
                    done = True
            if not done and has_fixed:
                constant = deepcopy(fixed) if isinstance(fixed, (dict, list)) else fixed
                run.trace.append((target, to.write(target.value, constant), name, node))
            elif not done and required:
                self._missing(run, node, name, required)

        return scalar

    # parts ------------------------------------------------------------------------------------------------

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

    def _reference_target(self, owner: str, path: Any, place: str) -> Target:
        if not isinstance(path, str):
            raise MappingDefect("a reference needs a `to`", place=place)
        to = compile_target(owner, path, place)
        if to.type != "Reference":
            raise MappingDefect(f"`{path}` of {owner} is a {to.type}, not a Reference", place=place)
        return to

    def _required(self, spec: dict[str, Any], place: str) -> str:
        required = spec.get("required", "")
        if required not in ("", "error", "warn"):
            raise MappingDefect("`required` can be `error` or `warn`", place=place)
        return str(required)

    def _missing(self, run: Run, node: Node, name: str, required: str) -> None:
        if required == "error":
            raise UnmappableContent(
                f"rule {name} of {self._file} found nothing", place=f"{run.source.name} {run.source.place(node)}"
            )
        run.warn(node, name, "nothing found")

    def _only(self, spec: dict[str, Any], allowed: str, place: str) -> None:
        if wrong := set(spec) - set(allowed.split()):
            raise MappingDefect(f"`{sorted(wrong)[0]}` does not go with the other keys of the rule", place=place)


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
