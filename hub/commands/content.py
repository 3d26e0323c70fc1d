"""`hub map` and `hub validate`: mappings and the R4 check, offline, on files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.commands.common import DATA_WRONG, Json, say, settings, telling


def map_file(
    file: Annotated[Path, typer.Argument(help="CDA, HL7 v2, CSV or a FHIR Bundle.")],
    format: Annotated[str, typer.Option("--format", help="cda, hl7v2, tabular, fhir; recognised if not named.")] = "",
    mapping: Annotated[str, typer.Option("--mapping", help="The id of a mapping; recognised if not named.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="The character set, where the file does not say.")] = "",
    report: Annotated[bool, typer.Option("--report", help="Print trace, residue and warnings instead.")] = False,
) -> None:
    """Run a mapping on a file: a FHIR Bundle on standard output."""
    from hub.adapters.sdk.contract import Received
    from hub.bootstrap import knowledge
    from hub.exchange.ingest import Channel
    from hub.mapping.report import report as report_of

    with telling():
        configured = settings(None)
        known = knowledge(configured.mappings, configured.time_zone)
        body = file.read_bytes()
        recognised = format or known.library.format_of(body, file.name)
        received = Received(body, recognised, file.name, file.name, encoding or None)
        mapped = known.map_all(Channel("offline", recognised, mapping, {}), known.read(received))
        if report:
            say(report_of(mapped))
            return
        for one in mapped:
            say(one.bundle)


def validate_files(
    files: Annotated[list[Path], typer.Argument(help="FHIR R4 resources as JSON.")], json: Json = False
) -> None:
    """Check files against FHIR R4 as the server does it; exit 1 where one is wrong."""
    from hub.fhir import text
    from hub.fhir.validate import validate

    wrong = 0
    results: list[dict[str, Any]] = []
    with telling():
        for file in files:
            faults = validate(text.read(file.read_bytes(), name=file.name))
            errors = [f for f in faults if f.severity == "error"]
            wrong += bool(errors)
            results.append(
                {
                    "file": file.name,
                    "valid": not errors,
                    "faults": [
                        {"path": f.path, "rule": f.rule, "severity": f.severity, "text": f.text} for f in faults
                    ],
                }
            )
    if json:
        say(results)
    else:
        for result in results:
            say(f"{result['file']}: {'valid' if result['valid'] else 'not valid'}")
            for fault in result["faults"]:
                say(f"  {fault['severity']} {fault['path'] or '/'} {fault['rule']}: {fault['text']}")
    if wrong:
        raise typer.Exit(DATA_WRONG)
