"""An organisation's adapter configuration, held against the adapter's `config.schema.json`.

The schema is JSON Schema (draft 2020-12), of which these keywords are understood: type, properties, required,
additionalProperties, items, enum, pattern, minLength, minimum, maximum, exclusiveMinimum, default, writeOnly
(a secret), and the annotations. INVARIANT: a keyword outside this list is an error, never ignored; and no
error repeats a value, since a value may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hub.adapters.sdk.contract import Connection
from hub.errors import ConfigurationError

MASK: Final = "********"
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_ANNOTATIONS: Final = frozenset({"$schema", "title", "description", "default", "writeOnly"})
_RULES: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "pattern", "minLength"}
    | {"minimum", "maximum", "exclusiveMinimum"}
)


class ConfigurationSchema:
    """One adapter's schema: checks a configuration, fills its defaults, masks its secrets."""

    def __init__(self, schema: Mapping[str, Any], *, name: str) -> None:
        self._schema = schema
        self._name = name
        _hold_to_keywords(schema, name, "")
        if schema.get("type") != "object":
            raise ConfigurationError("a configuration is an object", place=f"{name} at /type")

    @classmethod
    def read(cls, file: Path) -> ConfigurationSchema:
        """The schema in `file`; every error names the file and the JSON pointer."""
        name = f"{file.parent.name}/{file.name}"
        try:
            schema = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigurationError("the file is missing", place=name) from None
        except ValueError as error:
            raise ConfigurationError(f"not JSON: {error}", place=name) from error
        if not isinstance(schema, dict):
            raise ConfigurationError("a schema is an object", place=name)
        return cls(schema, name=name)

    @classmethod
    def beside(cls, module: str) -> ConfigurationSchema:
        """The schema in the folder of an adapter's module."""
        return cls.read(Path(module).with_name("config.schema.json"))

    @property
    def secrets(self) -> frozenset[str]:
        """The keys whose values are secrets."""
        return frozenset(key for key, rule in self._schema.get("properties", {}).items() if rule.get("writeOnly"))

    def complete(self, config: Mapping[str, Any], *, place: str) -> dict[str, Any]:
        """The configuration with its defaults; `ConfigurationError` lists every fault with its pointer."""
        faults = [f"{pointer or '/'} {why}" for pointer, why in _faults(dict(config), self._schema, "")]
        if faults:
            raise ConfigurationError("; ".join(faults), place=place)
        defaults = {
            key: rule["default"] for key, rule in self._schema.get("properties", {}).items() if "default" in rule
        }
        return {**defaults, **config}

    def of(self, connection: Connection) -> dict[str, Any]:
        """A connection's configuration, checked and complete, whoever made the connection."""
        return self.complete(
            connection.config,
            place=f"organisation {connection.organisation} adapter {connection.adapter} config",
        )

    def masked(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration as it may be shown: secrets are stars."""
        return {key: MASK if key in self.secrets else value for key, value in config.items()}


def _hold_to_keywords(schema: Mapping[str, Any], name: str, pointer: str) -> None:
    for keyword in schema:
        if keyword not in _RULES | _ANNOTATIONS:
            raise ConfigurationError("this schema keyword is not understood", place=f"{name} at {pointer}/{keyword}")
    if schema.get("type") not in _TYPES:
        raise ConfigurationError(f"must be one of {', '.join(_TYPES)}", place=f"{name} at {pointer}/type")
    for key, rule in schema.get("properties", {}).items():
        _hold_to_keywords(rule, name, f"{pointer}/properties/{key}")
    if "items" in schema:
        _hold_to_keywords(schema["items"], name, f"{pointer}/items")


def _faults(value: Any, rule: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    kind = rule["type"]
    if not _is_of_type(value, kind):
        yield pointer, f"must be of type {kind}"
        return
    if "enum" in rule and value not in rule["enum"]:
        yield pointer, f"must be one of {', '.join(map(json.dumps, rule['enum']))}"
    if kind == "object":
        yield from _faults_of_object(value, rule, pointer)
    elif kind == "array":
        for index, item in enumerate(value):
            yield from _faults(item, rule["items"], f"{pointer}/{index}") if "items" in rule else ()
    elif kind == "string":
        if len(value) < rule.get("minLength", 0):
            yield pointer, "must not be empty"
        if "pattern" in rule and not re.search(rule["pattern"], value):
            yield pointer, f"must look like {rule['pattern']}"
    elif kind in ("integer", "number"):
        yield from _faults_of_number(value, rule, pointer)


def _is_of_type(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _faults_of_object(value: dict[str, Any], rule: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    rules = rule.get("properties", {})
    for key in rule.get("required", ()):
        if key not in value:
            yield f"{pointer}/{key}", "is missing"
    for key, item in value.items():
        if key in rules:
            yield from _faults(item, rules[key], f"{pointer}/{key}")
        elif rule.get("additionalProperties") is False:
            yield f"{pointer}/{key}", f"is not known; known are {', '.join(sorted(rules))}"


def _faults_of_number(value: float, rule: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    if "minimum" in rule and value < rule["minimum"]:
        yield pointer, f"must be at least {rule['minimum']}"
    if "maximum" in rule and value > rule["maximum"]:
        yield pointer, f"must be at most {rule['maximum']}"
    if "exclusiveMinimum" in rule and value <= rule["exclusiveMinimum"]:
        yield pointer, f"must be more than {rule['exclusiveMinimum']}"
