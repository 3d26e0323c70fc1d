"""The official FHIR R4 (4.0.1) definitions as compact tables (HL7, CC0).

Made by `tools/make_definitions.py`, which says what stands in each table.
"""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import Any


def load(name: str) -> Any:
    """One table: `structure`, `codes`, `systems`, `summary`, `search` or `compartment`."""
    return json.loads(gzip.decompress(files(__name__).joinpath(f"{name}.json.gz").read_bytes()))
