"""The hub over HTTP beside a peer that keeps everything in a dict: read, create, start, memory.

Authentication, consent, sealing and audit are on, as always. Both sides take turns in one run, on the same cores.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.load import Load, load, request
from bench.samples import OBSERVATION, consent_for_all, patient_named
from hub.bootstrap import Hub, bootstrap
from hub.consent.model import Basis
from hub.exchange.asker import Asker
from hub.exchange.connect import connect
from hub.security.client_keys import generate_client_key
from hub.security.keys import HubKeys
from hub.security.tokens import issue_access_token
from hub.settings import Settings

CLIENTS = 16
ROUNDS = 5
READS, CREATES = 2_000, 400
ENTRIES = 50
ORGANISATION = "bench"


@dataclass(frozen=True, slots=True)
class HttpRow:
    """One line: answers in a second of the hub and of the peer, their ratio, the hub's CPU for each."""

    what: str
    rate: float
    least: float
    most: float
    peer: float
    cpu: float
    failed: int
    aim: str

    @property
    def ratio(self) -> float:
        return self.rate / self.peer if self.peer else 0.0


@dataclass(frozen=True, slots=True)
class Side:
    """A server that answers: where, which processes, and what to ask it."""

    port: int
    pid: int
    prefix: str
    headers: dict[str, str]
    body: bytes

    def read(self, id: str, count: int = READS) -> Load:
        asked = request("GET", f"{self.prefix}/Observation/{id}", port=self.port, headers=self.headers)
        return load(self.port, lambda _: asked, count=count, clients=CLIENTS, pids=[self.pid])

    def create(self, count: int = CREATES) -> Load:
        headers = {**self.headers, "Content-Type": "application/fhir+json"}
        asked = request("POST", f"{self.prefix}/Observation", port=self.port, headers=headers, body=self.body)
        return load(self.port, lambda _: asked, count=count, clients=CLIENTS, pids=[self.pid])

    def take(self, count: int = 8) -> Load:
        """Transactions of fifty records each, from two clients."""
        headers = {**self.headers, "Content-Type": "application/fhir+json"}
        entry = {"resource": json.loads(self.body), "request": {"method": "POST", "url": "Observation"}}
        bundle = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * ENTRIES}).encode()
        asked = request("POST", self.prefix, port=self.port, headers=headers, body=bundle)
        return load(self.port, lambda _: asked, count=count, clients=2, pids=[self.pid])

    def one(self) -> str:
        """Create one record; its id."""
        url = f"http://127.0.0.1:{self.port}{self.prefix}/Observation"
        headers = {**self.headers, "Content-Type": "application/fhir+json"}
        with urllib.request.urlopen(urllib.request.Request(url, self.body, headers)) as answer:
            created = answer.headers.get("Location") or json.load(answer)["id"]
        return str(created).split("/_history")[0].rsplit("/", 1)[-1]


def http_rows(scratch: Path, *, peer_python: str, postgres: str) -> Iterator[HttpRow]:
    """Every row that goes over HTTP."""
    with peer(peer_python) as floor:
        for name, url in (("SQLite", ""), ("PostgreSQL", postgres)):
            if name == "SQLite" or url:
                folder = scratch / f"http-{name}"
                folder.mkdir()
                with served(folder, url) as (side, ready):
                    yield from compared(side, floor, name)
                    yield from standing(side, ready, name)


def compared(side: Side, floor: Side, name: str) -> Iterator[HttpRow]:
    """Read and create on both sides, in turns."""
    ours, theirs = side.one(), floor.one()
    aims = {"read by id": (4.0 if name == "SQLite" else 2.5), "create": 1.5}
    for what, one, other in (
        ("read by id", lambda: side.read(ours), lambda: floor.read(theirs)),
        ("create", side.create, floor.create),
    ):
        one(), other()
        pairs = [(one(), other()) for _ in range(ROUNDS)]
        rates = [pair[0].rate for pair in pairs]
        yield HttpRow(
            f"{what}, {CLIENTS} clients, {name}",
            statistics.median(rates),
            min(rates),
            max(rates),
            statistics.median(pair[1].rate for pair in pairs),
            statistics.median(pair[0].cpu for pair in pairs),
            sum(pair[0].failed for pair in pairs),
            f">= {aims[what]} x",
        )


def standing(side: Side, ready: float, name: str) -> Iterator[HttpRow]:
    """How long until it answers, and how much it holds after ten thousand requests."""
    yield HttpRow(f"ready from cold, {name} (ms)", ready * 1e3, ready * 1e3, ready * 1e3, 0, 0, 0, "<= 2000 ms")
    imports = [side.take() for _ in range(3)]
    rates = [one.rate * ENTRIES for one in imports]
    cpu = statistics.median(one.cpu for one in imports) / ENTRIES
    failed = sum(one.failed for one in imports)
    what = f"import by transactions of {ENTRIES}, {name} (resources)"
    yield HttpRow(what, statistics.median(rates), min(rates), max(rates), 0, cpu, failed, ">= 1,000/s a core")
    side.read(side.one(), count=10_000)
    held = psutil.Process(side.pid).memory_info().rss / 1e6
    yield HttpRow(f"memory after 10 k requests, {name} (MB)", held, held, held, 0, 0, 0, "<= 200 MB")


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[Side, float]]:
    """`hub serve` as a process of its own, with one client whose record may be read and written."""
    port = free_port()
    schema = f"bench_{os.getpid()}" if url else ""
    known = Settings(data=folder / "data", port=port, database_url=url, database_schema=schema)
    known.data.mkdir(parents=True)
    HubKeys.generate().save(known.keys)
    hub = bootstrap(known)
    side = Side(port, 0, "/fhir", {"Authorization": f"Bearer {furnished(hub, folder)}"}, observation_of(hub))
    hub.close()
    environment = {**os.environ, "HUB_DATABASE_URL": url, "HUB_DATABASE_SCHEMA": schema}
    command = [sys.executable, "-m", "hub", "serve", "--data", str(known.data), "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield Side(port, process.pid, side.prefix, side.headers, side.body), time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def furnished(hub: Hub, folder: Path) -> str:
    """Connect an organisation, introduce a client who agrees to everything; an access token for an hour."""
    jwks = generate_client_key(folder / "key.jwk")
    entry = {
        "organisation": {"id": ORGANISATION, "name": "Bench", "ico": "99000091", "kind": "municipality",
                         "register": "ico", "roles": ["case-manager"]},
        "identity": {"systems": ["https://bench.example/sid/client-number"]},
        "smart": {"jwks": jwks, "scopes": "system/*.cruds"},
    }  # fmt: skip
    connect(hub.store, hub.vault, hub.registry, [("bench.toml", entry)])
    asker = Asker(ORGANISATION, "COC", Basis.CONSENT, roles=frozenset({"case-manager"}))
    client = hub.writer.create(asker, patient_named(1)).reference
    hub.writer.create(asker, consent_for_all(client, ORGANISATION))
    return issue_access_token(
        hub.keys,
        organisation=ORGANISATION,
        purpose="COC",
        basis="CONSENT",
        scope="system/*.cruds",
        audience=f"{hub.settings.public_url}/fhir",
        now=datetime.now(UTC),
        lifetime=3600,
    )


def observation_of(hub: Hub) -> bytes:
    """The record that is created, about the one client."""
    with hub.store.reading() as tx:
        client = next(iter(tx.records.find("Patient", "gender", "female")))
    return json.dumps({**OBSERVATION, "subject": {"reference": client.reference}}).encode()


@contextmanager
def peer(python: str) -> Iterator[Side]:
    """fhirstarter in its own environment."""
    port = free_port()
    process = subprocess.Popen([python, str(Path(__file__).with_name("peer.py")), str(port)])
    try:
        wait_for(f"http://127.0.0.1:{port}/metadata")
        body = json.dumps({**OBSERVATION, "subject": {"reference": "Patient/p"}}).encode()
        yield Side(port, process.pid, "", {"Accept": "application/fhir+json"}, body)
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    """Until it answers, half a minute at most."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers at {url}")


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
