"""Damaged samples: whatever is broken in them, the result is valid or refused with a place, never a crash."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from hub.errors import HubError
from hub.fhir.validate import errors
from tests.mapping.counting import well_formed
from tests.mapping.library import mapped, needs_corpus, samples

ODD = ["", "x y", "20261399", "-1", "UNK", "9" * 40, "ž", "1e400", "https://x y", "#", "2026-01-01"]
ODD_JSON: list[Any] = [1, True, None, "x y", {}, [], {"a": 1}, [1], 1.5, "", {"reference": 5}, "javascript:x"]
DOCUMENTS = [one for one in samples("cda", "*.[xX]*") if "_sec_" not in one.id]


def holds(data: bytes, mapping: str) -> None:
    try:
        made = mapped(data, mapping)
    except HubError:
        return
    assert errors(made.bundle) == ()


@needs_corpus
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_damaged_document_is_mapped_valid_or_refused(path: Path) -> None:
    chance = random.Random(path.name)
    for _ in range(4):
        root = ET.fromstring(well_formed(path.read_bytes()))
        elements = list(root.iter())
        for element in chance.sample(elements, 40):
            if element.attrib and chance.random() < 0.7:
                element.set(chance.choice(list(element.attrib)), chance.choice(ODD))
            else:
                element.clear()
        holds(ET.tostring(root), "cda-to-ips")


@needs_corpus
@pytest.mark.parametrize("path", samples("ips", "*.json"))
def test_a_damaged_bundle_is_carried_valid_or_refused(path: Path) -> None:
    chance = random.Random(path.name)
    for _ in range(4):
        document = json.loads(path.read_text("utf-8-sig"))
        for holder, key in chance.sample(list(places(document)), 20):
            holder[key] = chance.choice(ODD_JSON)
        holds(json.dumps(document).encode(), "ips-in")


@needs_corpus
@pytest.mark.parametrize("path", samples("hl7v2", "*ADT*"))
def test_a_damaged_message_is_mapped_valid_or_refused(path: Path) -> None:
    chance = random.Random(path.name)
    for _ in range(10):
        data = bytearray(path.read_bytes())
        for _ in range(15):
            data[chance.randrange(20, len(data))] = chance.choice(b"|^~&\\\r0Az\xff")
        holds(bytes(data), "adt-to-fhir")


def places(value: Any) -> Any:
    """Every (holder, key) below a JSON value, the outer ones too."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])
