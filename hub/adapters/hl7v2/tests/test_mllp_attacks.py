"""Attacks on an MLLP port, on a real socket: no wrong AA, no lasting silence, and the next message works."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from hub.adapters.hl7v2.tests.counterpart import FACILITY, code, field, framed, message
from hub.adapters.hl7v2.tests.port import Port
from hub.adapters.sdk.contract import Answer
from tests.adapters.contract import CANARY


@pytest.fixture
def port() -> Iterator[Port]:
    opened = Port()
    yield opened
    opened.close()


@pytest.fixture
def hasty_port() -> Iterator[Port]:
    opened = Port(frame_seconds=0.2)
    yield opened
    opened.close()


def test_bytes_without_a_start_block_close_the_line_and_a_new_one_works(port: Port) -> None:
    line = port.line()
    line.send(message() + b"\x1c\r")
    assert line.answer() == b""
    assert port.inbox.calls == []
    assert port.still_works()


def test_an_http_request_closes_the_line(port: Port) -> None:
    line = port.line()
    line.send(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert line.answer() == b""
    assert port.still_works()


@pytest.mark.parametrize("ending", [b"", b"\x1c"], ids=["no end block", "end block without CR"])
def test_a_frame_that_never_ends_is_closed_in_time_and_kept_unread(hasty_port: Port, ending: bytes) -> None:
    line = hasty_port.line()
    line.send(b"\x0b" + message() + ending)
    assert line.answer() == b""
    assert hasty_port.inbox.kept == []
    assert [piece.format for piece in hasty_port.inbox.unread] == ["broken"]
    assert hasty_port.still_works()


def test_bytes_that_drip_do_not_stretch_the_time_of_a_frame(hasty_port: Port) -> None:
    line = hasty_port.line()
    line.send(b"\x0bMSH")
    closed = threading.Event()

    def drip() -> None:
        try:
            while not closed.wait(0.02):
                line.send(b"x")
        except OSError:
            return

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert line.answer() == b""
    finally:
        closed.set()
        dripping.join()
    assert hasty_port.still_works()


def test_two_messages_in_one_frame_are_rejected_whole_and_kept_unread(port: Port) -> None:
    answer = port.ask(message("m-1") + b"\x0b" + message("m-2"))
    assert code(answer) == "AR"
    assert field(answer, b"MSA", 2) == b"m-1"
    assert port.inbox.kept == []
    assert "start block" in port.inbox.unread[0].broken
    assert port.still_works()


def test_a_connection_that_ends_inside_a_frame_leaves_the_original_kept(port: Port) -> None:
    line = port.line()
    line.send(b"\x0b" + message()[:60])
    line.socket.shutdown(socket.SHUT_WR)
    assert line.answer() == b""
    assert [piece.body for piece in port.inbox.unread] == [message()[:60]]
    assert port.inbox.kept == []


def test_several_frames_in_one_segment_are_answered_each_and_in_order(port: Port) -> None:
    line = port.line()
    line.send(framed(message("m-1")) + framed(message("m-2")) + framed(message("m-3")))
    assert [field(line.answer(), b"MSA", 2) for _ in range(3)] == [b"m-1", b"m-2", b"m-3"]


def test_a_frame_in_a_thousand_segments_is_one_message(port: Port) -> None:
    line = port.line()
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = framed(message("m-1", more=b"NTE|1||" + b"x" * 800 + b"\r"))
    for byte in body:
        line.send(bytes((byte,)))
    assert code(line.answer()) == "AA"


def test_a_large_observation_is_taken(port: Port) -> None:
    more = b"OBX|1|TX|||" + b"word " * 14_000 + b"\r"
    assert code(port.ask(message("m-1", more=more))) == "AA"
    assert port.inbox.kept[0].body.endswith(more)


def test_a_message_over_the_limit_is_rejected_with_its_id_and_the_line_goes_on(port: Port) -> None:
    line = port.line()
    answer = line.ask(message("m-1", more=b"OBX|1|TX|||" + b"x" * (2 << 20) + b"\r"))
    assert code(answer) == "AR"
    assert field(answer, b"MSA", 2) == b"m-1"
    assert port.inbox.calls == []
    assert code(line.ask(message("m-2"))) == "AA"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\r",
        b"MSH",
        b"MSH|",
        message().split(b"\r")[0],
        message().split(b"\r")[0] + b"\r\r",
        b"PID|1\rMSH|^~\\&|",
        message().replace(b"^~\\&", b"^^^^"),
        message().replace(b"^~\\&", b"||||"),
        message().replace(b"|^~\\&|", b"|^|"),
        message().replace(b"|", b" "),
        message().replace(b"|", b"A"),
        message(""),
        message("x" * 300),
        message(event=""),
        b"\xff\xfe" + "MSH|^~\\&|".encode("utf-16-le"),
    ],
    ids=repr,
)
def test_what_is_no_message_is_rejected_and_the_line_goes_on(port: Port, body: bytes) -> None:
    line = port.line()
    assert code(line.ask(body)) == "AR"
    assert port.inbox.kept == []
    assert code(line.ask(message("m-2"))) == "AA"


@pytest.mark.parametrize("mark", [b"~", b"^", b"&", b"|", b"\\.br\\", b"\r"], ids=repr)
def test_a_bomb_of_separators_is_rejected_before_anybody_parses_it(port: Port, mark: bytes) -> None:
    assert code(port.ask(message("m-1", more=b"NTE|1||" + mark * 100_000))) == "AR"
    assert port.inbox.calls == []
    assert port.still_works()


def test_the_same_message_twice_is_accepted_twice_and_taken_once(port: Port) -> None:
    assert [code(port.ask(message("m-1"))) for _ in range(2)] == ["AA", "AA"]
    assert len(port.inbox.kept) == 1


def test_the_same_id_with_other_content_is_rejected(port: Port) -> None:
    assert code(port.ask(message("m-1"))) == "AA"
    assert code(port.ask(message("m-1", name="Jina"))) == "AR"
    assert len(port.inbox.kept) == 1


def test_a_message_of_another_sender_is_rejected_and_not_taken(port: Port) -> None:
    answer = port.ask(message("m-1", facility="OTHER"))
    assert code(answer) == "AR"
    assert b"MSH^1^4" in answer
    assert port.inbox.calls == []


def test_the_facility_may_carry_its_oid(port: Port) -> None:
    assert code(port.ask(message("m-1", facility=f"{FACILITY}^1.2.3^ISO"))) == "AA"


def test_the_application_is_held_where_it_is_configured() -> None:
    port = Port(sending_application="OTHER")
    try:
        assert code(port.ask(message("m-1"))) == "AR"
    finally:
        port.close()


def test_a_fault_inside_the_hub_is_ae_says_nothing_and_the_port_lives(port: Port) -> None:
    port.inbox.crashes = True
    answer = port.ask(message("m-1", name=CANARY))
    assert code(answer) == "AE"
    assert CANARY.encode() not in answer
    port.inbox.crashes = False
    assert code(port.ask(message("m-1", name=CANARY))) == "AA"


def test_what_is_not_whole_is_ae_while_the_hub_cannot_even_keep_it(port: Port) -> None:
    port.inbox.away = True
    assert code(port.ask(b"nonsense")) == "AE"
    assert code(port.ask(message("m-1") + b"\x0b" + message("m-2"))) == "AE"


def test_a_lost_answer_does_no_harm_when_the_message_is_sent_again(port: Port) -> None:
    line = port.line()
    line.send(framed(message("m-1")))
    assert port.inbox.reached.wait(10)
    line.close()
    assert code(port.ask(message("m-1"))) == "AA"
    assert len(port.inbox.kept) == 1


def test_connections_over_the_limit_are_closed_and_others_are_served() -> None:
    port = Port(max_connections=2)
    try:
        first, second = port.line(), port.line()
        assert code(first.ask(message("m-1"))) == "AA"
        assert code(second.ask(message("m-2"))) == "AA"
        assert port.line().answer() == b""
        assert code(first.ask(message("m-3"))) == "AA"
    finally:
        port.close()


def test_an_idle_line_is_closed() -> None:
    port = Port(idle_seconds=0.2)
    try:
        assert port.line().answer() == b""
    finally:
        port.close()


def test_one_line_that_hangs_does_not_hold_up_another(port: Port) -> None:
    hanging = port.line()
    hanging.send(b"\x0bMSH|")
    assert port.still_works()


def test_stopping_waits_for_the_answer_in_hand(port: Port) -> None:
    port.inbox.open.clear()
    line = port.line()
    line.send(framed(message("m-1")))
    assert port.inbox.reached.wait(10)
    stopping = threading.Thread(target=port.listening.stop)
    stopping.start()
    port.inbox.open.set()
    assert code(line.answer()) == "AA"
    stopping.join(10)
    assert not stopping.is_alive()


def test_a_partly_understood_message_is_accepted_and_the_places_are_told(port: Port) -> None:
    port.inbox.verdict = Answer("partly", "1 place not understood", ("PID-5.1", "PV1[1]-3"))
    answer = port.ask(message("m-1"))
    assert code(answer) == "AA"
    assert b"ERR||PID^1^5^1^1|207^Application internal error^HL70357|W" in answer
    assert b"ERR||PV1^1^3^1|" in answer
