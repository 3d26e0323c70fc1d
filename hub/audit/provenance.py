"""Where records came from: the Provenance of one mapping run (https://hl7.org/fhir/R4/provenance.html).

It names the mapping and its version, the digest of the bytes that were received, the organisation that sent
them and, on each record, which rule made which element from which place of the source (docs/mappings.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.fhir.codes import HUB
from hub.fhir.value import Reference, Resource
from hub.mapping.model import Mapped, Trace

TRACE: Final = f"{HUB}/StructureDefinition/mapping-trace"
SHA256: Final = f"{HUB}/sid/sha-256"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"


def provenance(
    mapped: Mapped,
    *,
    id: str,
    targets: Mapping[Reference, Reference],
    organisation: Reference,
    source_sha256: str,
    recorded: str,
    format: str = "",
    site: str = HUB,
) -> Resource:
    """The Provenance of the records that a run made.

    `targets` maps each record as the mapping named it (`Type/uuid`) to the record as the hub stores it;
    `recorded` is the instant. Rules that made nothing of these targets are left out.
    """
    traces: dict[str, list[Resource]] = {}
    for trace in mapped.trace:
        made, path = _split(trace.target)
        if made in targets:
            traces.setdefault(made, []).append(_trace(trace, path))
    source = {
        "type": "DocumentReference",
        "identifier": {"system": SHA256, "value": source_sha256},
        "display": f"received {format}".strip(),
    }
    itself = {"system": "urn:ietf:rfc:3986", "value": site}
    hub = {"type": "Device", "identifier": itself, "display": "Casehub"}
    return {
        "resourceType": "Provenance",
        "id": id,
        "target": [_target(stored, traces.get(made, [])) for made, stored in sorted(targets.items())],
        "recorded": recorded,
        "policy": [f"{HUB}/mappings/{mapped.mapping}"],
        "activity": {"coding": [{"system": _LIFECYCLE, "code": "transform"}]},
        "agent": [
            {"type": _role("author", "Author"), "who": {"reference": organisation}},
            {
                "type": _role("assembler", "Assembler"),
                "who": hub,
                "onBehalfOf": {"reference": organisation},
            },
        ],
        "entity": [{"role": "source", "what": source}],
    }


def _split(target: str) -> tuple[Reference, str]:
    """`Type/uuid/path` or `Type/uuid.path` as the record and the path inside it."""
    kind, _, rest = target.partition("/")
    ends = [place for place in (rest.find("/"), rest.find(".")) if place >= 0]
    end = min(ends, default=len(rest))
    return f"{kind}/{rest[:end]}", rest[end + 1 :]


def _target(stored: Reference, traces: list[Resource]) -> Resource:
    return {"extension": traces, "reference": stored} if traces else {"reference": stored}


def _trace(trace: Trace, path: str) -> Resource:
    said = [("element", path), ("rule", trace.rule), ("mapping", trace.mapping), ("source", trace.source)]
    parts = [{"url": url, "valueString": text} for url, text in said if text]
    return {"url": TRACE, "extension": parts}


def _role(code: str, display: str) -> Resource:
    return {"coding": [{"system": _ROLES, "code": code, "display": display}]}
