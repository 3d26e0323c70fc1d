"""HL7 v2 over MLLP: a system calls the hub, and waits for AA, AE or AR.

AA only after the hub has stored the message; AE: send it again (or mend its character set); AR: never send
this one again. The hub knows a message by MSH-10 and content, so a message sent twice has one effect and two
AA, and the same MSH-10 with other content is AR. What is not whole is kept by the hub as it came, and never
read."""

from __future__ import annotations

import codecs
import logging
import re
import socket
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import Final

from hub.adapters.hl7v2.acknowledgement import Fault, Header, acknowledge, place_of, read_header
from hub.adapters.hl7v2.charset import choose, declared
from hub.adapters.sdk.configuration import ConfigurationSchema
from hub.adapters.sdk.contract import (
    Answer,
    Connection,
    Finding,
    Listening,
    Parcel,
    PullRequest,
    Receipt,
    Received,
    Take,
)
from hub.adapters.sdk.listener import Limits, Listener
from hub.adapters.sdk.mllp import Broken, Frame, frame
from hub.errors import ConfigurationError, HubError

SCHEMA: Final = ConfigurationSchema.beside(__file__)
MOST_MARKS: Final = 20_000
"""More separators than this are no message of a person's care, only work for the parser."""
_CODES: Final = {"accepted": "AA", "partly": "AA", "rejected": "AR", "failed": "AE"}
_log = logging.getLogger(__name__)


class Hl7v2Listener:
    """One port for each organisation."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def check(self, connection: Connection) -> list[Finding]:
        config = SCHEMA.of(connection)
        host, port = config["host"], config["port"]
        loopback = host in ("127.0.0.1", "::1", "localhost")
        return [
            Finding(
                f"messages travel in plain text ({host})",
                loopback,
                "" if loopback else "put a TLS tunnel before it, or keep the network private",
            ),
            _port_finding(host, port),
        ]

    def pull(self, connection: Connection, request: PullRequest | None) -> Iterable[Received]:
        if request is not None:
            raise ConfigurationError("this system calls the hub; it cannot be asked", place=connection.organisation)
        return ()

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        return

    def push(self, connection: Connection, parcel: Parcel) -> Receipt:
        raise ConfigurationError("nothing is handed over through this adapter", place=connection.organisation)

    def listen(self, connection: Connection, take: Take) -> Listening | None:
        config = SCHEMA.of(connection)
        limits = Limits(
            message_bytes=config["max_message_bytes"],
            frame_seconds=config["frame_seconds"],
            idle_seconds=config["idle_seconds"],
            connections=config["max_connections"],
        )
        conversation = _Conversation(connection, take, self._clock)
        return Listener(config["host"], config["port"], conversation.respond, limits)


def build(clock: Callable[[], datetime]) -> Hl7v2Listener:
    """The adapter, with the hub's clock."""
    return Hl7v2Listener(clock)


class _Conversation:
    """What one organisation's port answers."""

    def __init__(self, connection: Connection, take: Take, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._config = SCHEMA.of(connection)
        self._take = take
        self._clock = clock
        self._numbers = count(1)

    def respond(self, event: Frame | Broken) -> bytes | None:
        header = read_header(event.body)
        if isinstance(event, Broken):
            return self._not_whole(event, header)
        if header.fault:
            kept = self._keep_unread(event.body, header.fault.text)
            return self._say(header, "AR" if kept else "AE", [header.fault])
        if fault := self._too_much(event.body, header) or self._stranger(header):
            return self._say(header, "AR", [fault])
        try:
            encoding = self._encoding(event.body, header)
        except (LookupError, ValueError):
            fault = Fault(103, "MSH-18", "the text is not in the character set it names")
            return self._say(header, "AE", [fault])
        return self._taken(event.body, header, encoding)

    def _taken(self, body: bytes, header: Header, encoding: str | None) -> bytes:
        control_id = _text(header.field(10))
        answer = self._hand_over(
            Received(
                body=body,
                format="hl7v2",
                message_id=control_id,
                name=f"message {control_id}",
                encoding=encoding,
                authority=f"{_text(header.field(3))}|{_text(header.field(4))}",
            )
        )
        code = _CODES[answer.outcome]
        places = [place for place in answer.places if place_of(place)] or ([""] if code != "AA" else [])
        faults = [Fault(207, place, answer.note if code != "AA" else place) for place in places]
        return self._say(header, code, faults, text=answer.note)

    def _not_whole(self, broken: Broken, header: Header) -> bytes | None:
        kept = True
        if not broken.cut:
            kept = self._keep_unread(broken.body, broken.why)
        if not broken.ended:
            return None
        return self._say(header, "AR" if kept else "AE", [Fault(207, "", broken.why)])

    def _keep_unread(self, body: bytes, why: str) -> bool:
        """Give the hub the bytes to keep, not to read; False where it cannot keep them now."""
        if not body:
            return True
        digest = sha256(body).hexdigest()
        received = Received(body, "broken", f"sha256:{digest}", f"message-{digest[:12]}", broken=why)
        return self._hand_over(received).outcome != "failed"

    def _hand_over(self, received: Received) -> Answer:
        """The hub's answer; whatever goes wrong inside means that it has not taken it."""
        try:
            return self._take(received)
        except HubError as error:
            _log.warning("a message was not taken: %s", type(error).__name__)
        except Exception as error:  # one message must not silence the port; its text may be about a person
            _log.error("a message was not taken: %s", type(error).__name__)
        return Answer("failed", "the hub cannot take this now")

    def _too_much(self, body: bytes, header: Header) -> Fault | None:
        marks = header.separator + header.encoding + b"\r\n"
        if len(re.findall(b"[" + re.escape(marks) + b"]", body)) > MOST_MARKS:
            return Fault(207, "", f"over the limit of {MOST_MARKS} separators")
        return None

    def _stranger(self, header: Header) -> Fault | None:
        for number, key in ((4, "sending_facility"), (3, "sending_application")):
            expected = self._config.get(key)
            field = _text(header.field(number))
            first = field.split(_text(header.component))[0]
            if expected is not None and expected not in (field, first):
                _log.warning(
                    "%s: a message of another sender was refused (MSH-%d)",
                    self._connection.organisation,
                    number,
                )
                return Fault(204, f"MSH-{number}", "not the sender that is expected here")
        return None

    def _encoding(self, body: bytes, header: Header) -> str | None:
        configured_first = bool(self._config["configured_charset_first"])
        if body.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        try:
            named = declared(header.field(18), header.repetition)
        except LookupError:
            if not (configured_first and self._connection.encoding):
                raise
            named = None
        return choose(body, named, self._connection.encoding, configured_first=configured_first)

    def _say(self, header: Header, code: str, faults: list[Fault], text: str = "") -> bytes:
        at = self._clock()
        control_id = f"{at:%Y%m%d%H%M%S}{next(self._numbers) % 1_000_000:06d}"
        said = text or (faults[0].text if faults else "")
        return frame(acknowledge(header, code, at=at, control_id=control_id, text=said, faults=faults))


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace")


def _port_finding(host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=2):
            return Finding(f"something listens on {host}:{port}", well=True)
    except OSError:
        return Finding(f"something listens on {host}:{port}", well=False, advice="start the hub (`hub all`)")
