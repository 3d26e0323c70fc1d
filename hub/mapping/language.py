"""The mapping language: one YAML file to one compiled, strict, stateless `Mapping` (docs/mappings.md).

Read with ruamel.yaml's safe loader: no code, no tags, no duplicate keys. A file is refused as a whole
where anything in it is not understood; the MappingDefect names file and rule. Files are reviewed by
clinicians and social workers: `version`, `licence` and `authors` are part of the language.
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.errors import MappingDefect
from hub.mapping.carrying import Carry, compile_carry
from hub.mapping.model import Node
from hub.mapping.outward import Columns, compile_columns
from hub.mapping.paths import Compiler
from hub.mapping.rules import RuleCompiler
from hub.mapping.running import Step
from hub.mapping.steps import Condition, Values
from hub.mapping.tables import Row, ValueTable, read_table

FORMATS = frozenset({"cda", "hl7v2", "tabular", "fhir"})
_BUNDLES = frozenset({"document", "collection"})
_HEADER = frozenset(["id", "version", "title", "source", "target", "licence", "authors"])
_SOURCE = frozenset(("namespaces", "accepts", "content", "units", "group", "kind"))
_BODY = frozenset(["groups", "ignore", "rules", "bundle", "carry", "columns", "rows"])


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is knowingly not carried, and why."""

    id: str
    holds: Condition
    why: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """One compiled mapping file."""

    id: str
    version: str
    title: str
    format: str
    bundle: str
    """`document` or `collection`; empty for a mapping out to a table."""
    accepts: Condition
    """Whether a source of this format is one that this mapping is for."""
    kind: tuple[Values, ...]
    """What names the kind of a source (MSH-9), for the message when it is not taken."""
    content: tuple[str, ...]
    """XML attributes that carry content (for the residue)."""
    units: frozenset[str]
    """Tags that residue is gathered by."""
    group: Values | None
    """For tables with several clients: what says whose row it is."""
    oids: abc.Mapping[str, str]
    steps: tuple[Step, ...] = ()
    bundle_steps: tuple[Step, ...] = ()
    ignored: abc.Mapping[str, tuple[Ignored, ...]] = field(default_factory=dict)
    carry: Carry | None = None
    columns: Columns | None = None

    @property
    def label(self) -> str:
        """`id|version`, as traces and Provenance name it."""
        return f"{self.id}|{self.version}"


def compile_mapping(text: str, *, name: str, tables: abc.Mapping[str, str]) -> Mapping:
    """Compile one mapping file; `tables` are the texts of `mappings/tables/*.csv` by name."""
    document = _document(text, name)
    source, target = document["source"], document["target"]
    found = _Tables(tables, name)
    namespaces = dict(source.get("namespaces", {}))
    paths = Compiler(source["format"], namespaces, found.lookup, namespaces.get("", ""))
    rules = RuleCompiler(name, paths, found, document.get("groups", {}))
    bundle = str(target.get("bundle", ""))
    if bundle not in _BUNDLES and not ("columns" in document and not bundle):
        raise MappingDefect("`bundle` is document or collection", place=f"{name} target")
    ignored: dict[str, list[Ignored]] = {}
    for one in document.get("ignore", []):
        _keys(one, {"id", "element", "why"}, {"when"}, f"{name} ignore")
        place = f"{name} rule {one['id']}"
        for tag in one["element"] if isinstance(one["element"], list) else str(one["element"]).split():
            condition = paths.condition(str(one.get("when", ".")), place)
            kept = Ignored(str(one["id"]), condition if "when" in one else _always, str(one["why"]))
            ignored.setdefault(paths.tag(tag, place), []).append(kept)
    return Mapping(
        id=str(document["id"]),
        version=str(document["version"]),
        title=str(document["title"]),
        format=source["format"],
        bundle=bundle,
        accepts=paths.condition(str(source["accepts"]), f"{name} source") if "accepts" in source else _always,
        kind=tuple(paths.path(str(one), f"{name} source").values for one in source.get("kind", ())),
        content=tuple(source.get("content", ())),
        units=frozenset(source.get("units", ())),
        group=paths.path(str(source["group"]), f"{name} source").values if "group" in source else None,
        oids=found.uris("oids") if "oids" in tables else {},
        steps=tuple(rules.steps(document["rules"], "Bundle", "")) if "rules" in document else (),
        bundle_steps=tuple(rules.steps(document["bundle"], "Bundle", "")) if "bundle" in document else (),
        ignored={tag: tuple(those) for tag, those in ignored.items()},
        carry=compile_carry(document["carry"], name) if "carry" in document else None,
        columns=compile_columns(document, name, paths, found) if "columns" in document else None,
    )


def _document(text: str, name: str) -> dict[str, Any]:
    """The file read and its header checked."""
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name} line {mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", "") or "syntax"
        raise MappingDefect(f"not readable YAML ({problem})", place=where) from None
    _keys(document, set(_HEADER), set(_BODY), name)
    if not re.fullmatch(r"\d+\.\d+\.\d+", str(document["version"])):
        raise MappingDefect("`version` is not like 1.0.0", place=name)
    _keys(document["source"], {"format"}, set(_SOURCE), f"{name} source")
    _keys(document["target"], {"fhir"}, {"bundle", "table"}, f"{name} target")
    if document["source"]["format"] not in FORMATS:
        raise MappingDefect(f"`{document['source']['format']}` is not a known format", place=f"{name} source")
    if str(document["target"]["fhir"]) != "4.0.1":
        raise MappingDefect("only FHIR 4.0.1 is mapped to and from", place=f"{name} target")
    return dict(document)


def _keys(given: Any, needed: set[str], optional: set[str], place: str) -> None:
    if not isinstance(given, dict):
        raise MappingDefect("expected keys and values", place=place)
    if missing := needed - set(given):
        raise MappingDefect(f"`{sorted(missing)[0]}` is missing", place=place)
    if unknown := set(given) - needed - optional:
        raise MappingDefect(f"unknown key `{sorted(map(str, unknown))[0]}`", place=place)


def _always(_: Node) -> bool:
    return True


class _Tables(dict[str, ValueTable]):
    """The tables a file uses, read when first named."""

    def __init__(self, texts: abc.Mapping[str, str], file: str) -> None:
        super().__init__()
        self._texts = texts
        self._file = file

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __missing__(self, name: str) -> ValueTable:
        self[name] = table = read_table(self._texts[name], name=name)
        return table

    def lookup(self, name: str, key: str) -> str | None:
        if name not in self._texts:
            raise MappingDefect(f"no table is called `{name}`", place=self._file)
        row: Row | None = self[name].find(key)
        return row.to if row else None

    def uris(self, name: str) -> dict[str, str]:
        return {key: row.to for key, row in self[name].rows.items()}
