"""The rules of case work that every write is held against, whichever door it came by.

Who may write what: docs/casework.md (the case manager alone writes the plan; the client has the final word).
"""

from __future__ import annotations

from collections.abc import Collection

from hub.casework.plan import IN_FORCE, MANAGED_TYPES, check_plan
from hub.casework.sharing import check_capture
from hub.consent.model import World
from hub.errors import BusinessRule, NotPermitted
from hub.exchange.asker import Asker
from hub.exchange.internal import Internal
from hub.exchange.organisations import case_managers
from hub.exchange.policy import Policy
from hub.fhir.value import Reference, Resource
from hub.store.store import Tx


class CaseworkRules:
    """Checks one write; raises the rule that it breaks."""

    def __init__(self, *, internal: Internal, policy: Policy) -> None:
        self._internal = internal
        self._policy = policy

    def check(
        self,
        tx: Tx,
        asker: Asker,
        before: Resource | None,
        before_version: int,
        after: Resource,
        clients: Collection[Reference],
    ) -> None:
        """NotPermitted, BusinessRule or ConsentNotComputable where a rule is broken."""
        type = after["resourceType"]
        self._require_case_manager(tx, asker, type, clients)
        for client in sorted(clients):
            if type == "CarePlan":
                self._check_plan(tx, before, before_version, after, client)
            elif type == "Consent":
                check_capture(after, World(self._surroundings(tx, client)))
        if type in ("CarePlan", "Consent") and not clients:
            raise BusinessRule(f"a {type} is about a client", place=type)

    def check_end(self, tx: Tx, asker: Asker, before: Resource, clients: Collection[Reference]) -> None:
        """The same for a record that is to be deleted: a plan in force is ended, and never just gone."""
        type = before["resourceType"]
        self._require_case_manager(tx, asker, type, clients)
        if type == "CarePlan" and before.get("status") in IN_FORCE:
            raise BusinessRule("a plan in force is completed or revoked, not deleted", place="CarePlan/status")

    def _require_case_manager(self, tx: Tx, asker: Asker, type: str, clients: Collection[Reference]) -> None:
        if type not in MANAGED_TYPES:
            return
        if "case-manager" not in asker.roles:
            raise NotPermitted("only the case manager writes this; propose the change to them", place=type)
        for client in sorted(clients):
            self._require_own_case(tx, asker, client)

    @staticmethod
    def _require_own_case(tx: Tx, asker: Asker, client: Reference) -> None:
        """NotPermitted where another organisation manages this client's case: to know the client is not to take over.

        The first to capture a Consent for a client is their case manager; a hand-over is an act of its own.
        """
        managers = case_managers(tx)
        begun = {s.contributor for s in tx.records.of_client(client, {"Consent"})} & managers
        if begun and asker.reference not in begun:
            raise NotPermitted("another organisation is this client's case manager", place="Consent")

    def _check_plan(
        self, tx: Tx, before: Resource | None, before_version: int, after: Resource, client: Reference
    ) -> None:
        others = tx.records.of_client(client, {"CarePlan", "Consent"})
        managers = case_managers(tx)
        opened = [self._internal.open(tx, s, purpose="rules of the plan") for s in others]
        check_plan(
            before,
            before_version,
            after,
            consents=[r for r in opened if r["resourceType"] == "Consent"],
            other_plans=[
                r for s, r in zip(others, opened, strict=True) if s.type == "CarePlan" and s.contributor in managers
            ],
        )

    def _surroundings(self, tx: Tx, client: Reference) -> dict[Reference, Resource]:
        types = {"Patient", "CareTeam", "Group", "RelatedPerson", "Practitioner", "PractitionerRole"}
        sealed = tx.records.of_client(client, types)
        known = {s.reference: self._internal.open(tx, s, purpose="capture of a Consent") for s in sealed}
        return {**self._policy.directory(tx), **known}
