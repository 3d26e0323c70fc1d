"""A FHIR client of an organisation: signs for a token, asks by the purpose and basis it states, and is
patient.

Tokens follow SMART Backend Services (https://hl7.org/fhir/smart-app-launch/backend-services.html): the
assertion is signed by the integrator's tool `hub client assertion`, since the demo itself holds no
cryptography. Requests are repeated while the hub is away, so every write is one that may be repeated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from hub.demo.cast import Organisation
from hub.demo.errors import StoryStuckError
from hub.demo.hub_process import HubProcess
from hub.demo.mailbag import Mailbag

PATIENCE_SECONDS = 90.0
AWAY = frozenset({502, 503, 504})
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class FhirClient:
    """One organisation's access to the hub's FHIR interface."""

    def __init__(
        self, hub: HubProcess, organisation: Organisation, key: Path, mailbag: Mailbag, *, purpose: str
    ) -> None:
        self.organisation = organisation
        self.purpose = purpose
        self._hub = hub
        self._key = key
        self._mailbag = mailbag
        self._tokens: dict[str, tuple[float, str]] = {}
        self._http = httpx.Client(base_url=hub.base, timeout=30.0)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, *, basis: str = "CONSENT", keep: str = "") -> httpx.Response:
        """Read; `keep` names the letter under which the body goes into the mailbag."""
        return self.request("GET", path, basis=basis, keep=keep)

    def request(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        basis: str = "CONSENT",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        keep: str = "",
    ) -> httpx.Response:
        """One request, repeated while the hub is away; the answer's bytes go into the mailbag."""
        body = None if content is None else json.dumps(content, ensure_ascii=False).encode()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                sent = {"Authorization": f"Bearer {self._token(basis)}", **(headers or {})}
                if body is not None:
                    sent["Content-Type"] = "application/fhir+json"
                answer = self._http.request(
                    method, f"/fhir{path}", content=body, data=dict(form) if form else None, headers=sent
                )
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            self._mailbag.note_line(self.organisation.id, f"{method} {answer.request.url.raw_path.decode()}")
            if answer.status_code == 401:
                self._tokens.pop(basis, None)
            elif answer.status_code not in AWAY:
                return self._kept(answer, keep or f"pulled-{method.lower()}", basis)
            time.sleep(0.1)
        raise StoryStuckError(f"the hub did not answer {method} in time")

    def _kept(self, answer: httpx.Response, what: str, basis: str) -> httpx.Response:
        if answer.content:
            line = f"{answer.request.method} {answer.request.url.raw_path.decode()}"
            self._mailbag.keep(
                self.organisation.id,
                what,
                answer.content,
                "json",
                how=line,
                status=answer.status_code,
                details={"basis": basis},
            )
        return answer

    def _token(self, basis: str) -> str:
        until, token = self._tokens.get(basis, (0.0, ""))
        if time.monotonic() < until:
            return token
        url = f"{self._hub.base}/oauth/token"
        assertion = self._hub.command(
            "client", "assertion", "--key", str(self._key), "--id", self.organisation.id, "--audience", url
        )
        answer = self._http.post(
            "/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": JWT_BEARER,
                "client_assertion": assertion.strip(),
                "scope": "system/*.cruds",
                "purpose_of_use": self.purpose,
                "basis": basis,
            },
        )
        if answer.status_code in AWAY:
            raise httpx.TransportError("the hub is away")
        if answer.status_code != 200:
            raise StoryStuckError(f"the hub gave {self.organisation.id} no token: {answer.status_code}")
        granted = answer.json()
        self._tokens[basis] = (time.monotonic() + float(granted["expires_in"]) - 30, granted["access_token"])
        return str(granted["access_token"])
