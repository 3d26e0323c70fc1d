"""The GP: a FHIR server with the client's International Patient Summary, and a client of the hub.

Offers `Patient/_search` by POST (no identifier in a URL) and `Patient/[id]/$summary`
(https://hl7.org/fhir/uv/ips/ipsGeneration.html); receives the plan and the discharge report.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from hub.demo.cast import GP
from hub.demo.mailbag import Mailbag
from hub.demo.organisations.fhir_server import Answer, FhirServer

PATIENT_ID = "p0815"


class GeneralPractitioner(FhirServer):
    """The GP's own record system, holding one patient summary."""

    def __init__(self, mailbag: Mailbag, summary: bytes) -> None:
        super().__init__(GP, mailbag)
        self.summary = summary
        self.summaries_given = 0
        self._patient = _patient_of(summary)

    def get(self, path: str) -> Answer:
        if path.partition("?")[0] == f"/fhir/Patient/{PATIENT_ID}/$summary":
            self.summaries_given += 1
            return 200, self.summary
        return super().get(path)

    def post(self, path: str, body: bytes, key: str, line: str) -> Answer:
        if path == "/fhir/Patient/_search":
            self.mailbag.keep(self.organisation.id, "asked-search", body, "form", how=line)
            return 200, self._search(body)
        return super().post(path, body, key, line)

    def _search(self, body: bytes) -> dict[str, Any]:
        wanted = {
            token.strip()
            for name, value in parse_qsl(body.decode("utf-8", "replace"))
            if name == "identifier"
            for token in value.split(",")
        }
        known = {
            f"{identifier.get('system', '')}|{identifier.get('value', '')}"
            for identifier in self._patient.get("identifier", [])
        }
        found = [self._patient] if wanted & known else []
        return {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": [
                {"fullUrl": f"{self.base}/Patient/{PATIENT_ID}", "resource": one, "search": {"mode": "match"}}
                for one in found
            ],
        }


def _patient_of(summary: bytes) -> dict[str, Any]:
    bundle = json.loads(summary.decode("utf-8-sig"))
    patients = [
        entry["resource"]
        for entry in bundle.get("entry", [])
        if entry.get("resource", {}).get("resourceType") == "Patient"
    ]
    first = patients[0] if patients else {"resourceType": "Patient"}
    kept = {name: first[name] for name in ("identifier", "name", "birthDate", "gender") if name in first}
    return {"resourceType": "Patient", "id": PATIENT_ID, **kept}
