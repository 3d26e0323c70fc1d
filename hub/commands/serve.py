"""`hub init`, `hub serve`, `hub worker`, `hub all`."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from hub.commands.common import Data, Json, say, settings, telling
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    import uvicorn

    from hub.bootstrap import Hub

Port = Annotated[int | None, typer.Option("--port", help="Port of the API and the pages (HUB_PORT; 8080).")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on (HUB_HOST; 127.0.0.1).")]


def init(data: Data = None, json: Json = False) -> None:
    """Set up a hub: its keys and its database, in the data directory. Safe to repeat."""
    from hub.bootstrap import bootstrap
    from hub.security.keys import HubKeys

    with telling():
        known = settings(data)
        fresh = not known.keys.is_dir()
        known.data.mkdir(parents=True, exist_ok=True)
        if fresh:
            HubKeys.generate().save(known.keys)
        hub = bootstrap(known)
        hub.close()
        report = {"data": str(known.data), "database": known.database.split("://")[0], "new": fresh}
        say(report if json else f"{'a new hub' if fresh else 'the hub'} is ready in {known.data}")


def serve(data: Data = None, port: Port = None, host: Host = None) -> None:
    """Serve the API and the pages."""
    run(data, port, host, api=True, work=False)


def worker(data: Data = None) -> None:
    """Deliver, listen and poll; no API."""
    run(data, None, None, api=False, work=True)


def everything(data: Data = None, port: Port = None, host: Host = None) -> None:
    """API, pages and delivery in one process."""
    run(data, port, host, api=True, work=True)


def run(data: Path | None, port: int | None, host: str | None, *, api: bool, work: bool) -> None:
    """Run the parts asked for until the process is told to stop."""
    from hub.bootstrap import bootstrap
    from hub.logs import configure_logs
    from hub.worker import Worker

    with telling():
        known = settings(data, port=port, host=host)
        configure_logs(known.log_level)
        hub = bootstrap(known)
    workers = Worker(hub) if work else None
    try:
        with telling():
            if workers:
                workers.start()
            if api:
                serve_api(hub)
            else:
                wait_for_the_end()
    finally:
        if workers:
            workers.stop()
        hub.close()


def serve_api(hub: Hub) -> None:
    """Run the HTTP server until it is told to stop."""
    server = http_server(hub)

    def end(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for told in (signal.SIGINT, signal.SIGTERM):  # uvicorn repeats to these what it was told, once it has ended
        signal.signal(told, end)
    with suppress(SystemExit):  # how uvicorn gives up when it cannot start
        server.run()
    if not server.started:
        raise ConfigurationError("cannot listen here; is the port taken?", place=f"port {hub.settings.port}")


def http_server(hub: Hub) -> uvicorn.Server:
    """The HTTP server of this hub, not yet running. Its own words go to the hub's logs, where no content may stand."""
    import uvicorn

    from hub.api.app import create_app
    from hub.api.protocol import Connection

    return uvicorn.Server(
        uvicorn.Config(
            create_app(hub),
            host=hub.settings.host,
            port=hub.settings.port,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=30,
            http=Connection,
            ws="none",
            proxy_headers=False,
        )
    )


def wait_for_the_end() -> None:
    """Wait for SIGINT or SIGTERM."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    ended.wait()
