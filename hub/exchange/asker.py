"""Who asks over the API, turned into a request for the gate; and whether they know the client at all.

Only an actor who already knows the client (a link, the team, a contribution) may learn that something was refused;
for everybody else hidden is absent (docs/consent.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.consent.model import AccessRequest, Action, Basis
from hub.exchange.organisations import audience
from hub.exchange.vault import Vault
from hub.fhir.value import Reference
from hub.store.store import Tx


@dataclass(frozen=True, slots=True)
class Asker:
    """An authenticated caller: the organisation of its token, the person or role it named, purpose and basis."""

    organisation: str
    """The organisation's id."""
    purpose: str
    basis: Basis
    person: Reference | None = None
    token: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def reference(self) -> Reference:
        return f"Organization/{self.organisation}"

    def request(self, action: Action, *, flow: str | None = None) -> AccessRequest:
        """The question that the gate decides."""
        actors = (self.person, self.reference) if self.person else (self.reference,)
        return AccessRequest(actors, self.purpose, action, self.basis, flow=flow)


def knows(tx: Tx, vault: Vault, asker: Asker, client: Reference) -> bool:
    """Whether the asker's organisation is already the client's: linked, on the team, or their GP."""
    return any(m.id == asker.organisation for m in audience(tx, vault, client))
