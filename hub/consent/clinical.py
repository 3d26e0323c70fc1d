"""When the content of a record happened, by one element per type (consent rules §2.7).

One element and no second choice: where a Condition does not say when it began, the day it was written down
says nothing of that, and a deny of those years must still hit it. (Search may fall back; a decision may not.)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from hub.consent.periods import Span
from hub.fhir.clinical_time import interval_of
from hub.fhir.value import Resource

CLINICAL_TIMES: Final[Mapping[str, str]] = tomllib.loads(
    resources.files("hub.consent").joinpath("tables/clinical-times.toml").read_text("utf-8")
)["times"]
"""Type -> its element of clinical time."""

_CHOICES: Final = ("DateTime", "Period", "Instant", "Date", "Timing")


def clinical_period(resource: Resource, zone: ZoneInfo) -> Span | None:
    """First and last moment of what the record is about; None where it gives no date that can be read."""
    element = CLINICAL_TIMES.get(str(resource.get("resourceType")))
    if element is None:
        return None
    stem = element.removesuffix("[x]")
    names = [stem] if stem == element else [stem + choice for choice in _CHOICES]
    value = next((resource[name] for name in names if name in resource), None)
    try:
        return interval_of(value, zone)
    except OverflowError:
        return None
