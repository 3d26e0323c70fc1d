"""Labels as numbers beside the sealed content, so that SQL can compare them (consent compiled, not
post-filtered).

Confidentiality is a rank (U < L < M < N < R < V), sensitivity codes and areas of life are bits. The positions
are part of the stored data: codes are only ever added at the end. A code that is not listed sets the reserved
bit, which no permit naming codes contains (docs/consent.md, "Labels and areas").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hub.fhir.codes import AREAS

CONFIDENTIALITIES: Final = ("U", "L", "M", "N", "R", "V")

SENSITIVITIES: Final = (
    *("ETH", "GDIS", "HIV", "MST", "SCA", "SDV", "SEX", "SPI", "BH", "COGN", "DVD", "EMOTDIS", "MH", "PSY"),
    *(
        "PSYTHPN",
        "SUD",
        "ETHUD",
        "OPIOIDUD",
        "STD",
        "TBOO",
        "VIO",
        "SICKLE",
        "DEMO",
        "DOB",
        "GENDER",
        "LIVARG",
    ),
    *(
        "MARST",
        "RACE",
        "REL",
        "B",
        "EMPL",
        "LOCIS",
        "SSP",
        "ADOL",
        "CEL",
        "DIA",
        "DRGIS",
        "EMP",
        "PDS",
        "PHY",
    ),
    "PRS",
)
"""v3-ActCode, InformationSensitivityPolicy: https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy."""

UNKNOWN: Final = 1 << 62
"""The reserved bit: something that the masks have no place for."""

HIGHEST: Final = len(CONFIDENTIALITIES)
"""The rank of a confidentiality that the scale does not know: above every one that a permit can name."""

_SENSITIVITY_BITS: Final = {code: 1 << place for place, code in enumerate(SENSITIVITIES)}
_AREA_BITS: Final = {code: 1 << place for place, code in enumerate(AREAS)}
_RANKS: Final = {code: rank for rank, code in enumerate(CONFIDENTIALITIES)}


def rank(confidentiality: str) -> int:
    """Where a confidentiality stands on the scale."""
    return _RANKS.get(confidentiality, HIGHEST)


def sensitivity_mask(codes: Iterable[str]) -> int:
    """The bits of these sensitivity codes."""
    return _mask(codes, _SENSITIVITY_BITS)


def area_mask(codes: Iterable[str]) -> int:
    """The bits of these areas of life."""
    return _mask(codes, _AREA_BITS)


def _mask(codes: Iterable[str], bits: dict[str, int]) -> int:
    mask = 0
    for code in codes:
        mask |= bits.get(code, UNKNOWN)
    return mask
