"""Evidence of a Consent: it holds for what was signed and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.errors import IntegrityFailure
from hub.fhir.text import digest
from hub.security.digests import sha256
from hub.security.evidence import sign_evidence, verify_evidence
from hub.security.jws import sign
from hub.security.keys import HubKeys
from hub.security.tokens import issue_access_token

KEYS = HubKeys.generate()
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CONSENT = {
    "resourceType": "Consent",
    "id": "c1",
    "status": "active",
    "patient": {"reference": "Patient/p1"},
    "provision": {"type": "permit"},
}
DOCUMENT = sha256(b"%PDF-signed")
SIGNED = sign_evidence(KEYS, CONSENT, document_sha256=DOCUMENT, at=NOW)


def test_it_holds_for_the_consent_and_the_document() -> None:
    found = verify_evidence(KEYS, SIGNED, CONSENT, document_sha256=DOCUMENT)
    assert found.at == NOW.isoformat()
    assert found.document_sha256 == DOCUMENT


def test_it_holds_for_the_consent_however_its_fields_are_ordered() -> None:
    verify_evidence(KEYS, SIGNED, dict(reversed(CONSENT.items())))


@pytest.mark.parametrize(
    "change",
    [{"status": "inactive"}, {"provision": {"type": "deny"}}, {"patient": {"reference": "Patient/p2"}}],
)
def test_a_consent_changed_afterwards_does_not_match(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityFailure, match="Consent"):
        verify_evidence(KEYS, SIGNED, {**CONSENT, **change})


def test_another_document_does_not_match() -> None:
    with pytest.raises(IntegrityFailure, match="document"):
        verify_evidence(KEYS, SIGNED, CONSENT, document_sha256=sha256(b"%PDF-other"))


def test_the_signature_of_another_hub_does_not_hold() -> None:
    with pytest.raises(IntegrityFailure, match="this hub"):
        verify_evidence(HubKeys.generate(), SIGNED, CONSENT)


@pytest.mark.parametrize("place", [0, 10, -1, -20])
def test_a_bent_signature_does_not_hold(place: int) -> None:
    bent = list(SIGNED)
    bent[place] = "A" if bent[place] != "A" else "Q"
    with pytest.raises(IntegrityFailure):
        verify_evidence(KEYS, "".join(bent), CONSENT)


def test_whatever_else_the_hub_signed_is_no_evidence() -> None:
    said = {"consent": digest(CONSENT), "at": NOW.isoformat()}
    verify_evidence(KEYS, sign(said, KEYS.signing, kid=KEYS.kid, kind="consent-evidence+jws"), CONSENT)
    with pytest.raises(IntegrityFailure):
        verify_evidence(KEYS, sign(said, KEYS.signing, kid=KEYS.kid, kind="at+jwt"), CONSENT)


def test_an_access_token_is_no_evidence() -> None:
    token = issue_access_token(KEYS, organisation="a", purpose="COC", basis="CONSENT", scope="", audience="x", now=NOW)
    with pytest.raises(IntegrityFailure):
        verify_evidence(KEYS, token, CONSENT)
