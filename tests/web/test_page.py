"""The page tells a case manager who may see, holds, and was refused what; and tells nothing as markup of others."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
from lxml import html

from hub.bootstrap import Hub
from hub.consent.model import Basis
from hub.demo import plan
from hub.demo.cast import GP, HOMECARE, MUNICIPALITY, SOCIAL
from hub.exchange.asker import Asker
from hub.exchange.overview import Moment
from hub.web import words
from hub.web.timeline import told
from tests.web.conftest import serving
from tests.web.house import Clock, House, new_hub, play

HOSTILE = "<img src=x onerror=alert(1)>"


def page(visitor: httpx.Client, address: str = "/") -> html.HtmlElement:
    """A page as a tree."""
    answer = visitor.get(address)
    assert answer.status_code == 200
    return html.fromstring(answer.text)


def text_of(element: html.HtmlElement) -> str:
    """The text of an element with single spaces."""
    return " ".join(element.text_content().split())


def section(tree: html.HtmlElement, name: str) -> html.HtmlElement:
    """The section under the heading with this id."""
    return tree.xpath(f"//section[@aria-labelledby='{name}']")[0]


def test_the_head_names_client_plan_status_version_and_period(visitor: httpx.Client) -> None:
    head = text_of(page(visitor).xpath("//section[@class='hero']")[0])
    for said in ("Jarmila Vzorová", "Plán spolupráce", "in force", "version 2", "5 Nov 2026 – 5 May 2027"):
        assert said in head


def test_goals_stand_under_their_area_with_who_does_what(visitor: httpx.Client) -> None:
    cards = {text_of(c.find("h3")): text_of(c) for c in section(page(visitor), "goals").xpath(".//section")}
    assert list(cards) == ["health", "self-care", "finance", "housing", "household", "family"]
    assert "Udržet městský byt" in cards["housing"]
    assert SOCIAL.name in cards["housing"]
    assert "Jarmila Vzorová" in cards["family"]


def test_the_matrix_says_in_words_who_may_see_what_today(visitor: httpx.Client) -> None:
    table = section(page(visitor), "sharing").xpath(".//table")[0]
    areas = [text_of(th) for th in table.xpath("./thead//th")][1:]
    allowed = {
        text_of(row.xpath("./th//*[@class='org']")[0]): {
            area
            for area, cell in zip(areas, row.xpath("./td"), strict=True)
            if text_of(cell.xpath("./span[@class='quiet']")[0]) == "may see"
        }
        for row in table.xpath("./tbody/tr")
    }
    assert allowed[HOMECARE.name] == {"health", "self-care", "services", "the plan of cooperation", "personal details"}
    assert "finance" in allowed[SOCIAL.name]
    assert "safety" not in allowed[MUNICIPALITY.name]


def test_the_ledger_says_who_holds_what_under_what_and_why(visitor: httpx.Client) -> None:
    rows = [text_of(row) for row in section(page(visitor), "holdings").xpath(".//tbody/tr")]
    plan = next(row for row in rows if row.startswith(HOMECARE.name) and "plan of cooperation" in row)
    assert "version 3" in plan
    assert "the client's consent" in plan
    assert "the client agreed" in plan
    assert "finance" not in plan
    notice = next(row for row in rows if "notice of a withdrawal" in row)
    assert "legal duty" in notice
    assert "finance" in notice


def test_what_was_withheld_is_counted_by_area_with_its_reason(visitor: httpx.Client) -> None:
    cards = {text_of(c.find("h3")): c for c in section(page(visitor), "withheld").xpath(".//section")}
    reasons = {
        text_of(reason.find("p")): text_of(reason.find("ul"))
        for reason in cards[HOMECARE.name].xpath(".//div[@class='reason']")
    }
    assert "housing" in reasons["the client has not agreed to share it"]
    assert reasons["the client expressly excluded it"].startswith("health")


def test_the_journey_is_told_in_order_each_event_in_words(visitor: httpx.Client) -> None:
    events = section(page(visitor), "journey").xpath(".//li[contains(@class,'event')]")
    told = [text_of(e.xpath(".//div[@class='said']")[0]) for e in events]
    stamps = [e.xpath("./time/@datetime")[0] for e in events]
    assert stamps == sorted(stamps)
    wanted = [
        f"{MUNICIPALITY.name} took down what the client agreed to",
        f"{SOCIAL.name} sent a table (CSV) to the hub",
        f"{MUNICIPALITY.name} wrote down the plan of cooperation",
        f"{HOMECARE.name} received: plan of cooperation version 1",
        f"{GP.name} fetched: social-service summary",
        f"{HOMECARE.name} was told that the client withdrew something finance",
        f"{HOMECARE.name} received: plan of cooperation version 3",
    ]
    places = [next(i for i, one in enumerate(told) if one.startswith(w)) for w in wanted]
    assert places == sorted(places)


def test_times_are_those_of_the_hubs_zone(visitor: httpx.Client) -> None:
    first = section(page(visitor), "journey").xpath(".//li[contains(@class,'event')]/time")[0]
    assert first.get("datetime") == "2026-11-02T07:50:00+00:00"
    assert text_of(first) == "08:50:00"


def test_a_page_brings_its_policy_and_leaves_no_copy(visitor: httpx.Client) -> None:
    for address in ("/", "/?client=nobody"):
        headers = visitor.get(address).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


def test_a_page_holds_no_script_no_inline_style_and_nothing_from_elsewhere(visitor: httpx.Client) -> None:
    tree = page(visitor)
    assert not tree.xpath("//script | //style | //iframe | //@style | //@*[starts-with(name(), 'on')]")
    fetched = tree.xpath("//link/@href | //img/@src | //a/@href")
    assert all(re.match(r"[/?#]", one) and not one.startswith("//") for one in fetched)


def test_static_files_are_served_with_their_type_and_nothing_else_is(visitor: httpx.Client) -> None:
    sheet = visitor.get(page(visitor).xpath("//link[@rel='stylesheet']/@href")[0])
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in sheet.headers["cache-control"]
    assert visitor.get("/static/pages.py").status_code == 404
    assert visitor.get("/static/..%2fpages.py").status_code == 404


def test_a_name_that_is_markup_stays_text(tmp_path: Path) -> None:
    clock = Clock()
    house = House(new_hub(tmp_path, viewer=MUNICIPALITY.id, clock=clock), clock, {})
    play(house, given=HOSTILE, family="& spol.")
    with serving(house.hub) as base:
        answer = httpx.get(base, headers={"Accept-Language": "en"})
    house.hub.close()
    assert HOSTILE not in answer.text
    assert HOSTILE in unescape(answer.text)
    assert not html.fromstring(answer.text).xpath("//img[@src='x'] | //@onerror")


def test_a_hidden_client_and_an_absent_one_get_the_same_page(empty_hub: Hub) -> None:
    patient = {k: v for k, v in plan.patient().items() if k != "generalPractitioner"}
    hidden = empty_hub.writer.create(Asker(GP.id, "TREAT", Basis.OWN_RECORD), patient).reference
    with serving(empty_hub) as base:
        seen = httpx.get(base, params={"client": hidden.split("/")[1]})
        absent = httpx.get(base, params={"client": "a" * 26})
    assert seen.status_code == absent.status_code == 404
    assert seen.text == absent.text
    assert "Vzorová" not in seen.text


@pytest.mark.parametrize("client", ["../x", "<script>", "x" * 65, "a b", "%00"])
def test_a_strange_client_in_the_address_is_not_found(visitor: httpx.Client, client: str) -> None:
    assert visitor.get("/", params={"client": client}).status_code == 404


def test_a_hub_without_clients_says_so(empty_hub: Hub) -> None:
    with serving(empty_hub) as base:
        answer = httpx.get(base, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert "There is no client here yet" in answer.text


def test_several_clients_are_offered_by_name_and_none_is_opened_unasked(tmp_path: Path) -> None:
    clock = Clock()
    hub = new_hub(tmp_path, viewer=MUNICIPALITY.id, clock=clock)
    first, second = House(hub, clock, {}), House(hub, clock, {})
    first.introduce()
    second.introduce(given="Otýlie", family="Zkušební", number="SO-113", rodne_cislo="4871120001")
    with serving(hub) as base, httpx.Client(base_url=base, headers={"Accept-Language": "en"}) as visitor:
        choice = page(visitor)
        links = {text_of(a): a.get("href") for a in choice.xpath("//ul[@class='clients']//a")}
        opened = page(visitor, links["Otýlie Zkušební"])
    hub.close()
    assert set(links) == {"Jarmila Vzorová", "Otýlie Zkušební"}
    assert text_of(opened.xpath("//h1")[0]) == "Otýlie Zkušební"
    assert text_of(opened.xpath("//a[@aria-current='page']")[0]) == "Otýlie Zkušební"


def test_every_view_is_in_the_audit_before_it_is_shown(house: House, visitor: httpx.Client) -> None:
    def views() -> int:
        return sum(p.read_bytes().count(b'"exit":"page"') for p in house.hub.settings.journal.rglob("*") if p.is_file())

    before = views()
    page(visitor)
    assert views() > before


def test_what_happens_again_with_the_same_result_is_told_once_with_how_often() -> None:
    def moment(minute: int, kind: str, item: str = "plan", **more: str) -> Moment:
        return Moment(datetime(2026, 11, 2, 8, minute, tzinfo=UTC), kind, "GP", item, **more)

    again = [moment(1, "withheld", detail="no agreed plan yet"), moment(2, "withheld", detail="no agreed plan yet")]
    other = [moment(3, "withheld", "summary"), moment(4, "delivered"), moment(5, "delivered"), moment(6, "withheld")]
    assert [(m.at.minute, times) for m, times in told([*again, *other])] == [(1, 2), (3, 1), (4, 1), (5, 1), (6, 1)]


def test_a_notice_that_told_of_nothing_is_no_event() -> None:
    told_of_nothing = Moment(datetime(2026, 11, 2, tzinfo=UTC), "notice", "GP", "revocation-notice")
    assert told([told_of_nothing]) == []


@pytest.mark.parametrize(
    ("because", "message", "certain"),
    [
        ("default: deny", words.NOT_AGREED, True),
        ("Consent/a|1 provision.provision[0]", words.EXCLUDED, True),
        ("default: deny; Consent/a|1 provision", words.NOT_AGREED, False),
        ("Consent/a|1 provision.provision[0]; Consent/a|1 provision", words.EXCLUDED, False),
        ("basis: LEGAL-DUTY discharge-report: not in the minimum set", words.NOT_COVERED, True),
        ("", words.NOT_AGREED, True),
        ("something new", words.OTHER, True),
    ],
)
def test_a_reason_is_said_in_words(because: str, message: str, certain: bool) -> None:
    said, _, sure = words.reason_withheld(because)
    assert (said, sure) == (message, certain)
