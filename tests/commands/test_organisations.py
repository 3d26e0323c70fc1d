"""`hub org`: what an operator types to connect an organisation, and what its vendor is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.fhir_rest.tests.counterpart import FhirServer, Reply
from hub.security.client_keys import generate_client_key
from tests.commands.conftest import Command
from tests.exchange.world import House

NEEDED = (
    "lab is connected", "/fhir/metadata", "/oauth/token", "Organization/lab", "ES384 or RS384", "thumbprint",
    "system/*.cruds", "COC", "CONSENT or OWN-RECORD", "hub client assertion --key private.jwk --id lab",
)  # fmt: skip


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """The public half of a new key, as `hub client keygen` printed it."""
    file = tmp_path / "public.json"
    file.write_text(json.dumps(generate_client_key(tmp_path / "private.jwk")))
    return file


@pytest.fixture
def server() -> Iterator[FhirServer]:
    made = FhirServer()
    yield made
    made.close()


def add(hub: Command, public: Path, *more: str) -> Any:
    return hub("org", "add", "--id", "lab", "--name", "Laboratoř", "--kind", "other", "--jwks", str(public), *more)


def test_an_organisation_is_added_without_a_file(hub: Command, public: Path, house: House) -> None:
    told = add(hub, public, "--scopes", "system/Observation.cruds", "--json").json[0]
    base = "http://127.0.0.1:8080"
    assert told["reference"] == "Organization/lab"
    assert told["fhir"] == f"{base}/fhir"
    assert told["token"] == told["audience"] == f"{base}/oauth/token"
    assert told["scopes"] == "system/Observation.cruds"
    assert told["algorithms"] == ["ES384", "RS384"]
    assert told["bases"] == ["CONSENT", "OWN-RECORD"]
    key = json.loads(public.read_text())["keys"][0]
    assert told["keys"] == [{"kid": key["kid"], "kind": "ES384 (EC P-384)", "thumbprint": key["kid"], "fault": ""}]
    with house.hub.store.reading() as tx:
        assert tx.organisations.read("lab") is not None


def test_the_page_for_the_vendor_has_all_that_is_needed_and_no_secret(hub: Command, public: Path) -> None:
    said = add(hub, public)
    assert said.code == 0, said.err
    for word in NEEDED:
        assert word in said.out
    assert json.loads((public.parent / "private.jwk").read_text())["d"] not in said.out


def test_an_organisation_without_keys_does_not_call(hub: Command) -> None:
    said = hub("org", "add", "--id", "lab", "--name", "Laboratoř", "--kind", "other")
    assert said.code == 0
    assert "does not call the API" in said.out


@pytest.mark.parametrize("words", [(), ("entry.toml", "--id", "lab")])
def test_it_is_a_file_or_a_description(hub: Command, words: tuple[str, ...]) -> None:
    assert hub("org", "add", *words).code == 2


@pytest.mark.parametrize(
    ("more", "place"),
    [
        (("--scopes", "everything"), "smart.scopes"),
        (("--jwks-url", "https://keys.example/jwks.json"), "smart"),
        (("--role", "king"), "organisation.roles"),
        (("--ico", "12345678"), "organisation.ico"),
    ],
)
def test_a_wrong_description_is_named_and_nothing_is_stored(
    hub: Command, public: Path, more: tuple[str, ...], place: str
) -> None:
    said = add(hub, public, *more)
    assert said.code == 3
    assert place in said.err
    assert "lab" not in hub("org", "list").out


def test_a_private_key_is_not_registered(hub: Command, public: Path) -> None:
    private = public.parent / "wrong.json"
    private.write_text(json.dumps({"keys": [json.loads((public.parent / "private.jwk").read_text())]}))
    said = add(hub, private)
    assert said.code == 3
    assert "only public keys" in said.err


@pytest.mark.parametrize("url", ["http://keys.example/jwks.json", "keys.example", "file:///etc/passwd", "https://a@b/"])
def test_an_address_that_cannot_be_asked_is_not_registered(hub: Command, url: str) -> None:
    said = hub("org", "add", "--id", "lab", "--name", "x", "--kind", "other", "--jwks-url", url)
    assert said.code == 3
    assert "smart.jwks_url" in said.err


def test_check_looks_at_the_keys_where_they_are_published(hub: Command, public: Path, server: FhirServer) -> None:
    server.override = lambda _: Reply(200, public.read_bytes())
    url = f"{server.base}/jwks.json"
    assert hub("org", "add", "--id", "lab", "--name", "x", "--kind", "other", "--jwks-url", url).code == 0
    said = hub("org", "check", "lab")
    assert (said.code, "publishes 1 key" in said.out) == (0, True)
    server.override = lambda _: Reply(404, b"")
    said = hub("org", "check", "lab", "--json")
    assert said.code == 1
    assert [finding["well"] for finding in said.json] == [False]


def test_check_names_a_key_that_signs_nothing_here(hub: Command, tmp_path: Path) -> None:
    weak = tmp_path / "weak.json"
    weak.write_text(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "weak", "x": "AA", "y": "AA"}]}))
    assert add(hub, weak).code == 0
    said = hub("org", "check", "lab", "--json")
    assert said.code == 1
    assert "P-384" in said.json[0]["what"]
