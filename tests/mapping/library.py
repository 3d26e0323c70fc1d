"""The real mapping files and readers, compiled once for all tests of this room; and where the samples are."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.cda import reader as cda
from hub.adapters.fhir_rest import reader as fhir
from hub.adapters.hl7v2 import reader as hl7v2
from hub.adapters.tabular import reader as tabular
from hub.fhir.value import Resource
from hub.mapping.interpret import run
from hub.mapping.library import Library
from hub.mapping.model import Mapped

HOME = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CASEHUB_CORPUS", HOME.parent / "shared" / "corpus"))
READERS = {"cda": cda.read, "fhir": fhir.read, "hl7v2": hl7v2.read, "tabular": tabular.read}

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the public sample files are not beside the project")


@cache
def library() -> Library:
    files = sorted((HOME / "mappings").glob("*.yaml")) + sorted((HOME / "mappings" / "tables").glob("*.csv"))
    return Library({str(one.relative_to(HOME / "mappings")): one.read_text("utf-8") for one in files})


def mapped(data: bytes, mapping: str, name: str = "sample", **options: str) -> Mapped:
    found = library().find(mapping)
    return run(found, READERS[found.format](data, name=name), options=options)


def samples(folder: str, pattern: str) -> list[Any]:
    """The sample files of a folder as test parameters (none where they are not there)."""
    return [pytest.param(one, id=one.name) for one in sorted((CORPUS / folder).glob(pattern))]


def of_type(made: Mapped, type_name: str) -> list[Resource]:
    return [e["resource"] for e in made.bundle["entry"] if e["resource"]["resourceType"] == type_name]
