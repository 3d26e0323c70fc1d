"""`hub org`: connect an organisation, look at it, test its connection, disable it."""

from __future__ import annotations

import tomllib
from json import loads as json_of
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.commands.common import DATA_WRONG, USAGE, Data, Json, fail, opened, say, telling
from hub.errors import ConfigurationError

app = typer.Typer(help="Connected organisations: an entry each, no code.", no_args_is_help=True)


@app.command()
def add(
    files: Annotated[list[Path] | None, typer.Argument(help="Entries (TOML).")] = None,
    id: Annotated[str, typer.Option("--id", help="Instead of a file: the organisation's id.")] = "",
    name: Annotated[str, typer.Option("--name", help="Its name.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="gp, hospital, social-service, municipality, ...")] = "",
    ico: Annotated[str, typer.Option("--ico", help="Its IČO.")] = "",
    roles: Annotated[
        list[str] | None, typer.Option("--role", help="case-manager, privacy-officer (repeatable).")
    ] = None,
    jwks: Annotated[Path | None, typer.Option("--jwks", help="A file with its public keys (JWKS).")] = None,
    jwks_url: Annotated[str, typer.Option("--jwks-url", help="Where it publishes them instead.")] = "",
    scopes: Annotated[str, typer.Option("--scopes", help="What its tokens may cover.")] = "system/*.cruds",
    data: Data = None,
    json: Json = False,
) -> None:
    """Connect organisations, or change their entries, and print what the vendor of each needs to call the hub.

    Every fault is named before anything is stored.
    """
    from hub.exchange.connect import connect
    from hub.exchange.handout import handout
    from hub.exchange.organisations import member

    if bool(files) == bool(id):
        fail("name the files of entries, or describe one organisation with --id, --name, --kind", USAGE)
    with telling():
        entries = [(f.name, _toml(f)) for f in files or ()]
        if id:
            entries = [("--id", described(id, name, kind, ico, roles or [], jwks, jwks_url, scopes))]
        with opened(data) as hub:
            added = connect(hub.store, hub.vault, hub.registry, entries, then=hub.rulebook.recompile)
            with hub.store.reading() as tx:
                found = [tx.organisations.read(id) for id in added]
            told = [handout(hub.settings.public_url, member(entry)) for entry in found if entry is not None]
    say(told if json else "\n\n".join(map(page, told)))


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """List connected organisations."""
    with telling(), opened(data) as hub, hub.store.reading() as tx:
        entries: list[dict[str, Any]] = [
            {
                "id": e.id,
                "name": e.resource.get("name"),
                "adapters": [a["id"] for a in e.configuration.get("adapter", [])],
                "active": e.active,
            }
            for e in tx.organisations.list()
        ]
    if json:
        say(entries)
        return
    for e in entries:
        say(f"{e['id']:<16} {', '.join(e['adapters']) or '-':<18} {'' if e['active'] else 'disabled '}{e['name']}")


@app.command()
def check(id: str, data: Data = None, json: Json = False) -> None:
    """Test an organisation's keys and connections; nothing is changed there. Exit 1 where one is not well."""
    from hub.exchange.handout import key_findings
    from hub.exchange.organisations import member

    with telling(), opened(data) as hub:
        with hub.store.reading() as tx:
            entry = tx.organisations.read(id)
            if entry is None:
                fail(f"no organisation `{id}`", DATA_WRONG)
            found = member(entry, hub.secrets_of(tx, id))
        findings = [
            *key_findings(found),
            *(
                {"adapter": c.adapter, "what": f.what, "well": f.well, "advice": f.advice}
                for c in found.connections
                for f in hub.adapter(c.adapter).check(c)
            ),
        ]
    if json:
        say(findings)
    else:
        for f in findings:
            say(f"{'ok ' if f['well'] else 'NOT'} {f['adapter']}: {f['what']} {f['advice']}")
    if not all(f["well"] for f in findings):
        raise typer.Exit(DATA_WRONG)


@app.command()
def disable(id: str, data: Data = None) -> None:
    """Disconnect an organisation: its tokens, pulls and deliveries stop at once."""
    with telling(), opened(data) as hub, hub.store.writing() as tx:
        if tx.organisations.read(id) is None:
            fail(f"no organisation `{id}`", DATA_WRONG)
        tx.organisations.disable(id)
        hub.rulebook.recompile(tx)
    say(f"{id} is disabled")


def described(
    id: str, name: str, kind: str, ico: str, roles: list[str], jwks: Path | None, jwks_url: str, scopes: str
) -> dict[str, Any]:
    """An entry made of options, as a file would say it."""
    about = {"id": id, "name": name, "kind": kind, "roles": roles, **({"ico": ico} if ico else {})}
    smart: dict[str, Any] = {}
    if jwks is not None:
        smart["jwks"] = _json(jwks)
    if jwks_url:
        smart["jwks_url"] = jwks_url
    return {"organisation": about, "smart": {**smart, "scopes": scopes} if smart else {}}


def page(told: dict[str, Any]) -> str:
    """The handout of one organisation, as an operator passes it on."""
    keys = [f"{key['kind'] or key['fault']}, kid {key['kid']}, {thumbprint(key)}" for key in told["keys"]]
    lines = [
        ("FHIR base", told["fhir"]),
        ("metadata", told["metadata"]),
        ("SMART", told["smart"]),
        ("token URL", f"{told['token']}  (also the audience, `aud`, of assertions)"),
        ("client id", f"{told['id']}  (`iss` and `sub` of assertions)"),
        ("acts as", f"{told['reference']}  (what Consents name)"),
        ("signs with", " or ".join(told["algorithms"])),
        *(("key", key) for key in keys),
        *([("keys at", told["jwks_url"])] if told["jwks_url"] else []),
        ("scopes", told["scopes"]),
        ("purpose", f"{told['purpose']}, or another of v3-ActReason; each token names one"),
        ("basis", f"{' or '.join(told['bases'])}; each token names one"),
    ]
    first = f"{told['id']} is connected: {told['name']} ({', '.join([told['kind'], *told['roles']])})"
    if told["adapters"]:
        first += f"; the hub speaks to it by {', '.join(told['adapters'])}"
    if told["example"] is None:
        return f"{first}\n  it has no keys here, so it does not call the API"
    said = "\n".join(f"  {what:<10}  {value}" for what, value in lines)
    example = "\n".join(f"    {line}" for line in told["example"].splitlines())
    return f"{first}\n\n{said}\n\n  a first request:\n\n{example}"


def thumbprint(key: dict[str, str]) -> str:
    """The thumbprint of a key, by which operator and vendor compare it."""
    return "which is its thumbprint" if key["kid"] == key["thumbprint"] else f"thumbprint {key['thumbprint'] or '-'}"


def _json(file: Path) -> Any:
    try:
        return json_of(file.read_text("utf-8"))
    except ValueError as error:
        raise ConfigurationError("is not JSON", place=file.name) from error


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error), place=file.name) from error
