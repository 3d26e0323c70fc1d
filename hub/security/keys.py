"""The hub's own keys: generated once, kept in files that only the hub's user can read.

    keys/hub.key       32 bytes: wraps the keys of clients; without it nothing sealed can be opened
    keys/index.key     32 bytes: keyed digests of exact identifiers
    keys/signing.pem   P-384 private key: signs access tokens and the evidence of Consents (ES384)

`hub backup` leaves them out: who keeps the keys keeps them apart from the data (docs/security.md). Nothing
here overwrites a key, as that would make everything sealed with it unreadable.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from hub.errors import ConfigurationError
from hub.security.sealing import KEY_BYTES, Random

HUB_KEY: Final = "hub.key"
INDEX_KEY: Final = "index.key"
SIGNING_KEY: Final = "signing.pem"
CURVE: Final = "P-384"
_REMEMBERED: Final = 4096


class Checked:
    """Tokens whose signature held, by digest, with their claims; a signature is checked once."""

    def __init__(self) -> None:
        self._claims: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._lock = Lock()

    def of(self, digest: bytes, check: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The claims of the token with this digest; `check` verifies one that is not known yet."""
        with self._lock:
            known = self._claims.get(digest)
        if known is not None:
            return known
        claims = check()
        with self._lock:
            self._claims[digest] = claims
            while len(self._claims) > _REMEMBERED:
                self._claims.popitem(last=False)
        return claims


class HubKeys:
    """The three keys of one hub."""

    __slots__ = ("checked", "hub_key", "index_key", "kid", "signing")

    def __init__(self, hub_key: bytes, index_key: bytes, signing: ECKey) -> None:
        if len(hub_key) != KEY_BYTES or len(index_key) != KEY_BYTES:
            raise ConfigurationError("a key of the hub is not 32 bytes long")
        if signing.curve_name != CURVE or not signing.is_private:
            raise ConfigurationError("the signing key is not a private P-384 key", place=SIGNING_KEY)
        self.hub_key = hub_key
        self.index_key = index_key
        self.signing = signing
        self.kid = signing.thumbprint()
        self.checked = Checked()

    @classmethod
    def generate(cls, *, random: Random = os.urandom) -> HubKeys:
        """Fresh keys. The signing key is drawn by the cryptography library itself."""
        return cls(random(KEY_BYTES), random(KEY_BYTES), ECKey.generate_key(CURVE))

    def public_jwks(self) -> dict[str, Any]:
        """The public half of the signing key, as others may have it."""
        public = self.signing.as_dict(private=False)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "ES384"}]}

    def save(self, directory: Path) -> None:
        """Write the keys to files of mode 0600; ConfigurationError where one of them is there already."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        contents = {
            HUB_KEY: self.hub_key,
            INDEX_KEY: self.index_key,
            SIGNING_KEY: self.signing.as_pem(private=True),
        }
        for name in contents:
            if os.path.lexists(directory / name):
                raise ConfigurationError("there is a key already, and it is never overwritten", place=name)
        for name, content in contents.items():
            _write(directory / name, content)
        _sync(directory)

    @classmethod
    def load(cls, directory: Path) -> HubKeys:
        """The keys of a directory; ConfigurationError where one is missing, damaged or open to others."""
        contents = {name: _read(directory / name) for name in (HUB_KEY, INDEX_KEY, SIGNING_KEY)}
        try:
            signing = ECKey.import_key(contents[SIGNING_KEY])
        except (JoseError, ValueError, TypeError) as broken:
            raise ConfigurationError("is not a private key in PEM", place=SIGNING_KEY) from broken
        return cls(contents[HUB_KEY], contents[INDEX_KEY], signing)

    def __repr__(self) -> str:
        return f"HubKeys({self.kid})"


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError as there:
        said = "there is a key already, and it is never overwritten"
        raise ConfigurationError(said, place=path.name) from there
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                said = "can be read by other users; its mode must be 0600"
                raise ConfigurationError(said, place=path.name)
            return file.read(65536)
    except OSError as away:
        raise ConfigurationError("the key is missing or cannot be read", place=path.name) from away


def _sync(directory: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
