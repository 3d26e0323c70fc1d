"""fhir-kit-client, as it comes from npm, at work with the hub."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.service import Service

PACKAGE = "fhir-kit-client@2.0.3"
SCRIPT = Path(__file__).with_name("kit.mjs")


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the script can import the package."""
    required = os.environ.get("CASEHUB_REQUIRE_SERVICES") == "1"
    if shutil.which("npm") is None:
        if required:
            pytest.fail("Node.js and npm are required, and not here", pytrace=False)
        pytest.skip("no Node.js is installed: fhir-kit-client was not tried")
    folder = tmp_path_factory.mktemp("kit")
    command = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--silent", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        if required:
            pytest.fail(f"npm cannot install {PACKAGE}: {done.stderr[-400:]}", pytrace=False)
        pytest.skip(f"npm cannot reach a registry: {PACKAGE} was not tried")
    shutil.copy(SCRIPT, folder / "kit.mjs")
    return folder


def test_it_reads_writes_searches_pages_patches_and_walks_history(
    kit: Path, live: Service, base: str, token: str
) -> None:
    given = {**os.environ, "BASE": base, "TOKEN": token, "CLIENT": live.house.client}
    done = subprocess.run(
        ["node", "kit.mjs"], cwd=kit, env=given, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    day = [f"2026-11-{n:02}" for n in range(1, 8)]
    assert seen == {
        "token": base.removesuffix("/fhir") + "/oauth/token",
        "fhirVersion": "4.0.1",
        "created": [201] * 7,
        "patched": "amended",
        "updated": "3",
        "vread": "final",
        "history": ["3", "2", "1"],
        "typeHistory": 9,
        "systemHistory": "history",
        "pages": [day[:3], day[3:6], day[6:]],
        "back": day[3:6],
        "form": 3,
        "compartment": 7,
        "system": 8,
        "transaction": ["201", "204"],
        "batch": ["200", "404"],
        "everything": 7,
        "gone": 410,
    }
