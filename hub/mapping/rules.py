"""Rules of mapping files compiled to steps: read here, turn it so, write there, and say so in the trace.

What each key of a rule means: docs/mappings.md, "Rules". Everything that can be known to be wrong is
refused when the file is compiled (MappingDefect naming file and rule): unknown keys, conversions, tables
and groups, and targets that FHIR R4 does not have. What only a document can show (a date that is none, a
code no table knows) is a warning with its place, and the text stays in the residue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from hub.errors import MappingDefect
from hub.fhir.shapes import RESOURCE_TYPES
from hub.mapping.making import contained_maker, full_url_of, make_resource, write_object
from hub.mapping.model import Node
from hub.mapping.paths import Compiler
from hub.mapping.running import Place, Run, Step
from hub.mapping.scalars import ScalarCompiler, missing, only, requirement
from hub.mapping.tables import ValueTable
from hub.mapping.targets import Target, compile_target

KEYS = frozenset(
    {
        *(
            "id",
            "note",
            "when",
            "each",
            "from",
            "to",
            "value",
            "option",
            "default",
            "map",
            "convert",
            "required",
        ),
        *("keep", "use", "rules", "choose", "make", "key", "shared", "name", "reference", "link", "join"),
        *("contained", "distinct", "needs"),
    }
)
"""Every key a rule may have."""


class RuleCompiler:
    """Compiles the rules of one file."""

    def __init__(self, file: str, paths: Compiler, tables: Mapping[str, ValueTable], groups: Mapping[str, Any]) -> None:
        self._file = file
        self._paths = paths
        self._scalars = ScalarCompiler(file, paths, tables)
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
            return self._scalars.step(spec, owner, name, place)
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
        only(spec, "id note when each choose", place)
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
        only(spec, "id note when each to use rules required needs", place)
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes
        holds = self._paths.condition(str(spec["when"]), place) if "when" in spec and "each" in spec else None
        to = compile_target(owner, spec["to"], place) if "to" in spec else None
        steps = self._inner(spec, to.type if to else owner, name, place)
        required = requirement(spec, place)
        needs = spec.get("needs")
        if needs is not None:
            compile_target(to.type if to else owner, needs, place)

        def block(run: Run, node: Node, target: Place) -> None:
            chosen = [one for one in nodes(node) if holds is None or holds(one)]
            if to is None:
                for one in chosen:
                    for step in steps:
                        step(run, one, target)
                return
            tried = (write_object(run, one, target, to, steps, needs) for one in chosen)
            if not (any(list(tried)) if to.many else any(tried)) and required:
                missing(run, node, name, required, self._file)

        return block

    def _make(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        only(spec, "id note when each to use rules make key shared name contained", place)
        type_name = spec["make"]
        if type_name not in RESOURCE_TYPES:
            raise MappingDefect(f"`{type_name}` is not a resource type of FHIR R4", place=place)
        nodes = self._paths.path(str(spec.get("each", ".")), place).nodes
        holds = self._paths.condition(str(spec["when"]), place) if "when" in spec and "each" in spec else None
        keys = [self._paths.path(one, place).values for one in spec.get("key", [])]
        steps = self._inner(spec, type_name, name, place)
        to = self._reference_target(owner, spec["to"], place) if "to" in spec else None
        shared = bool(spec.get("shared", False))
        if spec.get("contained"):
            if to is None:
                raise MappingDefect("what is contained must be referred to: `to` is missing", place=place)
            return contained_maker(type_name, nodes, holds, steps, to)
        known_as = str(spec.get("name", name))

        def make(run: Run, node: Node, target: Place) -> None:
            for one in nodes(node):
                if holds is not None and not holds(one):
                    continue
                said = [values[0][0].strip() if (values := key(one)) else "" for key in keys]
                own = "^".join(said) if any(said) else ""
                full_url = full_url_of(run, one, type_name, own, shared)
                if full_url and make_resource(run, one, type_name, full_url, known_as, steps):
                    if own:
                        run.by_source_id.setdefault(own, full_url)
                    if to is not None:
                        to.write(target.value, {"reference": full_url})

        return make

    def _reference(self, spec: dict[str, Any], owner: str, name: str, place: str) -> Step:
        """`reference`: to what the `make` rule of that name made; `link`: to what a source id became."""
        only(spec, "id note when each to reference link", place)
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
                    run.links.append((partial(to.write, target.value), "^".join(first), one))

        return link

    def _reference_target(self, owner: str, path: Any, place: str) -> Target:
        if not isinstance(path, str):
            raise MappingDefect("a reference needs a `to`", place=place)
        to = compile_target(owner, path, place)
        if to.type != "Reference":
            raise MappingDefect(f"`{path}` of {owner} is a {to.type}, not a Reference", place=place)
        return to
