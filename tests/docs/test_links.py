"""Nothing in the documents leads nowhere: links, anchors, and what the code says of docs/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors_of, headings_of, links_of, name_of, tracked

MENTION = re.compile(r"docs/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+(?:\.md)?")
SECTION = re.compile(r"(docs/[\w/-]+\.md), ((?:\"[^\"]+\"(?:, )?)+)")
NUMBERED = re.compile(r"consent rules §(\d)(?:\.(\d+))?", re.IGNORECASE)
CODE = [
    file
    for file in tracked()
    if file.suffix in {".py", ".yaml", ".toml", ".md", ""} and ROOT / "tests/docs" not in file.parents
]


def said_in(file: Path) -> str:
    """The text of a file as one line: what a docstring says may go over a line's end."""
    try:
        return re.sub(r"\s+(?:# )?", " ", file.read_text("utf-8"))
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    astray = []
    for link in links_of(page):
        if re.match(r"https?://", link):
            continue
        path, _, wanted = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (wanted and wanted not in anchors_of(target)):
            astray.append(link)
    assert astray == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_of_docs_stays_in_docs(page: Path) -> None:
    """mkdocs has only what is in docs/."""
    if DOCS not in page.parents:
        return
    outside = [
        link
        for link in links_of(page)
        if not re.match(r"https?://|#", link) and DOCS not in (page.parent / link.partition("#")[0]).resolve().parents
    ]
    assert outside == []


def test_every_page_that_the_code_names_is_there() -> None:
    missing = {
        f"{name_of(file)}: {mention}"
        for file in CODE
        for mention in MENTION.findall(said_in(file))
        if not any(ROOT.glob(f"{mention}*"))
    }
    assert sorted(missing) == []


def test_every_section_that_the_code_names_is_there() -> None:
    missing = set()
    for file in CODE:
        for page, sections in SECTION.findall(said_in(file)):
            known = [heading.lower() for heading in headings_of(ROOT / page)] if (ROOT / page).is_file() else []
            for section in re.findall(r'"([^"]+)"', sections):
                if not any(section.lower() in heading for heading in known):
                    missing.add(f'{name_of(file)}: {page}, "{section}"')
    assert sorted(missing) == []


def test_every_numbered_rule_of_sharing_that_the_code_names_is_there() -> None:
    page = (DOCS / "consent.md").read_text("utf-8")
    sections = set(re.findall(r"^## (\d)\.", page, re.MULTILINE))
    items = set(re.findall(r"^(\d)\. \*\*", page.partition("## 2.")[2].partition("## 3.")[0], re.MULTILINE))
    missing = {
        f"{name_of(file)}: §{section}.{item}"
        for file in CODE
        for section, item in NUMBERED.findall(said_in(file))
        if section not in sections or (item and (section != "2" or item not in items))
    }
    assert sorted(missing) == []


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    named = set(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    decisions = {page for page in pages if re.match(r"adr/\d{4}-", page)}
    assert named == pages - decisions


def test_every_decision_is_listed_and_numbered_once() -> None:
    files = sorted(page.name for page in (DOCS / "adr").glob("0*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert set(links_of(DOCS / "adr/README.md")) == set(files)
    for name in files:
        text = (DOCS / "adr" / name).read_text("utf-8")
        assert text.startswith(f"# {name[:4]}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Reason", "Consequences"))
