"""The FHIR REST adapter against a real server on loopback: what it asks, what it takes for a yes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hub.adapters.fhir_rest.adapter import build
from hub.adapters.fhir_rest.tests.counterpart import (
    NUMBER,
    SUMMARY,
    SYSTEM,
    FhirServer,
    Reply,
    connection,
    outcome,
    transaction,
)
from hub.adapters.sdk.contract import Parcel, PullRequest, Received
from hub.errors import ConfigurationError, CounterpartRefused, CounterpartUnreachable
from tests.adapters.contract import CANARY, TestClock

ADAPTER = build(TestClock())
RODNE_CISLO = ("https://ncez.mzcr.cz/fhir/sid/rcis", "5573140056")


@pytest.fixture
def server() -> Iterator[FhirServer]:
    running = FhirServer()
    yield running
    running.close()


def pulled(
    server: FhirServer, *identifiers: tuple[str, str], item: str = "summary", **config: object
) -> list[Received]:
    request = PullRequest(item, identifiers or ((SYSTEM, NUMBER),))
    return list(ADAPTER.pull(connection(server.base, **config), request))


def parcel(body: bytes | None = None, key: str = "delivery-1", media_type: str = "application/fhir+json") -> Parcel:
    return Parcel(key, "plan", "3", media_type, transaction() if body is None else body, "plan.json")


def says(status: int, content: Any = None, **headers: str) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode() if content is not None else b""
    return lambda asked: Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_clients_number_never_stands_in_an_address(server: FhirServer) -> None:
    pulled(server, RODNE_CISLO, (SYSTEM, NUMBER))
    assert server.asked
    assert not [asked for asked in server.asked if "5573140056" in asked.path or NUMBER in asked.path]


def test_the_summary_comes_as_the_server_wrote_it(server: FhirServer) -> None:
    written = json.dumps(SUMMARY, indent=3).encode() + b"\n"
    server.override = lambda asked: Reply(200, written) if asked.path.endswith("$summary") else None
    (received,) = pulled(server)
    assert received.body == written
    assert received.format == "fhir"
    assert received.message_id.startswith("urn:uuid:7b1c0f0e-3a53-4d57-8d3e-2f8f0a3f9f01#")


def test_the_social_summary_is_asked_for_by_its_own_operation(server: FhirServer) -> None:
    assert len(pulled(server, item="social-summary")) == 1
    assert server.asked[-1].path == "/fhir/Patient/p-1/$social-summary"


def test_an_item_without_an_operation_is_a_mistake_of_the_configuration(server: FhirServer) -> None:
    with pytest.raises(ConfigurationError, match="item everything"):
        pulled(server, item="everything")


def test_an_identifier_that_may_be_about_a_person_is_not_used_as_a_name(server: FhirServer) -> None:
    own = {**SUMMARY, "identifier": {"system": "urn:x", "value": CANARY}}
    server.override = lambda asked: says(200, own)(asked) if asked.path.endswith("$summary") else None
    (received,) = pulled(server)
    assert received.message_id.startswith("sha256:")


def test_what_is_not_json_is_handed_on_for_the_hub_to_keep_and_report(server: FhirServer) -> None:
    server.override = lambda asked: Reply(200, b'{"a":1,"a":2}') if asked.path.endswith("$summary") else None
    (received,) = pulled(server)
    assert received.body == b'{"a":1,"a":2}'


def test_nothing_comes_of_a_client_whom_the_server_does_not_know(server: FhirServer) -> None:
    assert pulled(server, (SYSTEM, "P-unknown")) == []
    assert not [asked for asked in server.asked if asked.method == "GET"]


def test_the_next_number_is_tried_where_the_first_is_not_known(server: FhirServer) -> None:
    assert len(pulled(server, (SYSTEM, "P-unknown"), (SYSTEM, NUMBER))) == 1


def test_only_numbers_of_configured_systems_are_told(server: FhirServer) -> None:
    pulled(server, RODNE_CISLO, (SYSTEM, NUMBER), identifier_systems=[SYSTEM])
    assert not [asked for asked in server.asked if b"5573140056" in asked.body]


def test_a_server_that_ignores_the_question_gives_nobody_elses_summary(server: FhirServer) -> None:
    stranger = {
        "resourceType": "Patient",
        "id": "p-9",
        "identifier": [{"system": SYSTEM, "value": "P-other"}],
    }
    everyone = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": stranger}]}
    server.override = lambda asked: says(200, everyone)(asked) if asked.path.endswith("_search") else None
    assert pulled(server) == []
    assert not [asked for asked in server.asked if asked.method == "GET"]


def test_two_patients_with_one_number_are_refused(server: FhirServer) -> None:
    server.patients.append({**server.patients[0], "id": "p-2"})
    with pytest.raises(CounterpartRefused, match="several patients"):
        pulled(server)


@pytest.mark.parametrize("id", ["../../admin", "a/b", "..", "x" * 65, "a?b"])
def test_an_id_that_would_lead_elsewhere_is_not_followed(server: FhirServer, id: str) -> None:
    server.patients[0]["id"] = id
    assert pulled(server) == []
    assert len(server.asked) == 1


def test_marks_of_search_in_a_number_are_escaped(server: FhirServer) -> None:
    pulled(server, (SYSTEM, "a,b|c"))
    assert server.asked[0].body.endswith(b"%7Ca%5C%2Cb%5C%7Cc")


def test_an_operation_outcome_with_an_error_is_refused_even_with_200(server: FhirServer) -> None:
    server.override = lambda asked: says(200, outcome("security"))(asked) if "$summary" in asked.path else None
    with pytest.raises(CounterpartRefused, match=r"security at Patient\.birthDate") as caught:
        pulled(server)
    assert "Kan" not in str(caught.value)


@pytest.mark.parametrize(
    "place", [f"Patient.name.where(family='{CANARY}')", f"Patient/{CANARY}", "line\nbreak", "x" * 500]
)
def test_of_a_refusal_only_plain_paths_are_repeated(server: FhirServer, place: str) -> None:
    server.override = says(422, outcome("invalid", expression=place))
    with pytest.raises(CounterpartRefused, match=r"answered 422 \(invalid\)$"):
        ADAPTER.push(connection(server.base), parcel())


def test_a_parcel_carries_its_key_in_the_header_and_in_the_bundle(server: FhirServer) -> None:
    ADAPTER.push(connection(server.base), parcel())
    (asked,) = server.asked
    assert asked.headers["idempotency-key"] == "delivery-1"
    assert asked.path == "/fhir"
    assert json.loads(asked.body)["identifier"]["value"] == "delivery-1"


def test_every_attempt_at_a_parcel_sends_the_same_bytes(server: FhirServer) -> None:
    for _ in range(2):
        ADAPTER.push(connection(server.base), parcel())
    assert server.asked[0].body == server.asked[1].body


def test_a_bundle_that_has_its_own_identifier_is_sent_byte_for_byte(server: FhirServer) -> None:
    body = b'{ "resourceType":"Bundle", "type":"document", "identifier":{"value":"x"}, "entry":[] }'
    receipt = ADAPTER.push(connection(server.base), parcel(body))
    assert server.asked[0].body == body
    assert receipt.destination == f"{server.base}/Bundle"


def test_decimals_keep_their_digits(server: FhirServer) -> None:
    ADAPTER.push(connection(server.base), parcel(transaction().replace(b'"entry": []', b'"total": 1.50')))
    assert b"1.50" in server.asked[0].body


@pytest.mark.parametrize("body", [b'{"resourceType":"Patient"}', b'{"resourceType":"Bundle","type":"searchset"}', b"x"])
def test_what_is_neither_document_nor_transaction_is_not_sent(server: FhirServer, body: bytes) -> None:
    with pytest.raises(ConfigurationError):
        ADAPTER.push(connection(server.base), parcel(body))
    assert server.asked == []


def test_a_table_is_not_sent_to_a_fhir_server(server: FhirServer) -> None:
    with pytest.raises(CounterpartRefused):
        ADAPTER.push(connection(server.base), parcel(b"a;b", media_type="text/csv"))
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, outcome("processing")),
        (201, outcome("processing", severity="fatal")),
        (400, None),
        (401, None),
        (409, None),
        (422, outcome("invalid")),
        (302, None),
        (200, b"<html>please sign in</html>"),
        (200, {"hello": "world"}),
        (
            200,
            {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "403"}}]},
        ),
    ],
)
def test_only_a_real_yes_is_a_delivery(server: FhirServer, status: int, content: Any) -> None:
    server.override = says(status, content)
    with pytest.raises(CounterpartRefused) as caught:
        ADAPTER.push(connection(server.base), parcel())
    assert "Kan" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"resourceType": "Bundle", "type": "transaction-response"},
        outcome("informational", severity="information"),
    ],
)
def test_a_2xx_without_an_error_is_a_delivery(server: FhirServer, content: Any) -> None:
    server.override = says(200, content)
    assert ADAPTER.push(connection(server.base), parcel()).outcome == "delivered"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_tried_again(server: FhirServer, status: int) -> None:
    server.override = says(status, outcome("transient"))
    with pytest.raises(CounterpartUnreachable, match=str(status)):
        ADAPTER.push(connection(server.base), parcel())


def test_a_redirect_is_not_followed_and_the_credential_goes_nowhere_else(server: FhirServer) -> None:
    elsewhere = FhirServer()
    try:
        server.override = says(307, None, Location=elsewhere.base)
        with pytest.raises(CounterpartRefused, match="redirects"):
            ADAPTER.push(connection(server.base, bearer_token="secret-token"), parcel())
        assert elsewhere.asked == []
        assert server.asked[0].headers["authorization"] == "Bearer secret-token"
    finally:
        elsewhere.close()


def test_the_token_is_read_anew_from_its_file(server: FhirServer, tmp_path: Any) -> None:
    file = tmp_path / "token"
    to = connection(server.base, bearer_token_file=str(file))
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        ADAPTER.push(to, parcel())
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]


def test_a_missing_token_file_sends_nothing(server: FhirServer, tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match="bearer_token_file"):
        ADAPTER.push(connection(server.base, bearer_token_file=str(tmp_path / "none")), parcel())
    assert server.asked == []


def test_a_changed_configuration_is_used_at_once(server: FhirServer) -> None:
    other = FhirServer()
    try:
        ADAPTER.push(connection(server.base), parcel())
        ADAPTER.push(connection(other.base), parcel())
        assert (len(server.asked), len(other.asked)) == (1, 1)
    finally:
        other.close()


def test_check_tells_a_server_of_another_version(server: FhirServer) -> None:
    server.override = says(200, {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"})
    findings = ADAPTER.check(connection(server.base))
    assert [finding.well for finding in findings] == [True, False]
    assert "5.0.0" in findings[1].what


def test_check_asks_for_the_capabilities_only(server: FhirServer) -> None:
    assert all(finding.well for finding in ADAPTER.check(connection(server.base)))
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/fhir/metadata")]


def test_every_question_asks_for_fhir_json(server: FhirServer) -> None:
    pulled(server)
    assert {asked.headers["accept"] for asked in server.asked} == {"application/fhir+json"}
