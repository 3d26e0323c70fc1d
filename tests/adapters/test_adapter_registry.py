"""Manifests, configuration schemas and the registry: read strictly, every error with its file and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sdk.configuration import MASK, ConfigurationSchema
from hub.adapters.sdk.manifest import read_manifest
from hub.adapters.sdk.registry import FOLDER, load, registry
from hub.errors import ConfigurationError
from tests.adapters.contract import TestClock

MANIFEST = """
id = "courier"
version = "1.0.0"
title = "A courier"
directions = ["push"]
formats = ["fhir"]
[capabilities]
asks = []
carries = ["plan"]
media_types = ["application/fhir+json"]
acknowledges = true
enforces_revocation = false
"""


def manifest(folder: Path, text: str = MANIFEST, name: str = "courier") -> Path:
    file = folder / name / "manifest.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_a_manifest_is_read(tmp_path: Path) -> None:
    read = read_manifest(manifest(tmp_path))
    assert (read.id, read.directions, read.capabilities.carries) == ("courier", {"push"}, {"plan"})


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("courier", "mail"), "key id"),
        (('"1.0.0"', '"one"'), "key version"),
        (('"A courier"', '""'), "key title"),
        (('["push"]', '["push", "shout"]'), "key directions"),
        (('["push"]', "[]"), "key directions"),
        (('["fhir"]', '"fhir"'), "key formats"),
        (("acknowledges = true", 'acknowledges = "yes"'), "key capabilities.acknowledges"),
        (("asks = []\n", ""), "key capabilities.asks"),
        (("asks = []", "asks = []\nflies = true"), "key capabilities.flies"),
        (('title = "', 'colour = "red"\ntitle = "'), "key colour"),
        (("[capabilities]", "[abilities]"), "key capabilities"),
        (("id = ", "id == "), "not TOML"),
    ],
)
def test_a_fault_in_a_manifest_is_named_with_file_and_key(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"courier/manifest\.toml") as caught:
        read_manifest(manifest(tmp_path, MANIFEST.replace(*change, 1)))
    assert key in str(caught.value)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["port"],
    "properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 9},
        "secret": {"type": "string", "writeOnly": True, "pattern": "^[a-z]+$"},
        "seconds": {"type": "number", "exclusiveMinimum": 0, "default": 3},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "on": {"type": "boolean"},
    },
}


def schema(**changes: Any) -> ConfigurationSchema:
    return ConfigurationSchema({**SCHEMA, **changes}, name="courier/config.schema.json")


def test_a_configuration_is_completed_with_its_defaults() -> None:
    assert schema().complete({"port": 1}, place="p") == {"port": 1, "seconds": 3}
    assert schema().complete({"port": 1, "seconds": 0.5}, place="p")["seconds"] == 0.5


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/port is missing"),
        ({"port": "1"}, "/port must be of type integer"),
        ({"port": True}, "/port must be of type integer"),
        ({"port": 0}, "/port must be at least 1"),
        ({"port": 10}, "/port must be at most 9"),
        ({"port": 1, "seconds": 0}, "/seconds must be more than 0"),
        ({"port": 1, "kind": "c"}, "/kind must be one of"),
        ({"port": 1, "names": ["x", ""]}, "/names/1 must not be empty"),
        ({"port": 1, "names": "x"}, "/names must be of type array"),
        ({"port": 1, "on": 1}, "/on must be of type boolean"),
        ({"port": 1, "prot": 2}, "/prot is not known; known are"),
        ({"port": 1, "secret": "HUSH7"}, "/secret must look like"),
    ],
)
def test_a_fault_in_a_configuration_is_named_with_its_pointer(config: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        schema().complete(config, place="organisation x")
    assert pointer in str(caught.value)
    assert "organisation x" in str(caught.value)
    assert "HUSH7" not in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"/port is missing; /kind must"):
        schema().complete({"kind": "c"}, place="p")


def test_secrets_are_masked() -> None:
    assert schema().masked({"port": 1, "secret": "hush"}) == {"port": 1, "secret": MASK}
    assert schema().secrets == {"secret"}


@pytest.mark.parametrize(
    "rule",
    [{"type": "string", "format": "uri"}, {"type": "array", "items": {"oneOf": []}}, {"type": "null"}, {}],
)
def test_a_schema_keyword_that_is_not_understood_is_an_error_not_a_gap(rule: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.schema\.json at /properties/x"):
        schema(properties={"x": rule})


@pytest.mark.parametrize("id", registry().ids)
def test_every_key_of_every_adapter_is_explained(id: str) -> None:
    content = json.loads((FOLDER / id / "config.schema.json").read_text())
    unexplained = [
        key for key, rule in content["properties"].items() if "description" not in rule and not key.startswith("max_")
    ]
    assert unexplained == []
    readme = (FOLDER / id / "README.md").read_text()
    assert [key for key in content["properties"] if f"`{key}`" not in readme] == []


def test_an_unknown_adapter_is_named_beside_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"pigeon: .*cda, fhir_rest, hl7v2, tabular"):
        registry().get("pigeon")


def test_a_connection_is_checked_when_it_is_made() -> None:
    cda = registry().get("cda")
    made = cda.connection("hospital", {"folder": "/srv/hospital"})
    assert made.directions == {"pull"}
    assert made.config["quiet_seconds"] == 2
    with pytest.raises(ConfigurationError, match="directions push"):
        cda.connection("hospital", {"folder": "/srv/hospital"}, directions=["push"])
    with pytest.raises(ConfigurationError, match=r"hospital adapter cda config: /folder is missing"):
        cda.connection("hospital", {})


def test_the_registry_is_loaded_once_for_each_clock() -> None:
    clock = TestClock()
    assert registry(clock) is registry(clock)
    assert registry(clock) is not registry()


def test_a_folder_that_is_not_whole_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "planted"
    folder.mkdir()
    manifest(folder)
    with pytest.raises(ConfigurationError, match=r"courier/config\.schema\.json: the file is missing"):
        load(folder, TestClock(), package="planted")
    (folder / "courier" / "config.schema.json").write_text('{"type": "object"}')
    (folder / "courier" / "adapter.py").write_text("")
    with pytest.raises(ConfigurationError, match=r"courier/adapter\.py: offers no"):
        load(folder, TestClock(), package="planted")
