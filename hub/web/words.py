"""The codes of an overview in the words of the catalogues: items, statuses, legal bases, organisations, reasons.

An unknown code stands for itself, so nothing is left out because a word is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hub.web.languages import Language, mark

ITEMS: Final = {
    "plan": mark("plan of cooperation"),
    "summary": mark("patient summary"),
    "social-summary": mark("social-service summary"),
    "discharge-report": mark("discharge report"),
    "revocation-notice": mark("notice of a withdrawal"),
    "acknowledgement": mark("acknowledgement"),
    "cda": mark("a document (CDA)"),
    "fhir": mark("a patient summary (FHIR)"),
    "hl7v2": mark("a message of its hospital system (HL7 v2)"),
    "tabular": mark("a table (CSV)"),
}

BASES: Final = {
    "CONSENT": mark("the client's consent"),
    "CARE-PROVISION": mark("provision of care"),
    "LEGAL-DUTY": mark("legal duty"),
    "VITAL-INTEREST": mark("vital interest"),
    "OWN-RECORD": mark("own record"),
}

PLAN_STATUS: Final = {
    "draft": mark("draft"),
    "active": mark("in force"),
    "on-hold": mark("on hold"),
    "completed": mark("completed"),
    "revoked": mark("ended early"),
    "entered-in-error": mark("entered in error"),
    "unknown": mark("unknown"),
}

GOAL_STATUS: Final = {
    "proposed": mark("proposed"),
    "planned": mark("planned"),
    "accepted": mark("agreed"),
    "active": mark("under way"),
    "on-hold": mark("on hold"),
    "completed": mark("reached"),
    "cancelled": mark("cancelled"),
    "rejected": mark("rejected"),
    "entered-in-error": mark("entered in error"),
}

KINDS: Final = {
    "long-term-hospital": mark("long-term hospital"),
    "hospital": mark("hospital"),
    "gp": mark("general practitioner"),
    "social-service": mark("social service"),
    "home-care": mark("home care"),
    "municipality": mark("municipality"),
    "residential": mark("residential care"),
}

OUTCOMES: Final = {
    "accepted": mark("understood in full"),
    "taken": mark("understood in full"),
    "partly": mark("understood in part; the rest was reported with its place and kept"),
    "rejected": mark("could not be understood; kept and reported"),
    "no agreed plan yet": mark("the client has not agreed to a plan yet"),
    "nothing that may go": mark("the client shares nothing of it with them"),
    "its adapter carries nothing outwards": mark("its system takes nothing from the hub"),
    "its adapter cannot be asked": mark("its system cannot be asked"),
    "no Consent lets a case manager collect this": mark("the client has not agreed that it be collected"),
    "the organisation is not connected any more": mark("it is not connected any more"),
}
"""What a delivery or a reception came to; other outcomes are technical and stay in the ledger."""

GROUNDS: Final = (
    ("basis: LEGAL-DUTY", mark("the law requires it")),
    ("GDPR", mark("the law requires it")),
    ("basis: CARE-PROVISION", mark("it is needed for care")),
    ("basis: VITAL-INTEREST", mark("life or health is in danger")),
    ("basis: OWN-RECORD", mark("it is their own record")),
    ("guardian:", mark("a guardian does not see what concerns safety")),
    ("QUARANTINED", mark("an agreement from somebody else waits for review")),
    ("UNENFORCEABLE", mark("an agreement cannot be carried out as written, so it counts as a refusal")),
    ("request:", mark("the request was not complete")),
    ("answer to", mark("an answer to their own message")),
)
"""How a reason that names no Consent begins, and what it means."""

AGREED: Final = mark("the client agreed")
EXCLUDED: Final = mark("the client expressly excluded it")
NOT_AGREED: Final = mark("the client has not agreed to share it")
NOT_COVERED: Final = mark("the legal basis does not cover it")
OTHER: Final = mark("for another reason, named in the rule")


@dataclass(frozen=True, slots=True)
class Why:
    """Why, in words, and the rules that said so as they stand in the audit."""

    words: str
    rules: tuple[str, ...]


def word(language: Language, table: Mapping[str, str], code: str) -> str:
    """A code in words."""
    return language.gettext(table[code]) if code in table else code


def why_given(language: Language, because: Iterable[str]) -> Why:
    """Why something may be seen."""
    said = tuple(because)
    found = dict.fromkeys(AGREED if names_consent(one) else _ground(one) for one in said)
    return Why("; ".join(map(language.gettext, found)), tuple(map(_rule, said)))


def reason_withheld(because: str) -> tuple[str, tuple[str, ...], bool]:
    """Why something was withheld: the message that says it, the rules, and whether that is certain.

    The reasons of a container name all that spoke of any of its parts, for and against; what is said of one record
    alone is certain.
    """
    said = tuple(dict.fromkeys(one.strip() for one in because.split(";") if one.strip()))
    consents = [one for one in said if names_consent(one)]
    by_default = not said or any(one.startswith("default:") for one in said)
    certain = not consents or (not by_default and len(said) == 1)
    if by_default:
        return NOT_AGREED, (), certain
    beyond = NOT_COVERED if said[0].startswith("basis:") else _ground(said[0])
    return (EXCLUDED if consents else beyond), tuple(map(_rule, said)), certain


def names_consent(reason: str) -> bool:
    """Whether a reason is a Consent's provision, rather than a default or a legal basis."""
    return reason.startswith("Consent/")


def shown_version(version: str) -> str:
    """A version as people count it; empty where it is only an identity of bytes."""
    return version if re.fullmatch(r"\d{1,6}", version) else ""


def _ground(reason: str) -> str:
    if reason.startswith("default:"):
        return NOT_AGREED
    return next((text for start, text in GROUNDS if reason.startswith(start)), OTHER)


def _rule(reason: str) -> str:
    """A reason as the audit names it: `Consent/id|version path` becomes readable."""
    match = re.fullmatch(r"(Consent/\S+?)\|(\S+) (\S+)", reason)
    return f"{match[1]} · v{match[2]} · {match[3]}" if match else reason
