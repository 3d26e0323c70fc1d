"""Numbers as they are searched: the ends of what a value covers (https://hl7.org/fhir/R4/search.html#number).

On record, a number is a point and a Range or comparator an interval. In a search, a number stands for all that
rounds to it: `100` for 99.5 up to (not including) 100.5, `5.40` for 5.395 up to 5.405, and `1e2` for 95 up to
105, as the specification has it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import inf, nextafter
from typing import Any, Final

Ends = tuple[float, float]
"""From the lowest number to the highest, both included."""

LEAST: Final = nextafter(-inf, 0)
GREATEST: Final = nextafter(inf, 0)
"""The ends of a range that is open."""

MAX_DIGITS: Final = 40
_WHOLE_WITH_EXPONENT: Final = re.compile(r"([+-]?[0-9]+)([eE]\+?[0-9]+)")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def read_number(text: str) -> Decimal | None:
    """The number that a search names, or None where it is none or longer than any that is measured."""
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    whole = _WHOLE_WITH_EXPONENT.fullmatch(text)
    return Decimal(f"{whole[1]}.0{whole[2]}" if whole else text)


def implied_ends(number: Decimal) -> Ends:
    """All that rounds to a number, by its last digit; the upper end itself rounds to the next."""
    half = Decimal((0, (5,), int(number.as_tuple().exponent) - 1))
    return _float(number - half), nextafter(_float(number + half), -inf)


def nearby_ends(number: Decimal) -> Ends:
    """What is approximately a number: a tenth of it to each side, and never less than it stands for."""
    tenth, (low, high) = abs(number) / 10, implied_ends(number)
    return min(_float(number - tenth), low), max(_float(number + tenth), high)


def point(value: Any) -> Ends | None:
    """A number of JSON, kept within what a float can say."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return (number := _float(value)), number


def quantity_ends(quantity: Any) -> Ends | None:
    """A Quantity: a point, or with a comparator everything on that side of it."""
    found = point(quantity.get("value")) if isinstance(quantity, dict) else None
    if found is None:
        return None
    number, comparator = found[0], quantity.get("comparator")
    if comparator in ("<", "<="):
        return LEAST, number if comparator == "<=" else nextafter(number, -inf)
    if comparator in (">", ">="):
        return number if comparator == ">=" else nextafter(number, inf), GREATEST
    return found


def range_ends(value: dict[str, Any]) -> Ends | None:
    """A Range from its low Quantity to its high one; an end that is missing is open."""
    low, high = quantity_ends(value.get("low")), quantity_ends(value.get("high"))
    if low is None and high is None:
        return None
    return (low[0] if low else LEAST), (high[1] if high else GREATEST)


def sampled_ends(value: dict[str, Any]) -> Ends | None:
    """The least and the greatest of the samples (https://hl7.org/fhir/R4/datatypes.html#SampledData)."""
    origin, factor, data = quantity_ends(value.get("origin")), point(value.get("factor", 1)), value.get("data")
    if origin is None or factor is None:
        return None
    samples = [number for word in data.split() if (number := _sample(word))] if isinstance(data, str) else []
    found = [origin[0] + sample[0] * factor[0] for sample in samples] or [origin[0]]
    return min(found), max(found)


def _float(value: float | Decimal) -> float:
    try:
        return min(max(float(value), LEAST), GREATEST)
    except OverflowError:
        return GREATEST if value > 0 else LEAST


def _sample(word: str) -> Ends | None:
    """One sample; None for `E`, `L` and `U`, which stand for no number."""
    number = read_number(word)
    return None if number is None else point(number)
