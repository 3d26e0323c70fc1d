"""How every route of the interactions is asked for what is planted: by id, by version, by condition, in a Bundle."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from hub.fhir import text
from tests.exchange.world import House, goal

if TYPE_CHECKING:
    from tests.api.planted import Ask

HIDDEN_NUMBER = "https://x.example/sid|KNR-Condition-finance"
NOTE = b'[{"op":"add","path":"/language","value":"cs"}]'


def interaction_asks(house: House, some: list[str]) -> dict[str, list[Ask]]:
    """Requests by route."""
    from tests.api.planted import Ask, changed

    versions = [Ask("GET", f"/fhir/{r}/_history/{v}") for r in some[::3] for v in ("1", "2", "p0123456789abcdef")]
    one = goal(house.client, "finance")
    merge, where = "application/merge-patch+json", f"/fhir/Condition?identifier={HIDDEN_NUMBER}"
    return {
        "GET /fhir/{type}/{id}": [Ask("GET", f"/fhir/{r}{q}") for r in some for q in ("", "?_pretty=true")],
        "HEAD /fhir/{type}/{id}": [Ask("HEAD", f"/fhir/{r}") for r in some[::3]],
        "GET /fhir/{type}/{id}/_history/{version}": versions,
        "HEAD /fhir/{type}/{id}/_history/{version}": [Ask("HEAD", a.path) for a in versions],
        "GET /fhir/{type}/{id}/_history": [Ask("GET", f"/fhir/{r}/_history") for r in some],
        "GET /fhir/{type}/_history": [
            Ask("GET", f"/fhir/{t}/_history?_count=100") for t in sorted({r.split("/")[0] for r in some})
        ],
        "GET /fhir/_history": [Ask("GET", f"/fhir/_history?_count={n}") for n in ("100", "7")],
        "PUT /fhir/{type}": [Ask("PUT", where, changed("Condition/x", house.client))],
        "PATCH /fhir/{type}/{id}": [
            Ask("PATCH", f"/fhir/{r}", NOTE, "application/json-patch+json") for r in some[::3]
        ],
        "PATCH /fhir/{type}": [Ask("PATCH", where, b'{"language":"cs"}', merge)],
        "DELETE /fhir/{type}/{id}": [Ask("DELETE", f"/fhir/{r}") for r in some[::6] if not r.startswith("Care")],
        "DELETE /fhir/{type}": [Ask("DELETE", where)],
        "POST /fhir": [Ask("POST", "/fhir", text.write(b)) for b in bundles(house, some, one)],
        "POST /fhir/": [Ask("POST", "/fhir/", text.write(b)) for b in bundles(house, some[::9], one)],
    }  # fmt: skip


def bundles(house: House, some: list[str], one: dict[str, Any]) -> list[dict[str, Any]]:
    """A batch that reads everything, and transactions that write, patch, meet and refer to it."""
    patch = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(NOTE).decode(),
    }
    reads = [{"request": {"method": "GET", "url": url}} for r in some[::2] for url in (r, f"{r}/_history")]
    writes = [
        {"resource": one, "request": {"method": "POST", "url": "Goal", "ifNoneExist": f"identifier={HIDDEN_NUMBER}"}},
        {"resource": patch, "request": {"method": "PATCH", "url": some[0]}},
        {"request": {"method": "DELETE", "url": some[1]}},
        {"resource": {**one, "subject": {"reference": f"Patient?identifier={HIDDEN_NUMBER}"}},
         "request": {"method": "POST", "url": "Goal"}},
    ]  # fmt: skip
    made = [{"resourceType": "Bundle", "type": "batch", "entry": reads[:150]}]
    for entries in (writes, *([one] for one in writes), reads[:1], reads[:4]):
        made.append({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return made
