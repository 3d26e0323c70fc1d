"""A hospital system that drops CDA documents into a folder."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.adapters.contract import TestClock
from tests.adapters.folder_counterpart import FolderCounterpart, open_folder

DOCUMENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3" extension="d-1"/></ClinicalDocument>'
)


def open_counterpart(folder: Path, clock: TestClock) -> AbstractContextManager[FolderCounterpart]:
    return open_folder(folder, "cda", ".xml", DOCUMENT)
