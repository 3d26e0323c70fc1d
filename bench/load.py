"""Ask a server on loopback as fast as it answers, over connections that stay open; count its own CPU beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers in a second, the server's CPU for each (microseconds), answers that were not 2xx."""

    rate: float
    cpu: float
    failed: int


def request(method: str, path: str, *, port: int, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    fields = {"Host": f"127.0.0.1:{port}", **headers}
    if body:
        fields["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def load(port: int, asked: Callable[[int], bytes], *, count: int, clients: int, pids: Sequence[int]) -> Load:
    """`count` requests over `clients` connections to the processes `pids`."""
    before = _cpu(pids)
    began = time.perf_counter()
    failed = asyncio.run(_all(port, asked, count, clients))
    took = time.perf_counter() - began
    return Load(count / took, (_cpu(pids) - before) / count * 1e6, failed)


def _cpu(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(t.user + t.system for t in times)


async def _all(port: int, asked: Callable[[int], bytes], count: int, clients: int) -> int:
    numbers = iter(range(count))
    return sum(await asyncio.gather(*(_one(port, asked, numbers) for _ in range(clients))))


async def _one(port: int, asked: Callable[[int], bytes], numbers: object) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    failed = 0
    for number in numbers:  # type: ignore[attr-defined]
        writer.write(asked(number))
        head = await reader.readuntil(b"\r\n\r\n")
        failed += head[9:10] != b"2"
        lower = head.lower()
        start = lower.find(b"content-length:")
        if start >= 0:
            await reader.readexactly(int(lower[start + 15 : lower.index(b"\r", start)]))
    writer.close()
    return failed
