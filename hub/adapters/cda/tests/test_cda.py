"""CDA documents from a folder: verbatim, known by their content, never asked for one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.adapters.cda.adapter import build
from hub.adapters.cda.tests.counterpart import DOCUMENT
from hub.adapters.sdk.contract import Connection, PullRequest, Received
from hub.errors import ConfigurationError
from tests.adapters.contract import CANARY, TestClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def pulled(folder: Path) -> list[Received]:
    clock = TestClock()
    adapter = build(clock)
    to = Connection("hospital", "cda", frozenset({"pull"}), {"folder": str(folder.parent)})
    assert list(adapter.pull(to, None)) == []
    clock.turn(5)
    return list(adapter.pull(to, None))


def test_a_document_comes_byte_for_byte_whatever_its_suffixs_case(folder: Path) -> None:
    (folder / "a.xml").write_bytes(DOCUMENT)
    (folder / "b.XML").write_bytes(b"\xef\xbb\xbf" + DOCUMENT)
    assert sorted(received.body for received in pulled(folder)) == sorted([DOCUMENT, b"\xef\xbb\xbf" + DOCUMENT])


def test_a_document_sent_again_under_another_name_is_the_same_piece(folder: Path) -> None:
    (folder / "a.xml").write_bytes(DOCUMENT)
    (folder / "renamed.xml").write_bytes(DOCUMENT)
    assert len({received.message_id for received in pulled(folder)}) == 1


def test_a_persons_name_in_a_file_name_goes_no_further(folder: Path) -> None:
    (folder / f"{CANARY}.xml").write_bytes(DOCUMENT)
    (received,) = pulled(folder)
    assert CANARY not in received.name + received.message_id
    assert received.name.endswith(".xml")


def test_other_files_are_not_taken(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF")
    os.mkfifo(folder / "a.xml")
    assert pulled(folder) == []


def test_a_folder_cannot_be_asked_for_one_client(folder: Path) -> None:
    to = Connection("hospital", "cda", frozenset({"pull"}), {"folder": str(folder.parent)})
    with pytest.raises(ConfigurationError):
        build(TestClock()).pull(to, PullRequest("summary", ()))


def test_check_tells_what_is_left_alone_without_naming_it(folder: Path) -> None:
    (folder / f"{CANARY}.xml").symlink_to("/etc/passwd")
    to = Connection("hospital", "cda", frozenset({"pull"}), {"folder": str(folder.parent)})
    findings = build(TestClock()).check(to)
    assert [finding.what for finding in findings if not finding.well] == ["1 left alone: symbolic link"]
    assert CANARY not in str(findings)
