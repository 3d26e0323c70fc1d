"""The acknowledgement: what a sender's software matches on, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.hl7v2.acknowledgement import Fault, acknowledge, read_header
from hub.adapters.hl7v2.tests.counterpart import field, message

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def ack(body: bytes, code: str = "AA", **more: object) -> bytes:
    return acknowledge(read_header(body), code, at=AT, control_id="a-1", **more)  # type: ignore[arg-type]


def test_an_acceptance_byte_for_byte() -> None:
    assert ack(message("m-1")) == (
        b"MSH|^~\\&|HUB|CASEHUB|HIS|LDNVZOROV|20261121080000+0000||ACK^A01^ACK|a-1|P|2.5.1||||||"
        b"UNICODE UTF-8\r"
        b"MSA|AA|m-1\r"
    )


def test_sender_and_receiver_change_places() -> None:
    answer = ack(message())
    assert [field(answer, b"MSH", n) for n in (3, 4, 5, 6)] == [b"HUB", b"CASEHUB", b"HIS", b"LDNVZOROV"]


def test_the_separators_of_the_message_are_kept() -> None:
    body = message().replace(b"|", b"!").replace(b"^~\\&", b"*%\\@").replace(b"^", b"*")
    answer = ack(body, "AR", text="a!b", faults=[Fault(101, "PID-3", "why")])
    assert answer.startswith(b"MSH!*%\\@!HUB!CASEHUB!")
    assert b"ACK*A01*ACK" in answer
    assert b"MSA!AR!m-1!a\\F\\b\r" in answer
    assert b"ERR!!PID*1*3*1!101*Required field missing*HL70357!E" in answer


@pytest.mark.parametrize(("version", "kind"), [("2.3", b"ACK^A01"), ("2.4", b"ACK^A01^ACK"), ("2.5.1", b"ACK^A01^ACK")])
def test_the_version_is_echoed_and_obeyed(version: str, kind: bytes) -> None:
    answer = ack(message(version=version))
    assert field(answer, b"MSH", 12) == version.encode()
    assert field(answer, b"MSH", 9) == kind


def test_an_old_version_gets_its_old_error_segment() -> None:
    answer = ack(message(version="2.3"), "AR", faults=[Fault(101, "PID-3", "why")])
    assert b"ERR|PID^1^3^101&Required field missing&HL70357\r" in answer


def test_bytes_of_any_character_set_are_echoed_as_they_came() -> None:
    body = message("č-1", charset="8859/2", codec="iso-8859-2")
    answer = ack(body)
    assert field(answer, b"MSA", 2) == "č-1".encode("iso-8859-2")
    assert field(answer, b"MSH", 18) == b"8859/2"


def test_what_cannot_be_read_is_still_answered() -> None:
    answer = ack(b"nonsense", "AR", faults=[Fault(100, "MSH", "why")])
    assert answer.startswith(b"MSH|^~\\&|||||20261121080000+0000||ACK|a-1|P|2.5.1\rMSA|AR\r")
    assert b"ERR||MSH^1|100^Segment sequence error^HL70357|E" in answer


@pytest.mark.parametrize("text", ["line\rMSA|AA|m-1", "a|b^c~d\\e&f", "\x0bframe\x1c\r", "Přijetí"])
def test_words_of_the_hub_cannot_break_the_acknowledgement(text: str) -> None:
    answer = ack(message(), "AR", text=text, faults=[Fault(207, "PID-3", text)])
    assert answer.count(b"MSA|") == 1
    assert answer.isascii()
    assert b"\x0b" not in answer
    assert b"\x1c" not in answer
    assert [line[:3] for line in answer.split(b"\r")] == [b"MSH", b"MSA", b"ERR", b""]


@given(body=st.binary(max_size=200).map(lambda tail: b"MSH|" + tail) | st.binary(max_size=200))
def test_any_bytes_get_a_well_formed_acknowledgement(body: bytes) -> None:
    answer = ack(body, "AR")
    lines = answer.split(b"\r")
    assert lines[0].startswith(b"MSH")
    assert lines[1].startswith(b"MSA" + read_header(body).separator + b"AR")
    assert len(lines) == 3
    assert not {0x0B, 0x1C} & set(answer)
