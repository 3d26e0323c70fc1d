"""One client's journey from hospital to home, step by step. Read this file first; the chapters are in
`steps/`.
"""

from __future__ import annotations

from typing import Final

from hub.demo.steps import arrival, change, planning, sharing
from hub.demo.story import Step

JOURNEY: Final[tuple[Step, ...]] = (
    *arrival.STEPS,
    *planning.STEPS,
    *sharing.STEPS,
    *change.STEPS,
)
