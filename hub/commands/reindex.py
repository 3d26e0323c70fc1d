"""`hub reindex` and `hub search-parameter`: what search looks for, and that every record is indexed for it."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.commands.common import Data, Json, opened, say, telling

if TYPE_CHECKING:
    from hub.store.jobs_model import Progress, StoredParameter

app = typer.Typer(help="Search parameters that this hub adds to FHIR's.", no_args_is_help=True)

PAUSE = 0.5
"""Seconds to wait while another process works."""


def reindex(
    data: Data = None,
    json: Json = False,
    again: Annotated[bool, typer.Option("--again", help="Begin anew, though the definitions are the same.")] = False,
) -> None:
    """Index every record by today's definitions: go on where it was left, whoever left it."""
    with telling(), opened(data) as hub, _bars(shown=not json and sys.stderr.isatty()) as bars:
        hub.reindexer.begin(again=again)
        while running := [one for one in hub.reindexer.progress() if one.state == "running"]:
            for one in running:
                bars(one)
            if not hub.reindexer.step():
                time.sleep(PAUSE)
        found = hub.reindexer.progress()
    for one in found:
        bars(one)
    if json:
        say([_said(one) for one in found])
        return
    for one in found:
        say(f"{one.name}  {one.done} of {one.total} records")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A SearchParameter as JSON.")], data: Data = None, json: Json = False
) -> None:
    """Add a search parameter; records are indexed for it by a running worker, or by `hub reindex`."""
    from hub.exchange.reindexing import OwnParameters
    from hub.fhir import text
    from hub.fhir.validate import assert_valid

    with telling():
        resource = text.read(file.read_bytes())
        assert_valid(resource)
        with opened(data) as hub, hub.store.writing() as tx:
            made = OwnParameters().add(tx, resource)
    if json:
        say({"url": made.url, "code": made.code, "kind": made.kind})
    else:
        say(f"{made.code} is added, and can be searched by once every record is indexed (`hub reindex`)")


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """List the search parameters that this hub adds, and how far their index is."""
    with telling(), opened(data) as hub, hub.store.reading() as tx:
        found = [(one, tx.jobs.progress(one.job)) for one in tx.search_parameters.all()]
    if json:
        say([{**_named(parameter), "index": job and _said(job)} for parameter, job in found])
        return
    for parameter, job in found:
        bases = ", ".join(parameter.resource["base"])
        say(f"{parameter.code:<24} {bases:<32} {job.percent if job else 0:>3} %  {parameter.url}")


@app.command()
def remove(url: Annotated[str, typer.Argument(help="The URL of the SearchParameter.")], data: Data = None) -> None:
    """Take a search parameter away, with what was indexed for it."""
    from hub.exchange.reindexing import OwnParameters

    with telling(), opened(data) as hub, hub.store.writing() as tx:
        OwnParameters().remove(tx, url)
    say(f"{url} is removed")


def _named(parameter: StoredParameter) -> dict[str, Any]:
    return {"url": parameter.url, "code": parameter.code, "bases": parameter.resource["base"]}


def _said(job: Progress) -> dict[str, Any]:
    return {
        "name": job.name,
        "state": str(job.state),
        "done": job.done,
        "total": job.total,
        "percent": job.percent,
        "started": job.started.isoformat(),
        "updated": job.updated.isoformat(),
    }


def _bars(*, shown: bool) -> AbstractContextManager[Any]:
    """A bar for each job, where a person is looking."""
    if not shown:
        return nullcontext(lambda _: None)
    return _shown_bars()


def _shown_bars() -> AbstractContextManager[Any]:
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    @contextmanager
    def showing() -> Any:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        tasks: dict[str, TaskID] = {}
        with Progress(*columns, console=Console(stderr=True)) as bars:

            def update(job: Any) -> None:
                if job.name not in tasks:
                    tasks[job.name] = bars.add_task(job.name, total=job.total)
                bars.update(tasks[job.name], completed=job.done, total=job.total)

            yield update

    return showing()
