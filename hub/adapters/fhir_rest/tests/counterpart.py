"""A small FHIR server of another organisation: patients by number, summaries, what was handed over.

It knows a delivery by its Idempotency-Key, and answers the second one as the first without doing it again.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from hub.adapters.sdk.contract import Connection, Parcel, PullRequest
from tests.adapters.contract import CANARY, Sent, TestClock

SYSTEM = "https://gp.example/sid/client-number"
NUMBER = "P-0815"
SUMMARY: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:7b1c0f0e-3a53-4d57-8d3e-2f8f0a3f9f01"},
    "timestamp": "2026-11-21T08:00:00Z",
    "entry": [{"resource": {"resourceType": "Composition", "title": CANARY}}],
}


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What to say: used once, or always."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Override = Callable[[Asked], Reply | None]


class FhirServer:
    """Runs on loopback until closed. `override` lets a test put words into its mouth."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.taken: dict[str, bytes] = {}
        self.patients: list[dict[str, Any]] = [
            {"resourceType": "Patient", "id": "p-1", "identifier": [{"system": SYSTEM, "value": NUMBER}]}
        ]
        self.override: Override = lambda asked: None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/fhir"

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if said := self.override(asked):
            return said
        path = asked.path.removeprefix("/fhir").strip("/")
        if asked.method == "GET" and path == "metadata":
            return _json(200, {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        if asked.method == "POST" and path == "Patient/_search":
            return self._search(parse_qs(asked.body.decode())["identifier"][0])
        if asked.method == "GET" and path in ("Patient/p-1/$summary", "Patient/p-1/$social-summary"):
            return _json(200, SUMMARY)
        if asked.method == "POST" and path in ("", "Bundle"):
            return self._take(asked)
        return _json(404, outcome("not-found"))

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _search(self, token: str) -> Reply:
        system, value = (re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\)\|", token))
        wanted = {"system": system, "value": value}
        entries = [{"resource": patient} for patient in self.patients if wanted in patient["identifier"]]
        return _json(200, {"resourceType": "Bundle", "type": "searchset", "entry": entries})

    def _take(self, asked: Asked) -> Reply:
        key = asked.headers["idempotency-key"]
        replayed = {"Idempotent-Replayed": "true"} if key in self.taken else {}
        self.taken.setdefault(key, asked.body)
        reply = _json(201, {"resourceType": "Bundle", "type": "transaction-response"})
        reply.headers |= replayed
        return reply


def outcome(code: str, severity: str = "error", expression: str = "Patient.birthDate") -> dict[str, Any]:
    """An OperationOutcome that quotes a person, as many servers' do."""
    issue = {
        "severity": severity,
        "code": code,
        "diagnostics": f"no such thing for {CANARY}",
        "expression": [expression],
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def transaction(**more: Any) -> bytes:
    content = {"resourceType": "Bundle", "type": "transaction", "entry": [], **more}
    return json.dumps(content).encode()


class FhirCounterpart:
    """The server, as the contract suite speaks of it."""

    def __init__(self) -> None:
        self.server = FhirServer()
        self._no = FhirServer()
        self._no.override = lambda asked: _json(422, outcome("invalid"))

    @property
    def connection(self) -> Connection:
        return connection(self.server.base)

    def unreachable(self) -> Connection:
        with socket.create_server(("127.0.0.1", 0)) as closed_again:
            port = closed_again.getsockname()[1]
        return connection(f"http://127.0.0.1:{port}/fhir")

    def refusing(self) -> Connection:
        return connection(self._no.base)

    def state(self) -> Hashable:
        posts = [asked for asked in self.server.asked if asked.method != "GET"]
        return len(posts), tuple(self.server.taken)

    def offer(self) -> PullRequest:
        return PullRequest("summary", ((SYSTEM, NUMBER),))

    def waiting(self) -> int:
        return 0

    def parcel(self, key: str) -> Parcel:
        return Parcel(key, "plan", "1", "application/fhir+json", transaction(), f"{key}.json")

    def in_effect(self) -> int:
        return len(self.server.taken)

    def send(self, address: tuple[str, int], *, message_id: str) -> Sent:
        raise AssertionError("nobody calls the hub here")

    def close(self) -> None:
        self.server.close()
        self._no.close()


def connection(base: str, **config: object) -> Connection:
    return Connection("gp", "fhir_rest", frozenset({"pull", "push"}), {"base_url": base, **config})


@contextmanager
def open_counterpart(folder: Path, clock: TestClock) -> Iterator[FhirCounterpart]:
    counterpart = FhirCounterpart()
    try:
        yield counterpart
    finally:
        counterpart.close()


def _json(status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/fhir+json"})


def _handler(server: FhirServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def log_message(self, format: str, *args: object) -> None:
            return

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {key.lower(): value for key, value in self.headers.items()}
            reply = server.answer(Asked(self.command, self.path, headers, body))
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

    return Handler
