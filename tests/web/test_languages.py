"""Every text of the pages is a message, in every language, and nothing visible is written into a template."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from lxml import html

from hub.fhir.codes import AREAS, UNCLASSIFIED
from hub.web import rendering
from hub.web.languages import NAMES, choose, language
from tests.web.house import House

WEB = Path(rendering.__file__).parent
KEYWORDS = {"mark": None, "gettext": None, "ngettext": (1, 2), "_": None, "say": None}
OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "true"}}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OWN_NAMES = {"casehub", *NAMES.values(), "/fhir/metadata", "/.well-known/smart-configuration"}
"""What is the same in every language: names, and addresses of the hub."""


def marked() -> set[str]:
    """Every message that code and templates mark."""
    found = extract_from_dir(str(WEB), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS)
    return {m[0] if isinstance(m, tuple) else m for _, _, m, _, _ in found}


def blanks(text: str) -> list[str]:
    """The blanks of a message."""
    return sorted(set(re.findall(r"%\((\w+)\)s", text)))


def without_messages(text: str) -> str:
    """What of a text is in no brackets, however deep these are."""
    text = " ".join(text.split())
    while "⟦" in text and (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = inner
    return text.strip(" –:,")


@pytest.mark.parametrize("code", NAMES)
def test_a_catalogue_has_every_message_and_no_other(code: str) -> None:
    assert set(language(code).messages) == marked()


@pytest.mark.parametrize("code", NAMES)
def test_a_catalogue_is_whole_and_keeps_the_blanks_of_every_message(code: str) -> None:
    with (WEB / "locale" / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code, abort_invalid=True)
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not message.fuzzy
        assert len(strings) == (catalogue.num_plurals if len(ids) > 1 else 1)
        for one in strings:
            assert one, ids[0]
            assert blanks(one) == blanks(ids[-1]), ids[0]


@pytest.mark.parametrize("code", ["cs", "de"])
def test_czech_and_german_are_not_english(code: str) -> None:
    same = {m for m, said in language(code).messages.items() if said[0] == m}
    assert same <= {"Organisation"}


def test_czech_counts_in_three_forms() -> None:
    czech = language("cs")
    counted = [czech.ngettext("%(number)s entry", "%(number)s entries", n) % {"number": n} for n in (1, 3, 5)]
    assert counted == ["1 záznam", "3 záznamy", "5 záznamů"]


@pytest.mark.parametrize("code", NAMES)
def test_every_area_of_life_has_a_name(code: str) -> None:
    assert set(language(code).area) == {*AREAS, UNCLASSIFIED}


def test_no_visible_text_is_hard_coded(house: House) -> None:
    """In a pseudo-language that brackets every message, whatever has no brackets comes from the record."""
    english = language("en")
    pseudo = replace(
        english,
        messages={m: tuple(f"⟦{one}⟧" for one in said) for m, said in english.messages.items()},
        area={code: f"⟦{name}⟧" for code, name in english.area.items()},
    )
    seen = house.overview()
    now = house.clock()
    others = [("a", "A"), ("b", "B")]
    pages = {
        "overview": rendering.overview_page(seen, pseudo, clients=others, zone=house.hub.settings.zone, now=now),
        "clients": rendering.clients_page(others, pseudo),
        "no clients": rendering.clients_page([], pseudo),
        "welcome": rendering.welcome_page(pseudo),
        "problem": rendering.problem_page(pseudo, found=True),
        "not found": rendering.problem_page(pseudo, found=False),
    }
    data = {
        seen.name, "A", "B", "HUB_PAGE_VIEWER=municipality hub serve",
        *(row.name for row in seen.rows),
        *(goal["description"]["text"] for goal in seen.goals),
        *((seen.plan or {}).get("title", ""),),
        *(a["detail"]["description"] for a in (seen.plan or {}).get("activity", [])),
    }  # fmt: skip
    for name, page in pages.items():
        tree = html.fromstring(page)
        for skipped in tree.xpath("//time | //code[@translate='no'] | //*[@class='quiet-text'] | //b[@aria-hidden]"):
            skipped.text = ""
            for child in skipped:
                child.drop_tree()
        texts = [*tree.xpath("//text()"), *tree.xpath("//@aria-label | //@alt | //@title | //@placeholder")]
        bare = {left for t in texts for left in without_messages(str(t)).split(" – ")}
        assert bare - {""} <= data | OWN_NAMES, name


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        ("de", "cs", "en", "de"),
        ("fr", "cs", "en", "cs"),
        (None, None, "de-AT,de;q=0.9,cs;q=0.8", "de"),
        (None, None, "fr, en;q=0.4, cs-CZ;q=0.5", "cs"),
        (None, None, "fr", "en"),
        (None, None, "cs;q=0, de;q=0.1", "de"),
        (None, None, ";;q=x,,", "en"),
        (None, None, None, "en"),
        ("../cs", "\x00", "x" * 9999, "en"),
    ],
)
def test_the_language_is_asked_for_then_remembered_then_accepted(
    asked: str | None, remembered: str | None, accepted: str | None, chosen: str
) -> None:
    assert choose(asked, remembered, accepted) == chosen


def test_a_language_once_chosen_is_kept(visitor: httpx.Client) -> None:
    chosen = visitor.get("/?lang=cs")
    assert "Kdo smí co vidět dnes" in chosen.text
    assert chosen.headers["content-language"] == "cs"
    assert "samesite=lax" in chosen.headers["set-cookie"].lower()
    later = visitor.get("/")
    assert 'lang="cs"' in later.text
    assert "set-cookie" not in later.headers


def test_each_language_writes_days_its_own_way(visitor: httpx.Client) -> None:
    for code, day in (
        ("cs", "pondělí 2. listopadu 2026"),
        ("de", "Montag, 2. November 2026"),
        ("en", "2 November 2026"),
    ):
        assert day in visitor.get("/", params={"lang": code}).text
