"""A hospital system that calls the hub over MLLP and waits for each acknowledgement."""

from __future__ import annotations

import socket
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.adapters.sdk.contract import Connection, Parcel
from tests.adapters.contract import Sent, TestClock

FACILITY = "LDNVZOROV"


def message(
    message_id: str = "m-1",
    *,
    event: str = "ADT^A01^ADT_A01",
    facility: str = FACILITY,
    name: str = "Vzorov\u00e1",
    charset: str = "UNICODE UTF-8",
    codec: str = "utf-8",
    version: str = "2.5.1",
    more: bytes = b"",
) -> bytes:
    """A good admission, from synthetic people."""
    lines = (
        f"MSH|^~\\&|HIS|{facility}|HUB|CASEHUB|20261121080000||{event}|{message_id}|P|{version}||||||{charset}",
        "EVN|A01|20261121080000",
        f"PID|1||LDN-20417^^^{FACILITY}^PI||{name}^Jarmila||19550314|F",
        "PV1|1|I|LDN^12^1",
    )
    return "".join(f"{line}\r" for line in lines).encode(codec) + more


def framed(body: bytes) -> bytes:
    return b"\x0b" + body + b"\x1c\r"


class Line:
    """One open connection to a listening hub."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=20)
        self._rest = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> bytes:
        """The next acknowledgement, without its frame; empty where the hub closed the line."""
        while b"\x1c\r" not in self._rest:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return b""
            if not data:
                return b""
            self._rest += data
        one, self._rest = self._rest.split(b"\x1c\r", 1)
        assert one.startswith(b"\x0b")
        return one[1:]

    def ask(self, body: bytes) -> bytes:
        self.send(framed(body))
        return self.answer()

    def close(self) -> None:
        self.socket.close()


def code(answer: bytes) -> str:
    """MSA-1."""
    return field(answer, b"MSA", 1).decode()


def field(answer: bytes, segment: bytes, number: int) -> bytes:
    """A field of the first segment of that name (for MSH, by HL7's own numbers)."""
    for line in answer.split(b"\r"):
        parts = line.split(b"|")
        if parts[0] == segment:
            place = number - 1 if segment == b"MSH" else number
            return parts[place] if place < len(parts) else b""
    return b""


class HospitalSystem:
    """Knows where the hub listens; holds nothing that could be touched."""

    @property
    def connection(self) -> Connection:
        return self._connection("127.0.0.1", 0)

    def unreachable(self) -> Connection:
        with socket.create_server(("127.0.0.1", 0)) as closed_again:
            port = closed_again.getsockname()[1]
        return self._connection("127.0.0.1", port)

    def refusing(self) -> Connection:
        return self.unreachable()

    def state(self) -> Hashable:
        return ()

    def offer(self) -> None:
        return

    def waiting(self) -> int:
        return 0

    def parcel(self, key: str) -> Parcel:
        return Parcel(key, "plan", "1", "application/fhir+json", b"{}", f"{key}.json")

    def in_effect(self) -> int:
        return 0

    def send(self, address: tuple[str, int], *, message_id: str) -> Sent:
        line = Line(address)
        try:
            answer = line.ask(message(message_id))
        finally:
            line.close()
        assert field(answer, b"MSA", 2) == message_id.encode()
        return Sent(positive=code(answer) == "AA", negative=code(answer) == "AE", raw=answer)

    def _connection(self, host: str, port: int) -> Connection:
        config: dict[str, object] = {"host": host, "port": port, "sending_facility": FACILITY}
        return Connection("hospital", "hl7v2", frozenset({"listen"}), config)


@contextmanager
def open_counterpart(folder: Path, clock: TestClock) -> Iterator[HospitalSystem]:
    yield HospitalSystem()
