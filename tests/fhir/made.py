"""Resources made by chance from the official shapes: right in form, senseless in content."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hub.fhir.decimals import decimal
from hub.fhir.shapes import Element, Shape, shape
from hub.fhir.value import Resource

TYPES = (
    "Patient", "CarePlan", "Observation", "Questionnaire", "QuestionnaireResponse", "Parameters", "Bundle", "Consent",
    "Task", "MedicationRequest", "Composition", "Goal", "Timing", "Group", "Binary",
)  # fmt: skip
RESOURCES = tuple(name for name in TYPES if name != "Timing")

WORDS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), st.sampled_from('\t\n\r<>&"')
    ),
    min_size=1,
    max_size=12,
)
_DIGITS = st.integers(0, 10**9).map(str)
DECIMALS = st.one_of(
    st.builds(lambda s, a, b: decimal(f"{s}{a}.{b}"), st.sampled_from(["", "-"]), _DIGITS, _DIGITS),
    st.builds(
        lambda a, b, e, n: decimal(f"{a}.{b}{e}{n}"), _DIGITS, _DIGITS, st.sampled_from(["e", "E", "e+", "E-"]), _DIGITS
    ).filter(lambda found: found is not None),
    st.sampled_from(["0.00000010", "1.50", "1.0E2", "-0", "0.0000000", "1e3"]).map(decimal),
)
DIVS = st.builds(
    '<div xmlns="http://www.w3.org/1999/xhtml"{}>{}</div>'.format,
    st.sampled_from(["", " lang='cs' xml:lang='cs'", ' title="a > b"', ' class="div"']),
    st.sampled_from(
        [
            "x", "<p>a<br/>b</p>", "<div>in <div>in</div></div>", "<!-- </div> --><p>a</p>", "<![CDATA[<div>]]>",
            "&#160;&lt;div&gt;&amp;", "<p>\r\n\t Žluťoučký </p>", "<div/>x<div title='/'/>", "<?pi </div>?>y",
        ]
    ),
)  # fmt: skip
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "decimal": st.one_of(DECIMALS, st.integers(-(10**9), 10**9)),
    "date": st.sampled_from(["2026", "2026-02", "2026-02-28"]),
    "dateTime": st.sampled_from(["2026", "2026-02-28T10:00:00.123+01:00"]),
    "instant": st.just("2026-02-28T10:00:00Z"),
    "time": st.just("10:00:00"),
    "base64Binary": st.just("AAECAw=="),
    "id": st.from_regex(r"[A-Za-z0-9\-.]{1,8}", fullmatch=True),
    "code": st.sampled_from(["active", "a b", "<", "&amp;"]),
}


def resources(*types: str) -> st.SearchStrategy[Resource]:
    """Resources of these types (or of several), in the form that FHIR's JSON prefers."""
    return st.sampled_from(types or RESOURCES).flatmap(_resource)


def _resource(kind: str, depth: int = 4) -> st.SearchStrategy[Resource]:
    return _object(shape(kind), depth).map(lambda found: {"resourceType": kind, **found})


@st.composite
def _object(draw: st.DrawFn, kind: Shape, depth: int) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(kind.elements)), max_size=4, unique=True))
    found: dict[str, Any] = {}
    for key in keys:
        element = kind.elements[key]
        if element.check is not None:
            _primitives(draw, kind, element, depth, found)
        elif depth > 0:
            one = _complex(element, depth - 1)
            value = draw(st.lists(one, min_size=1, max_size=3)) if element.many else draw(one)
            if value or not isinstance(value, dict | list):
                found[key] = value
    return found


def _complex(element: Element, depth: int) -> st.SearchStrategy[Any]:
    if element.type == "Resource":
        return st.sampled_from(["Patient", "Goal", "Basic"]).flatmap(lambda kind: _resource(kind, min(depth, 1)))
    return DIVS if element.type == "xhtml" else _object(element.shape, depth)


def _primitives(draw: st.DrawFn, kind: Shape, element: Element, depth: int, found: dict[str, Any]) -> None:
    """A primitive, or a list of them, with or without an extension side."""
    key = element.key
    one = _BY_TYPE.get(element.type, WORDS)
    side = st.none() if key in kind.attributes or depth < 2 else st.one_of(st.none(), _side(depth - 2))
    if not element.many:
        value, beside = draw(st.one_of(st.none(), one)), draw(side)
        if value is not None:
            found[key] = value
        if beside:
            found[f"_{key}"] = beside
        return
    pairs = draw(st.lists(st.tuples(st.one_of(st.none(), one), side), min_size=1, max_size=3))
    pairs = [(value, beside or None) for value, beside in pairs if value is not None or beside]
    if any(value is not None for value, _ in pairs):
        found[key] = [value for value, _ in pairs]
    if any(beside for _, beside in pairs):
        found[f"_{key}"] = [beside for _, beside in pairs]


def _side(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    extension = _object(shape("Extension"), depth).filter(bool)
    return st.one_of(
        WORDS.map(lambda word: {"id": word}),
        st.builds(lambda found: {"extension": found}, st.lists(extension, min_size=1, max_size=2)),
    )
