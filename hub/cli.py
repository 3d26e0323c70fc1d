"""`hub`: what a person types. Each command parses, calls one use case and renders."""

from __future__ import annotations

import typer

from hub.commands import audit, client, consent, content, deliveries, demo, identity, organisations, reindex, serve

app = typer.Typer(
    name="hub",
    help="casehub: an interoperability hub for case management across health and social care.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("init")(serve.init)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("all")(serve.everything)
app.command("map")(content.map_file)
app.command("validate")(content.validate_files)
app.command("reindex")(reindex.reindex)
app.add_typer(organisations.app, name="org")
app.add_typer(client.app, name="client")
app.add_typer(consent.app, name="consent")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(identity.app, name="identity")
app.add_typer(audit.app, name="audit")
app.add_typer(reindex.app, name="search-parameter")


def main() -> None:
    """The entry point of the `hub` command."""
    app()
