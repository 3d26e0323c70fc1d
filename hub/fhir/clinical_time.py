"""When a record is about: one element of clinical time per type, and partial dates as intervals.

FHIR R4 dates may be a year, a month, a day or a moment (https://hl7.org/fhir/R4/datatypes.html#dateTime);
each stands for the whole interval, in the hub's time zone where none is written. Consent
(`provision.dataPeriod`) and search both read time here, so they never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from hub.fhir.value import Resource

Interval = tuple[datetime, datetime]
"""From the first moment to the last; open ends are `OPEN_START` and `OPEN_END`."""

OPEN_START: Final = datetime(1, 1, 1, tzinfo=UTC)
OPEN_END: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)

CLINICAL_TIME: Final[dict[str, tuple[str, ...]]] = {
    "AdverseEvent": ("date", "detected", "recordedDate"),
    "AllergyIntolerance": ("onset", "recordedDate", "lastOccurrence"),
    "Appointment": ("start", "requestedPeriod"),
    "AuditEvent": ("recorded",),
    "CarePlan": ("period", "created"),
    "CareTeam": ("period",),
    "Claim": ("billablePeriod", "created"),
    "ClinicalImpression": ("effective", "date"),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("occurrence", "authoredOn"),
    "Composition": ("event.period", "date"),
    "Condition": ("onset", "recordedDate"),
    "Consent": ("dateTime",),
    "Contract": ("applies", "issued"),
    "Coverage": ("period",),
    "DetectedIssue": ("identified",),
    "DeviceRequest": ("occurrence", "authoredOn"),
    "DeviceUseStatement": ("timing", "recordedOn"),
    "DiagnosticReport": ("effective", "issued"),
    "DocumentManifest": ("created",),
    "DocumentReference": ("context.period", "date"),
    "Encounter": ("period",),
    "EpisodeOfCare": ("period",),
    "FamilyMemberHistory": ("date",),
    "Flag": ("period",),
    "Goal": ("start", "statusDate"),
    "ImagingStudy": ("started",),
    "Immunization": ("occurrence", "recorded"),
    "ImmunizationRecommendation": ("date",),
    "Invoice": ("date",),
    "List": ("date",),
    "Media": ("created", "issued"),
    "MedicationAdministration": ("effective",),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effective", "dateAsserted"),
    "NutritionOrder": ("dateTime",),
    "Observation": ("effective", "issued"),
    "Procedure": ("performed",),
    "Provenance": ("occurred", "recorded"),
    "QuestionnaireResponse": ("authored",),
    "RelatedPerson": ("period",),
    "RequestGroup": ("authoredOn",),
    "RiskAssessment": ("occurrence",),
    "ServiceRequest": ("occurrence", "authoredOn"),
    "Specimen": ("collection.collected", "receivedTime"),
    "SupplyDelivery": ("occurrence",),
    "SupplyRequest": ("occurrence", "authoredOn"),
    "Task": ("executionPeriod", "authoredOn"),
    "VisionPrescription": ("dateWritten",),
}
"""Type -> elements in order of preference; the first that is there is the record's time. A `[x]` goes by
its stem."""

_CHOICES: Final = ("", "DateTime", "Period", "Date", "Instant", "Timing")


def clinical_period(resource: Resource, *, zone: tzinfo = UTC) -> Interval | None:
    """The interval a record is about, or None where it does not say."""
    for path in CLINICAL_TIME.get(str(resource.get("resourceType")), ()):
        found = [interval_of(value, zone) for value in _values(resource, path.split("."))]
        intervals = [interval for interval in found if interval]
        if intervals:
            return min(start for start, _ in intervals), max(end for _, end in intervals)
    return None


def interval_of(value: Any, zone: tzinfo = UTC) -> Interval | None:
    """The interval of a date, dateTime, instant, Period or Timing; None where it holds no time."""
    if isinstance(value, str):
        return date_interval(value, zone)
    if not isinstance(value, dict):
        return None
    if "event" in value or "repeat" in value:
        return _timing(value, zone)
    start, end = _end_of(value, "start", zone), _end_of(value, "end", zone)
    if start is None and end is None:
        return None
    return (start[0] if start else OPEN_START), (end[1] if end else OPEN_END)


def date_interval(text: str, zone: tzinfo = UTC) -> Interval | None:
    """The interval of a partial date: `2024` is the whole year, a moment with seconds the whole second."""
    try:
        if len(text) == 4:
            return _span(datetime(int(text), 1, 1, tzinfo=zone), datetime(int(text) + 1, 1, 1, tzinfo=zone))
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:])
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
            return _span(datetime(year, month, 1, tzinfo=zone), following)
        if len(text) == 10:
            day = datetime.fromisoformat(text)
            return _span(day.replace(tzinfo=zone), (day + timedelta(days=1)).replace(tzinfo=zone))
        moment = datetime.fromisoformat(_without_leap_second(text))
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    start = moment.astimezone(UTC)
    return start, start if "." in text else start + timedelta(seconds=1) - _TICK


def overlaps(one: Interval, other: Interval) -> bool:
    """Whether two intervals share a moment."""
    return one[0] <= other[1] and other[0] <= one[1]


def within(inner: Interval, outer: Interval) -> bool:
    """Whether the outer interval contains the inner one."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _span(start: datetime, following: datetime) -> Interval:
    return start.astimezone(UTC), following.astimezone(UTC) - _TICK


def _without_leap_second(text: str) -> str:
    return text[:17] + "59" + text[19:] if text[17:19] == "60" else text


def _end_of(period: dict[str, Any], key: str, zone: tzinfo) -> Interval | None:
    value = period.get(key)
    return date_interval(value, zone) if isinstance(value, str) else None


def _timing(value: dict[str, Any], zone: tzinfo) -> Interval | None:
    events = value.get("event")
    found = [date_interval(event, zone) for event in events if isinstance(event, str)] if events else []
    repeat = value.get("repeat")
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    if bounds:
        found.append(interval_of(bounds, zone))
    intervals = [interval for interval in found if interval]
    if not intervals:
        return None
    return min(start for start, _ in intervals), max(end for _, end in intervals)


def _values(value: Any, steps: list[str]) -> Iterable[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        for suffix in _CHOICES:
            if steps[0] + suffix in value:
                yield from _values(value[steps[0] + suffix], steps[1:])
