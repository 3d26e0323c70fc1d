"""How the tests play the journey: by typing the command, or inside this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.demo.options import Options, Outcome
from hub.demo.run import perform
from hub.demo.show import Teller
from hub.demo.stage import staged
from hub.demo.story import Story

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CASEHUB_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
SERVICES_REQUIRED = os.environ.get("CASEHUB_REQUIRE_SERVICES") == "1"


@dataclass(frozen=True, slots=True)
class Printed:
    """What `hub demo --once --json --out DIR` did: its exit code, its JSON, and the files it kept."""

    code: int
    document: Mapping[str, Any]
    out: Path
    said: str

    @property
    def broken(self) -> list[str]:
        """The sentences that did not hold."""
        return [check["name"] for check in self.document["checks"] if not check["held"]]

    def bytes_of(self, organisation: str) -> Iterator[tuple[Path, bytes]]:
        """Every file that an organisation received, raw."""
        for file in sorted((self.out / organisation).iterdir()):
            yield file, file.read_bytes()


def demo(out: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Printed:
    """Type `hub demo --once --json --out DIR ...` and read what it prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hub",
            "demo",
            "--once",
            "--json",
            "--port",
            "0",
            "--out",
            str(out),
            *arguments,
        ],
        env={**os.environ, **(environment or {})},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    document = json.loads(done.stdout) if done.stdout.strip() else {"checks": [], "ledger": [], "withheld": []}
    return Printed(done.returncode, document, out, done.stderr)


@contextmanager
def stage(work: Path, **options: Any) -> Iterator[tuple[Story, Options]]:
    """A stage of one test's own."""
    asked = Options(once=True, out=work / "received", **options)
    with staged(asked, work) as story:
        yield story, asked


def play(work: Path, **options: Any) -> Outcome:
    """The journey inside this process, for tests that reach into it."""
    with stage(work, **options) as (story, asked):
        return perform(story, asked, Teller(quiet=True))
