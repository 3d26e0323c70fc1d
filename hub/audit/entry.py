"""One entry of the journal: who did what with whose record, for which purpose, on which basis, and why.

It names records and clients by reference, never by name or number, and holds no content. What a person may
ask (GDPR 15, CJEU C-579/21: when and for what purpose was my record seen) is answered from these entries;
EHDS (EU) 2025/327 annex II 3.2 lists what each must say. It is written before a byte leaves
(docs/audit.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import msgspec

from hub.errors import IntegrityFailure

Kind = Literal[
    "disclosure",
    "refusal",
    "processing",
    "received",
    "delivery",
    "consent",
    "sign-in",
    "notice",
]
Outcome = Literal["success", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One version of a record that was shown; `partial` where parts of it were held back."""

    reference: str
    version: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """What was held back (a record, a part or an area of life), and the reason."""

    what: str
    because: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that the hub did or refused.

    `at` is an ISO 8601 instant. `exit` names the way out or in: `read`, `vread`, `search`, `summary`,
    `push`, `page`. `because` names the reasons of the decision: `Consent/id|version path`, or the named
    basis or default. `query` is a search with the values left out (`Condition?code&patient`); `network` the
    address of the other side, where it is known; `token` the id of the token that was shown.
    """

    id: str
    at: str
    kind: Kind
    organisation: str = ""
    person: str = ""
    purpose: str = ""
    basis: str = ""
    action: str = ""
    exit: str = ""
    clients: tuple[str, ...] = ()
    disclosed: tuple[Disclosed, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    because: tuple[str, ...] = ()
    outcome: Outcome = "success"
    reason: str = ""
    token: str = ""
    network: str = ""
    query: str = ""

    def to_body(self) -> dict[str, Any]:
        """The entry as a JSON object for the chain; fields that say nothing are left out."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in body.items() if name in _ALWAYS or value}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> JournalEntry:
        """The entry that `to_body` wrote; IntegrityFailure where it is not one."""
        unknown = body.keys() - _FIELDS
        if unknown:
            raise IntegrityFailure("the journal entry has fields that this version does not know")
        try:
            return msgspec.convert(dict(body), cls)
        except msgspec.ValidationError as broken:
            raise IntegrityFailure("the object is not a journal entry") from broken


_ALWAYS: Final = frozenset({"id", "at", "kind", "outcome"})
_FIELDS: Final = frozenset(field.name for field in fields(JournalEntry))
