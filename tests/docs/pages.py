"""The documents as the tests read them: every page, its links, its headings, its commands and its tables."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import dropwhile, takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *(ROOT / "deploy").glob("*.md"),
     *(ROOT / "hub").rglob("*.md")]
)  # fmt: skip

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(page: Path) -> str:
    """The text of a page."""
    return page.read_text("utf-8")


def prose_of(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def name_of(page: Path) -> str:
    """A page as a test names it."""
    return str(page.relative_to(ROOT))


def links_of(page: Path) -> list[str]:
    """Where the links of a page lead."""
    return _LINK.findall(prose_of(page))


def anchors_of(page: Path) -> set[str]:
    """The anchors that the headings of a page make."""
    return {anchor(heading) for heading in headings_of(page)}


def headings_of(page: Path) -> list[str]:
    """The headings of a page."""
    return re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor of a heading, as forges and mkdocs make it."""
    plain = re.sub(r"[`*]", "", heading).lower()
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", plain).strip())


def commands_of(page: Path) -> Iterator[list[str]]:
    """Every command of the shell blocks of a page, in words; lines that go on with `\\` put together."""
    for language, block in _FENCE.findall(text_of(page)):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                    words = words[1:]
                if words:
                    yield words


def fenced(text: str, language: str) -> list[str]:
    """The fenced blocks of a text that are in one language."""
    return [block for said, block in _FENCE.findall(text) if said == language]


def table_under(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    _, _, below = text_of(page).partition(f"# {heading}\n")
    section = re.split(r"^#", below, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    rows = list(takewhile(lambda line: line[:1] == "|", dropwhile(lambda line: line[:1] != "|", section)))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def tracked() -> list[Path]:
    """Every file of the repository that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
