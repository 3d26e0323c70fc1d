"""Who takes part in the story: one client and five organisations. All of them are invented.

The birth number has the month raised by 70, which was never given to anybody born before 2004, so it is
valid in form (divisible by eleven) and certainly nobody's. The organisations' IČO come from the 990000xx
test range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RODNE_CISLO: Final = "https://ncez.mzcr.cz/fhir/sid/rcis"
ICO: Final = "https://ncez.mzcr.cz/fhir/sid/ico"


@dataclass(frozen=True, slots=True)
class Client:
    """The person whose journey is played."""

    given: str
    family: str
    birth_date: str
    gender: str
    rodne_cislo: str
    street: str
    city: str
    postal_code: str
    phone: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation of the story: how the hub names it, and what it speaks."""

    id: str
    name: str
    ico: str
    kind: str
    protocol: str
    client_number: str
    """The client's number in this organisation's own system."""

    @property
    def reference(self) -> str:
        return f"Organization/{self.id}"

    @property
    def client_system(self) -> str:
        return f"https://{self.id}.example/sid/client-number"


CLIENT: Final = Client(
    given="Jarmila",
    family="Vzorová",
    birth_date="1955-03-14",
    gender="female",
    rodne_cislo="5573140056",
    street="Zkušební 12",
    city="Praha 7",
    postal_code="170 00",
    phone="+420 000 000 012",
)

HOSPITAL: Final = Organisation(
    "hospital",
    "Léčebna dlouhodobě nemocných Vzorov",
    "99000016",
    "long-term-hospital",
    "HL7 v2 over MLLP, CDA files",
    "LDN-20417",
)
GP: Final = Organisation("gp", "Ordinace praktické lékařky Vzorov", "99000024", "gp", "FHIR", "P-0815")
SOCIAL: Final = Organisation("social", "Pečovatelská služba Vzorov", "99000032", "social-service", "CSV files", "0042")
HOMECARE: Final = Organisation("homecare", "Domácí péče Vzorov", "99000041", "home-care", "FHIR", "DP-3307")
MUNICIPALITY: Final = Organisation(
    "municipality", "Městská část Vzorov, sociální odbor", "99000059", "municipality", "FHIR", "SO-112"
)

ORGANISATIONS: Final = (HOSPITAL, GP, SOCIAL, HOMECARE, MUNICIPALITY)
