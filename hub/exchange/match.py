"""Is this person a client whom the asker may see? Candidates with a grade, and nothing about anybody else.

A client is found by a number, or by name and birth date together, as keyed hashes; what is compared then is what the
asker may see of them, so a number or a birth date that is hidden can neither be guessed nor confirmed.
https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from hub.errors import MalformedContent, TooCostly
from hub.exchange.asker import Asker
from hub.exchange.disclose import Gate
from hub.exchange.identify import NAMESAKE, Identities, folded_names, identifiers, is_somebody_else, namesakes
from hub.fhir import codes
from hub.fhir.bundles import reference_of
from hub.fhir.value import Resource
from hub.security.digests import Digests
from hub.store.model import SealedRecord
from hub.store.store import Store, Tx

Grade = Literal["certain", "probable", "possible"]
GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
SCORES: Final[dict[Grade, float]] = {"certain": 1.0, "probable": 0.8, "possible": 0.5}

MOST_NUMBERS: Final = 20
"""Identifiers, and names, of one person that are looked for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A client who may be the person asked for."""

    patient: Resource
    grade: Grade


class Matcher:
    """The use case $match."""

    def __init__(self, *, store: Store, gate: Gate, identities: Identities, digests: Digests, base: str) -> None:
        self._store = store
        self._gate = gate
        self._identities = identities
        self._digests = digests
        self._base = base

    def match(self, asker: Asker, told: Resource, *, only_certain: bool = False, count: int | None = None) -> Resource:
        """A searchset Bundle of candidates, the likeliest first; `only_certain`: one who is certain, or nobody."""
        self._must_tell(told)
        with self._store.reading() as tx:
            disclosure = self._gate.disclose(tx, asker.request("access"), self._sealed(tx, told), exit="match")
        graded = [Candidate(v.resource, g) for v in disclosure.visible if (g := grade(told, v.resource)) is not None]
        found = sorted(graded, key=lambda c: (-SCORES[c.grade], str(c.patient.get("id"))))
        if only_certain:
            certain = [c for c in found if c.grade == "certain"]
            found = certain if len(certain) == 1 else []
        return self._bundle(found if count is None else found[:count])

    def _sealed(self, tx: Tx, told: Resource) -> list[SealedRecord]:
        found: dict[str, SealedRecord] = {}
        hashes = [("identifier", self._identities.hash(system, value)) for system, value in identifiers(told)]
        hashes += [(NAMESAKE, self._digests.of(NAMESAKE, one)) for one in namesakes(told)]
        for param, value in dict.fromkeys(hashes):
            found |= {s.reference: s for s in tx.records.find("Patient", param, value)}
        return list(found.values())

    @staticmethod
    def _must_tell(told: Resource) -> None:
        if len(told.get("identifier", ())) > MOST_NUMBERS or len(told.get("name", ())) > MOST_NUMBERS:
            raise TooCostly(f"at most {MOST_NUMBERS} identifiers and names of one person", place="Patient")
        if not identifiers(told) and not namesakes(told):
            said = "tell an identifier with its system, or a family name with the birth date"
            raise MalformedContent(said, place="Patient")

    def _bundle(self, found: list[Candidate]) -> Resource:
        entries = [
            {
                "fullUrl": f"{self._base}/{reference_of(one.patient)}",
                "resource": one.patient,
                "search": {
                    "extension": [{"url": GRADE, "valueCode": one.grade}],
                    "mode": "match",
                    "score": SCORES[one.grade],
                },
            }
            for one in found
        ]
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return {**bundle, "entry": entries} if entries else bundle


def grade(told: Resource, seen: Resource) -> Grade | None:
    """How surely the client who is seen is the person told of; None where nothing that is seen speaks for it.

    Certain: a national number, and nothing against it. Probable: any number, or name and birth date, with nothing
    against it. Possible: one of these, though something contradicts.
    """
    shared = set(identifiers(told)) & set(identifiers(seen))
    born = told.get("birthDate"), seen.get("birthDate")
    names = folded_names(told) & folded_names(seen)
    alike = bool(names) and all(born) and born[0] == born[1]
    if not shared and not alike:
        return None
    contradicted = (all(born) and born[0] != born[1]) or is_somebody_else(seen, told) or _another_number(told, seen)
    if contradicted:
        return "possible"
    national = any(system in codes.STRONG_IDENTIFIERS for system, _ in shared)
    called_otherwise = bool(told.get("name")) and bool(seen.get("name")) and not names
    return "certain" if national and not called_otherwise else "probable"


def _another_number(told: Resource, seen: Resource) -> bool:
    """Whether both have a national number of one system, and not the same."""
    known = {system: value for system, value in identifiers(seen) if system in codes.STRONG_IDENTIFIERS}
    return any(known.get(system, value) != value for system, value in identifiers(told))
