"""The legal bases that a request may rest on, and the flows that may use them (consent rules §1).

Configuration, each flow with its paragraph of law: `bases.toml`. What a file leaves out is off.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from hub.consent.codes import ACTIONS, CONFIDENTIALITY, PURPOSES, SENSITIVITY
from hub.consent.model import Basis
from hub.errors import ConfigurationError
from hub.fhir.codes import AREAS, UNCLASSIFIED
from hub.fhir.value import Resource

ANY_DENY_WINS: Final = "any-deny-wins"
NEWEST_WINS: Final = "newest-wins"
RECIPIENTS: Final = frozenset(("registering-provider", "care-team"))
_ALWAYS: Final = frozenset(("resourceType", "id", "meta", "language", "implicitRules"))
_FLOW_BASES: Final = frozenset((Basis.LEGAL_DUTY, Basis.CARE_PROVISION))


@dataclass(frozen=True, slots=True)
class Flow:
    """One configured flow: the law it rests on, to whom, and the minimum set that it carries."""

    name: str
    basis: Basis
    law: str
    recipient: str
    purposes: frozenset[str]
    actions: frozenset[str]
    areas: frozenset[str]
    most_confidential: int
    elements: Mapping[str, frozenset[str]]
    enabled: bool = False

    def covers_purpose(self, purpose: str) -> bool:
        """Whether a request for this purpose is within the flow."""
        return not self.purposes.isdisjoint(PURPOSES.get(purpose, ()))

    def minimum(self, resource: Resource) -> frozenset[str]:
        """The elements of this resource that the flow carries."""
        return elements_among(resource, self.elements.get(str(resource.get("resourceType")), frozenset()))


@dataclass(frozen=True, slots=True)
class VitalInterest:
    """Break-glass: which purposes, how long, and what stays shut."""

    law: str = ""
    purposes: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    minutes: int = 0
    never_sensitivity: frozenset[str] = frozenset()
    never_mark: str = ""


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """Reading one's own: an organisation what it contributed, a client or guardian the client's record."""

    law: str = ""
    organisation_actions: frozenset[str] = frozenset()
    client_actions: frozenset[str] = frozenset()
    third_party_mark: str = ""
    third_party_authors: frozenset[str] = frozenset()
    third_party_from: str = "U"
    guardian_relationships: frozenset[str] = frozenset(("GUARD",))
    guardian_never_sees: frozenset[str] = frozenset(("safeguarding", UNCLASSIFIED))


@dataclass(frozen=True, slots=True)
class Bases:
    """What this hub allows besides the client's Consent."""

    flows: Mapping[str, Flow] = field(default_factory=dict)
    vital: VitalInterest = VitalInterest()
    own: OwnRecord = OwnRecord()
    policy: str = ANY_DENY_WINS

    def flow(self, name: str | None, basis: Basis) -> Flow | None:
        """The flow of this name, if it is on and rests on this basis."""
        found = self.flows.get(name or "")
        return found if found and found.enabled and found.basis is basis else None

    def only_flow(self, basis: Basis) -> str | None:
        """The name of the one flow that is on for a basis, where there is one."""
        names = [flow.name for flow in self.flows.values() if flow.enabled and flow.basis is basis]
        return names[0] if len(names) == 1 else None


def load_bases(text: str, *, name: str = "bases.toml") -> Bases:
    """Read a file of bases; anything unknown in it is refused, naming the place."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error), place=name) from error
    known = {"consent", "vital-interest", "own-record", "flow"}
    if strange := sorted(given.keys() - known):
        raise ConfigurationError(f"unknown table `{strange[0]}`", place=name)
    policy = given.get("consent", {}).get("policy", ANY_DENY_WINS)
    if policy not in (ANY_DENY_WINS, NEWEST_WINS):
        raise ConfigurationError("unknown policy across Consents", place=f"{name}: consent.policy")
    return Bases(
        flows={key: _flow(key, value, f"{name}: flow.{key}") for key, value in given.get("flow", {}).items()},
        vital=_vital(given.get("vital-interest", {}), f"{name}: vital-interest"),
        own=_own(given.get("own-record", {}), f"{name}: own-record"),
        policy=policy,
    )


def elements_among(resource: Resource, listed: frozenset[str]) -> frozenset[str]:
    """Those top-level elements of a resource that a list names; `onset[x]` names every type, `*` all."""
    if "*" in listed:
        return frozenset(resource)
    return frozenset(element for element in resource if element in _ALWAYS or _named(element, listed))


def _named(element: str, listed: frozenset[str]) -> bool:
    bare = element.removeprefix("_")
    if bare in listed:
        return True
    return any(
        name.endswith("[x]") and bare.startswith(name[:-3]) and bare[len(name) - 3 :][:1].isupper() for name in listed
    )


def _flow(name: str, given: Mapping[str, Any], place: str) -> Flow:
    basis = Basis(given["basis"]) if given.get("basis") in list(Basis) else None
    if basis not in _FLOW_BASES:
        raise ConfigurationError("a flow rests on LEGAL-DUTY or CARE-PROVISION", place=f"{place}.basis")
    if not given.get("law"):
        raise ConfigurationError("a flow names the paragraph it rests on", place=f"{place}.law")
    if given.get("recipient") not in RECIPIENTS:
        raise ConfigurationError("unknown kind of recipient", place=f"{place}.recipient")
    highest = given.get("most_confidential", "N")
    if highest not in CONFIDENTIALITY:
        raise ConfigurationError("not on the scale", place=f"{place}.most_confidential")
    return Flow(
        name=name,
        basis=basis,
        law=given["law"],
        recipient=given["recipient"],
        purposes=_of(given, "purposes", PURPOSES.keys(), place),
        actions=_of(given, "actions", ACTIONS, place),
        areas=_of(given, "areas", AREAS, place),
        most_confidential=CONFIDENTIALITY[highest],
        elements={kind: frozenset(elements) for kind, elements in given.get("elements", {}).items()},
        enabled=given.get("enabled") is True,
    )


def _vital(given: Mapping[str, Any], place: str) -> VitalInterest:
    return VitalInterest(
        law=given.get("law", ""),
        purposes=_of(given, "purposes", PURPOSES.keys(), place),
        actions=_of(given, "actions", ACTIONS, place),
        minutes=int(given.get("minutes", 0)),
        never_sensitivity=_of(given, "never_sensitivity", SENSITIVITY.keys(), place),
        never_mark=given.get("never_mark", ""),
    )


def _own(given: Mapping[str, Any], place: str) -> OwnRecord:
    defaults = OwnRecord()
    return OwnRecord(
        law=given.get("law", ""),
        organisation_actions=_of(given, "organisation_actions", ACTIONS, place),
        client_actions=_of(given, "client_actions", ACTIONS, place),
        third_party_mark=given.get("third_party_mark", ""),
        third_party_authors=frozenset(given.get("third_party_authors", ())),
        third_party_from=given.get("third_party_from", "U"),
        guardian_relationships=frozenset(given.get("guardian_relationships", ())) or defaults.guardian_relationships,
        guardian_never_sees=_of(given, "guardian_never_sees", (*AREAS, UNCLASSIFIED), place)
        | defaults.guardian_never_sees,
    )


def _of(given: Mapping[str, Any], key: str, known: Any, place: str) -> frozenset[str]:
    found = frozenset(given.get(key, ()))
    if strange := sorted(found - set(known)):
        raise ConfigurationError(f"unknown code `{strange[0]}`", place=f"{place}.{key}")
    return found


DEFAULT_BASES: Final = load_bases(resources.files("hub.consent").joinpath("bases.toml").read_text("utf-8"))
"""What holds where an operator has configured nothing else."""
