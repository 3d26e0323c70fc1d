"""Connected organisations as the exchange uses them: their connections, items, roles and audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.adapters.sdk.contract import Connection
from hub.exchange.vault import Vault
from hub.fhir import codes
from hub.fhir.references import walk_references
from hub.fhir.value import Reference, Resource
from hub.store.model import LinkState, OrganisationEntry
from hub.store.store import Tx


@dataclass(frozen=True, slots=True)
class Member:
    """One connected organisation: a configuration entry, not code."""

    id: str
    name: str
    kind: str
    roles: frozenset[str]
    connections: tuple[Connection, ...]
    mappings: Mapping[str, tuple[str, str]]
    """adapter id -> (mapping in, mapping out); empty = the one recognised from the content."""
    push: tuple[str, ...]
    pull: tuple[str, ...]
    duty: tuple[str, ...]
    purpose: str
    jwks: Mapping[str, Any] | None
    """The public keys of its system, where they are registered by value."""
    jwks_url: str
    """Where it publishes them, where they are registered by address."""
    jwks_private: bool
    """Whether that address may lie in a private network."""
    scopes: str
    systems: tuple[str, ...]
    """The systems of the organisation's own client numbers."""
    active: bool

    @property
    def reference(self) -> Reference:
        return f"Organization/{self.id}"

    def connection(self, direction: str) -> Connection | None:
        """The connection that works in this direction, if the organisation has one."""
        return next((c for c in self.connections if direction in c.directions), None)


def member(entry: OrganisationEntry, secrets: Mapping[str, Mapping[str, object]] | None = None) -> Member:
    """An organisation entry as its parts; `secrets` are put into the connections' configuration by adapter id."""
    configuration = entry.configuration
    items = configuration.get("items", {})
    adapters = configuration.get("adapter", [])
    return Member(
        id=entry.id,
        name=str(entry.resource.get("name", entry.id)),
        kind=str(configuration.get("organisation", {}).get("kind", "")),
        roles=frozenset(configuration.get("organisation", {}).get("roles", [])),
        connections=tuple(
            Connection(
                organisation=entry.id,
                adapter=a["id"],
                directions=frozenset(a.get("directions", [])),
                config={**_plain(a.get("config", {})), **(secrets or {}).get(a["id"], {})},
                encoding=a.get("encoding"),
            )
            for a in adapters
        ),
        mappings={a["id"]: (a.get("mapping_in", ""), a.get("mapping_out", "")) for a in adapters},
        push=tuple(items.get("push", [])),
        pull=tuple(items.get("pull", [])),
        duty=tuple(items.get("duty", [])),
        purpose=str(configuration.get("organisation", {}).get("purpose", "COC")),
        jwks=configuration.get("smart", {}).get("jwks"),
        jwks_url=str(configuration.get("smart", {}).get("jwks_url", "")),
        jwks_private=configuration.get("smart", {}).get("private_network") is True,
        scopes=str(configuration.get("smart", {}).get("scopes", "")),
        systems=tuple(configuration.get("identity", {}).get("systems", [])),
        active=entry.active,
    )


def members(tx: Tx) -> list[Member]:
    """Every active organisation."""
    return [member(e) for e in tx.organisations.list() if e.active]


def case_managers(tx: Tx) -> frozenset[Reference]:
    """The organisations whose case managers write plans and capture Consents, also such as left meanwhile."""
    known = (member(e) for e in tx.organisations.list())
    return frozenset(m.reference for m in known if "case-manager" in m.roles)


def audience(tx: Tx, vault: Vault, client: Reference) -> list[Member]:
    """The organisations that may hear of this client at all: linked to them, on their team, or their GP.

    Whether they then get anything is decided at the gate, at the moment of sending.
    """
    linked = {link.organisation for link in tx.identity.of_client(client) if link.state is not LinkState.REJECTED}
    for resource in vault.opened(tx, tx.records.standing_around((client,), {"CareTeam", "Patient"})).values():
        linked |= _organisations_in(resource)
    return [m for m in members(tx) if m.id in linked]


def registering_providers(tx: Tx, vault: Vault, client: Reference) -> frozenset[str]:
    """The ids of the organisations that are the client's general practitioner."""
    sealed = tx.records.read(*client.split("/"))
    if sealed is None or sealed.deleted:
        return frozenset()
    patient = vault.open_resource(tx, sealed)
    return frozenset(_organisations_in({"generalPractitioner": patient.get("generalPractitioner", [])}))


def organisation_resource(configuration: Mapping[str, Any]) -> Resource:
    """The Organization resource of a configuration entry."""
    about = configuration["organisation"]
    system = codes.KRPZS if about.get("register") == "krpzs" else codes.ICO
    resource: Resource = {"resourceType": "Organization", "id": about["id"], "active": True, "name": about["name"]}
    identifiers = [{"system": s, "value": about["ico"]} for s in dict.fromkeys((codes.ICO, system)) if about.get("ico")]
    if identifiers:
        resource["identifier"] = identifiers
    if about.get("part_of"):
        resource["partOf"] = {"reference": f"Organization/{about['part_of']}"}
    return resource


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration with ordinary numbers (the store keeps fractions as decimals)."""
    return {k: float(v) if isinstance(v, Decimal) else v for k, v in config.items()}


def _organisations_in(resource: Resource) -> set[str]:
    return {
        node["reference"].split("/")[1]
        for _, node in walk_references(resource)
        if str(node.get("reference", "")).startswith("Organization/")
    }
