"""The chain of the journal: whatever is done to a line shows, and shows where."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit.chain import GENESIS, ChainFault, link, parse, verify
from hub.errors import IntegrityFailure

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)
bodies = st.lists(st.dictionaries(st.text('abcž\n"', min_size=1), json_values, max_size=4), min_size=1, max_size=6)


def chain(entries: list[Mapping[str, object]], start: str = GENESIS) -> list[bytes]:
    lines, head = [], start
    for entry in entries:
        line, head = link(head, entry)
        lines.append(line + b"\n")
    return lines


FOUR = [{"n": number, "because": "Consent/1|2 provision"} for number in range(4)]


@given(bodies)
def test_what_was_linked_holds_and_can_be_read_again(entries: list[Mapping[str, object]]) -> None:
    lines = chain(entries)
    report = verify(lines)
    assert report.holds
    assert not report.torn
    assert report.entries == len(entries)
    links = [parse(line) for line in lines]
    assert [found.read() for found in links if found] == entries
    assert links[-1] is not None
    assert links[-1].hash == report.head


@given(bodies)
def test_a_line_has_no_newline_inside(entries: list[Mapping[str, object]]) -> None:
    assert all(line.count(b"\n") == 1 for line in chain(entries))


def test_the_same_body_gives_the_same_line_whatever_the_order_of_its_fields() -> None:
    assert link(GENESIS, {"a": 1, "b": {"c": 2, "d": 3}}) == link(GENESIS, {"b": {"d": 3, "c": 2}, "a": 1})


def test_every_flipped_bit_of_a_whole_file_shows() -> None:
    whole = b"".join(chain(FOUR))
    head = verify(chain(FOUR)).head
    unseen = []
    for place in range(len(whole)):
        for bit in range(8):
            bent = bytearray(whole)
            bent[place] ^= 1 << bit
            report = verify(bytes(bent).splitlines(keepends=True))
            if report.holds and not report.torn and report.head == head and report.entries == len(FOUR):
                unseen.append((place, bit))
    assert [place for place, _ in unseen if place != len(whole) - 1] == []


def test_a_changed_body_is_named_by_its_position() -> None:
    lines = chain(FOUR)
    lines[2] = lines[2].replace(b'"n":2', b'"n":7')
    assert verify(lines).faults == (ChainFault(2, "the content is not what its hash says"),)


def test_a_removed_line_is_named_at_the_next() -> None:
    lines = chain(FOUR)
    del lines[1]
    assert [fault.position for fault in verify(lines).faults] == [1]


def test_swapped_lines_show() -> None:
    lines = chain(FOUR)
    lines[1], lines[2] = lines[2], lines[1]
    assert [fault.position for fault in verify(lines).faults] == [1, 2, 3]


def test_a_line_repeated_or_put_in_shows() -> None:
    lines = chain(FOUR)
    assert not verify([*lines[:2], lines[1], *lines[2:]]).holds
    forged, _ = link(verify(lines[:2]).head, {"n": 99})
    assert [fault.position for fault in verify([*lines[:2], forged + b"\n", *lines[2:]]).faults] == [3]


def test_a_removed_beginning_shows() -> None:
    assert [fault.position for fault in verify(chain(FOUR)[1:]).faults] == [0]


def test_a_tail_cut_off_at_a_line_shows_only_against_the_head_kept_elsewhere() -> None:
    lines = chain(FOUR)
    kept = verify(lines)
    shorter = verify(lines[:-1])
    assert shorter.holds
    assert shorter.head != kept.head
    assert shorter.entries < kept.entries


def test_a_torn_last_line_is_no_fault_but_is_said() -> None:
    lines = chain(FOUR)
    for length in range(1, len(lines[-1]) - 2):
        report = verify([*lines[:-1], lines[-1][:length]])
        assert report.torn, length
        assert report.holds
        assert report.entries == len(FOUR) - 1


def test_a_torn_line_that_others_follow_is_a_fault() -> None:
    lines = chain(FOUR)
    lines[1] = lines[1][:40]
    assert not verify(lines).holds
    assert verify(lines).faults[0].position == 1


def test_a_second_file_goes_on_from_the_head_of_the_first() -> None:
    first = verify(chain(FOUR))
    second = chain(FOUR, first.head)
    assert verify(second, start=first.head).holds
    assert not verify(second).holds


@pytest.mark.parametrize("prev", ["", "0" * 63, "G" * 64, "A" * 64])
def test_only_a_hash_can_be_linked_to(prev: str) -> None:
    with pytest.raises(IntegrityFailure):
        link(prev, {})
