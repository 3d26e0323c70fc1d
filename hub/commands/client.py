"""`hub client`: what an integrator needs on their side: a key and a signed assertion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.commands.common import say, telling

app = typer.Typer(help="For the integrator of a connected system: keys and assertions.", no_args_is_help=True)


@app.command()
def keygen(out: Annotated[Path, typer.Option("--out", help="Where the private key goes (JWK, mode 0600).")]) -> None:
    """Make an ES384 key; prints the public JWKS to register with the hub."""
    from hub.security.client_keys import generate_client_key

    with telling():
        say(generate_client_key(out))


@app.command()
def assertion(
    key: Annotated[Path, typer.Option("--key", help="The private key that `keygen` wrote.")],
    id: Annotated[str, typer.Option("--id", help="The organisation's id at the hub.")],
    audience: Annotated[str, typer.Option("--audience", help="The hub's token URL.")],
) -> None:
    """Print a signed client assertion, good once, for five minutes (SMART Backend Services)."""
    from hub.security.client_keys import sign_assertion

    with telling():
        say(sign_assertion(key, organisation=id, audience=audience))
