"""The hub as the demo sees it: a process on a port and a data directory that can be started, killed and
restarted.

`kill` is `kill -9`: the hub gets no chance to tidy up. What it acknowledged must be there after `start`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from hub.demo.errors import HubStartError

START_SECONDS = 60.0


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return int(port)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class HubProcess:
    """`hub all` on one data directory: started, stopped, killed and started again on the same port."""

    def __init__(self, data: Path, *, port: int | None = None, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.port = port if port and is_free(port) else free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}.log"
        self.starts = 0
        self._environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "HUB_BASE_URL": self.base,
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, attempts: int = 3, accept: Sequence[int] = (0,)) -> str:
        """Run `hub ...` beside the running hub and return what it printed."""
        for attempt in range(attempts):
            done = subprocess.run(
                [sys.executable, "-m", "hub", *arguments],
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode in accept:
                return done.stdout
            if attempt + 1 < attempts:
                time.sleep(0.3)
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HubStartError(f"hub {' '.join(arguments[:2])} ended with {done.returncode}: {last}")

    def json(self, *arguments: str, accept: Sequence[int] = (0,)) -> Any:
        """Run `hub ... --json --data DIR` and read its JSON."""
        return json.loads(self.command(*arguments, "--json", "--data", str(self.data), accept=accept))

    def init(self) -> None:
        """Set up a new hub."""
        self.command("init", "--data", str(self.data), attempts=1)

    def connect(self, organisations: Sequence[Path]) -> None:
        """Connect organisations by their entries."""
        self.command("org", "add", *map(str, organisations), "--data", str(self.data), attempts=1)

    def start(self) -> None:
        """Start the hub and wait until it is ready to serve."""
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub", "all", "--data", str(self.data), "--port", str(self.port)],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise HubStartError(f"the hub's process ended with {self._process.returncode}; see {self.log}")
            try:
                if httpx.get(f"{self.base}/health/ready", timeout=2.0).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise HubStartError(f"the hub was not ready after {START_SECONDS:.0f} s; see {self.log}")

    def is_busy(self) -> bool:
        """Whether the hub says that something waits to be done, or does not answer."""
        try:
            answer = httpx.get(f"{self.base}/health/ready", timeout=5.0)
        except httpx.TransportError:
            return True
        return answer.status_code != 200 or any(answer.json().get("waiting", {}).values())

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the hub to stop; kill it if it does not."""
        try:
            self._signal(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(timeout=20)
