"""Journal entries: what is written down can be read again, and says nothing that is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit.chain import GENESIS, link, parse
from hub.audit.entry import Disclosed, JournalEntry, Withheld
from hub.errors import IntegrityFailure

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
entries = st.builds(
    JournalEntry,
    id=words,
    at=words,
    kind=st.sampled_from(
        ["disclosure", "refusal", "processing", "received", "delivery", "consent", "sign-in", "notice"]
    ),
    organisation=words,
    purpose=words,
    clients=st.lists(words, max_size=2).map(tuple),
    disclosed=st.lists(st.builds(Disclosed, words, words, st.booleans()), max_size=2).map(tuple),
    withheld=st.lists(st.builds(Withheld, words, words), max_size=2).map(tuple),
    because=st.lists(words, max_size=2).map(tuple),
    outcome=st.sampled_from(["success", "refused", "failed"]),
)


@given(entries)
def test_an_entry_survives_the_journal(entry: JournalEntry) -> None:
    line, _ = link(GENESIS, entry.to_body())
    found = parse(line)
    assert found is not None
    assert JournalEntry.from_body(found.read()) == entry


def test_a_body_leaves_out_what_is_not_said() -> None:
    entry = JournalEntry("e1", "2026-11-21T10:00:00+01:00", "sign-in", organisation="Organization/nemocnice")
    assert entry.to_body() == {
        "id": "e1",
        "at": "2026-11-21T10:00:00+01:00",
        "kind": "sign-in",
        "outcome": "success",
        "organisation": "Organization/nemocnice",
    }


@pytest.mark.parametrize(
    "bent",
    [
        {"kind": "gossip"},
        {"outcome": "perhaps"},
        {"clients": "Patient/1"},
        {"disclosed": [{"reference": "Patient/1"}]},
        {"surprise": 1},
    ],
)
def test_what_is_not_an_entry_is_refused(bent: dict[str, object]) -> None:
    body = JournalEntry("e1", "2026-11-21T10:00:00Z", "disclosure").to_body()
    with pytest.raises(IntegrityFailure):
        JournalEntry.from_body({**body, **bent})
