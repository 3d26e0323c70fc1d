"""The two plain values that travel between the rooms: a FHIR resource and a reference.

A `Resource` is a FHIR R4 JSON object as `hub.fhir.text.read` returns it: dict, list, str, bool, int, and
`decimal.Decimal` for numbers with a fraction or exponent, whose text is kept (https://hl7.org/fhir/R4/json.html).
By convention nobody changes one in place: functions return new ones.
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]
"""A FHIR JSON object."""

Reference = str
"""A relative literal reference, `Type/id`."""
