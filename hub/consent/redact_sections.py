"""Sections, prose and labels of a container whose view is partial (docs/consent.md, inside a record).

A section that the recipient has no permit for says `withheld` whether or not anything is in it; any other
empty one says `unavailable`. Prose that speaks of all parts at once goes; what stands in its place is made
from codes and from what is visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hub.consent.codes import CONFIDENTIALITY as SCALE
from hub.consent.codes import SENSITIVITY
from hub.consent.labels import more_confidential
from hub.consent.model import Labels
from hub.fhir.codes import AREAS, CONFIDENTIALITY, HUB, LIST_EMPTY_REASON, LOINC, is_care_area
from hub.fhir.narrative import section_narrative
from hub.fhir.narrative_values import Resolve
from hub.fhir.narrative_words import area_word, type_word
from hub.fhir.value import Resource

PROSE: Final[Mapping[str, frozenset[str]]] = {
    "CarePlan": frozenset(("title", "description", "note")),
    "CareTeam": frozenset(("name", "note")),
    "List": frozenset(("title", "note")),
    "Composition": frozenset(("title",)),
    "Bundle": frozenset(("signature", "total")),
}
"""What a container says of all its parts at once: its own prose, and a signature or count over the whole."""

_PLAIN_EXTENSIONS: Final = (
    "valueBoolean",
    "valueCode",
    "valueCoding",
    "valueDate",
    "valueDateTime",
    "valuePeriod",
)


def withheld_section(section: Mapping[str, Any], areas: frozenset[str], *, language: str) -> dict[str, Any] | None:
    """A hidden section: its area, its bare code, and that it is withheld; nothing if its area is unknown."""
    named = [area_word(area, language) for area in AREAS if area in areas]
    code = coded(section.get("code"))
    if code is None or not named or areas - set(AREAS):
        return None
    bare = [{key: c[key] for key in ("system", "code") if key in c} for c in code["coding"] if _is_public(c)]
    return _emptied({"title": ", ".join(named), "code": {"coding": bare}}, "withheld", language)


def thinned_section(section: Mapping[str, Any], *, language: str) -> dict[str, Any]:
    """A section that lost something: its title from its code; its text is made anew later."""
    code = coded(section.get("code"))
    named = {"title": _title(code), "code": code}
    kept = {key: value for key, value in section.items() if key not in ("title", "_title", "text", "code")}
    left = {**{key: value for key, value in named.items() if value is not None}, **kept}
    return left if left.get("entry") or left.get("section") else _emptied(left, "unavailable", language)


def with_section_texts(holder: Mapping[str, Any], *, language: str, resolve: Resolve) -> dict[str, Any]:
    """Every section's text made from what is visible of it; a section that is nothing but text keeps it."""
    if not isinstance(sections := holder.get("section"), list):
        return dict(holder)
    return {**holder, "section": [_with_text(section, language, resolve) for section in sections]}


def without_prose(resource: Mapping[str, Any], *, language: str) -> Resource:
    """The container without what speaks of all its parts; a Composition gets the title of its type."""
    kind = str(resource.get("resourceType"))
    prose = PROSE.get(kind, frozenset())
    kept = {key: value for key, value in resource.items() if key.removeprefix("_") not in prose}
    if kind == "Composition" and "title" in resource:
        title = _title(coded(resource.get("type"))) or type_word("Composition", language)
        kept = {key: kept.get(key, title) for key in resource if key in kept or key == "title"}
    extensions = [e for e in resource.get("extension") or [] if _tells_nothing(e)]
    kept.pop("extension", None)
    return {**kept, "extension": extensions} if extensions else kept


def with_labels_for(resource: Mapping[str, Any], visible: Iterable[Labels]) -> Resource:
    """The container's own security labels, reduced to what its visible parts carry."""
    parts = tuple(visible)
    highest = "N"
    for labels in parts:
        highest = more_confidential(highest, labels.confidentiality)
    known = frozenset().union(*(labels.sensitivity | labels.areas for labels in parts), ("plan",))
    result = dict(resource)
    if isinstance(meta := resource.get("meta"), Mapping):
        reduced = dict(meta)
        for name in ("security", "tag"):
            codings = [_lowered(c, highest) for c in meta.get(name) or [] if _is_known(c, known)]
            reduced.pop(name, None)
            if codings:
                reduced[name] = [c for n, c in enumerate(codings) if c not in codings[:n]]
        result["meta"] = reduced
        if not reduced:
            del result["meta"]
    stated = resource.get("confidentiality")
    if resource.get("resourceType") == "Composition" and stated in SCALE:
        result["confidentiality"] = min(str(stated), highest, key=SCALE.__getitem__)
    return result


def coded(concept: object) -> dict[str, Any] | None:
    """A concept by its codings alone, without the words that somebody wrote beside them."""
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    named = [c for c in codings if isinstance(c, Mapping) and c.get("code")] if isinstance(codings, list) else []
    return {"coding": named} if named else None


def _title(code: Mapping[str, Any] | None) -> str | None:
    return next((c["display"] for c in (code or {}).get("coding", ()) if isinstance(c.get("display"), str)), None)


def _is_public(coding: Mapping[str, Any]) -> bool:
    """Whether a section's code says no more than its area does; somebody's own code may say anything."""
    system = str(coding.get("system"))
    return system == LOINC or system.endswith("/CodeSystem/section") or is_care_area(system)


def _emptied(section: Mapping[str, Any], reason: str, language: str) -> dict[str, Any]:
    kept = {key: value for key, value in section.items() if value is not None}
    div = section_narrative((), language=language, empty=reason)
    return {
        **{key: value for key, value in kept.items() if key in ("id", "title", "code")},
        "text": {"status": "generated", "div": div},
        "emptyReason": {"coding": [{"system": LIST_EMPTY_REASON, "code": reason}]},
    }


def _with_text(section: Any, language: str, resolve: Resolve) -> Any:
    if not isinstance(section, Mapping):
        return section
    entries = [entry for entry in section.get("entry") or [] if isinstance(entry, Mapping)]
    if not entries and not section.get("section"):
        if "emptyReason" not in section:
            return section
        withheld = _reason(section) == "withheld"
        return _emptied(section, "withheld" if withheld else "unavailable", language)
    inner = with_section_texts(section, language=language, resolve=resolve)
    inner.pop("text", None)
    seen = [resource for entry in entries if (resource := _entry_resource(entry, resolve))]
    if not seen:
        return inner
    text = {"status": "generated", "div": section_narrative(seen, language=language, resolve=resolve)}
    before = {key: value for key, value in inner.items() if key in ("id", "title", "code", "author", "focus")}
    return {**before, "text": text, **inner}


def _entry_resource(entry: Mapping[str, Any], resolve: Callable[[str], Resource | None]) -> Resource | None:
    reference, display = entry.get("reference"), entry.get("display")
    if isinstance(reference, str) and (found := resolve(reference)):
        return found
    return {"resourceType": "Basic", "code": {"text": display}} if isinstance(display, str) else None


def _reason(section: Mapping[str, Any]) -> str:
    codings = (coded(section.get("emptyReason")) or {}).get("coding", ())
    return next((str(c["code"]) for c in codings), "")


def _tells_nothing(extension: object) -> bool:
    """Whether an extension is the hub's own and holds a code or a date: no prose, no attachment."""
    if not isinstance(extension, Mapping) or not str(extension.get("url", "")).startswith(f"{HUB}/"):
        return False
    return "extension" not in extension and any(key in extension for key in _PLAIN_EXTENSIONS)


def _is_known(coding: object, known: frozenset[str]) -> bool:
    if not isinstance(coding, Mapping):
        return False
    code = coding.get("code")
    return code in known or not (code in SENSITIVITY or is_care_area(coding.get("system")))


def _lowered(coding: Mapping[str, Any], highest: str) -> Mapping[str, Any]:
    code = coding.get("code")
    if coding.get("system") != CONFIDENTIALITY or code not in SCALE or SCALE[str(code)] <= SCALE[highest]:
        return coding
    return {"system": CONFIDENTIALITY, "code": highest}
