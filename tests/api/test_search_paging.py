"""Pages walked while others write: what stays the same is given exactly once, and nothing is lost at a page's end.

docs/guarantees.md; HAPI #536, #3599, #3780 are what happens to servers that count rows or keep pages.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from tests.api.search_world import HEALTH, asked, get, ids, link, put, reference
from tests.api.service import Service

Resource = dict[str, Any]
PAGES = 100


def flag(number: int, client: str, status: str = "active") -> Resource:
    return {
        "resourceType": "Flag", "id": f"flag-{number:04}", "status": status, "subject": reference(client),
        "code": {"text": f"Pozor {number % 7}"}, "period": {"start": f"2026-{1 + number % 12:02}-01"},
    }  # fmt: skip


class Writers:
    """Others at work: they add and change records around those that are walked, some in each turn."""

    def __init__(self, service: Service) -> None:
        self._house = service.house
        self._turns: queue.Queue[bool] = queue.Queue()
        self.written = 0
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._turns.put(False)
        self._thread.join()

    def go_on(self) -> None:
        self._turns.put(True)

    def _write(self) -> None:
        while self._turns.get():
            put(self._house, flag(2000 + self.written, self._house.client), labels=HEALTH)
            put(self._house, flag(2000 + self.written // 2, self._house.client, "inactive"), labels=HEALTH)
            self.written += 1


@pytest.mark.parametrize("order", ["", "&_sort=date", pytest.param("&_sort=-date,_id", marks=pytest.mark.slow)])
def test_a_hundred_pages_give_each_record_once_while_others_write(served_on_each: Service, order: str) -> None:
    house = served_on_each.house
    house.intake()
    steady = [flag(number, house.client) for number in range(2 * PAGES)]
    put(house, *steady, labels=HEALTH)
    seen: list[str] = []
    with Writers(served_on_each) as others:
        page = asked(served_on_each, f"Flag?patient={house.client}&_count=2{order}")
        seen += ids(page)
        pages = 1
        while (following := link(page, "next")) and pages < 5 * PAGES:
            others.go_on()
            page = asked(served_on_each, following)
            seen += ids(page)
            pages += 1
    assert others.written > PAGES // 2
    assert pages >= PAGES
    assert sorted(id for id in seen if id < "flag-2000") == sorted(one["id"] for one in steady)


def test_a_page_is_there_again_for_who_asks_twice(served_on_each: Service) -> None:
    house = served_on_each.house
    house.intake()
    put(house, *(flag(number, house.client) for number in range(9)), labels=HEALTH)
    first = asked(served_on_each, "Flag?_count=3&_sort=-date")
    once = get(served_on_each, link(first, "next")).content
    assert get(served_on_each, link(first, "next")).content == once


def test_another_process_of_the_hub_goes_on_with_the_page(served: Service) -> None:
    house = served.house
    house.intake()
    put(house, *(flag(number, house.client) for number in range(5)), labels=HEALTH)
    first = asked(served, "Flag?_count=2")
    token = link(first, "next").partition("_page=")[2]
    house.restart("two")
    again = house.hub.searcher.search(house.asker(), lambda _: True, "Flag", [("_page", token)])
    assert not set(ids(again)) & set(ids(first))
    assert len(ids(again)) == 2
