"""`hub deliveries`: what went where, what waits, what was given up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from hub.commands.common import DATA_WRONG, Data, Json, fail, opened, say, telling

app = typer.Typer(help="Deliveries: what went to whom, what waits, what was given up.", no_args_is_help=True)


@app.command("list")
def list_(
    data: Data = None,
    json: Json = False,
    state: Annotated[str, typer.Option("--state", help="pending, delivered, withheld, dead, ...")] = "",
    limit: Annotated[int, typer.Option("--limit")] = 1_000,
) -> None:
    """List deliveries, oldest first."""
    with telling(), opened(data) as hub, hub.store.reading() as tx:
        found = [line(d) for d in tx.deliveries.list(limit=limit) if not state or str(d.state) == state]
    if json:
        say(found)
        return
    for one in found:
        areas = ", ".join(one["areas"])
        what = f"{one['organisation']:<14} {one['item']:<18} {one['state']:<10}"
        say(f"{one['updated']}  {what} {areas} {one['outcome']}")


@app.command()
def show(id: str, data: Data = None) -> None:
    """Show one delivery with its reasons."""
    with telling(), opened(data) as hub, hub.store.reading() as tx:
        found = tx.deliveries.read(id)
    if found is None:
        fail(f"no delivery `{id}`", DATA_WRONG)
    say(line(found))


@app.command()
def resend(id: str, data: Data = None) -> None:
    """Put a dead delivery back into the queue; it is decided anew when it is sent."""
    from hub.store.model import DeliveryState

    with telling(), opened(data) as hub, hub.store.writing() as tx:
        found = tx.deliveries.read(id)
        if found is None:
            fail(f"no delivery `{id}`", DATA_WRONG)
        if found.state is not DeliveryState.DEAD:
            fail(f"this delivery is {found.state}; only a dead one is sent again", DATA_WRONG)
        tx.deliveries.retry(id, hub.clock(), "resent by the operator")
    say(f"{id} waits to be sent again")


def line(delivery: Any) -> dict[str, Any]:
    """A delivery as the command line prints it."""
    fields = asdict(delivery)
    fields.pop("detail", None)
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in fields.items()}
