"""Decimals that keep the text they came in (https://hl7.org/fhir/R4/datatypes.html#decimal).

Python's `Decimal` keeps every digit, but spells some numbers its own way: `1.0E2` becomes `1.0E+2`,
`0.00000010` becomes `1.0E-7`. What is served must be what came, so these few keep their text.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

MAX_DIGITS: Final = 1000
"""More digits, or a larger exponent, is no number that anybody measured."""

_RESPELT: Final = ("0.000000", "-0.000000")


class WrittenDecimal(Decimal):
    """A number that prints as it was written."""

    text: str

    def __new__(cls, text: str) -> WrittenDecimal:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    def __copy__(self) -> WrittenDecimal:
        return self

    def __deepcopy__(self, memo: object) -> WrittenDecimal:
        return self

    def __reduce__(self) -> tuple[type[WrittenDecimal], tuple[str]]:
        return type(self), (self.text,)


def decimal(text: str) -> Decimal | None:
    """The number in JSON's notation that keeps its text; None where it is none or beyond any measure."""
    if len(text) > MAX_DIGITS:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        return None
    if "e" in text or "E" in text or text.startswith(_RESPELT):
        return WrittenDecimal(text)
    return value


def as_written(value: object) -> Any:
    """For a JSON encoder's `enc_hook`: the number's own text."""
    if isinstance(value, WrittenDecimal):
        return msgspec.Raw(value.text.encode("ascii"))
    raise NotImplementedError


def by_value(value: object) -> Any:
    """For the encoder behind digests: two spellings of one number with the same digits are one number."""
    if isinstance(value, WrittenDecimal):
        return Decimal(value.text)
    raise NotImplementedError
