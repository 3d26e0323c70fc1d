"""Marks: strings that occur in one place of the world only, so that a leak shows in raw bytes.

Each mark stands in one fact about the client, in the system that knows the fact. A check that finds a mark
in what an organisation received has found that fact there, whatever the message claims to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mark:
    """One fact's mark: the text, the area of life, and the system that knows the fact."""

    text: str
    area: str
    source: str


ALLERGY: Final = Mark("ZN-ALERGIE-2201", "health", "hospital document")
DIAGNOSIS: Final = Mark("ZN-DIAGNOZA-2202", "health", "hospital document")
PSYCHIATRIC: Final = Mark("ZN-PSYCHE-2203", "health", "hospital document")
MEDICINE: Final = Mark("ZN-LEK-2204", "health", "hospital document")
COURSE: Final = Mark("ZN-PRUBEH-2205", "health", "hospital document")
FUNCTION: Final = Mark("ZN-SOBESTACNOST-2206", "self-care", "hospital document")

GP_PROBLEM: Final = Mark("ZN-CUKROVKA-3301", "health", "gp summary")
GP_ALLERGY: Final = Mark("ZN-ALERGEN-3302", "health", "gp summary")
GP_MEDICINE: Final = Mark("ZN-TABLETY-3303", "health", "gp summary")

DEBT: Final = Mark("ZN-DLUH-4401", "finance", "social export")
FLAT: Final = Mark("ZN-BYT-4402", "housing", "social export")
HOUSEHOLD: Final = Mark("ZN-DOMACNOST-4403", "household", "social export")
CARE: Final = Mark("ZN-PECE-4404", "self-care", "social export")
SERVICE: Final = Mark("ZN-SLUZBA-4405", "services", "social export")
FAMILY: Final = Mark("ZN-RODINA-4406", "family", "social export")

GOAL_HEALTH: Final = Mark("ZN-CIL-ZDRAVI-5501", "health", "plan")
GOAL_CARE: Final = Mark("ZN-CIL-PECE-5502", "self-care", "plan")
GOAL_FINANCE: Final = Mark("ZN-CIL-FINANCE-5503", "finance", "plan")
GOAL_HOUSING: Final = Mark("ZN-CIL-BYDLENI-5504", "housing", "plan")
GOAL_HOUSEHOLD: Final = Mark("ZN-CIL-DOMACNOST-5505", "household", "plan")
GOAL_FAMILY: Final = Mark("ZN-CIL-RODINA-5506", "family", "plan")
GOAL_MIND: Final = Mark("ZN-CIL-DUSE-5507", "health", "plan")
"""The goal about the client's psychiatric trouble: health, but marked PSY and shared with nobody but the team
lead.
"""

CHANGED_CARE: Final = Mark("ZN-CIL-PECE-6602", "self-care", "changed plan")
CHANGED_FINANCE: Final = Mark("ZN-CIL-FINANCE-6603", "finance", "changed plan")

OF_HOSPITAL: Final = (ALLERGY, DIAGNOSIS, PSYCHIATRIC, MEDICINE, COURSE, FUNCTION)
OF_GP: Final = (GP_PROBLEM, GP_ALLERGY, GP_MEDICINE)
OF_SOCIAL: Final = (DEBT, FLAT, HOUSEHOLD, CARE, SERVICE, FAMILY)
OF_PLAN: Final = (
    GOAL_HEALTH,
    GOAL_CARE,
    GOAL_FINANCE,
    GOAL_HOUSING,
    GOAL_HOUSEHOLD,
    GOAL_FAMILY,
    GOAL_MIND,
    CHANGED_CARE,
    CHANGED_FINANCE,
)
ALL: Final = (*OF_HOSPITAL, *OF_GP, *OF_SOCIAL, *OF_PLAN)


def of_area(area: str) -> tuple[Mark, ...]:
    """Every mark of one area of life, whatever system knows it."""
    return tuple(mark for mark in ALL if mark.area == area)
