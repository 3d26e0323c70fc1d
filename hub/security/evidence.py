"""Evidence of a Consent: the hub's signature over what was agreed and the document that was signed.

The signature (JWS, ES384) covers the digest of the canonical Consent, without its id and version, and the
SHA-256 of the signed document. A Consent, or a document, that was changed afterwards does not match it.
Rule: CONSENT section 8 in docs/consent.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hub.errors import IntegrityFailure, Unauthenticated
from hub.fhir.text import digest
from hub.fhir.value import Resource
from hub.security.jws import read_unverified, sign, verified
from hub.security.keys import HubKeys

CONSENT_EVIDENCE: Final = "consent-evidence+jws"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the hub vouched for: the Consent, the signed document (where there was one), and when."""

    consent_sha256: str
    document_sha256: str | None
    at: str


def sign_evidence(keys: HubKeys, consent: Resource, *, document_sha256: str | None = None, at: datetime) -> str:
    """A compact JWS over the Consent and the document, to be kept with it."""
    claims: dict[str, Any] = {"consent": digest(consent), "at": at.isoformat()}
    if document_sha256 is not None:
        claims["document"] = document_sha256
    return sign(claims, keys.signing, kid=keys.kid, kind=CONSENT_EVIDENCE)


def verify_evidence(
    keys: HubKeys, signature: str, consent: Resource, *, document_sha256: str | None = None
) -> Evidence:
    """What was vouched for; IntegrityFailure where signature, Consent or document is another."""
    try:
        header, claims = read_unverified(signature)
    except Unauthenticated as broken:
        raise IntegrityFailure("the evidence is not a signature") from broken
    ours = {"alg": "ES384", "kid": keys.kid, "typ": CONSENT_EVIDENCE}
    if header != ours or verified(signature, keys.signing, header) != claims:
        raise IntegrityFailure("the evidence is not signed by this hub")
    if claims.get("consent") != digest(consent):
        raise IntegrityFailure("the Consent is not the one that was signed")
    if document_sha256 is not None and claims.get("document") != document_sha256:
        raise IntegrityFailure("the document is not the one that was signed")
    return Evidence(claims["consent"], claims.get("document"), claims["at"])
