"""The questions that FHIR R4's invariants ask of one object, as functions; `hub.fhir.invariants` says of
which.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. Each is true where the rule holds, and where
the object is so broken that another rule speaks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from hub.fhir.codes import CONSENT_SCOPE, UCUM

Object = dict[str, Any]
Rule = Callable[[Object], bool]

_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
_ALLERGY_VERIFICATION: Final = f"{_TERMS}allergyintolerance-verification"
_CONDITION_VERIFICATION: Final = f"{_TERMS}condition-ver-status"
_CONDITION_CLINICAL: Final = f"{_TERMS}condition-clinical"
_HISTORY: Final = frozenset(("batch", "transaction", "history"))
_RESPONSES: Final = frozenset(("batch-response", "transaction-response", "history"))


def not_both(one: str, other: str) -> Rule:
    """Not both of two elements."""
    return lambda o: not (one in o and other in o)


def any_of(*keys: str) -> Rule:
    """At least one of the elements."""
    return lambda o: any(key in o for key in keys)


def needs(one: str, *others: str) -> Rule:
    """If the first element is there, one of the others is too."""
    return lambda o: one not in o or any(key in o for key in others)


def choice(o: Object, stem: str) -> bool:
    """Whether the object has `stem[x]`."""
    size = len(stem)
    return any(key.startswith(stem) and key[size : size + 1].isupper() for key in o)


def coded(concept: Any, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept has a coding of the system with one of the codes."""
    return any(coding.get("system") == system and coding.get("code") in codes for coding in items(concept, "coding"))


def items(value: Any, key: str) -> Iterator[Object]:
    """The objects in a list element, whatever else may be wrong with it."""
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, dict))


def in_order(earlier: Any, later: Any) -> bool:
    """Whether two partial dates may stand in this order; what cannot be compared may."""
    if not isinstance(earlier, str) or not isinstance(later, str):
        return True
    if "T" in earlier and "T" in later:
        try:
            return datetime.fromisoformat(earlier) <= datetime.fromisoformat(later)
        except (ValueError, TypeError):
            return True
    size = min(len(earlier), len(later), 10)
    return earlier[:size] <= later[:size]


def number(o: Any, key: str) -> Any:
    value = o.get(key) if isinstance(o, dict) else None
    return None if isinstance(value, bool | str | list | dict) else value


def ucum_only(o: Object) -> bool:
    return o.get("system", UCUM) == UCUM and ("code" in o or "value" not in o)


def age_in_time(o: Object) -> bool:
    value = number(o, "value")
    return ucum_only(o) and (value is None or value > 0)


def count_of_ones(o: Object) -> bool:
    return ucum_only(o) and o.get("code", "1") == "1" and "." not in str(o.get("value", ""))


def range_in_order(o: Object) -> bool:
    low, high = number(o.get("low"), "value"), number(o.get("high"), "value")
    units = {
        (side.get("system"), side.get("code") or side.get("unit"))
        for side in (o.get("low"), o.get("high"))
        if isinstance(side, dict)
    }
    return low is None or high is None or len(units) > 1 or bool(low <= high)


def ratio_complete(o: Object) -> bool:
    both, none = {"numerator", "denominator"} <= o.keys(), not ({"numerator", "denominator"} & o.keys())
    return both or (none and "extension" in o)


def offset_from_event(o: Object) -> bool:
    when = o.get("when")
    return "offset" not in o or (isinstance(when, list) and not {"C", "CM", "CD", "CV"} & {str(w) for w in when})


def not_negative(key: str) -> Rule:
    return lambda o: (number(o, key) or 0) >= 0


def extension_or_value(o: Object) -> bool:
    """must have either extensions or a value, not both"""
    return ("extension" in o) != (choice(o, "value") or choice(o, "_value"))


def allergy_in_error(o: Object) -> bool:
    return coded(o.get("verificationStatus"), _ALLERGY_VERIFICATION, "entered-in-error")


def condition_in_error(o: Object) -> bool:
    return coded(o.get("verificationStatus"), _CONDITION_VERIFICATION, "entered-in-error")


def listed_with_status(o: Object) -> bool:
    listed = any(coded(item, f"{_TERMS}condition-category", "problem-list-item") for item in items(o, "category"))
    return "clinicalStatus" in o or condition_in_error(o) or not listed


def abated_is_over(o: Object) -> bool:
    ended = coded(o.get("clinicalStatus"), _CONDITION_CLINICAL, "resolved", "remission", "inactive")
    return not choice(o, "abatement") or ended


def value_or_components(o: Object) -> bool:
    if not choice(o, "value") or "component" not in o:
        return True
    own = {(c.get("system"), c.get("code")) for c in items(o.get("code"), "coding")}
    parts = {(c.get("system"), c.get("code")) for p in items(o, "component") for c in items(p.get("code"), "coding")}
    return not own & parts


def consent_patient(code: str) -> Rule:
    return lambda o: "patient" in o or not coded(o.get("scope"), CONSENT_SCOPE, code)


def probable_at_most(o: Object) -> bool:
    probability = number(o, "probabilityDecimal")
    return probability is None or probability <= 100


def range_in_percent(o: Object) -> bool:
    sides = [side for side in (o.get("probabilityRange") or {}).values() if isinstance(side, dict)]
    return all(side.get("code") == "%" and side.get("system") == UCUM for side in sides)


def request_where_asked(o: Object) -> bool:
    return all(("request" in entry) == (o.get("type") in _HISTORY) for entry in items(o, "entry"))


def response_where_answered(o: Object) -> bool:
    return all(("response" in entry) == (o.get("type") in _RESPONSES) for entry in items(o, "entry"))


def full_urls_distinct(o: Object) -> bool:
    if o.get("type") == "history":
        return True
    seen = [
        (entry["fullUrl"], str(((entry.get("resource") or {}).get("meta") or {}).get("versionId")))
        for entry in items(o, "entry")
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource", {}), dict)
    ]
    return len(set(seen)) == len(seen)


def first_is(o: Object, bundle: str, type: str) -> bool:
    if o.get("type") != bundle:
        return True
    first = next(items(o, "entry"), {}).get("resource")
    return isinstance(first, dict) and first.get("resourceType") == type


def document_identified(o: Object) -> bool:
    return o.get("type") != "document" or {"system", "value"} <= (o.get("identifier") or {}).keys()


def full_url_agrees(o: Object) -> bool:
    """the fullUrl must not name another id than the resource's own"""
    url, resource = o.get("fullUrl"), o.get("resource")
    if not isinstance(url, str) or not isinstance(resource, dict) or not url.startswith(("http:", "https:")):
        return True
    kind, own = resource.get("resourceType"), resource.get("id")
    tail = url.split("/_history/")[0].rsplit("/", 2)
    return not own or len(tail) < 3 or tail[1] != kind or tail[2] == own


def parameter_part(o: Object) -> bool:
    value, part, resource = choice(o, "value"), "part" in o, "resource" in o
    return (part and not value and not resource) or (not part and value != resource)


def no_home(key: str) -> Rule:
    return lambda o: all(item.get("use") != "home" for item in items(o, key))


def team_member(o: Object) -> bool:
    member = o.get("member")
    text = member.get("reference") if isinstance(member, dict) else None
    shown = text.split("/")[-2] if isinstance(text, str) and "/" in text else None
    return "onBehalfOf" not in o or shown in (None, "Practitioner")
