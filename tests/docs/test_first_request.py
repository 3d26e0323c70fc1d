"""The first request of docs/api.md, run as it stands: by a shell and by Python, against a hub of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub.fhir.validate import validate
from tests.docs.pages import DOCS, fenced

PAGE = DOCS / "api.md"
ADDRESS = "127.0.0.1:8080"
START = re.compile(r"^hub all .* &$", re.MULTILINE)
PARAMETER = {
    "resourceType": "SearchParameter", "url": "https://clinic.example/SearchParameter/born", "name": "Born",
    "status": "active", "description": "the day of birth", "code": "born", "base": ["Patient"], "type": "date",
    "expression": "Patient.birthDate",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A directory in which the commands of the page are run, and where its hub answers."""

    folder: Path
    address: str

    def run(self, *command: str) -> str:
        """What a command prints; it succeeds."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")} | {"PATH": path}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def here(self, block: str) -> str:
        """A block of the page, for this hub's address."""
        return block.replace(ADDRESS, self.address).replace("--port 8080", f"--port {self.address.split(':')[1]}")


def blocks(language: str) -> list[str]:
    """The blocks under the heading, in one language."""
    section = PAGE.read_text("utf-8").partition("## A first request\n")[2].partition("\n## ")[0]
    return fenced(section, language)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """What the operator does, as the page says it, and the hub under way."""
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Place(tmp_path_factory.mktemp("vendor"), f"127.0.0.1:{probe.getsockname()[1]}")
    operator = made.here(blocks("bash")[0])
    start = START.search(operator)
    assert start is not None
    made.run("bash", "-ec", START.sub("", operator))
    words = start[0].removesuffix("&").split()
    hub = subprocess.Popen([sys.executable, "-m", *words], cwd=made.folder, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://{made.address}/health/ready")
        yield made
    finally:
        hub.terminate()
        hub.wait()


def wait_for(url: str) -> None:
    """Until the hub answers."""
    for _ in range(600):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the hub does not start")


def asked(place: Place) -> str:
    """What the vendor's requests answer."""
    return place.run("bash", "-ec", place.here(blocks("bash")[1]))


def test_a_client_is_introduced_and_found_as_the_page_says(place: Place) -> None:
    patient, page = (json.loads(one) for one in re.findall(r"\{.*?\}(?=\{|$)", asked(place), re.DOTALL))
    assert patient["resourceType"] == "Patient"
    assert [entry["resource"]["id"] for entry in page["entry"]] == [patient["id"]]
    assert list(validate(page)) == []


def test_the_same_from_python(place: Place) -> None:
    page = json.loads(place.run(sys.executable, "-c", place.here(blocks("python")[0])))
    assert (page["resourceType"], page["total"]) == ("Bundle", 0)


def test_a_search_parameter_of_this_hub_is_added_indexed_and_searched_by(place: Place) -> None:
    asked(place)
    (place.folder / "parameter.json").write_text(json.dumps(PARAMETER), "utf-8")
    for block in fenced((DOCS / "operations.md").read_text("utf-8"), "sh"):
        if "search-parameter" in block:
            place.run("bash", "-ec", block)
    searched = blocks("bash")[1].replace("--data-urlencode 'identifier=https://clinic.example/sid/number|4711'",
                                         "-d born=1951-04-02")  # fmt: skip
    said = place.run("bash", "-ec", place.here(searched))
    assert json.loads(said[said.index('{"resourceType":"Bundle"') :])["total"] == 1
