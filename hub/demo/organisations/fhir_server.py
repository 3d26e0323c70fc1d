"""A small FHIR server of an organisation: takes documents and transactions, keeps every byte, repeats
nothing.

`POST [base]` with a transaction and `POST [base]/Bundle` with a document, as
https://hl7.org/fhir/R4/http.html. A parcel whose idempotency key was seen before is answered the same way
again and has no second effect.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from hub.demo.cast import Organisation
from hub.demo.mailbag import Mailbag

FHIR_JSON = "application/fhir+json"
LARGEST_BODY = 50_000_000

Answer = tuple[int, Any]
"""Status and a FHIR resource (or its bytes)."""


class FhirServer:
    """The server of one organisation on a loopback port of its own."""

    def __init__(self, organisation: Organisation, mailbag: Mailbag) -> None:
        self.organisation = organisation
        self.mailbag = mailbag
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/fhir"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def get(self, path: str) -> Answer:
        """Answer a read. What an organisation offers beyond `metadata` is its own matter."""
        if path == "/fhir/metadata":
            return 200, self.capabilities()
        return 404, _outcome("not-found", "nothing here")

    def post(self, path: str, body: bytes, key: str, line: str) -> Answer:
        """Take what was posted: kept first, understood afterwards."""
        bundle = _bundle(body)
        kind = str(bundle.get("type", "unknown")) if bundle else "unknown"
        letter = self.mailbag.keep(
            self.organisation.id,
            f"pushed-{kind}",
            body,
            "json",
            how=line,
            key=key or _identifier(bundle),
        )
        if bundle is None:
            return 400, _outcome("structure", "not a FHIR Bundle")
        if path.rstrip("/") == "/fhir" and kind == "transaction":
            status = "200 OK" if letter.duplicate else "201 Created"
            entries = [{"response": {"status": status}} for _ in bundle.get("entry", [])]
            return 200, {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
        if path == "/fhir/Bundle" and kind == "document":
            return 200 if letter.duplicate else 201, {**bundle, "id": f"d{letter.number}"}
        return 422, _outcome("not-supported", "send a document to /Bundle or a transaction to the base")

    def capabilities(self) -> dict[str, Any]:
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-11-01",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "implementation": {"description": self.organisation.name, "url": self.base},
            "rest": [{"mode": "server", "interaction": [{"code": "transaction"}]}],
        }


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, hands it to the owner, writes the answer."""

    protocol_version = "HTTP/1.1"
    owner: ClassVar[FhirServer]

    def do_GET(self) -> None:
        self._note()
        self._answer(*self.owner.get(self.path))

    def do_POST(self) -> None:
        self._note()
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self._answer(413, _outcome("too-long", "the body is too long"))
            return
        body = self.rfile.read(length)
        key = self.headers.get("Idempotency-Key") or ""
        self._answer(*self.owner.post(self.path, body, key, self.requestline))

    def log_message(self, format: str, *args: object) -> None:
        """The request lines are kept by the mailbag; nothing goes to the terminal."""

    def _note(self) -> None:
        self.owner.mailbag.note_line(self.owner.organisation.id, self.requestline)

    def _answer(self, status: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", FHIR_JSON)
        self.send_header("Content-Length", str(len(body)))
        if status == 201 and isinstance(content, dict) and "id" in content:
            self.send_header("Location", f"{self.owner.base}/{content['resourceType']}/{content['id']}")
        if status == 208:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(body)


def _bundle(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) and content.get("resourceType") == "Bundle" else None


def _identifier(bundle: dict[str, Any] | None) -> str:
    identifier = (bundle or {}).get("identifier")
    return str(identifier.get("value", "")) if isinstance(identifier, dict) else ""


def _outcome(code: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text}],
    }
