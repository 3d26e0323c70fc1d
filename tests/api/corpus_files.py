"""The sample files as they are sent: every number kept as its text, every reference led to where the hub keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fhir.corpus import files

Resource = dict[str, Any]

_NUMBER = "\ue000number "
_QUOTED = re.compile(rb'"\xee\x80\x80number ([^"]*)"')
STAMPS = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a file: where it stands in it, and the names that others call it by."""

    place: str
    resource: Resource
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


def sample_files() -> list[Path]:
    """Every file of care planning and every patient summary, in order."""
    return [*files("careplan", "*.json"), *files("ips", "*.json")]


def read(data: bytes) -> Any:
    """JSON with every number as its text, by the standard library alone."""
    text = data.decode("utf-8-sig")
    return json.loads(text, parse_float=_number, parse_int=_number)


def write(value: Any) -> bytes:
    """The same as JSON, every number as it stood."""
    return _QUOTED.sub(rb"\1", json.dumps(value, ensure_ascii=False).encode())


def entries(path: Path) -> list[Entry]:
    """The resources of a file; none in one that is not FHIR."""
    told = read(path.read_bytes())
    if told.get("resourceType") != "Bundle":
        return [Entry("", told, ())] if "resourceType" in told else []
    found = []
    for number, entry in enumerate(told["entry"]):
        resource = entry["resource"]
        relative = f"{resource['resourceType']}/{resource['id']}" if "id" in resource else ""
        names = tuple(name for name in (entry.get("fullUrl", ""), relative) if name)
        found.append(Entry(f"/entry/{number}", resource, names))
    return found


def led(value: Any, to: Mapping[str, str], client: str) -> Any:
    """A copy in which references lead to where things are kept here, and every patient is this client."""
    if isinstance(value, list):
        return [led(item, to, client) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: led(item, to, client) for key, item in value.items()}
    named = copy.get("reference")
    if isinstance(named, str):
        is_patient = re.fullmatch(r"(https?://\S+/)?Patient/[^/]+", named) is not None
        copy["reference"] = client if is_patient else to.get(named, named)
    return copy


def said(resource: Resource) -> Resource:
    """What a resource says, without its id and the stamps of its version."""
    rest = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in STAMPS}
    return {**rest, "meta": meta} if meta else rest


def differences(sent: Any, got: Any, at: str = "") -> list[str]:
    """The places at which two values differ."""
    if isinstance(sent, dict) and isinstance(got, dict):
        keys = sorted(sent.keys() | got.keys())
        return [d for key in keys for d in differences(sent.get(key), got.get(key), f"{at}/{key}")]
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        return [d for n, (a, b) in enumerate(zip(sent, got, strict=True)) for d in differences(a, b, f"{at}/{n}")]
    return [] if sent == got and type(sent) is type(got) else [at]


def _number(text: str) -> str:
    return f"{_NUMBER}{text}"
