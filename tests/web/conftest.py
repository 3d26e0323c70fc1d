"""A hub on a real socket, a furnished house behind it, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from hub.api.app import create_app
from hub.bootstrap import Hub
from hub.demo.cast import MUNICIPALITY
from tests.web.house import Clock, House, new_hub, play

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Listening(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """The hub's HTTP door on a free port of loopback; its address."""
    server = Listening(uvicorn.Config(create_app(hub), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.up.wait(30), "the server does not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One client's story, played once."""
    clock = Clock()
    hub = new_hub(tmp_path_factory.mktemp("house"), viewer=MUNICIPALITY.id, clock=clock)
    furnished = House(hub, clock, {})
    play(furnished)
    yield furnished
    hub.close()


@pytest.fixture(scope="session")
def base(house: House) -> Iterator[str]:
    """The address of the hub with the story in it."""
    with serving(house.hub) as address:
        yield address


@pytest.fixture
def visitor(base: str) -> Iterator[httpx.Client]:
    """A visitor on this machine who reads English."""
    with httpx.Client(base_url=base, headers={"Accept-Language": "en"}, timeout=30) as client:
        yield client


@pytest.fixture
def empty_hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub where nothing has happened yet."""
    hub = new_hub(tmp_path, viewer=MUNICIPALITY.id, clock=Clock())
    yield hub
    hub.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where it is not installed, the tests that need it say so."""
    where = shutil.which("chromium") or CHROMIUM
    if not Path(where).exists():
        if os.environ.get("CASEHUB_REQUIRE_SERVICES") == "1":
            pytest.fail("a Chromium is required, and none is installed", pytrace=False)
        pytest.skip("no Chromium is installed: the page was not looked at in a browser")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=where, args=ARGUMENTS)
        yield started
        started.close()
