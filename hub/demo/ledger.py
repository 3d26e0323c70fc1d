"""The ledger: who received what, in which version, about which areas of life, on which basis and why.

Each row joins a file of received bytes with the hub's own list of deliveries: by the digest of the bytes,
else by the idempotency key, file name or message id. The bytes are the witness; the list gives the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.demo.cast import ORGANISATIONS
from hub.demo.mailbag import Letter, Mailbag

TO_THE_ORGANISATION = ("pushed", "file", "ack", "pulled", "everything", "summary")
"""Letters that brought content or an acknowledgement, as opposed to answers to somebody's own writing."""


def ledger(mailbag: Mailbag, deliveries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each message that an organisation received, in the order in which they came."""
    protocols = {one.id: one.protocol for one in ORGANISATIONS}
    rows = []
    for letter in mailbag.letters:
        if letter.what.startswith(TO_THE_ORGANISATION) and letter.status < 300:
            delivery = _delivery_of(letter, deliveries)
            rows.append(
                {
                    "organisation": letter.organisation,
                    "protocol": protocols[letter.organisation],
                    "item": delivery.get("item") or _item(letter),
                    "version": str(delivery.get("version", "")),
                    "areas": list(delivery.get("areas", [])),
                    "basis": delivery.get("basis") or letter.details.get("basis", ""),
                    "because": list(delivery.get("because", [])) or _own_reason(letter),
                    "outcome": _outcome(letter, delivery),
                    "bytes": letter.path,
                    "size": letter.size,
                }
            )
    return rows


def withheld(deliveries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was left out of what each organisation last received, area by area, and why."""
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for delivery in deliveries:
        if delivery["state"] == "delivered" and delivery["direction"] in {"push", "request"}:
            last[delivery["organisation"], delivery["item"]] = delivery
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (organisation, item), delivery in last.items():
        for one in delivery.get("withheld", []):
            reference, _, areas = str(one["item"]).rstrip("]").partition(" [")
            label = f"{item}: {areas or reference}"
            new = {
                "organisation": organisation,
                "item": label,
                "because": _words(one["because"]),
                "parts": [],
            }
            row = rows.setdefault((organisation, label), new)
            row["parts"].append(reference)
            row["because"] = min(row["because"], new["because"], key=len)
    return list(rows.values())


def _delivery_of(letter: Letter, deliveries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    ours = [one for one in deliveries if one["organisation"] == letter.organisation]
    for matches in (
        lambda one: one.get("sha256") == letter.sha256,
        lambda one: bool(letter.key) and letter.key in (one.get("key"), one["id"]),
        lambda one: bool(letter.key) and str(one.get("destination", "")).endswith(letter.key),
    ):
        found = [one for one in ours if matches(one)]
        if found:
            return found[-1]
    return {}


def _item(letter: Letter) -> str:
    return "acknowledgement" if letter.what.startswith("ack") else letter.what.removeprefix("pulled-")


def _own_reason(letter: Letter) -> list[str]:
    if letter.what.startswith("ack"):
        return ["answer to its own message"]
    return ["answer to its own request"]


def _outcome(letter: Letter, delivery: dict[str, Any]) -> str:
    if letter.duplicate:
        return "repeated, without effect"
    return str(delivery.get("outcome") or delivery.get("state") or "received")


def _words(because: Any) -> str:
    return because if isinstance(because, str) else "; ".join(str(one) for one in because)
