"""The page in a real browser: every width, theme and language; keyboard, names, contrast (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from hub.web.languages import NAMES

pytestmark = pytest.mark.browser

LIGHT = """
const light = c => {
  const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};
const ratio = (a, b) => {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + .05) / (low + .05);
};
const parse = c => {
  const n = c.match(/[\\d.]+/g).map(Number);
  return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
};
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat([1]);
const ground = e => {
  const layers = [];
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] > 0) layers.push(c);
    if (c[3] === 1) break;
  }
  return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]);
};
"""
"""WCAG 2.2, contrast ratio: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

TEXTS = f"""
() => {{ {LIGHT}
  const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {{
    const e = walk.currentNode.parentElement, said = walk.currentNode.data.trim();
    if (!said || !e.getClientRects().length) continue;
    const under = ground(e), found = ratio(over(parse(getComputedStyle(e).color), under), under);
    if (found < 4.5) bad.push([e.className || e.tagName, said.slice(0, 30), found.toFixed(2)]);
  }}
  return bad;
}}
"""

CUT_OFF = """
() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.quiet, thead, svg')
  && e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)
"""

MARKS = f"""
() => {{ {LIGHT}
  return [...document.querySelectorAll('.lane.here, .mark')].filter(e => e.getClientRects().length).map(e => {{
    const drawn = e.matches('.lane') ? getComputedStyle(e, '::after').borderTopColor
      : getComputedStyle(e.querySelector('rect')).stroke;
    return ratio(parse(drawn), ground(e));
  }});
}}
"""


@contextmanager
def opened(browser: Browser, address: str, *, width: int = 1280, **options: Any) -> Iterator[Page]:
    """The page, as it looks when it is loaded; a complaint of the browser fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("code", NAMES)
def test_nothing_makes_the_page_scroll_sideways(browser: Browser, base: str, code: str) -> None:
    with opened(browser, f"{base}/?lang={code}") as page:
        for width in (320, 360, 640, 800, 1024, 1025, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert page.evaluate(CUT_OFF) == [], width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_text_and_marks_stand_out_in_both_themes(browser: Browser, base: str, scheme: str, width: int) -> None:
    with opened(browser, base, width=width, color_scheme=scheme) as page:
        assert page.evaluate(TEXTS) == []
        ratios = page.evaluate(MARKS)
        assert ratios
        assert min(ratios) >= 3


def test_dark_is_dark_and_light_is_light(browser: Browser, base: str) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with opened(browser, base, color_scheme=scheme) as page:
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize("width", [360, 1280])
def test_every_stop_of_the_keyboard_is_visible_named_and_in_reading_order(
    browser: Browser, base: str, width: int
) -> None:
    with opened(browser, base, width=width, locale="en") as page:
        stops: list[dict[str, Any]] = []
        while len(stops) < 200:
            page.keyboard.press("Tab")
            stop = page.evaluate(
                """() => { const e = document.activeElement; if (e === document.body) return null;
                   const box = e.getBoundingClientRect(), style = getComputedStyle(e);
                   return {name: e.textContent.trim(), height: box.height,
                           outline: style.outlineStyle, wide: parseFloat(style.outlineWidth),
                           seen: box.top < innerHeight && box.bottom > 0}; }"""
            )
            if stop is None or (stops and stop == stops[0]):
                break
            stops.append(stop)
        assert stops[0]["name"] == "Skip to the content"
        assert len(stops) > 10
        for stop in stops:
            assert stop["name"], stop
            assert stop["outline"] != "none", stop
            assert stop["wide"] >= 2, stop
            assert stop["height"] >= 24, stop
            assert stop["seen"], stop
        assert page.locator("[tabindex]:not([tabindex='-1'])").count() == 0


def test_the_keyboard_alone_skips_to_the_content_opens_a_rule_and_changes_the_language(
    browser: Browser, base: str
) -> None:
    with opened(browser, base, locale="en") as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert page.locator("details[open] code").first.is_visible()
        page.locator("a[hreflang=de]").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**lang=de")
        assert page.locator("html").get_attribute("lang") == "de"


def test_the_page_has_landmarks_one_first_heading_and_no_skipped_level(browser: Browser, base: str) -> None:
    with opened(browser, base) as page:
        assert page.get_by_role("banner").count() == 1
        assert page.get_by_role("main").count() == 1
        assert page.get_by_role("contentinfo").count() == 1
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [360, 1280])
def test_tables_stay_tables_for_a_screen_reader_at_every_width(browser: Browser, base: str, width: int) -> None:
    with opened(browser, base, width=width, locale="en") as page:
        matrix = page.get_by_role("table", name="Areas of life that each organisation may see")
        assert matrix.get_by_role("columnheader").count() == 13
        row = matrix.get_by_role("row").filter(has_text="Domácí péče Vzorov")
        assert row.get_by_role("rowheader").count() == 1
        assert [c.strip() for c in row.get_by_role("cell").all_inner_texts()].count("") == 0
        assert row.get_by_role("cell", name="may see", exact=True).count() == 5
        ledger = page.get_by_role("table", name="What each organisation was given, under what, and when")
        assert ledger.get_by_role("columnheader").count() == 6


def test_symbols_and_not_colours_alone_tell_yes_from_no(browser: Browser, base: str) -> None:
    with opened(browser, base, forced_colors="active") as page:
        shapes = page.evaluate(
            "['yes', 'no'].map(k => document.querySelector(`.matrix .mark.${k} path`).getAttribute('d'))"
        )
    assert shapes[0] != shapes[1]


def test_at_twice_the_size_everything_is_still_there(browser: Browser, base: str) -> None:
    with opened(browser, base, width=640, device_scale_factor=2) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for name in ("goals", "sharing", "holdings", "withheld", "journey"):
            assert page.locator(f"section[aria-labelledby={name}]").is_visible()


def test_on_paper_there_is_the_content_and_no_navigation(browser: Browser, base: str) -> None:
    with opened(browser, base) as page:
        page.emulate_media(media="print")
        assert page.locator("h1").is_visible()
        assert not page.locator(".languages").is_visible()
        assert not page.locator(".contents").is_visible()


def test_the_welcome_fits_a_telephone_in_every_language(browser: Browser, base: str) -> None:
    for code in NAMES:
        headers = {"X-Forwarded-For": "192.0.2.7"}
        with opened(browser, f"{base}/?lang={code}", width=320, extra_http_headers=headers) as page:
            assert page.locator("h1").is_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.evaluate(TEXTS) == []
