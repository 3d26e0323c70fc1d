"""FHIR JSON text: read strictly, written as it came (https://hl7.org/fhir/R4/json.html, RFC 8259).

Reading refuses what two readers could understand differently: a key twice, NaN, half a surrogate pair,
bytes that are not UTF-8. Numbers with a fraction or an exponent become `Decimal`, so 1.50 stays 1.50. The
quick path is the standard library's scanner; only when it refuses does `hub.fhir.text_place` walk the
text again to name the place.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import msgspec

from hub.errors import MalformedContent
from hub.fhir.decimals import MAX_DIGITS, as_written, by_value, decimal
from hub.fhir.text_place import MAX_DEPTH, find_fault
from hub.fhir.value import Resource

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_WRITER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=as_written)
_RAW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CANONICAL: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=by_value, order="sorted")


class _RefusedError(ValueError):
    """The quick path saw something it must not take."""


def read(data: bytes | str, *, name: str = "document") -> Resource:
    """The JSON object in `data`; `MalformedContent` names the line, the column and the JSON pointer."""
    found: Resource = _read(data, dict, name)
    return found


def read_array(data: bytes | str, *, name: str = "document") -> list[Any]:
    """The JSON array in `data`, as strictly (a JSON Patch is one)."""
    found: list[Any] = _read(data, list, name)
    return found


def write(resource: Resource) -> bytes:
    """The resource as compact UTF-8 JSON; members keep their order, decimals their digits."""
    return _WRITER.encode(resource)


def splice(text: bytes, id: str, version: int | str, last_updated: datetime | str) -> bytes:
    """The text that came in with `id`, `meta.versionId` and `meta.lastUpdated` set, all else as written."""
    moment = last_updated if isinstance(last_updated, str) else instant(last_updated)
    members = _raw_members(text.removeprefix(b"\xef\xbb\xbf"))
    meta = _raw_members(bytes(members["meta"])) if "meta" in members else {}
    stamp = {"versionId": _raw(str(version)), "lastUpdated": _raw(moment)}
    front = {key: members[key] for key in ("resourceType",) if key in members}
    front |= {"id": _raw(id), "meta": msgspec.Raw(_WRITER.encode(stamp | (meta | stamp)))}
    return _WRITER.encode(front | {key: value for key, value in members.items() if key not in front})


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds (https://hl7.org/fhir/R4/datatypes.html#instant)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(resource: Resource) -> bytes:
    """The content as bytes that do not depend on member order, without id and the version's own stamps."""
    content = {key: value for key, value in resource.items() if key != "id"}
    meta = content.get("meta")
    if isinstance(meta, dict):
        kept = {key: value for key, value in meta.items() if key not in ("versionId", "lastUpdated")}
        content.pop("meta")
        if kept:
            content["meta"] = kept
    return _CANONICAL.encode(content)


def digest(resource: Resource) -> str:
    """SHA-256 of the canonical content: equal for two versions that say the same."""
    return sha256(canonical(resource)).hexdigest()


def too_deep(value: Any) -> bool:
    """Whether containers stand in each other deeper than allowed; looked at level by level."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True


def _read(data: bytes | str, kind: type[Any], name: str) -> Any:
    text = _decode(data, name)
    try:
        value = _READER.decode(text)
        if not isinstance(value, kind) or (_SURROGATE.search(text) and _has_lone_surrogate(value)):
            raise _RefusedError
        if text.count("{") + text.count("[") > MAX_DEPTH and too_deep(value):
            raise _RefusedError
    except (ValueError, ArithmeticError, RecursionError):
        raise _malformed(text, kind, name) from None
    return value


def _decode(data: bytes | str, name: str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise MalformedContent("not valid UTF-8", place=f"{name} line {line} column {column}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _RefusedError
    return result


def _fraction(text: str) -> Decimal:
    value = decimal(text)
    if value is None:
        raise _RefusedError
    return value


def _integer(text: str) -> int | Decimal:
    if len(text) > MAX_DIGITS:
        raise _RefusedError
    return Decimal(text) if text == "-0" else int(text)


def _constant(text: str) -> Any:
    raise _RefusedError


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer, parse_constant=_constant
)


def _has_lone_surrogate(value: Any) -> bool:
    try:
        _WRITER.encode(value)
    except UnicodeEncodeError:
        return True
    return False


def _malformed(text: str, kind: type[Any], name: str) -> MalformedContent:
    fault = find_fault(text, opening="{" if kind is dict else "[")
    line = text.count("\n", 0, fault.offset) + 1
    column = fault.offset - text.rfind("\n", 0, fault.offset)
    at = f" at {fault.pointer}" if fault.pointer else ""
    return MalformedContent(f"{fault.text}{at}", place=f"{name} line {line} column {column}")


def _raw_members(text: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _RAW.decode(text)
    except msgspec.DecodeError:
        raise MalformedContent("not a JSON object") from None


def _raw(value: str) -> msgspec.Raw:
    return msgspec.Raw(_WRITER.encode(value))
