"""Who can see what of a client, and why: for `hub consent explain` and for the meeting with the client."""

from __future__ import annotations

from typing import Any

from hub.consent.explain import explain_areas, explain_decision
from hub.consent.model import AccessRequest, Basis
from hub.exchange.disclose import Gate, spoken
from hub.exchange.organisations import audience, members
from hub.exchange.vault import Vault
from hub.fhir import codes
from hub.fhir.value import Reference
from hub.store.store import Store


def explain_sharing(
    store: Store, gate: Gate, vault: Vault, client: Reference, *, actor: str = "", language: str = "en"
) -> list[dict[str, Any]]:
    """For each organisation of the client (or only `actor`): the areas it may see, the reasons, a sentence."""
    said = []
    with store.reading() as tx:
        sealed = tx.records.read(*client.split("/")) if client.startswith("Patient/") else None
        if sealed is None or sealed.deleted:
            return []
        asked = [m for m in members(tx) if m.reference == actor] if actor else audience(tx, vault, client)
        for one in asked:
            request = AccessRequest((one.reference,), one.purpose, "access", Basis.CONSENT)
            shared, decisions = gate.areas(tx, request, client)
            permitted = [area for area in codes.AREAS if area in shared]
            said.append(
                {
                    "organisation": one.reference,
                    "areas": permitted,
                    "because": {
                        area: [spoken(reason) for reason in decision.because] for area, decision in decisions.items()
                    },
                    "sentence": explain_areas(one.name, permitted, language=language),
                    "details": [explain_decision(decisions[area], one.name, language=language) for area in permitted],
                }
            )
    return said
