"""The one place where a JWS is read, verified or signed (RFC 7515, RFC 8725).

Size and form are checked before anything is decoded; a header that carries or points to a key, or that asks
for an extension, is refused whoever signed it. An algorithm is only ever used with a key of its own kind
and strength.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from hub.errors import Unauthenticated

LIMIT: Final = 8192
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED: Final = ("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip", "enc")
_KINDS: Final = {"ES384": ("EC", {"crv": "P-384"}), "RS384": ("RSA", {})}
_PARTS: Final = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
_RSA_BITS: Final = range(2048, 8193)

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def read_unverified(token: str, *, taking: Collection[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact JWS, not yet to be believed; Unauthenticated where it is none.

    `taking` names a header parameter that the caller will hold against what is registered (`jku`).
    """
    if len(token) > LIMIT or _COMPACT.fullmatch(token) is None:
        raise Unauthenticated("this is not a signed token in compact form")
    head, body, _ = token.split(".")
    header, claims = _part(head), _part(body)
    for name in _REFUSED:
        if name in header and name not in taking:
            raise Unauthenticated("this header parameter is not taken", place=name)
    return header, claims


def registered_key(jwks: Mapping[str, Any] | None, *, kid: object, algorithm: str) -> ECKey | RSAKey | None:
    """The registered public key of that id, if it is of the kind and strength that the algorithm needs."""
    if jwks is None or not isinstance(kid, str):
        return None
    kind, fixed = _KINDS[algorithm]
    for entry in jwks.get("keys", ()):
        if entry.get("kid") != kid or entry.get("kty") != kind:
            continue
        if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
            continue
        if any(entry.get(name) != value for name, value in fixed.items()):
            continue
        return _public(kind, entry)
    return None


def described(entry: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, thumbprint of RFC 7638) of a public key that the hub can verify with; empty texts for any other."""
    for algorithm, (kind, fixed) in _KINDS.items():
        if entry.get("kty") == kind and all(entry.get(name) == value for name, value in fixed.items()):
            key = _public(kind, entry)
            if key is not None:
                return f"{algorithm} ({' '.join((kind, *fixed.values()))})", key.thumbprint()
    return "", ""


def verified(token: str, key: ECKey | RSAKey, header: Mapping[str, Any]) -> dict[str, Any] | None:
    """The claims of a token whose signature holds, or None."""
    try:
        found = jws.deserialize_compact(token, key, algorithms=[header["alg"]])
    except (JoseError, ValueError, TypeError):
        return None
    if found.protected != header:
        return None
    return _decode(found.payload)


def sign(claims: Mapping[str, Any], key: ECKey, *, kid: str, kind: str) -> str:
    """A compact JWS over canonical JSON, ES384; `kind` is its `typ`, so that none passes for another."""
    return jws.serialize_compact({"alg": "ES384", "kid": kid, "typ": kind}, _encode(claims), key, algorithms=["ES384"])


def _part(text: str) -> dict[str, Any]:
    try:
        return _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Unauthenticated("this is not a signed token in compact form") from broken


def _public(kind: str, entry: Mapping[str, Any]) -> ECKey | RSAKey | None:
    parts = {name: entry[name] for name in _PARTS[kind] if name in entry}
    try:
        if kind == "EC":
            return ECKey.import_key(parts)
        key = RSAKey.import_key(parts)
        return key if key.public_key.key_size in _RSA_BITS else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None
