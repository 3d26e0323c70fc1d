"""A request inside a request: asked of this same application, with the caller's own token.

So an entry of a Bundle meets exactly the routes, scopes and rules that it would meet alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Message


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to a request inside a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The status as a Bundle says it: `201 Created`."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


async def ask(request: Request, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Ask this application for `url` below the FHIR base, as the caller of `request`."""
    path, _, query = url.partition("?")
    told = {**headers, "accept": "application/fhir+json", "authorization": request.headers.get("authorization", "")}
    scope: dict[str, Any] = {
        **{key: request.scope[key] for key in ("type", "asgi", "http_version", "scheme", "server", "client")},
        "method": method,
        "path": f"/fhir/{path.removeprefix('/')}".rstrip("/"),
        "raw_path": quote(f"/fhir/{path.removeprefix('/')}").encode(),
        "root_path": "",
        "query_string": quote(query, safe="%&=:/?,|$-_.~+*!;'()@").encode(),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in told.items()],
        "extensions": {},
        "state": {},
    }
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await request.app(scope, receive, send)
    start = next(m for m in sent if m["type"] == "http.response.start")
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    names = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Asked(int(start["status"]), names, content)
