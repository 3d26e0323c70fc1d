"""`hub demo`: one client's journey from hospital to home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.commands.common import Json


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play and end; exit 0 only if every check held.")] = False,
    json: Json = False,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the raw bytes each organisation received.")] = None,
    hospital_document: Annotated[
        Path | None, typer.Option("--hospital-document", help="A CDA document from outside.", exists=True)
    ] = None,
    gp_summary: Annotated[
        Path | None, typer.Option("--gp-summary", help="An IPS Bundle from outside.", exists=True)
    ] = None,
    port: Annotated[int, typer.Option("--port", help="The port of the page; 0 takes a free one.")] = 8080,
) -> None:
    """Play one client's journey with five simulated organisations, and leave the page up."""
    from hub.demo.run import Options, play

    code = play(
        Options(once=once, json=json, out=out, hospital_document=hospital_document, gp_summary=gp_summary, port=port)
    )
    raise typer.Exit(code)
