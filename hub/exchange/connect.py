"""Connect organisations: check every entry, then store all of them or none.

Secrets (values that an adapter's schema marks `secret`) are sealed and never shown again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from hub.adapters.sdk.network import Origin
from hub.adapters.sdk.registry import Registry
from hub.errors import ConfigurationError, InsufficientScope
from hub.exchange.organisations import organisation_resource
from hub.exchange.published_keys import check_keys
from hub.exchange.vault import Vault
from hub.fhir.validate import assert_valid
from hub.security.scopes import Scopes
from hub.store.model import OrganisationEntry
from hub.store.store import Store, Tx

ITEMS = frozenset({"plan", "summary", "social-summary", "discharge-report"})
TABLES = {"organisation", "adapter", "items", "identity", "smart"}
SMART = {"jwks", "jwks_url", "private_network", "scopes"}
KINDS = frozenset(
    {"long-term-hospital", "hospital", "gp", "social-service", "home-care", "municipality", "residential", "other"}
)
ROLES = frozenset({"case-manager", "privacy-officer"})


def connect(
    store: Store,
    vault: Vault,
    registry: Registry,
    entries: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    then: Callable[[Tx], None] = lambda _tx: None,
) -> list[str]:
    """Store these entries (file name, content); returns the ids. ConfigurationError names file and key.

    `then` is done with it: what Consents mean depends on who is connected (`Rulebook.recompile`).
    """
    checked = [check_entry(name, entry, registry) for name, entry in entries]
    with store.writing() as tx:
        for configuration, secrets in checked:
            resource = organisation_resource(configuration)
            assert_valid(resource)
            id = resource["id"]
            sealed = None
            if secrets:
                context = f"organisation-secrets:{id}"
                sealed = vault.seal(tx, msgspec.json.encode(secrets), context=context, clients=[])
            tx.organisations.put(OrganisationEntry(id, resource, configuration, sealed))
        then(tx)
    return [configuration["organisation"]["id"] for configuration, _ in checked]


def check_entry(
    name: str, entry: Mapping[str, Any], registry: Registry
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """An entry without its secrets, and the secrets by adapter id."""
    if unknown := sorted(entry.keys() - TABLES):
        raise ConfigurationError(f"unknown table `{unknown[0]}`", place=name)
    about = entry.get("organisation")
    if not isinstance(about, Mapping):
        raise ConfigurationError("the table `organisation` is missing", place=name)
    _check_organisation(name, about)
    for table in ("items", "identity", "smart"):
        if not isinstance(entry.get(table, {}), Mapping):
            raise ConfigurationError(f"write `[{table}]`, a table", place=f"{name}: {table}")
    listed = entry.get("adapter", [])
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise ConfigurationError("write `[[adapter]]`, a table for each", place=f"{name}: adapter")
    _check_smart(name, entry.get("smart", {}))
    for direction, listed in entry.get("items", {}).items():
        if direction not in ("push", "pull", "duty") or not set(listed) <= ITEMS:
            raise ConfigurationError(f"items are {', '.join(sorted(ITEMS))}", place=f"{name}: items.{direction}")
    secrets: dict[str, dict[str, Any]] = {}
    adapters = []
    for number, adapter in enumerate(entry.get("adapter", [])):
        place = f"{name}: adapter[{number}]"
        public, hidden = _check_adapter(place, adapter, registry)
        adapters.append(public)
        if hidden:
            secrets[adapter["id"]] = hidden
    return {**entry, "organisation": dict(about), "adapter": adapters}, secrets


def _check_organisation(name: str, about: Mapping[str, Any]) -> None:
    for key in ("id", "name", "kind"):
        if not isinstance(about.get(key), str) or not about[key]:
            raise ConfigurationError(f"`{key}` is missing", place=f"{name}: organisation")
    if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", about["id"]):
        raise ConfigurationError("`id` is a FHIR id: letters, digits, `-`, `.`", place=f"{name}: organisation.id")
    if about["kind"] not in KINDS:
        raise ConfigurationError(f"`kind` is one of {', '.join(sorted(KINDS))}", place=f"{name}: organisation.kind")
    if not set(about.get("roles", [])) <= ROLES:
        raise ConfigurationError(f"roles are {', '.join(sorted(ROLES))}", place=f"{name}: organisation.roles")
    if about.get("ico") and not ico_holds(str(about["ico"])):
        raise ConfigurationError("the check digit of `ico` does not hold", place=f"{name}: organisation.ico")


def _check_smart(name: str, smart: Mapping[str, Any]) -> None:
    place = f"{name}: smart"
    if unknown := sorted(smart.keys() - SMART):
        raise ConfigurationError(f"unknown key `{unknown[0]}`", place=place)
    if "jwks" in smart and "jwks_url" in smart:
        raise ConfigurationError("keys are registered by value (`jwks`) or by address (`jwks_url`)", place=place)
    if "jwks" in smart:
        check_keys(smart["jwks"], place=f"{place}.jwks")
    if "jwks_url" in smart:
        try:
            Origin.of(str(smart["jwks_url"]), private_network=smart.get("private_network") is True)
        except ConfigurationError as wrong:
            raise ConfigurationError(wrong.message, place=f"{place}.jwks_url") from wrong
    try:
        Scopes.parse(str(smart.get("scopes", "")))
    except InsufficientScope as wrong:
        raise ConfigurationError(wrong.message, place=f"{place}.scopes") from wrong


def _check_adapter(place: str, adapter: Mapping[str, Any], registry: Registry) -> tuple[dict[str, Any], dict[str, Any]]:
    if "id" not in adapter:
        raise ConfigurationError("`id` is missing", place=place)
    known = registry.get(adapter["id"])
    extra = set(adapter.get("directions", [])) - set(known.manifest.directions)
    if extra:
        raise ConfigurationError(f"adapter `{adapter['id']}` cannot {', '.join(sorted(extra))}", place=place)
    config = dict(adapter.get("config", {}))
    known.schema.complete(config, place=f"{place}.config")
    hidden = {k: config.pop(k) for k in known.schema.secrets if k in config}
    return {**adapter, "config": config}, hidden


def ico_holds(ico: str) -> bool:
    """Whether the check digit of an IČO (eight digits, modulus 11) holds."""
    if not re.fullmatch(r"\d{8}", ico):
        return False
    total = sum(int(d) * w for d, w in zip(ico, range(8, 1, -1), strict=False))
    return (11 - total % 11) % 10 == int(ico[7])
