"""The journey with documents that nobody here wrote: every full CDA document, every IPS Bundle of the corpus.

What cannot be understood is reported with its place, and the journey goes on with what can. Three pairs run
with every test run, all of them with `make test-slow`. An independent counter of what got into the record
is tests/mapping's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.demo import outside
from hub.demo.errors import OutsideFileError
from tests.demo.playing import CORPUS, Printed, demo

EVERY_TIME = 2


def is_full_document(file: Path) -> bool:
    """Whether a CDA file is a document with a patient, not a fragment of one."""
    try:
        outside.hospital_document(file.read_bytes())
    except OutsideFileError:
        return False
    return True


DOCUMENTS = [
    file for file in sorted((CORPUS / "cda").glob("*")) if file.suffix.lower() == ".xml" and is_full_document(file)
]
SUMMARIES = sorted((CORPUS / "ips").glob("*.json"))
PAIRS = [
    (DOCUMENTS[number % len(DOCUMENTS)], SUMMARIES[number % len(SUMMARIES)])
    for number in range(max(len(DOCUMENTS), len(SUMMARIES)))
    if DOCUMENTS and SUMMARIES
]
"""Every document and every summary at least once."""


def played(out: Path, document: Path, summary: Path) -> Printed:
    return demo(out, "--hospital-document", str(document), "--gp-summary", str(summary))


def name(value: Path) -> str:
    return value.stem


@pytest.mark.skipif(not PAIRS, reason="the corpus of sample files is not beside the repository")
@pytest.mark.parametrize(("document", "summary"), PAIRS[:EVERY_TIME], ids=name)
def test_the_journey_holds_for_files_from_outside(tmp_path: Path, document: Path, summary: Path) -> None:
    printed = played(tmp_path / "received", document, summary)
    assert (printed.broken, printed.code) == ([], 0), printed.said


@pytest.mark.slow
@pytest.mark.skipif(not PAIRS, reason="the corpus of sample files is not beside the repository")
@pytest.mark.parametrize(("document", "summary"), PAIRS[EVERY_TIME:], ids=name)
def test_the_journey_holds_for_every_file_of_the_corpus(tmp_path: Path, document: Path, summary: Path) -> None:
    printed = played(tmp_path / "received", document, summary)
    assert (printed.broken, printed.code) == ([], 0), printed.said
