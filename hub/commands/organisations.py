"""`hub org`: connect an organisation, look at it, test its connection, disable it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.commands.common import DATA_WRONG, Data, Json, fail, opened, say, telling
from hub.errors import ConfigurationError

app = typer.Typer(help="Connected organisations: an entry each, no code.", no_args_is_help=True)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Entries (TOML).")], data: Data = None, json: Json = False
) -> None:
    """Connect organisations, or change their entries; every fault is named before anything is stored."""
    from hub.exchange.connect import connect

    with telling(), opened(data) as hub:
        entries = [(f.name, _toml(f)) for f in files]
        added = connect(hub.store, hub.vault, hub.registry, entries)
        base = hub.settings.public_url
        told = [
            {
                "id": id,
                "fhir": f"{base}/fhir",
                "token": f"{base}/oauth/token",
                "reference": f"Organization/{id}",
            }
            for id in added
        ]
    if json:
        say(told)
        return
    for one in told:
        say(f"{one['id']} is connected\n  FHIR   {one['fhir']}\n  token  {one['token']}\n  actor  {one['reference']}")


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
    """Test an organisation's connections; nothing is changed there. Exit 1 where one is not well."""
    from hub.exchange.organisations import member

    with telling(), opened(data) as hub:
        with hub.store.reading() as tx:
            entry = tx.organisations.read(id)
            if entry is None:
                fail(f"no organisation `{id}`", DATA_WRONG)
            found = member(entry, hub.secrets_of(tx, id))
        findings = [
            {"adapter": c.adapter, "what": f.what, "well": f.well, "advice": f.advice}
            for c in found.connections
            for f in hub.adapter(c.adapter).check(c)
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
    say(f"{id} is disabled")


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error), place=file.name) from error
