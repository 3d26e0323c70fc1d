"""Every exit leads through the gate: whoever asks whatever route, what is hidden is met nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from hub.exchange.asker import Asker
from hub.exchange.disclose import Visible
from hub.exchange.read import Reader
from hub.store.store import Tx
from tests.api.planted import Planted, asks, leaks, plant, routes
from tests.api.service import Service, serving
from tests.exchange.world import furnished


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    organisation_keys: tuple[dict[str, Path], dict[str, Any]],
) -> Iterator[tuple[Service, Planted]]:
    """One planted record, served; nobody changes it."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "hub.db").write_bytes(sqlite_template.read_bytes())
    with furnished(folder, f"sqlite:///{folder / 'hub.db'}", *organisation_keys) as house:
        house.connect()
        planted = plant(house)
        with serving(house) as service:
            yield service, planted


@pytest.mark.parametrize("organisation", ["", "stranger", "homecare"])
def test_no_route_says_what_is_hidden(world: tuple[Service, Planted], organisation: str) -> None:
    service, planted = world
    service.house.hub.settings.page_viewer = organisation if organisation == "homecare" else ""
    assert leaks(service, organisation, planted) == []


def test_what_is_shared_is_really_there(world: tuple[Service, Planted]) -> None:
    service, planted = world
    everything = service.get("homecare", f"/fhir/{service.house.client}/$everything").text
    shown = {word for word in planted.canaries if word in everything}
    assert shown == set(planted.canaries) - set(planted.hidden)
    assert len(shown) > 50


@pytest.mark.parametrize("organisation", ["stranger", "homecare"])
def test_hidden_and_absent_are_the_same_answer_byte_for_byte(world: tuple[Service, Planted], organisation: str) -> None:
    service, planted = world
    hidden = [r for r in planted.hidden.values() if organisation == "stranger" or r not in planted.shown]
    absent = service.get(organisation, f"/fhir/Goal/{'a' * 26}")
    assert absent.status_code == 404
    for reference in hidden[::8]:
        for path in (reference, f"{reference}/_history/1"):
            answer = service.get(organisation, f"/fhir/{path}")
            assert (answer.status_code, answer.content) == (404, absent.content)
            assert told(answer.headers) == told(absent.headers)


def test_operations_on_a_hidden_and_an_absent_client_are_the_same_answer(world: tuple[Service, Planted]) -> None:
    service, _ = world
    for operation in ("$summary", "$social-summary", "$everything"):
        answers = {
            service.get("stranger", f"/fhir/Patient/{id}/{operation}").content
            for id in (service.house.client.split("/")[1], "a" * 26)
        }
        assert len(answers) == 1


def test_a_route_that_returned_the_stored_text_would_be_found(
    world: tuple[Service, Planted], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, planted = world
    honest = Reader.seen

    def forgetful(self: Reader, tx: Tx, asker: Asker, type: str, id: str, version: str | None = None) -> Visible:
        """A reader that forgot the gate, for Observations."""
        house = service.house
        if type != "Observation":
            return honest(self, tx, asker, type, id, version)
        sealed = tx.records.read(type, id)
        assert sealed is not None
        shown = house.hub.reader.read(house.asker(), *house.client.split("/"))
        text = house.hub.vault.open_text(tx, sealed)
        return Visible(sealed.reference, "1", text, {}, (), False, shown.decision, shown.at, shown.source_version)

    monkeypatch.setattr(Reader, "seen", forgetful)
    met = leaks(service, "homecare", planted, only="GET /fhir/{type}/{id}")
    assert any(word.startswith("KNR-Observation-") for _, word in met)


def test_a_route_that_nobody_asked_would_be_found(world: tuple[Service, Planted]) -> None:
    service, planted = world
    app: FastAPI = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/fhir/backdoor", lambda: None, methods=["GET"])
    with pytest.raises(KeyError, match="backdoor"):
        asks(app, service.house, planted)
    assert len(set(routes(service.app))) >= 20


def told(headers: Any) -> dict[str, str]:
    """Headers without the time of day."""
    return {name: value for name, value in headers.items() if name != "date"}
