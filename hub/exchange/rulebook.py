"""Consents kept as rules: written with each Consent, read by each search (consent rules §7).

The rows say what the interpreter says: which sides of a request hold, and of which records a hard rule holds, is worked
out with its own code. A change binds every request that starts after it; nothing that could permit is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from hub.consent.codes import PURPOSES, reads_like
from hub.consent.compile import CompiledConsent
from hub.consent.grounds import Ground, ground
from hub.consent.model import AccessRequest, Basis, Record, World
from hub.consent.provisions import Asked
from hub.exchange.matching import Matching
from hub.exchange.policy import Policy
from hub.exchange.surroundings import around
from hub.exchange.vault import Vault
from hub.fhir.value import Reference, Resource
from hub.store.sight import Sight, SightSpec
from hub.store.store import Tx

_PEOPLE = ("Patient/", "RelatedPerson/")
"""Askers who read their own record, or a relative's: what they may see is decided record by record."""


class Rulebook:
    """The rules of every client, as the store keeps them."""

    def __init__(self, *, vault: Vault, policy: Policy, clock: Callable[[], datetime]) -> None:
        self._vault = vault
        self._policy = policy
        self._clock = clock

    # -- who may see what ----------------------------------------------------------------------------------------

    def sight(self, tx: Tx, request: AccessRequest, *, client: Reference | None = None) -> Sight:
        """What this request may see. With a `client`, of that client and those who share a record with them alone."""
        return Sight(self.spec(tx, request, client=client))

    def spec(self, tx: Tx, request: AccessRequest, *, client: Reference | None = None) -> SightSpec:
        """What the store needs to know of a request to answer it; what is refused, or goes record by record, is none.

        A duty, care provision and vital interest carry single records, never the answer to a search.
        """
        at = self._clock()
        clients = None if client is None else tx.rules.companions(client)
        connected = self._policy.directory(tx)
        base = self._ground(request, around(tx, self._vault, request.actors, connected), at)
        by_basis = request.basis in (Basis.CONSENT, Basis.OWN_RECORD)
        if base.refusal() or not by_basis or any(actor.startswith(_PEOPLE) for actor in request.actors):
            return SightSpec("none", at)
        teams = tx.rules.teams(base.actors.deny | base.actors.permit, clients)
        known = self._ground(request, around(tx, self._vault, request.actors, connected, teams=teams), at)
        actors = known.actors
        organisations = frozenset(actor for actor in actors.permit if actor.startswith("Organization/"))
        own = request.organisation or ""
        if request.basis is Basis.OWN_RECORD:
            return SightSpec("own", at, organisations=organisations, organisation=own)
        covering = PURPOSES.get(request.purpose, frozenset())
        asked = Asked(actors, request.purpose, covering, reads_like(request.action), at, self._policy.zone)
        sides = tx.rules.sides(actors.deny | actors.permit, clients)
        held = frozenset(key for key, side in sides.items() if side.holds(asked))
        return SightSpec("consent", at, held, organisations, own, clients)

    def _ground(self, request: AccessRequest, directory: Mapping[Reference, Resource], at: datetime) -> Ground:
        return ground(request, (), World(directory), at=at, bases=self._policy.bases, zone=self._policy.zone)

    # -- what is written -----------------------------------------------------------------------------------------

    def learn(self, tx: Tx, reference: Reference) -> None:
        """Let the stored rules of a Consent be those that it has now: none where it is gone."""
        sealed = tx.records.read(*reference.split("/"))
        if sealed is None or sealed.deleted:
            tx.rules.put(CompiledConsent(reference, frozenset(), ()))
            return
        matching = self._matching(tx)
        compiled = matching.compiled(sealed)
        tx.rules.put(compiled)
        matching.match_all([rule for rule in tx.rules.hard(compiled.clients) if rule.consent == reference])

    def recompile(self, tx: Tx) -> None:
        """Every Consent anew: who is connected, the time zone, or what the hub understands has changed."""
        for reference in tx.rules.consents():
            self.learn(tx, reference)

    def match(self, tx: Tx, record: Record) -> None:
        """Work out of which facets of a record its clients' hard rules hold."""
        if rules := tx.rules.hard(record.clients):
            self._matching(tx).match(record, rules)

    def match_naming(self, tx: Tx, reference: Reference) -> None:
        """Work out anew of which records the rules hold that name this one."""
        if rules := tx.rules.naming(reference):
            self._matching(tx).match_all(rules)

    def _matching(self, tx: Tx) -> Matching:
        return Matching(tx, self._vault, self._policy)
