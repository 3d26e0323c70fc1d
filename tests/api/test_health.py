"""Health, metrics and logs: facts about the hub, none about people."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog

from hub.errors import Unavailable
from hub.exchange.read import Reader
from tests.api.service import Service
from tests.exchange.world import CLIENT, goal, patient


def test_liveness_touches_nothing(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable

    monkeypatch.setattr(served.house.hub.store, "reading", away)
    monkeypatch.setattr(served.house.hub.store, "writing", away)
    assert served.http.get("/health/live").json() == {"status": "live"}
    assert served.http.get("/health/ready").status_code == 503


def test_readiness_looks_at_database_and_bell(served: Service) -> None:
    answer = served.http.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["store"] == {"database": "sqlite", "migrated": True}


def test_where_the_database_is_away_the_answer_is_try_again(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = served.headers("municipality")

    def away() -> None:
        raise Unavailable("the database is busy or away")

    monkeypatch.setattr(served.house.hub.store, "reading", away)
    answer = served.http.get("/fhir/Goal/x", headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_metrics_count_routes_and_never_what_stood_in_them(served: Service) -> None:
    served.house.intake()
    made = served.send("municipality", "POST", "/fhir/Goal", goal(served.house.client, "health")).json()["id"]
    paths = [
        f"/fhir/Goal/{made}",
        f"/fhir/{served.house.client}/$summary",
        "/fhir/Goal/KNR-HIDDEN",
        "/KNR-PATH?KNR=QUERY",
    ]
    for path in paths:
        served.get("municipality", path)
    served.http.request("KNRMETHOD", "/fhir/Goal/x")
    said = served.http.get("/metrics").text
    assert '"/fhir/{type}/{id}"' in said
    for word in ("KNR", made, served.house.client.split("/")[1], "municipality"):
        assert word not in said


def test_a_defect_says_its_kind_to_the_operator_and_nothing_to_anybody_else(
    served: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    headers = served.headers("municipality")

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError(CLIENT.family)

    monkeypatch.setattr(Reader, "seen", broken)
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.DEBUG):
        answer = served.http.get(f"/fhir/Goal/{'a' * 26}", headers=headers)
    assert answer.status_code == 500
    assert answer.json()["issue"][0]["code"] == "processing"
    printed = [r.getMessage() + str(r.exc_info) for r in caplog.records if not r.name.startswith("http")]
    said = answer.text + str(lines) + str(printed)
    for word in (CLIENT.family, "Traceback", "a" * 26):
        assert word not in said
    assert {"event": "defect", "route": "/fhir/{type}/{id}", "kind": "KeyError", "log_level": "error"} in lines


def test_refusals_are_logged_by_route_and_code_alone(served: Service) -> None:
    served.house.intake()
    with structlog.testing.capture_logs() as lines:
        served.get("stranger", f"/fhir/{served.house.client}?name=KNR")
        served.send("stranger", "POST", "/fhir/Patient", {**patient(), "gender": "KNR"})
        served.send("stranger", "POST", "/fhir/Patient", b'{"KNR": 1')
    assert len(lines) == 3
    for line in lines:
        assert set(line) <= {"event", "log_level", "route", "status", "code"}
        assert "KNR" not in str(line)
        assert served.house.client.split("/")[1] not in str(line)
