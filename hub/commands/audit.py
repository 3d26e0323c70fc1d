"""`hub audit`: is the evidence whole?"""

from __future__ import annotations

import typer

from hub.commands.common import DATA_WRONG, Data, Json, opened, say, telling

app = typer.Typer(help="The audit journal and its evidence.", no_args_is_help=True)


@app.callback()
def _family() -> None:
    """Commands on the audit."""


@app.command()
def verify(data: Data = None, json: Json = False) -> None:
    """Verify the hash chain of the journal and that the audit store agrees with it; exit 1 at the first fault."""
    from hub.exchange.evidence import verify as verify_evidence

    with telling(), opened(data) as hub:
        report = verify_evidence(hub.settings.journal, hub.audit_store)
    say(report if json else sentence(report))
    if not report["holds"]:
        raise typer.Exit(DATA_WRONG)


def sentence(report: dict[str, object]) -> str:
    """The report as a person reads it."""
    if report["holds"]:
        return f"the audit chain holds: {report['entries']} entries in {report['files']} files"
    return f"the audit chain is broken: {report['faults']}"
