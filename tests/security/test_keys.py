"""The hub's keys on disk: written once, readable by one user, never overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from hub.security.keys import HUB_KEY, INDEX_KEY, SIGNING_KEY, HubKeys


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    HubKeys.generate().save(directory)
    return directory


def test_saved_keys_are_loaded_as_they_were(tmp_path: Path) -> None:
    keys = HubKeys.generate()
    keys.save(tmp_path / "keys")
    loaded = HubKeys.load(tmp_path / "keys")
    assert (loaded.hub_key, loaded.index_key, loaded.kid) == (keys.hub_key, keys.index_key, keys.kid)
    assert loaded.public_jwks() == keys.public_jwks()


def test_only_the_owner_can_read_them(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.iterdir()} == {0o600}


def test_keys_are_never_overwritten(saved: Path) -> None:
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    with pytest.raises(ConfigurationError, match="never overwritten"):
        HubKeys.generate().save(saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_a_dangling_link_in_the_place_of_a_key_is_not_followed(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / SIGNING_KEY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError):
        HubKeys.generate().save(directory)
    assert [path.name for path in directory.iterdir()] == [SIGNING_KEY]


@pytest.mark.parametrize("name", [HUB_KEY, INDEX_KEY, SIGNING_KEY])
def test_keys_open_to_others_are_refused(saved: Path, name: str) -> None:
    (saved / name).chmod(0o640)
    with pytest.raises(ConfigurationError, match=f"{name}.*0600"):
        HubKeys.load(saved)


@pytest.mark.parametrize("name", [HUB_KEY, INDEX_KEY, SIGNING_KEY])
def test_a_missing_or_damaged_key_is_named(saved: Path, name: str) -> None:
    (saved / name).write_bytes(b"x")
    with pytest.raises(ConfigurationError):
        HubKeys.load(saved)
    (saved / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        HubKeys.load(saved)


def test_the_public_half_holds_no_private_part() -> None:
    keys = HubKeys.generate()
    (public,) = keys.public_jwks()["keys"]
    assert "d" not in public
    assert public["crv"] == "P-384"
    assert public["kid"] == keys.kid


def test_no_key_shows_when_printed() -> None:
    keys = HubKeys.generate()
    assert keys.hub_key.hex() not in repr(keys)
