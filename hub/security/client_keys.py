"""The integrator's side of SMART Backend Services: make a key, sign an assertion.

Here so that a vendor can try the hub with nothing but its command line; a production system uses its own library.
https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from hub.errors import ConfigurationError
from hub.security.jws import described, sign

LIFETIME = 240
"""Seconds that a signed assertion is good for; the hub takes at most 300."""


def generate_client_key(out: Path) -> dict[str, Any]:
    """Write a new ES384 private key (JWK, mode 0600; never over an existing file) and return its public JWKS."""
    key = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, private=True)
    key.ensure_kid()
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError("there is a key already; it is not written over", place=out.name) from error
    with os.fdopen(descriptor, "w") as file:
        json.dump(key.as_dict(private=True), file)
    return {"keys": [key.as_dict(private=False)]}


def described_keys(jwks: Mapping[str, Any]) -> list[dict[str, str]]:
    """The public keys of a set as their owner can compare them: id, kind, thumbprint (RFC 7638), and any fault."""
    found = []
    for entry in jwks.get("keys", ()):
        kind, thumbprint = described(entry)
        kid = str(entry.get("kid", ""))
        fault = (
            ""
            if kind and kid
            else "has no `kid`"
            if kind
            else "is not P-384 (ES384) nor RSA of 2048 to 8192 bits (RS384)"
        )
        found.append({"kid": kid, "kind": kind, "thumbprint": thumbprint, "fault": fault})
    return found


def sign_assertion(key_file: Path, *, organisation: str, audience: str) -> str:
    """A client assertion (JWT, ES384) of this organisation for this token URL: good once, for four minutes."""
    try:
        key = ECKey.import_key(json.loads(key_file.read_text("utf-8")))
    except (JoseError, ValueError, KeyError) as error:
        raise ConfigurationError("not a private key (JWK)", place=key_file.name) from error
    now = int(time.time())
    claims = {
        "iss": organisation,
        "sub": organisation,
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_urlsafe(24),
    }
    return sign(claims, key, kid=str(key.kid), kind="JWT")
