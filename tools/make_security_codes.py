"""Make the hub's table of security codes from the condensed official definitions (CC0).

    python tools/make_security_codes.py DIR

DIR holds `security-codes.json`, `elements.json` and `patient-compartment.json`. The result is
`hub/consent/tables/security-codes.json`, the same byte for byte on every run; DIR is not needed again.

- `purposes`: each v3-ActReason code at or below PurposeOfUse -> its parents there.
- `sensitivity`: each concrete v3-ActCode sensitivity code -> its concrete parents.
- `actions`: the consentaction codes. `recipients`: the codes of `actor.role` that name someone who receives.
- `types`: all resource types. `client_types`: those that a Patient compartment can hold.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "hub" / "consent" / "tables" / "security-codes.json"
V3 = "http://terminology.hl7.org/CodeSystem/"
PARTICIPATIONS_THAT_RECEIVE = ("_ParticipationAncillary", "IRCP", "PRF", "RCV", "RESP")
AGENTS_THAT_GIVE = ("_AgentRoleType",)
AGENTS_THAT_RECEIVE = ("DELEGATEE", "GRANTEE", "INTPRTER", "REVIEWER")

Codes = list[tuple[str, str, list[str]]]


def at_or_below(codes: Codes, roots: tuple[str, ...]) -> set[str]:
    """The codes that are one of `roots` or have one among their ancestors."""
    found = set(roots)
    while more := {code for code, _, parents in codes if code not in found and found & set(parents)}:
        found |= more
    return found


def hierarchy(codes: Codes, kept: set[str]) -> dict[str, list[str]]:
    """Each kept code with those of its parents that are kept."""
    return {code: sorted(set(parents) & kept) for code, _, parents in sorted(codes) if code in kept}


def recipients(definitions: dict[str, Codes]) -> dict[str, list[str]]:
    """System -> codes of `Consent.provision.actor.role` that say who receives (not who wrote, keeps or
    signs).
    """
    participations = definitions[V3 + "v3-ParticipationType"]
    roles = definitions[V3 + "v3-RoleCode"]
    receiving = at_or_below(participations, PARTICIPATIONS_THAT_RECEIVE) - {"DIST"}
    giving = at_or_below(roles, AGENTS_THAT_GIVE) - set(AGENTS_THAT_RECEIVE)
    return {
        V3 + "v3-ParticipationType": sorted(code for code in receiving if not code.startswith("_")),
        V3 + "v3-RoleCode": sorted(code for code, _, _ in roles if code not in giving and not code.startswith("_")),
    }


def main(directory: Path) -> None:
    """Read the definitions, write the table."""
    definitions: dict[str, Any] = json.loads((directory / "security-codes.json").read_text("utf-8"))
    elements: dict[str, Any] = json.loads((directory / "elements.json").read_text("utf-8"))
    compartment: dict[str, Any] = json.loads((directory / "patient-compartment.json").read_text("utf-8"))
    reasons, policies = definitions[V3 + "v3-ActReason"], definitions[V3 + "v3-ActCode"]
    sensitivity = {code for code, _, _ in policies if not code.startswith("_")}
    table = {
        "purposes": hierarchy(reasons, at_or_below(reasons, ("PurposeOfUse",))),
        "sensitivity": hierarchy(policies, sensitivity),
        "actions": sorted(code for code, _, _ in definitions[V3 + "consentaction"]),
        "recipients": recipients(definitions),
        "types": sorted(
            name
            for name, shape in elements.items()
            if shape["kind"] == "resource" and name not in {"Resource", "DomainResource", "Parameters"}
        ),
        "client_types": sorted(name for name, parameters in compartment.items() if parameters),
    }
    TARGET.write_text(json.dumps(table, indent=0, sort_keys=True) + "\n", "utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
