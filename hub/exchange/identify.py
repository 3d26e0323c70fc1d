"""Identity links: the client of organisation A is the client of organisation B.

A strong identifier (rodné číslo, RID, číslo pojištěnce) together with the same birth date or the same name links at
once; anything less certain becomes a client of its own and a link in `review`, for a person to decide. A contradiction
is shown, never overwritten. Exact identifiers are compared as keyed hashes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from hub.errors import UnmappableContent
from hub.exchange.vault import Vault
from hub.fhir import codes
from hub.fhir.value import Reference, Resource
from hub.security.digests import Digests
from hub.store.model import IdentityLink, LinkState, SealedRecord
from hub.store.store import Tx

NAMESAKE = "namesake"
"""The index under which Patients are found by name and birth date together, as a keyed hash."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Which client of the hub an organisation's Patient is; `conflicts` are elements that contradict."""

    client: Reference
    known: bool
    state: LinkState
    suspect: Reference | None = None
    conflicts: tuple[str, ...] = ()


class Identities:
    """Finds and links clients."""

    def __init__(self, *, vault: Vault, digests: Digests, ids: Callable[[], str]) -> None:
        self._vault = vault
        self._digests = digests
        self._ids = ids

    def identify(self, tx: Tx, patient: Resource, *, organisation: str) -> Identified:
        """The client that this organisation's Patient is. Writes nothing."""
        for link in self._links(tx, patient, organisation):
            if link.state is LinkState.REJECTED and link.suspect is None:
                continue
            return self._known(tx, patient, link)
        for system, value in identifiers(patient):
            if system not in codes.STRONG_IDENTIFIERS:
                continue
            for candidate in tx.records.find("Patient", "identifier", self.hash(system, value)):
                return self._compare(tx, patient, candidate)
        suspect = self._namesake(tx, patient)
        state = LinkState.REVIEW if suspect else LinkState.CONFIRMED
        return Identified(f"Patient/{self._ids()}", False, state, suspect)

    def _links(self, tx: Tx, patient: Resource, organisation: str) -> list[IdentityLink]:
        """The organisation's links for the numbers of this Patient, in the order of the numbers.

        They are looked up in one order for all, since each is held: so no two writers wait for each other.
        """
        numbers = [(system, self.hash(system, value)) for system, value in identifiers(patient)]
        found = {number: tx.identity.find(*number) for number in sorted(set(numbers))}
        return [k for number in dict.fromkeys(numbers) for k in found[number] if k.organisation == organisation]

    def _known(self, tx: Tx, patient: Resource, link: IdentityLink) -> Identified:
        """The client of a link that there is. What a person rejected as a client of its own is the suspect."""
        if link.state is LinkState.REJECTED and link.suspect is not None:
            return Identified(link.suspect, True, LinkState.CONFIRMED)
        sealed = tx.records.read(*link.client.split("/"))
        known = self._vault.open_resource(tx, sealed) if sealed and not sealed.deleted else {}
        if is_somebody_else(known, patient):
            said = "birth number and birth date contradict what this number stood for"
            raise UnmappableContent(said, place="Patient")
        return Identified(link.client, True, link.state, link.suspect)

    def link(self, tx: Tx, found: Identified, patient: Resource, *, organisation: str) -> None:
        """Remember the organisation's own numbers for this client, so that its next message finds them."""
        numbers = list(identifiers(patient)) or [(f"{codes.HUB}/sid/unnumbered", found.client)]
        for system, value in numbers:
            hashed = self.hash(system, value)
            mine = next((k for k in tx.identity.find(system, hashed) if k.organisation == organisation), None)
            if mine is not None and (mine.state is not LinkState.REJECTED or mine.suspect != found.client):
                continue
            id = mine.id if mine else self._ids()
            context = link_context(id)
            tx.identity.put(
                IdentityLink(
                    id=id,
                    organisation=organisation,
                    system=system,
                    value=hashed,
                    client=found.client,
                    state=found.state,
                    suspect=found.suspect,
                    sealed_value=self._vault.seal(tx, value.encode(), context=context, clients=[found.client]),
                    why="; ".join(found.conflicts),
                )
            )

    def numbers(self, tx: Tx, client: Reference, organisation: str) -> list[tuple[str, str]]:
        """The numbers an organisation itself knows a client by, opened, for a question to that organisation."""
        return [
            (k.system, self._vault.open(tx, k.sealed_value, context=link_context(k.id)).decode())
            for k in tx.identity.of_organisation(organisation, client)
            if k.state is LinkState.CONFIRMED and k.sealed_value is not None
        ]

    def hash(self, system: str, value: str) -> str:
        """The keyed hash of an exact identifier."""
        return self._digests.of("identifier", f"{system}|{value}")

    def _compare(self, tx: Tx, patient: Resource, candidate: SealedRecord) -> Identified:
        known = self._vault.open_resource(tx, candidate)
        same_birth = bool(patient.get("birthDate")) and patient.get("birthDate") == known.get("birthDate")
        same_name = bool(folded_names(patient) & folded_names(known))
        contradicts = tuple(
            f"Patient.{element}"
            for element in ("birthDate", "gender")
            if patient.get(element) and known.get(element) and patient[element] != known[element]
        )
        if same_birth or same_name or not (patient.get("birthDate") or patient.get("name")):
            return Identified(candidate.reference, True, LinkState.CONFIRMED, conflicts=contradicts)
        return Identified(f"Patient/{self._ids()}", False, LinkState.REVIEW, candidate.reference, contradicts)

    def _namesake(self, tx: Tx, patient: Resource) -> Reference | None:
        """Another client with the same name and birth date but no common number: perhaps the same person."""
        for namesake in namesakes(patient):
            for candidate in tx.records.find("Patient", NAMESAKE, self._digests.of(NAMESAKE, namesake)):
                return candidate.reference
        return None


def identifiers(patient: Resource) -> list[tuple[str, str]]:
    """The (system, value) pairs of a Patient, in order, without those that lack either."""
    return [(i["system"], i["value"]) for i in patient.get("identifier", []) if i.get("system") and i.get("value")]


def folded_names(patient: Resource) -> set[tuple[str, str]]:
    """(family, first given) pairs, without case and diacritics, as names are compared."""
    return {
        (_fold(n.get("family", "")), _fold((n.get("given") or [""])[0]))
        for n in patient.get("name", [])
        if n.get("family")
    }


def namesakes(patient: Resource) -> list[str]:
    """Name and birth date together, as two records of perhaps one person are found; none without a birth date."""
    born = patient.get("birthDate")
    return [f"{born}|{family}|{given}" for family, given in sorted(folded_names(patient))] if born else []


def is_somebody_else(known: Resource, told: Resource) -> bool:
    """Whether two Patients under one number are surely two people: another birth date, and another national number."""
    born = known.get("birthDate"), told.get("birthDate")
    if not all(born) or born[0] == born[1]:
        return False
    numbers = dict(identifiers(known))
    return any(s in codes.STRONG_IDENTIFIERS and numbers.get(s, v) != v for s, v in identifiers(told))


def link_context(id: str) -> str:
    """What the seal of a link's number is bound to."""
    return f"identity-link:{id}"


def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))
