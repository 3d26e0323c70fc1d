"""`hub all` as a process of its own: it starts, answers, ends when told, and its logs hold nobody's name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from hub.security.client_keys import sign_assertion
from tests.api.service import JWT_BEARER
from tests.exchange.world import CLIENT, House, cda, consent, patient

WORDS = (CLIENT.family, CLIENT.given, CLIENT.birth_number, "ZN-ALERGIE", "KNR", "Traceback")


def process(house: House, *words: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "HUB_DATABASE_URL": house.database_url,
        "HUB_LOG_LEVEL": "debug",
        "HUB_POLL_SECONDS": "0.05",
    }
    command = [sys.executable, "-m", "hub", *words, "--data", str(house.folder / "data")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_hub_at_work_answers_takes_in_and_says_nobodys_name(house: House) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    running = process(house, "all", "--port", str(port))
    try:
        wait_for(lambda: httpx.get(f"{base}/health/ready").status_code == 200, running)
        token = token_of(house, base)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        made = httpx.post(f"{base}/fhir/Patient", json=patient(), headers=headers)
        client = made.headers["location"].split("/fhir/")[1].split("/_history")[0]
        httpx.post(f"{base}/fhir/Consent", json=consent(client, "municipality", ("health",)), headers=headers)
        httpx.post(f"{base}/fhir/Patient", content=b'{"KNR":', headers=headers)
        httpx.get(f"{base}/fhir/Goal/KNR-{CLIENT.birth_number}?name=KNR", headers=headers)
        (house.hospital / "in" / "dobry.xml").write_bytes(cda())
        (house.hospital / "in" / "spatny.xml").write_bytes(
            cda().replace(b"<ClinicalDocument", b"<!DOCTYPE KNR []><x", 1)
        )
        wait_for(lambda: len(list(house.hospital.glob("*/*.report.json"))) == 2, running)
        metrics = httpx.get(f"{base}/metrics").text
    finally:
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
    said = (out + err).decode()
    assert running.returncode == 0, said
    assert '"event"' in said
    for word in (*WORDS, client.split("/")[1]):
        assert word not in said
        assert word not in metrics
    reports = "".join(p.read_text("utf-8") for p in house.hospital.glob("*/*.report.json"))
    assert not [word for word in WORDS if word in reports]


def test_a_port_that_is_taken_ends_with_3_and_no_stack(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = process(house, "serve", "--port", str(taken.getsockname()[1]))
        out, err = running.communicate(timeout=30)
    assert running.returncode == 3
    assert b"Traceback" not in out + err
    assert b"port" in err


def test_without_a_hub_there_serving_ends_with_3(tmp_path: Path) -> None:
    for word in ("serve", "worker"):
        command = [sys.executable, "-m", "hub", word, "--data", str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
        assert ended.returncode == 3
        assert b"hub init" in ended.stderr


def wait_for(condition: object, running: subprocess.Popen[bytes]) -> None:
    """Look until it is so; a process that ended will not make it so."""
    assert callable(condition)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError("not in time")


def token_of(house: House, base: str) -> str:
    url = f"{base}/oauth/token"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": sign_assertion(house.keys["municipality"], organisation="municipality", audience=url),
        "scope": "system/*.cruds",
        "purpose_of_use": "COC",
        "basis": "CONSENT",
    }
    return str(httpx.post(url, data=form).json()["access_token"])
