"""How every route of search is asked for what is planted: by words, by number, along references, in compartments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exchange.world import BIRTH_NUMBER, CLIENT, House

if TYPE_CHECKING:
    from tests.api.planted import Ask

FORM = "application/x-www-form-urlencoded"
TYPES = ("Condition", "Observation", "Goal", "CarePlan", "CareTeam", "RelatedPerson", "Task", "Encounter")


def search_asks(house: House, patients: list[str]) -> dict[str, list[Ask]]:
    """Requests by route."""
    from tests.api.planted import Ask

    number = f"{BIRTH_NUMBER}%7C{CLIENT.birth_number}"
    everyone = [f"_count=100&_total=accurate{more}" for more in ("", "&_sort=-_lastUpdated", "&_summary=text")]
    queries = [f"{type}?{query}" for type in TYPES for query in everyone]
    queries += [
        f"Patient?identifier={number}", f"Patient?identifier={number}&_revinclude=*&_revinclude:iterate=*",
        "Patient?name:contains=KNR", "Patient?_summary=count", "Patient?_sort=family", "Condition?code:text=KNR",
        f"Condition?patient={house.client}&_content=KNR", f"Observation?patient={house.client}&_text=KNR",
        "CarePlan?_include=*&_include:iterate=*", "Goal?_revinclude=CarePlan:goal&_include=Goal:patient",
        "Condition?_has:Encounter:diagnosis:status=finished", "Goal?patient.name:contains=KNR",
        "DocumentReference?_count=100", "Consent?_count=100", "List?_count=100", "MedicationStatement?_elements=status",
        "Goal?_page=x", "Goal?identifier=KNR-Goal",
    ]  # fmt: skip
    forms = [
        ("Patient", f"identifier={number}"), ("Patient", "identifier=x%7Cy"), ("Patient", "name=KNR"),
        ("Patient", "identifier=KNR"), ("Task", "_count=100&_include=*"), ("Flag", "_count=100&status=active"),
    ]  # fmt: skip
    within = [f"{patient}/{type}" for patient in patients for type in TYPES[:3]]
    base = [Ask("GET", f"/fhir?_count=100{more}") for more in ("", "&_type=Goal,Flag", "&_sort=-_lastUpdated")]
    return {
        "GET /fhir": base,
        "GET /fhir/": [Ask("GET", "/fhir/?_count=100")],
        "POST /fhir/_search": [Ask("POST", "/fhir/_search", b"_count=100&_type=Condition", FORM)],
        "GET /fhir/{type}": [Ask("GET", f"/fhir/{query}") for query in queries],
        "POST /fhir/{type}/_search": [Ask("POST", f"/fhir/{t}/_search", form.encode(), FORM) for t, form in forms],
        "GET /fhir/Patient/{id}/{type}": [Ask("GET", f"/fhir/{path}?_count=100") for path in within],
        "GET /fhir/Patient/{id}/*": [Ask("GET", f"/fhir/{patient}/*?_count=100") for patient in patients],
        "POST /fhir/Patient/{id}/{type}/_search": [
            Ask("POST", f"/fhir/{path}/_search", b"_count=100", FORM) for path in within
        ],
    }
