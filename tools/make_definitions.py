"""Make the hub's compact FHIR R4 tables from the condensed official definitions (CC0).

    python tools/make_definitions.py DIR

DIR holds `elements.json`, `valuesets.json`, `search-parameters.json` and `patient-compartment.json`. The
result goes to `hub/fhir/definitions/`, is the same byte for byte on every run, and is what the hub reads;
DIR is not needed again.

- `structure.json.gz`: shape -> {"kind", "elements", "constraints"}: elements are [name, min, many, [types],
  value set or null], constraints [key, severity, human]. A backbone element is a shape of its own, named
  by its path (`CarePlan.activity`); a content reference names the shape it refers to; a type is
  `Reference(Patient|Group)` where it has targets.
- `codes.json.gz`: value set bound as required -> {system: [codes]}.
- `search.json.gz`: [code, type, [bases], expression, [targets], url, [[definition, expression] of a component]].
- `summary.json.gz`: shape -> the names of its elements that a summary keeps, and of those that change what the
  rest means.
- `systems.json.gz`: element of type code -> the code systems of the value set it is bound to.
- `compartment.json.gz`: type -> parameters that put it into a Patient's compartment.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "hub" / "fhir" / "definitions"


def type_name(path: str, declared: Any) -> str:
    """The name of one declared type as the tables write it."""
    if isinstance(declared, dict):
        ((name, targets),) = declared.items()
        return f"{name}({'|'.join(targets)})" if name == "Reference" else name
    if declared != "fhirpath:String":
        return str(declared)
    if path == "Extension.url":
        return "uri"
    return "id" if path.endswith(".id") and path.count(".") == 1 and path[0].isupper() else "string"


def shapes_of(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """The shape of one type and those of its backbone elements."""
    elements = definition["elements"]
    parents = {element["path"].rpartition(".")[0] for element in elements}
    shapes: dict[str, Any] = {}
    for element in elements:
        path = element["path"]
        if path == name or path in parents:
            shapes[path] = {
                "kind": definition["kind"] if path == name else "backbone",
                "elements": [],
                "constraints": [],
            }
        constraints = [rule[:3] for rule in element.get("constraint", ())]
        home = path if path in shapes else path.rpartition(".")[0]
        shapes[home]["constraints"] += constraints
        if path == name:
            continue
        if path in parents:
            types = [path]
        elif "ref" in element:
            types = [element["ref"].lstrip("#")]
        else:
            is_element_id = path.endswith(".id") and definition["kind"] != "resource"
            types = ["string"] if is_element_id else [type_name(path, t) for t in element.get("type", ())]
        binding = element.get("binding", (None, None))
        value_set = binding[1].split("|")[0] if binding[0] == "required" else None
        parent, _, key = path.rpartition(".")
        if element["max"] != "0":
            shapes[parent]["elements"].append([key, element["min"], element["max"] != "1", types, value_set])
    return shapes


def summary_of(elements: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    """Shape -> its elements that are part of a summary, and its modifier elements."""
    kept: dict[str, tuple[list[str], list[str]]] = {}
    for definition in elements.values():
        if definition["kind"] in ("complex-type", "resource"):
            for element in definition["elements"]:
                parent, _, key = element["path"].rpartition(".")
                for position, flag in enumerate(("summary", "modifier")):
                    if parent and element.get(flag):
                        kept.setdefault(parent, ([], []))[position].append(key)
    return kept


def systems_of(structure: dict[str, Any], valuesets: dict[str, Any]) -> dict[str, list[str]]:
    """Element of type code -> the systems its codes belong to."""
    return {
        f"{name}.{key}": sorted(valuesets[value_set])
        for name, shape in structure.items()
        for key, _, _, types, value_set in shape["elements"]
        if types == ["code"] and value_set in valuesets
    }


def write(name: str, content: Any) -> None:
    """Write one table, compressed without a time stamp."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (TARGET / name).write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def main(source: Path) -> None:
    """Make all tables."""
    elements, valuesets, parameters, compartment = (
        json.loads((source / f"{name}.json").read_text())
        for name in ("elements", "valuesets", "search-parameters", "patient-compartment")
    )
    structure: dict[str, Any] = {}
    for name, definition in elements.items():
        if definition["kind"] in ("complex-type", "resource"):
            structure |= shapes_of(name, definition)
    bound = {row[4] for shape in structure.values() for row in shape["elements"]} & valuesets.keys()
    TARGET.mkdir(exist_ok=True)
    write("structure.json.gz", structure)
    write(
        "codes.json.gz",
        {url: {system: [code for code, _ in codes] for system, codes in valuesets[url].items()} for url in bound},
    )
    write(
        "search.json.gz",
        [
            [
                p["code"],
                p["type"],
                p["base"],
                p.get("expression", ""),
                p.get("target", []),
                p["url"],
                [[part["definition"], part["expression"]] for part in p.get("component", ())],
            ]
            for p in sorted(parameters, key=lambda p: str(p["url"]))
        ],
    )
    write("summary.json.gz", summary_of(elements))
    write("systems.json.gz", systems_of(structure, valuesets))
    write("compartment.json.gz", {name: found for name, found in compartment.items() if found})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
