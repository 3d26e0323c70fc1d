"""`hub identity`: links between an organisation's clients and the hub's that a person must decide."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.commands.common import DATA_WRONG, Data, Json, fail, opened, say, telling

app = typer.Typer(help="Links between organisations' clients and the hub's.", no_args_is_help=True)


@app.command("list")
def list_(
    data: Data = None,
    json: Json = False,
    state: Annotated[str, typer.Option("--state", help="confirmed, review or rejected.")] = "review",
) -> None:
    """List links in one state; those in `review` wait for a person."""
    from hub.store.model import LinkState

    if state not in set(LinkState):
        fail(f"no state `{state}`", 2)
    with telling(), opened(data) as hub, hub.store.reading() as tx:
        links = [
            {"id": k.id, "organisation": k.organisation, "client": k.client, "suspect": k.suspect, "why": k.why}
            for k in tx.identity.all(LinkState(state))
        ]
    if json:
        say(links)
        return
    for link in links:
        clients = f"{link['client']}  perhaps {link['suspect']}"
        say(f"{link['id']}  {link['organisation']:<14} {clients}  {link['why'] or ''}")


@app.command()
def decide(
    id: str,
    state: Annotated[str, typer.Argument(help="confirmed (they are two people) or rejected (one).")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.")],
    data: Data = None,
) -> None:
    """Decide a link that waits for review."""
    from hub.store.model import LinkState

    if state not in ("confirmed", "rejected"):
        fail("say `confirmed` or `rejected`", 2)
    with telling(), opened(data) as hub, hub.store.writing() as tx:
        if not any(k.id == id for k in tx.identity.all()):
            fail(f"no link `{id}`", DATA_WRONG)
        tx.identity.decide(id, LinkState(state), why)
    say(f"{id} is {state}")
