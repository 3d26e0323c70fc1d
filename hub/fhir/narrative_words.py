"""The words of generated narrative in Czech, German and English: types, columns, statuses, empty sections.

A language nobody here writes falls back to English. Codes follow FHIR R4; what has no word is shown as it is.
"""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("cs", "de", "en")

_TYPES: Final[dict[str, tuple[str, str, str]]] = {
    "AllergyIntolerance": ("Alergie a nesnášenlivost", "Allergien und Unverträglichkeiten", "Allergies"),
    "Appointment": ("Termíny", "Termine", "Appointments"),
    "CarePlan": ("Plán spolupráce", "Unterstützungsplan", "Plan of cooperation"),
    "CareTeam": ("Pracovní skupina případu", "Fallteam", "Case team"),
    "Communication": ("Sdělení", "Mitteilungen", "Communications"),
    "Composition": ("Dokument", "Dokument", "Document"),
    "Condition": ("Zdravotní problémy", "Probleme und Diagnosen", "Problems"),
    "Consent": ("Souhlas", "Einwilligung", "Consent"),
    "Coverage": ("Pojištění a úhrada", "Kostenträger", "Coverage"),
    "Device": ("Pomůcky a přístroje", "Hilfsmittel und Geräte", "Devices"),
    "DeviceUseStatement": ("Používané pomůcky", "Verwendete Hilfsmittel", "Devices in use"),
    "DiagnosticReport": ("Výsledky vyšetření", "Befunde", "Diagnostic reports"),
    "DocumentReference": ("Dokumenty", "Dokumente", "Documents"),
    "Encounter": ("Pobyty a kontakty", "Aufenthalte und Kontakte", "Encounters"),
    "EpisodeOfCare": ("Případ", "Fall", "Case"),
    "FamilyMemberHistory": ("Rodinná anamnéza", "Familienanamnese", "Family history"),
    "Flag": ("Upozornění", "Hinweise", "Alerts"),
    "Goal": ("Cíle", "Ziele", "Goals"),
    "HealthcareService": ("Služby", "Dienste", "Services"),
    "Immunization": ("Očkování", "Impfungen", "Immunisations"),
    "List": ("Seznam", "Liste", "List"),
    "Location": ("Místa", "Orte", "Locations"),
    "Medication": ("Léčivé přípravky", "Arzneimittel", "Medicines"),
    "MedicationAdministration": ("Podané léky", "Verabreichte Medikamente", "Medication given"),
    "MedicationRequest": ("Předepsané léky", "Verordnete Medikamente", "Prescribed medication"),
    "MedicationStatement": ("Užívané léky", "Medikation", "Medication"),
    "Observation": ("Pozorování", "Beobachtungen", "Observations"),
    "Organization": ("Organizace", "Organisationen", "Organisations"),
    "Patient": ("Klient", "Klient", "Client"),
    "Practitioner": ("Pracovníci", "Fachpersonen", "Practitioners"),
    "PractitionerRole": ("Pracovníci a jejich role", "Fachpersonen und Rollen", "Practitioners and roles"),
    "Procedure": ("Výkony", "Maßnahmen", "Procedures"),
    "QuestionnaireResponse": ("Dotazník", "Fragebogen", "Questionnaire"),
    "RelatedPerson": ("Blízké osoby", "Bezugspersonen", "Related persons"),
    "ServiceRequest": ("Žádosti o službu", "Leistungsanforderungen", "Requested services"),
    "Task": ("Úkoly", "Aufgaben", "Tasks"),
}

_COLUMNS: Final[dict[str, tuple[str, str, str]]] = {
    "activity": ("Aktivity", "Aktivitäten", "Activities"),
    "address": ("Adresa", "Adresse", "Address"),
    "category": ("Druh", "Art", "Category"),
    "client": ("Klient", "Klient", "Client"),
    "concerns": ("Řeší", "Betrifft", "Addresses"),
    "contact": ("Kontaktní osoby", "Kontaktpersonen", "Contacts"),
    "destination": ("Kam odchází", "Entlassen nach", "Discharged to"),
    "dose": ("Dávkování", "Dosierung", "Dose"),
    "due": ("Termín", "Frist", "Due"),
    "goals": ("Cíle", "Ziele", "Goals"),
    "identifier": ("Identifikátor", "Kennung", "Identifier"),
    "manufacturer": ("Výrobce", "Hersteller", "Manufacturer"),
    "members": ("Členové", "Mitglieder", "Members"),
    "message": ("Sdělení", "Inhalt", "Message"),
    "note": ("Poznámka", "Anmerkung", "Note"),
    "period": ("Období", "Zeitraum", "Period"),
    "quantity": ("Rozsah", "Umfang", "Quantity"),
    "reaction": ("Reakce", "Reaktion", "Reaction"),
    "reason": ("Důvod", "Grund", "Reason"),
    "responsible": ("Kdo", "Wer", "Responsible"),
    "result": ("Výsledek", "Ergebnis", "Result"),
    "role": ("Role", "Rolle", "Role"),
    "sex": ("Pohlaví", "Geschlecht", "Gender"),
    "since": ("Od", "Seit", "Since"),
    "status": ("Stav", "Status", "Status"),
    "team": ("Pracovní skupina", "Fallteam", "Team"),
    "telecom": ("Spojení", "Erreichbar", "Contact"),
    "until": ("Do", "Bis", "Until"),
    "what": ("Co", "Was", "What"),
    "when": ("Kdy", "Wann", "When"),
    "where": ("Kde", "Wo", "Where"),
    "who": ("Jméno", "Name", "Name"),
    "born": ("Narození", "Geboren", "Born"),
    "criticality": ("Závažnost", "Kritikalität", "Criticality"),
    "progress": ("Jak se daří", "Fortschritt", "Progress"),
}

_STATUSES: Final[dict[str, tuple[str, str, str]]] = {
    "accepted": ("přijato", "angenommen", "accepted"),
    "active": ("aktivní", "aktiv", "active"),
    "amended": ("doplněno", "ergänzt", "amended"),
    "booked": ("sjednáno", "gebucht", "booked"),
    "cancelled": ("zrušeno", "abgebrochen", "cancelled"),
    "completed": ("dokončeno", "abgeschlossen", "completed"),
    "confirmed": ("potvrzeno", "bestätigt", "confirmed"),
    "draft": ("návrh", "Entwurf", "draft"),
    "entered-in-error": ("zapsáno omylem", "irrtümlich erfasst", "entered in error"),
    "failed": ("nepodařilo se", "gescheitert", "failed"),
    "female": ("žena", "weiblich", "female"),
    "final": ("konečný", "endgültig", "final"),
    "finished": ("ukončeno", "beendet", "finished"),
    "high": ("vysoká", "hoch", "high"),
    "in-progress": ("probíhá", "läuft", "in progress"),
    "inactive": ("neaktivní", "inaktiv", "inactive"),
    "intended": ("zamýšleno", "beabsichtigt", "intended"),
    "low": ("nízká", "niedrig", "low"),
    "male": ("muž", "männlich", "male"),
    "not-done": ("neprovedeno", "nicht erfolgt", "not done"),
    "not-taken": ("neužívá", "nicht eingenommen", "not taken"),
    "on-hold": ("pozastaveno", "pausiert", "on hold"),
    "other": ("jiné", "divers", "other"),
    "planned": ("plánováno", "geplant", "planned"),
    "preliminary": ("předběžný", "vorläufig", "preliminary"),
    "proposed": ("navrženo", "vorgeschlagen", "proposed"),
    "ready": ("připraveno", "bereit", "ready"),
    "received": ("obdrženo", "erhalten", "received"),
    "rejected": ("odmítnuto", "abgelehnt", "rejected"),
    "requested": ("vyžádáno", "angefragt", "requested"),
    "resolved": ("vyřešeno", "behoben", "resolved"),
    "revoked": ("odvoláno", "widerrufen", "revoked"),
    "stopped": ("ukončeno", "abgesetzt", "stopped"),
    "unknown": ("neznámý", "unbekannt", "unknown"),
}

_EMPTY: Final[dict[str, tuple[str, str, str]]] = {
    "nilknown": ("Nic není známo.", "Nichts bekannt.", "None known."),
    "notasked": ("Nezjišťováno.", "Nicht erfragt.", "Not asked."),
    "withheld": (
        "Tato část není s vámi sdílena.",
        "Dieser Teil wird nicht mit Ihnen geteilt.",
        "This part is not shared with you.",
    ),
    "unavailable": (
        "Údaje nejsou k dispozici.",
        "Keine Angaben verfügbar.",
        "No information is available.",
    ),
    "notstarted": ("Dosud nezahájeno.", "Noch nicht begonnen.", "Not started."),
    "closed": ("Uzavřeno.", "Abgeschlossen.", "Closed."),
}

_AREAS: Final[dict[str, tuple[str, str, str]]] = {
    "health": ("Zdraví", "Gesundheit", "Health"),
    "self-care": ("Soběstačnost", "Selbstversorgung", "Self-care"),
    "finance": ("Finance", "Finanzen", "Finance"),
    "housing": ("Bydlení", "Wohnen", "Housing"),
    "household": ("Domácnost", "Haushalt", "Household"),
    "occupation": ("Práce a činnosti", "Arbeit und Beschäftigung", "Work and activities"),
    "family": ("Rodina", "Familie", "Family"),
    "wider-circles": ("Širší okruhy podpory", "Weiteres Umfeld", "Wider circles of support"),
    "safeguarding": ("Ochrana a rizika", "Schutz und Risiken", "Safeguarding"),
    "services": ("Služby", "Dienste", "Services"),
    "plan": ("Plán spolupráce", "Unterstützungsplan", "Plan of cooperation"),
    "identity": ("Totožnost", "Identität", "Identity"),
}


def primary_language(tag: object) -> str | None:
    """The language of a BCP-47 tag, if the hub writes it: `cs-CZ` is `cs`."""
    primary = tag.split("-")[0].lower() if isinstance(tag, str) else ""
    return primary if primary in LANGUAGES else None


def _pick(words: tuple[str, str, str] | None, language: str, otherwise: str) -> str:
    if words is None:
        return otherwise
    return words[LANGUAGES.index(primary_language(language) or "en")]


def type_word(resource_type: str, language: str) -> str:
    """What people call resources of this type: `Condition` is "Problems"."""
    return _pick(_TYPES.get(resource_type), language, resource_type)


def area_word(area: str, language: str) -> str:
    """An area of life in words."""
    return _pick(_AREAS.get(area), language, area)


def column_word(column: str, language: str) -> str:
    """The heading of a column."""
    return _pick(_COLUMNS.get(column), language, column)


def status_word(code: str, language: str) -> str:
    """A status, gender or degree in words; an unknown code is shown as it is."""
    return _pick(_STATUSES.get(code), language, code)


def empty_word(reason: str, language: str) -> str:
    """The sentence that stands in a section without entries (list-empty-reason)."""
    return _pick(_EMPTY.get(reason), language, _pick(_EMPTY["unavailable"], language, ""))
