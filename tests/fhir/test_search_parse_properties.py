"""What holds of every search text: no error but one of the hub's, and what is printed reads back the same."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import InvalidSearch
from hub.fhir.search_parameters import parameters
from hub.fhir.search_parse import parse
from hub.fhir.search_query import (
    CompositeValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    Term,
    TokenValue,
    UriValue,
    Value,
)
from hub.fhir.search_text import escape, split, unescape

NAMES = sorted(parameters("Observation"))
MODIFIERS = ("", ":not", ":text", ":missing", ":in", ":identifier", ":Patient", ":exact", ":of-type", ":")
CONTROLS = (
    "_sort",
    "_count",
    "_include",
    "_include:iterate",
    "_revinclude",
    "_elements",
    "_summary",
    "_total",
    "_type",
)

keys = st.one_of(
    st.text(max_size=40),
    st.builds(str.__add__, st.sampled_from(NAMES), st.sampled_from(MODIFIERS)),
    st.builds(lambda *parts: ".".join(parts), st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds("_has:{}:{}:{}".format, st.sampled_from(("Observation", "Patient", "x")), st.text(max_size=8), st.text()),
    st.sampled_from(CONTROLS),
)
texts = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789eE+-.:TZgtlapne|$,\\ ", max_size=30),
    st.sampled_from(("2024-02-30", "9999-12-31", "ap9999", "ge0001", "1e-999", "5|a|b", "*", "Observation:*", "a$b$c")),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["Observation", "Location", None]), st.lists(st.tuples(keys, texts), max_size=4), st.booleans())
def test_any_text_is_a_query_or_a_refusal(type: str | None, asked: list[tuple[str, str]], lenient: bool) -> None:
    with suppress(InvalidSearch):
        query = parse(type, asked, lenient=lenient)
        assert 0 <= query.count <= 100
        assert len(query.used) + len(query.ignored) <= len(asked)


@given(st.text())
def test_what_is_escaped_is_one_value_and_the_same(text: str) -> None:
    for separator in ",|$":
        assert split(escape(text), separator) == [escape(text)]
    assert unescape(escape(text)) == text


words = st.builds("x{}".format, st.text(st.sampled_from("abcŽ9 ,|$\\%_'*:/"), max_size=12))
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
prefixes = st.sampled_from(("gt", "lt", "ge", "le", "sa", "eb"))
tokens = st.one_of(
    st.builds(TokenValue, st.one_of(st.none(), st.just(""), words), words), st.builds(TokenValue, words, st.none())
)
quantities = st.builds(lambda p, n, s, c: QuantityValue(p, n, n, s, c), prefixes, finite, st.none() | words, words)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "code": tokens,
    "value-string": st.builds(StringValue, words),
    "_profile": st.builds(UriValue, words),
    "subject": st.builds(
        lambda name: ReferenceValue(f"Patient/{name}"), st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True)
    ),
    "value-quantity": quantities,
    "code-value-quantity": st.builds(lambda *parts: CompositeValue(parts), tokens, quantities),
}


@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_what_is_printed_reads_back_the_same(data: st.DataObject, name: str) -> None:
    values = data.draw(st.lists(VALUES[name], min_size=1, max_size=3, unique=True))
    (found,) = parse("Observation", [(name, ",".join(printed(value) for value in values))]).conditions
    assert isinstance(found, Term)
    assert found.values == tuple(values)


def printed(value: Value) -> str:
    """The value as it is typed."""
    match value:
        case TokenValue(None, code):
            return escape(code or "")
        case TokenValue(system, code):
            return f"{escape(system or '')}|{escape(code or '')}"
        case StringValue(text) | UriValue(text) | ReferenceValue(text):
            return escape(text)
        case QuantityValue(prefix, low, _, system, code):
            return f"{prefix}{low!r}|{escape(system or '')}|{escape(code or '')}"
        case CompositeValue(parts):
            return "$".join(printed(part) for part in parts)
    raise AssertionError(value)
