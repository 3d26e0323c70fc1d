"""Attacks on what the API reads: each has a safe answer, nobody learns how the hub is made, and others are served.

The numbers are those of the black-box attack list, 13 to 40 (docs/guarantees.md). `WHERE` says which test holds each;
those that take a search are in `test_search_attacks.py`, others beside the interaction that they are about.
"""

from __future__ import annotations

import ast
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from hub.fhir.xml_write import write_xml
from tests.api.case import Resource, begin, create, issues, named, observation, other, write
from tests.api.service import Service
from tests.api.test_door import dial
from tests.exchange.world import EVERYTHING, Person, area, goal, patient, transaction, urn

FHIR, XML = "application/fhir+json", "application/fhir+xml"
JSON_PATCH, MERGE, FORM = "application/json-patch+json", "application/merge-patch+json", "application/fhir+json"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

HERE: Final = "test_limits"
WHERE: Final[dict[int, tuple[str, ...]]] = {
    13: (f"{HERE}::test_13_to_16_what_is_not_strict_json_is_400_at_every_door",),
    14: (f"{HERE}::test_13_to_16_what_is_not_strict_json_is_400_at_every_door", f"{HERE}::test_14_the_same_as_xml"),
    15: (f"{HERE}::test_13_to_16_what_is_not_strict_json_is_400_at_every_door",),
    16: (f"{HERE}::test_13_to_16_what_is_not_strict_json_is_400_at_every_door",),
    17: (
        f"{HERE}::test_17_an_unknown_element_is_named_at_every_door",
        "test_interactions_odd::test_an_element_that_r4_does_not_know_is_422_with_its_place",
    ),
    18: (
        f"{HERE}::test_18_markup_is_refused_in_a_narrative_and_stays_text_elsewhere",
        "../web/test_page::test_a_name_that_is_markup_stays_text",
        "../fhir/test_narrative::test_foreign_narrative_cannot_act_or_call_anybody",
    ),
    19: (
        f"{HERE}::test_19_nobody_sets_version_or_time_or_lowers_a_label",
        "test_patch::test_stamps_of_the_server_and_labels_are_not_patched_away",
    ),
    20: (f"{HERE}::test_20_an_id_that_is_not_the_one_in_the_url_is_400",),
    21: (f"{HERE}::test_21_what_is_no_id_leads_nowhere", "test_interactions_odd::test_no_odd_id_is_a_defect"),
    22: (f"{HERE}::test_22_a_client_of_others_is_refused_in_the_words_of_one_who_is_not_there",),
    23: (f"{HERE}::test_23_what_a_record_points_to_is_never_fetched",),
    24: (
        f"{HERE}::test_24_what_is_contained_may_point_round_in_a_ring_and_holds_nothing_up",
        "test_interactions_odd::test_what_contains_itself_is_refused",
    ),
    25: (
        f"{HERE}::test_25_ten_thousand_entries_are_413",
        "test_interactions::test_a_transaction_is_all_or_nothing",
    ),
    26: ("test_conditional::test_fifty_conditional_creates_at_once_make_one_record",),
    27: (
        f"{HERE}::test_27_a_patch_of_whose_it_is_changes_nothing",
        "test_patch::test_a_patch_that_breaks_the_record_is_422_and_changes_nothing",
    ),
    28: (
        f"{HERE}::test_28_a_compressed_body_is_not_unpacked",
        "test_interactions_odd::test_a_body_in_another_format_than_it_says_is_400",
    ),
    29: ("test_search_attacks::test_29_a_count_is_clamped_or_refused",),
    30: (
        "test_search_attacks::test_30_a_cycle_of_includes_ends",
        "test_search_attacks::test_30_what_comes_along_is_capped_with_a_warning",
    ),
    31: ("test_search_attacks::test_31_more_parameters_than_a_search_may_have",),
    32: ("test_search_attacks::test_32_a_chain_has_few_links",),
    33: (
        f"{HERE}::test_33_no_question_narrows_down_a_hidden_value",
        "test_search_hidden::test_no_search_tells_of_what_is_hidden",
    ),
    34: ("test_search_attacks::test_34_what_is_not_offered_is_said_so",),
    35: ("test_search_attacks::test_35_every_letter_means_itself",),
    36: (
        f"{HERE}::test_36_order_counts_and_elements_are_of_what_is_seen",
        "test_search_hidden::test_what_is_seen_is_found",
    ),
    37: (
        "test_search_attacks::test_37_a_paging_token_is_good_for_nobody_else_and_nothing_else",
        "test_search_attacks::test_37_a_paging_token_does_not_expire",
    ),
    38: ("test_search_attacks::test_38_a_question_has_one_answer_however_it_is_split",),
    39: (
        f"{HERE}::test_39_after_revocation_or_deletion_no_version_is_told",
        "test_history::test_old_versions_are_judged_by_todays_consents_and_the_stricter_labels",
        "test_interactions_reading::test_what_was_revoked_is_404_and_never_304",
    ),
    40: ("test_search_results::test_an_unknown_parameter_is_refused_unless_the_caller_is_lenient",),
}


def test_every_attack_of_the_list_has_its_test() -> None:
    assert sorted(WHERE) == list(range(13, 41))
    here = Path(__file__).parent
    for node in {node for nodes in WHERE.values() for node in nodes}:
        file, _, name = node.partition("::")
        tree = ast.parse((here / f"{file}.py").read_text("utf-8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, node


# -- beside an attack ------------------------------------------------------------------------------------------------


@contextmanager
def others_are_served(service: Service) -> Iterator[None]:
    """All the while, somebody else is answered: whether the hub lives, and one read with a token."""
    over, statuses = threading.Event(), list[int]()
    headers = service.headers("municipality")
    paths = ("/health/live", "/fhir/Organization?_count=1")

    def ask() -> None:
        with httpx.Client(base_url=service.http.base_url, timeout=30) as http:
            while not over.is_set() or len(statuses) < 2:
                statuses.extend(http.get(path, headers=headers).status_code for path in paths)

    beside = threading.Thread(target=ask)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()
    assert set(statuses) == {200}


@pytest.fixture(autouse=True)
def beside(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test here does to its hub, others are served meanwhile."""
    used = [name for name in ("calm", "served") if name in request.fixturenames]
    if not used:
        yield
        return
    with others_are_served(request.getfixturevalue(used[0])):
        yield


def refused(answer: httpx.Response, *statuses: int) -> Resource:
    """A refusal that tells nothing of how the hub is made."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:500])
    for tell in ("Traceback", ".py", "sqlite", "psycopg", "Error:"):
        assert tell not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    return dict(said)


# -- what is read ----------------------------------------------------------------------------------------------------

DOORS: Final = (
    ("POST", "Goal", FHIR),
    ("PUT", "Goal/{id}", FHIR),
    ("PUT", "Goal?identifier=urn:x|1", FHIR),
    ("POST", "", FHIR),
    ("POST", "Goal/$validate", FHIR),
    ("POST", "Patient/$match", FHIR),
    ("PATCH", "Goal/{id}", JSON_PATCH),
    ("PATCH", "Goal/{id}", MERGE),
    ("PATCH", "Goal/{id}", FHIR),
)
"""Everything that reads JSON."""

NOT_STRICT: Final = {
    "brackets": b"[" * 100_000,
    "brackets inside": b'{"resourceType":"Goal","note":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "braces": b'{"a":' * 100_000,
    "extensions": b'{"resourceType":"Goal"' + b',"extension":[{"url":"x"' * 2_000 + b"}]" * 2_000 + b"}",
    "key twice": b'{"resourceType":"Goal","subject":{},"subject":{}}',
    "key twice, escaped": b'{"resourceType":"Goal","subject":{},"subj\\u0065ct":{}}',
    "NaN": b'{"resourceType":"Goal","x":NaN}',
    "Infinity": b'{"resourceType":"Goal","x":-Infinity}',
    "digits": b'{"resourceType":"Goal","x":' + b"9" * 5_000 + b"}",
    "exponent": b'{"resourceType":"Goal","x":1e999999999}',
    "half a letter": b'{"resourceType":"Goal","x":"\\ud800"}',
    "half a letter as key": b'{"resourceType":"Goal","\\udfff":1}',
    "half a letter in bytes": b'{"resourceType":"Goal","x":"\xed\xa0\x80"}',
    "NUL": b'{"resourceType":"Goal","x":"\x00"}',
}


@pytest.mark.parametrize("attack", NOT_STRICT)
def test_13_to_16_what_is_not_strict_json_is_400_at_every_door(calm: Service, attack: str) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    for method, path, type in DOORS:
        body = NOT_STRICT[attack]
        if type == JSON_PATCH and not body.startswith(b"["):
            body = b'[{"op":"add","path":"/note","value":' + body + b"}]"
        url = f"/fhir/{path.format(id=made['id'])}".rstrip("/")
        answer = calm.send("municipality", method, url, body, headers={"Content-Type": type})
        status = 200 if path.endswith("$validate") else 400  # that operation answers what is wrong, and went well
        assert refused(answer, status)["issue"][0]["code"] == "structure", (method, path, type)
    assert calm.house.stored(f"Goal/{made['id']}")["meta"]["versionId"] == "1"


@pytest.mark.parametrize("depth", [70, 2_000, 100_000])
def test_14_the_same_as_xml(calm: Service, depth: int) -> None:
    inside = b'<extension url="x">' * depth + b'<valueCode value="x"/>' + b"</extension>" * depth
    for body in (b'<Goal xmlns="http://hl7.org/fhir">' + inside + b"</Goal>", b"<Goal>" * depth, inside):
        answer = calm.send("municipality", "POST", "/fhir/Goal", body, headers={"Content-Type": XML})
        assert refused(answer, 400)["issue"][0]["code"] == "structure"


def test_17_an_unknown_element_is_named_at_every_door(calm: Service) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    odd: Resource = {
        **goal(calm.house.client, "health"),
        "id": made["id"],
        "owner": "x",
        "note": [{"text": "x", "y": 1}],
    }
    bundle = transaction({urn("odd"): {k: v for k, v in odd.items() if k != "id"}})
    for method, path, body, within in (
        ("POST", "Goal", odd, ""),
        ("PUT", f"Goal/{made['id']}", odd, ""),
        ("PATCH", f"Goal/{made['id']}", json.dumps({"owner": "x", "note": [{"text": "x", "y": 1}]}).encode(), ""),
        ("POST", "", bundle, "/entry/0/resource"),
    ):
        type = MERGE if method == "PATCH" else FHIR
        answer = calm.send("municipality", method, f"/fhir/{path}".rstrip("/"), body, headers={"Content-Type": type})
        refused(answer, 400, 422)
        assert {place for _, place in issues(answer)} >= {f"{within}/owner", f"{within}/note/0/y"}


@pytest.mark.parametrize(
    "markup",
    ["<script>alert(1)</script>", "<svg onload='alert(1)'/>", "<img src='x' onerror='alert(1)'/>",
     "<base href='http://x/'/>", "<p style=\"@import 'http://x/'\">x</p>", "<a href='javascript:alert(1)'>x</a>"],
)  # fmt: skip
def test_18_markup_is_refused_in_a_narrative_and_stays_text_elsewhere(calm: Service, markup: str) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{markup}</div>'
    told = goal(calm.house.client, "health", markup)
    answer = calm.send("municipality", "POST", "/fhir/Goal", {**told, "text": {"status": "additional", "div": div}})
    refused(answer, 422)
    assert issues(answer)[0][1] == "/text/div"
    made = create(calm, told)
    for accept, type in ((FHIR, FHIR), ("text/html", FHIR), (XML, XML)):
        headers = {**calm.headers("municipality"), "Accept": accept}
        shown = calm.http.get(f"/fhir/Goal/{made['id']}", headers=headers)
        if shown.status_code == 406:
            continue
        assert shown.headers["content-type"].startswith(type)
        assert shown.headers["x-content-type-options"] == "nosniff"
    assert calm.house.stored(f"Goal/{made['id']}")["description"]["text"] == markup


def test_19_nobody_sets_version_or_time_or_lowers_a_label(served: Service) -> None:
    label = {"system": CONFIDENTIALITY, "code": "R"}
    told = {**goal(begin(served), "health"), "meta": {"security": [label]}, "identifier": [{"value": "19"}]}
    made = create(served, told)
    path, claimed = f"Goal/{made['id']}", {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z"}
    lower = {"system": CONFIDENTIALITY, "code": "N"}
    put = {**told, "id": made["id"], "meta": {**claimed, "security": [lower]}}
    entry = {"resource": put, "request": {"method": "PUT", "url": path}}
    merge = {"meta": {"security": [lower]}}
    clear = {"op": "add", "path": "/meta/security", "value": []}
    for number, (method, url, type, body) in enumerate(
        (
            ("PUT", path, FHIR, json.dumps({**put, "description": {"text": "0"}}).encode()),
            ("PUT", path, XML, write_xml({**put, "description": {"text": "1"}})),
            ("PATCH", path, MERGE, json.dumps({**merge, "description": {"text": "2"}}).encode()),
            (
                "PATCH",
                path,
                JSON_PATCH,
                json.dumps([clear, {"op": "add", "path": "/description/text", "value": "3"}]).encode(),
            ),
            *(
                ("POST", "", FHIR, json.dumps({"resourceType": "Bundle", "type": kind, "entry": [changed]}).encode())
                for kind, changed in (
                    ("batch", {**entry, "resource": {**put, "description": {"text": "4"}}}),
                    ("transaction", {**entry, "resource": {**put, "description": {"text": "5"}}}),
                )
            ),
        )
    ):
        answer = served.send("municipality", method, f"/fhir/{url}".rstrip("/"), body, headers={"Content-Type": type})
        assert answer.status_code == 200, (url, type, answer.text)
        stored = served.house.stored(path)
        assert stored["description"]["text"] == str(number)
        assert stored["meta"]["versionId"] == str(number + 2)
        assert stored["meta"]["lastUpdated"] > "2020"
        assert label in stored["meta"]["security"]
    for type, stamp in (
        (MERGE, {"meta": claimed}),
        (JSON_PATCH, [{"op": "add", "path": "/meta/versionId", "value": "77"}]),
        (JSON_PATCH, [{"op": "replace", "path": "/meta/lastUpdated", "value": claimed["lastUpdated"]}]),
    ):
        body = json.dumps(stamp).encode()
        refused(served.send("municipality", "PATCH", f"/fhir/{path}", body, headers={"Content-Type": type}), 422)
    with served.house.hub.store.reading() as tx:
        sealed = tx.records.read("Goal", made["id"])
    assert sealed is not None
    assert (sealed.contributor, sealed.labels.confidentiality) == ("Organization/municipality", "R")


def test_20_an_id_that_is_not_the_one_in_the_url_is_400(calm: Service) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    told = goal(calm.house.client, "health", "changed")
    for odd in ({**told, "id": "other"}, told):
        answer = calm.send("municipality", "PUT", f"/fhir/Goal/{made['id']}", odd)
        assert (refused(answer, 400)["issue"][0]["expression"]) == ["/id"]
        where = f"/fhir/Goal?_id={made['id']}"
        assert calm.send("municipality", "PUT", where, {**told, "id": "other"}).status_code == 400
    assert calm.house.stored(f"Goal/{made['id']}")["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    "id",
    [
        b"../../x",
        b"..%2f..%2fx",
        b"%2e%2e",
        b"%00",
        b"x%00",
        b"a" * 65,
        b"%2e",
        b"\xff",
        b"%ff",
        b"x%0d%0aSet-Cookie:a=b",
    ],
)
def test_21_what_is_no_id_leads_nowhere(calm: Service, id: bytes) -> None:
    token = calm.headers("municipality")["Authorization"].encode()
    for method in (b"GET", b"PUT", b"PATCH", b"DELETE"):
        for end in (b"", b"/_history", b"/_history/1"):
            head = b"%s /fhir/Goal/%s%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nConnection: close\r\n" % (
                method, id, end, token
            )  # fmt: skip
            body = b"Content-Type: application/fhir+json\r\nContent-Length: 2\r\n\r\n{}"
            with closing(dial(calm)) as connection:
                connection.sendall(head + body)
                answer = connection.makefile("rb").read()
            status = int(answer.split(b" ", 2)[1])
            assert status in (400, 404, 405), answer[:300]
            assert b"Set-Cookie" not in answer
            assert b"Traceback" not in answer


def test_22_a_client_of_others_is_refused_in_the_words_of_one_who_is_not_there(served: Service) -> None:
    begin(served)
    theirs = served.send("gp", "POST", "/fhir/Patient", patient(Person("Cyril", "Cizí", "1950-03-04"), "gp", "P-9"))
    hidden = named(theirs)
    absent = f"Patient/{'a' * 26}"
    made = create(served, goal(served.house.client, "health"))

    def answers(client: str) -> list[tuple[int, str]]:
        told = goal(client, "health")
        moved = {**told, "id": made["id"]}
        merge = json.dumps({"subject": {"reference": client}}).encode()
        also = {
            **observation(served.house.client),
            "performer": [{"reference": client}],
            "focus": [{"reference": client}],
        }
        requests = (
            ("POST", "Goal", told, FHIR),
            ("PUT", f"Goal/{made['id']}", moved, FHIR),
            ("PUT", "Goal/municipality.22", {**told, "id": "municipality.22"}, FHIR),
            ("PATCH", f"Goal/{made['id']}", merge, MERGE),
            ("POST", "", transaction({urn("x"): told}), FHIR),
            ("POST", "", {**transaction({urn("x"): told}), "type": "batch"}, FHIR),
            ("POST", "Goal/$validate", told, FHIR),
            ("POST", "Observation", {**also, "subject": {"reference": client}}, FHIR),
        )
        said = []
        for method, path, body, type in requests:
            url = f"/fhir/{path}".rstrip("/")
            answer = served.send("municipality", method, url, body, headers={"Content-Type": type})
            assert answer.status_code in ((200,) if "batch" in str(body) or "validate" in path else (422,)), answer.text
            said.append((answer.status_code, answer.text.replace(client, "CLIENT")))
        return said

    assert answers(hidden) == answers(absent)
    assert served.house.stored(f"Goal/{made['id']}")["meta"]["versionId"] == "1"


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that is never to be asked: its address, and what was asked of it."""
    asked = list[str]()

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Canary)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_23_what_a_record_points_to_is_never_fetched(served: Service) -> None:
    client = begin(served)
    with listening() as (far, asked):
        told: Resource = {
            **observation(client),
            "meta": {"profile": [f"{far}/profile"], "source": f"{far}/source"},
            "implicitRules": None,
            "extension": [{"url": f"{far}/extension", "valueUrl": f"{far}/value"}],
            "performer": [
                {"reference": f"{far}/Practitioner/1"},
                {"reference": "http://169.254.169.254/Practitioner/1"},
            ],
            "hasMember": [{"reference": f"{far}/Observation/1"}],
        }
        del told["implicitRules"]
        made = create(served, told)
        paper = create(
            served,
            {
                "resourceType": "DocumentReference",
                "status": "current",
                "category": [area("health")],
                "subject": {"reference": client},
                "content": [{"attachment": {"contentType": "text/plain", "url": f"{far}/Binary/1"}}],
            },
        )
        asks = (
            f"Observation/{made['id']}", "Observation?_include=*&_include:iterate=*",
            f"DocumentReference/{paper['id']}",
            f"Observation?performer={far}/Practitioner/1", "Observation?performer.name=x", f"{client}/$everything",
            f"{client}/$summary", f"Observation?_profile={far}/profile", f"ValueSet/$expand?url={far}/vs",
            f"Observation?code:in={far}/vs", f"CodeSystem/$lookup?system={far}/cs&code=x",
        )  # fmt: skip
        for path in asks:
            assert served.get("municipality", f"/fhir/{path}").status_code < 500
        served.send("municipality", "POST", f"/fhir/Observation/$validate?profile={far}/profile", told)
        shown = served.get("municipality", f"/fhir/Observation/{made['id']}").json()
        assert asked == []
    for element in ("performer", "hasMember", "extension"):
        assert shown[element] == told[element]


def test_24_what_is_contained_may_point_round_in_a_ring_and_holds_nothing_up(served: Service) -> None:
    client = begin(served)
    ring = [
        {**observation(client, n), "id": n, "hasMember": [{"reference": f"#{after}"}]}
        for n, after in ("ab", "bc", "ca")
    ]
    told = {**observation(client), "contained": ring, "hasMember": [{"reference": "#a"}]}
    itself = {**observation(client), "contained": [{**ring[0], "hasMember": [{"reference": "#a"}]}]}
    up = {**observation(client), "contained": [{**ring[0], "hasMember": [{"reference": "#"}]}]}
    for odd in (told, itself, up):
        answer = served.send("municipality", "POST", "/fhir/Observation", odd)
        if answer.status_code != 201:
            refused(answer, 400, 422)
            continue
        path = "/".join(answer.headers["location"].split("/fhir/")[1].split("/")[:2])
        for way in (path, f"Observation?_id={path.split('/')[1]}&_include:iterate=*", f"{client}/$everything"):
            assert served.get("municipality", f"/fhir/{way}").status_code == 200


@pytest.mark.parametrize("type", ["transaction", "batch"])
def test_25_ten_thousand_entries_are_413(calm: Service, type: str) -> None:
    before = len(calm.house.of_client("Goal"))
    one = {"resource": goal(calm.house.client, "health"), "request": {"method": "POST", "url": "Goal"}}
    bundle = {"resourceType": "Bundle", "type": type, "entry": [one] * 10_000}
    assert refused(calm.send("municipality", "POST", "/fhir", bundle), 413)["issue"][0]["code"] == "too-costly"
    assert len(calm.house.of_client("Goal")) == before


def test_27_a_patch_of_whose_it_is_changes_nothing(served: Service) -> None:
    client = begin(served)
    made = create(served, goal(client, "health"))
    somebody = create(served, other("K-27"))
    to = {"reference": f"Patient/{somebody['id']}"}
    path = f"/fhir/Goal/{made['id']}"
    parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Goal.subject"},
             {"name": "value", "valueReference": to}]  # fmt: skip
    attacks: tuple[tuple[str, Any], ...] = (
        (JSON_PATCH, [{"op": "replace", "path": "/subject", "value": to}]),
        (JSON_PATCH, [{"op": "test", "path": "/subject/reference", "value": client},
                      {"op": "move", "from": "/subject", "path": "/expressedBy"}]),
        (JSON_PATCH, [{"op": "copy", "from": "/subject", "path": "/expressedBy"},
                      {"op": "remove", "path": "/subject"}]),
        (JSON_PATCH, [{"op": "replace", "path": "", "value": {"resourceType": "Goal", "id": made["id"]}}]),
        (JSON_PATCH, [{"op": "remove", "path": ""}]),
        (JSON_PATCH, [{"op": "replace", "path": "", "value": ""}]),
        (MERGE, {"subject": to}),
        (MERGE, {"subject": None}),
        (MERGE, {"id": "other"}),
        (MERGE, {"resourceType": "Flag"}),
        (FHIR, {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}),
    )  # fmt: skip
    for type, body in attacks:
        answer = served.send("municipality", "PATCH", path, json.dumps(body).encode(), headers={"Content-Type": type})
        refused(answer, 422)
        assert served.house.stored(f"Goal/{made['id']}")["meta"]["versionId"] == "1", body


def test_28_a_compressed_body_is_not_unpacked(calm: Service) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * 1_000_000) for _ in range(1_000)) + packer.flush()
    assert len(bomb) < 1_100_000
    for encoding in ("gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"):
        for type in (FHIR, XML):
            headers = {"Content-Type": type, "Content-Encoding": encoding}
            answer = calm.send("municipality", "POST", "/fhir/Goal", bomb, headers=headers)
            refused(answer, 415)
    for type in (FHIR, XML):
        refused(calm.send("municipality", "POST", "/fhir/Goal", bomb, headers={"Content-Type": type}), 400)


# -- what is asked ---------------------------------------------------------------------------------------------------


def partly_seen(served: Service) -> tuple[str, Resource]:
    """A client of whom home care sees the health, and one figure that it does not see."""
    client = begin(served, *EVERYTHING)
    served.house.agree("homecare", ("health", "identity", "plan"))
    create(served, observation(client, "ZN-ZDRAVI"))
    debt = {**observation(client, "ZN-DLUH", "finance"), "valueQuantity": {"value": 1234, "unit": "Kč"}}
    return client, create(served, debt)


def test_33_no_question_narrows_down_a_hidden_value(served: Service) -> None:
    client, debt = partly_seen(served)
    one = client.split("/")[1]

    def told(question: str, by: str = "homecare") -> tuple[int, str]:
        answer = served.get(by, f"/fhir/{question}")
        said = answer.json()
        said.pop("link", None)
        return answer.status_code, json.dumps(said)

    for question in (
        "Patient?_has:Observation:subject:value-quantity={}",
        "Patient?_id=" + one + "&_has:Observation:patient:value-quantity={}",
        "Observation?value-quantity={}",
        "Observation?_id=" + debt["id"] + "&value-quantity={}",
        "Observation?subject:Patient._has:Observation:subject:value-quantity={}&_id=" + debt["id"],
    ):
        answers = {told(question.format(f"{sign}{edge}")) for sign in ("gt", "le") for edge in (0, 1233, 1234, 9999)}
        assert len(answers) == 1, question
        seen = {told(question.format(f"{sign}1233"), "municipality") for sign in ("gt", "le")}
        assert len(seen) == 2, "those who see the figure find it"


def test_36_order_counts_and_elements_are_of_what_is_seen(served: Service) -> None:
    partly_seen(served)
    for question in (
        "Observation?_sort=value-quantity", "Observation?_sort=-value-quantity", "Observation?_elements=value",
        "Observation?_summary=true", "Observation?_sort=-_lastUpdated&_total=accurate", "Observation?_sort=code",
    ):  # fmt: skip
        page = served.get("homecare", f"/fhir/{question}").json()
        assert [e["resource"]["resourceType"] for e in page["entry"]] == ["Observation"], question
        assert page["total"] == 1
        assert "ZN-DLUH" not in json.dumps(page)
        assert "1234" not in json.dumps(page)
    for question in ("Observation?_summary=count", "Observation?_summary=count&_sort=value-quantity"):
        assert served.get("homecare", f"/fhir/{question}").json()["total"] == 1
    assert served.get("municipality", "/fhir/Observation?_summary=count").json()["total"] == 2


def test_39_after_revocation_or_deletion_no_version_is_told(served: Service) -> None:
    client = begin(served)
    made = create(served, goal(client, "health", "ZN-PRVNI"))
    path = f"Goal/{made['id']}"
    write(served, "PUT", f"/fhir/{path}", {**goal(client, "health", "ZN-DRUHA"), "id": made["id"]})
    served.house.agree("homecare", ("health", "plan", "identity"))
    since = "?_since=2000-01-01T00:00:00Z"
    histories = (f"{path}/_history", "Goal/_history", "_history")
    whole = (path, f"{path}/_history/1", f"{path}/_history/2", f"{client}/_history")
    ways = (*whole, *histories, *(f"{history}{since}" for history in histories))
    before = {way: served.get("homecare", f"/fhir/{way}") for way in ways}
    assert {way for way, answer in before.items() if "ZN-" in answer.text} >= {path, f"{path}/_history", "_history"}
    served.house.withdraw("homecare", ("health", "plan", "identity"))
    for way in ways:
        for held in ({}, {"If-None-Match": before[way].headers.get("etag", "*")}):
            answer = served.http.get(f"/fhir/{way}", headers={**served.headers("homecare"), **held})
            assert answer.status_code in (200, 404), way
            assert "ZN-" not in answer.text
            assert made["id"] not in answer.text
    write(served, "DELETE", f"/fhir/{path}", b"")
    for way in ways:
        answer = served.get("homecare", f"/fhir/{way}")
        assert made["id"] not in answer.text
    assert served.get("homecare", f"/fhir/{path}").content == served.get("homecare", f"/fhir/Goal/{'a' * 26}").content
