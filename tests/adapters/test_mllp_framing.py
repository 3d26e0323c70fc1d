"""MLLP framing: any cut of the bytes gives the same frames, and nothing doubtful becomes a message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.sdk.mllp import Broken, Event, Frame, Framer, Stray, frame

LIMIT = 1000
BODIES = st.lists(st.binary(max_size=80).map(lambda b: b.replace(b"\x0b", b"v").replace(b"\x1c", b"f")), max_size=6)


def fed(*parts: bytes, limit: int = LIMIT) -> list[Event]:
    framer = Framer(limit)
    return [event for part in parts for event in framer.feed(part)]


@given(bodies=BODIES, size=st.integers(1, 40))
def test_frames_come_out_whole_and_in_order_however_the_bytes_are_cut(bodies: list[bytes], size: int) -> None:
    stream = b"".join(frame(body) for body in bodies)
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert fed(*parts) == [Frame(body) for body in bodies]


@given(stream=st.binary(max_size=300), size=st.integers(1, 50))
def test_no_bytes_make_the_framer_fail_or_give_a_message_with_marks_inside(stream: bytes, size: int) -> None:
    for event in fed(*[stream[at : at + size] for at in range(0, len(stream), size)]):
        if isinstance(event, Frame):
            assert b"\x0b" not in event.body
            assert b"\x1c" not in event.body


def test_a_start_block_inside_a_frame_spoils_the_whole_frame() -> None:
    (event,) = fed(b"\x0bMSH|one\r\x0bMSH|two\r\x1c\r")
    assert event == Broken(b"MSH|one\r\x0bMSH|two\r", "start block inside a frame", ended=True)


def test_the_frame_after_a_spoiled_one_is_good_again() -> None:
    assert fed(b"\x0ba\x0bb\x1c\r" + frame(b"MSH|good"))[1:] == [Frame(b"MSH|good")]


def test_an_end_block_without_carriage_return_does_not_end_the_frame() -> None:
    framer = Framer(LIMIT)
    assert framer.feed(b"\x0bMSH|one\x1c") == []
    assert framer.inside
    (event,) = framer.feed(b"MSH|two\x1c\r")
    assert event == Broken(b"MSH|one\x1cMSH|two", "end block not followed by a carriage return", ended=True)


def test_the_end_block_may_be_split_between_two_segments() -> None:
    assert fed(b"\x0bMSH|one\x1c", b"\r") == [Frame(b"MSH|one")]


def test_bytes_outside_a_frame_end_the_conversation() -> None:
    assert fed(b"GET / HTTP/1.1\r\n\r\n") == [Stray()]
    assert fed(frame(b"MSH|one") + b"MSH|two\x1c\r") == [Frame(b"MSH|one"), Stray()]


def test_line_ends_between_frames_are_borne() -> None:
    assert fed(b"\r\n" + frame(b"a") + b"\r\n" + frame(b"b")) == [Frame(b"a"), Frame(b"b")]


def test_a_frame_over_the_limit_is_broken_and_only_its_beginning_is_kept() -> None:
    (event,) = fed(b"\x0b" + b"x" * (LIMIT + 1) + b"\x1c\r")
    assert isinstance(event, Broken)
    assert event.cut
    assert event.ended
    assert len(event.body) == LIMIT


def test_a_frame_of_exactly_the_limit_is_good() -> None:
    assert fed(frame(b"x" * LIMIT)) == [Frame(b"x" * LIMIT)]


def test_a_flood_without_end_is_cut_off() -> None:
    assert fed(b"\x0b", *[b"x" * LIMIT] * 17) == [Stray()]


def test_what_is_cut_off_in_the_middle_is_kept_but_not_a_message() -> None:
    framer = Framer(LIMIT)
    framer.feed(b"\x0bMSH|half")
    assert framer.cut_off("connection ended") == Broken(b"MSH|half", "connection ended", ended=False)
    assert framer.cut_off("again") is None
