"""The hub's real HTTP server on a port of its own, and callers that sign in as organisations do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from hub.commands.serve import http_server
from hub.fhir import text
from hub.security.client_keys import sign_assertion
from hub.security.tokens import issue_access_token
from tests.exchange.world import House

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Service:
    """A hub that answers HTTP."""

    house: House
    app: FastAPI
    http: httpx.Client
    _tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def token_url(self) -> str:
        return f"{self.house.hub.settings.public_url}/oauth/token"

    def assertion(self, organisation: str, audience: str = "") -> str:
        """A signed assertion, good once."""
        return sign_assertion(
            self.house.keys[organisation], organisation=organisation, audience=audience or self.token_url
        )

    def ask_token(self, organisation: str, **changes: str | None) -> httpx.Response:
        """Ask for a token; a change of None leaves the field out."""
        form: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "scope": "system/*.cruds",
            "purpose_of_use": "COC",
            "basis": "CONSENT",
            **changes,
        }
        if "client_assertion" not in form:
            form["client_assertion"] = self.assertion(organisation)
        return self.http.post("/oauth/token", data={k: v for k, v in form.items() if v is not None})

    def headers(self, organisation: str, **changes: str) -> dict[str, str]:
        """An Authorization header; nothing for nobody."""
        if not organisation:
            return {}
        key = (organisation, *(f"{k}={v}" for k, v in sorted(changes.items())))
        if key not in self._tokens:
            answer = self.ask_token(organisation, **changes)
            assert answer.status_code == 200, answer.text
            self._tokens[key] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[key]}"}

    def renew(self, organisation: str) -> None:
        """A token of this moment of the hub's clock, as signing in would give it were that the time of day."""
        issued = issue_access_token(
            self.house.hub.keys,
            organisation=organisation,
            purpose="COC",
            basis="CONSENT",
            scope="system/*.cruds",
            audience=f"{self.house.hub.settings.public_url}/fhir",
            now=self.house.clock(),
        )
        self._tokens[organisation,] = issued

    def get(self, organisation: str, path: str, **changes: str) -> httpx.Response:
        return self.http.get(path, headers=self.headers(organisation, **changes))

    def send(
        self,
        organisation: str,
        method: str,
        path: str,
        content: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **changes: str,
    ) -> httpx.Response:
        """One request with a FHIR body (a resource, or bytes as they are)."""
        body = content if isinstance(content, bytes) else text.write(content)
        sent = {"Content-Type": "application/fhir+json", **self.headers(organisation, **changes), **(headers or {})}
        return self.http.request(method, path, content=body, headers=sent)


@contextmanager
def serving(house: House) -> Iterator[Service]:
    """The house's hub, served."""
    server = http_server(house.hub)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as http:
        yield Service(house, server.config.app, http)
    server.should_exit = True
    thread.join()
