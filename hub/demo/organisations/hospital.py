"""The long-term hospital: announces movements by HL7 v2 over MLLP and drops its discharge summary as a CDA
file.

Messages are ISO 8859-2, as MSH-18 says. A message is sent again, with the same control id, until the hub
answers AA (enhanced or original mode, HL7 v2.5 chapter 2); an AE or AR is an answer too, and the story
stops on it.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.demo.cast import CLIENT, HOSPITAL, Client
from hub.demo.errors import StoryStuckError
from hub.demo.mailbag import Mailbag
from hub.demo.organisations.social import drop_file

START, END = b"\x0b", b"\x1c\x0d"
ENCODING = "iso-8859-2"
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Stay:
    """The dates of one stay, fixed when the story begins so that every repetition says the same."""

    admitted: datetime
    expected: datetime
    discharged: datetime


class Hospital:
    """The hospital's information system: an MLLP client, and a folder whose `in` the hub looks into."""

    def __init__(self, mailbag: Mailbag, folder: Path, hub_mllp: tuple[str, int], document: bytes) -> None:
        self.organisation = HOSPITAL
        self.folder = folder
        self._outbox = folder / "in"
        self._outbox.mkdir(parents=True, exist_ok=True)
        self._mailbag = mailbag
        self._hub = hub_mllp
        self._document = document

    def drop_document(self) -> str:
        """Drop the discharge summary; dropping the same file again is harmless. Returns its name."""
        name = "discharge-summary.xml"
        drop_file(self._outbox, name, self._document)
        return name

    def send(self, event: str, stay: Stay, client: Client = CLIENT) -> str:
        """Send one ADT message until it is accepted; returns the acknowledgement code of the last answer."""
        control_id = f"VZ{event}0001"
        message = adt(event, control_id, stay, client)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self._exchange(message)
            if answer is not None:
                self._mailbag.keep(
                    HOSPITAL.id,
                    f"ack-{event}",
                    answer,
                    "hl7",
                    how=f"MLLP answer to {control_id}",
                    key=control_id,
                )
                if b"MSA|AA|" in answer or b"MSA|CA|" in answer:
                    return "AA"
            time.sleep(0.1)
        raise StoryStuckError(f"the hub did not accept ADT {event}")

    def _exchange(self, message: bytes) -> bytes | None:
        """One frame out, one frame back; None where the connection failed (the hub is down or was killed)."""
        try:
            with socket.create_connection(self._hub, timeout=5) as line:
                line.settimeout(20)
                line.sendall(START + message + END)
                answer = b""
                while not answer.endswith(END):
                    part = line.recv(65536)
                    if not part:
                        return None
                    answer += part
                return answer
        except OSError:
            return None


def adt(event: str, control_id: str, stay: Stay, client: Client) -> bytes:
    """ADT^A01 (admission), ADT^A08 (discharge announced) or ADT^A03 (discharge), encoded as MSH-18 says."""
    at = {"A01": stay.admitted, "A08": stay.expected, "A03": stay.discharged}[event]
    structure = {"A01": "ADT_A01", "A08": "ADT_A01", "A03": "ADT_A03"}[event]
    kind = f"ADT^{event}^{structure}"
    segments = [
        f"MSH|^~\\&|LDNIS|LDNVZOROV|CASEHUB|CASEHUB|{_time(at)}||{kind}|{control_id}|P|2.5||||NE||8859/2",
        f"EVN|{event}|{_time(at)}",
        _person(client),
        _visit(event, stay),
    ]
    if event == "A08":
        segments.append(f"PV2|||||||||{stay.expected:%Y%m%d}")
    return ("\r".join(segments) + "\r").encode(ENCODING)


def _person(client: Client) -> str:
    numbers = f"{HOSPITAL.client_number}^^^LDNVZOROV^MR~{client.rodne_cislo}^^^CZE^NNCZE"
    born = client.birth_date.replace("-", "")
    home = f"{client.street}^^{client.city}^^{client.postal_code.replace(' ', '')}^CZ"
    name = f"{client.family}^{client.given}"
    return f"PID|1||{numbers}||{name}||{born}|{client.gender[0].upper()}|||{home}||{client.phone}"


def _visit(event: str, stay: Stay) -> str:
    fields = {1: "1", 2: "I", 3: "ODD2^201^1^LDNVZOROV", 19: "V-20417-1", 44: _time(stay.admitted)}
    if event == "A03":
        fields[36] = "01"
        fields[45] = _time(stay.discharged)
    return "PV1|" + "|".join(fields.get(number, "") for number in range(1, max(fields) + 1))


def _time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")
