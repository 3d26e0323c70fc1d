"""What the vendor of an organisation's system needs to call the hub, and whether its keys can be had.

Everything here may be told to the vendor; secrets of adapters are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hub.errors import HubError
from hub.exchange.organisations import Member
from hub.exchange.published_keys import fetch, kids
from hub.security.client_keys import described_keys
from hub.security.tokens import ALGORITHMS

OPEN_BASES: Final = ("CONSENT", "OWN-RECORD")
"""The bases on which an organisation may ask over the API; others belong to flows of the hub itself."""


def handout(base: str, organisation: Member) -> dict[str, Any]:
    """Addresses, names, keys, scopes and a first request, for one organisation at the hub `base`."""
    token_url = f"{base}/oauth/token"
    return {
        "id": organisation.id,
        "name": organisation.name,
        "kind": organisation.kind,
        "roles": sorted(organisation.roles),
        "reference": organisation.reference,
        "fhir": f"{base}/fhir",
        "metadata": f"{base}/fhir/metadata",
        "smart": f"{base}/fhir/.well-known/smart-configuration",
        "token": token_url,
        "audience": token_url,
        "algorithms": list(ALGORITHMS),
        "keys": described_keys(organisation.jwks or {}),
        "jwks_url": organisation.jwks_url or None,
        "scopes": organisation.scopes,
        "purpose": organisation.purpose,
        "bases": list(OPEN_BASES),
        "adapters": [c.adapter for c in organisation.connections],
        "example": example(base, organisation) if calls(organisation) else None,
    }


def calls(organisation: Member) -> bool:
    """Whether the organisation can call the API at all: it has keys and a scope."""
    return bool((organisation.jwks or organisation.jwks_url) and organisation.scopes)


def example(base: str, organisation: Member) -> str:
    """A first request, as lines of a shell; `private.jwk` is the key that `hub client keygen` made."""
    return "\n".join(
        (
            f"ASSERTION=$(hub client assertion --key private.jwk --id {organisation.id} --audience {base}/oauth/token)",
            f"TOKEN=$(curl -s {base}/oauth/token -d grant_type=client_credentials \\",
            "  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\",
            f"  -d client_assertion=$ASSERTION --data-urlencode 'scope={organisation.scopes}' \\",
            f"  -d purpose_of_use={organisation.purpose} -d basis=CONSENT \\",
            """  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')""",
            f'curl -s -H "Authorization: Bearer $TOKEN" {base}/fhir/CarePlan',
        )
    )


def key_findings(organisation: Member) -> list[Mapping[str, Any]]:
    """Whether the organisation's keys can be had, and what to do where not."""
    if organisation.jwks_url:
        return [_published(organisation)]
    keys = described_keys(organisation.jwks or {})
    findings = [_registered(key) for key in keys]
    if keys and not organisation.scopes:
        findings.append(_finding("has keys, but no scope: no token is given", "write smart.scopes", well=False))
    return findings


def _published(organisation: Member) -> Mapping[str, Any]:
    try:
        jwks, _ = fetch(organisation.jwks_url, private_network=organisation.jwks_private)
    except HubError as error:
        return _finding(f"its keys cannot be had: {error}", "look at smart.jwks_url", well=False)
    number = len(kids(jwks))
    said = f"publishes {number} key{'' if number == 1 else 's'} with an id"
    return _finding(said, "" if number else "give each key a `kid`", well=bool(number))


def _registered(key: Mapping[str, str]) -> Mapping[str, Any]:
    said = f"key {key['kid'] or '(no kid)'}: {key['fault'] or key['kind']}"
    return _finding(said, key["fault"] and "register another", well=not key["fault"])


def _finding(what: str, advice: str, *, well: bool) -> Mapping[str, Any]:
    return {"adapter": "smart", "what": what, "well": well, "advice": advice}
