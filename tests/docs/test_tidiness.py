"""The project speaks of itself alone: no path of a machine, no package index, no unfinished work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, tracked

HERE = Path(__file__).resolve()
FOREIGN = {
    "the repository's own place on this machine": re.escape(str(ROOT)) + r"|" + re.escape(str(ROOT.parent)) + r"/\w",
    "the home of a machine's administrator": r"(?<![\w.])/" + r"root\b",
    "an address of a package index": r"(?i)(files\." + r"pythonhosted|py" + r"pi\.org|registry\." + r"npmjs)",
    "an address of an image registry": r"(?i)(ghcr\." + r"io|docker\." + r"io|quay\." + r"io)",
    "a lock file's download address": r"(?i)--(extra-)?index" + r"-url|--find" + r"-links",
    "a note of unfinished work": r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b",
    "a document that is not here": r"\b(?:DESIGN|GUARANTEES|STYLE|SPEC)\b(?:\.md| §|:)",
}  # fmt: skip
"""What no file may say. The patterns are put together so that this file does not say it."""


def text_of(file: Path) -> str:
    """The text of a file; empty for what is none."""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every file of the repository, by name, but this one."""
    return {name_of(file): text_of(file) for file in tracked() if file.resolve() != HERE}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_contains(texts: dict[str, str], what: str) -> None:
    pattern = re.compile(FOREIGN[what])
    found = [
        f"{name} line {text.count(chr(10), 0, match.start()) + 1}"
        for name, text in texts.items()
        if (match := pattern.search(text))
    ]
    assert found == []


def test_no_requirement_names_where_it_is_fetched_from(texts: dict[str, str]) -> None:
    for name in ("constraints.txt", "pyproject.toml"):
        assert not re.search(r"@ (https?|git)|://(?!)", texts[name])
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line) for line in texts["constraints.txt"].splitlines() if line)


def test_images_are_named_plainly(texts: dict[str, str]) -> None:
    files = texts["deploy/Dockerfile"] + texts["deploy/compose.yaml"]
    images = re.findall(r"^(?:FROM|\s*image:) (\S+)", files, re.MULTILINE)
    assert images
    assert all("/" not in image for image in images)


def test_what_is_not_run_in_ci_says_so(texts: dict[str, str]) -> None:
    deploy = [name for name in texts if name.startswith("deploy/")]
    assert deploy
    assert all("not run in ci" in texts[name].lower() for name in deploy)
