"""The part of FHIRPath that search parameters use, compiled to paths over JSON keys
(https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression).

Paths, `as`, `ofType`, `where(x = 'y')`, `where(resolve() is T)`, `extension('url')`, `first()`, `[n]` and
`|` between whole alternatives. What an expression says beyond that is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from hub.fhir.shapes import ABSTRACT, RESOURCE_TYPES, shape

BASES: Final = RESOURCE_TYPES | ABSTRACT


class OutsideSubsetError(ValueError):
    """The expression uses more of FHIRPath than is compiled here, or names what R4 does not have."""


@dataclass(frozen=True, slots=True)
class Test:
    """What an element must be to be followed."""

    how: Literal["equals", "resolves", "at"]
    name: str
    """The key that is compared (dots lead inward), the type that is referred to, or the position."""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A JSON key to follow, the type of what stands there, and what that must be."""

    key: str
    type: str
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """From a resource of the base type (or from an element) to the elements of one type."""

    base: str
    steps: tuple[Step, ...]
    type: str
    start: str = ""
    """Of a component of a composite: the type of the element it starts from, the resource's included."""
    from_resource: bool = False


def alternatives(expression: str) -> list[str]:
    """The parts of an expression that are joined by `|`."""
    return [part for text in _BAR.split(expression) if (part := text.strip())]


def compile_path(text: str, base: str) -> tuple[Path, ...]:
    """The paths of one alternative on a resource type: several where a choice is left open, none where
    it belongs to another type."""
    if match := _NOT_FALSE.fullmatch(text):
        text = match[1]
    text = _without_as(text)
    head, _, rest = text.partition(".")
    named = re.split(r"\W", head)[0]
    if named[:1].isupper():
        if named not in BASES:
            raise OutsideSubsetError(text)
        if named != base and not (named in ABSTRACT and base in BASES):
            return ()
        rest = text[len(named) :].removeprefix(".")
        base = named if named in ABSTRACT else base
    else:
        rest = text
    return tuple(Path(base, steps, place) for steps, place in _follow(rest, base, base))


def compile_component(text: str, path: Path) -> tuple[Path, ...]:
    """The paths of one component of a composite, from the elements of its path or from the resource."""
    from_resource = text.startswith("%resource.")
    start = path.base if from_resource else path.type
    rest = _without_as(text.removeprefix("%resource."))
    return tuple(Path(path.base, steps, place, start, from_resource) for steps, place in _follow(rest, start, start))


def is_question(expression: str) -> bool:
    """Whether it asks if the element is there and not false (`Patient.deceased`)."""
    return _NOT_FALSE.fullmatch(expression) is not None


_BAR: Final = re.compile(r"\s*\|\s*(?=(?:[^']*'[^']*')*[^']*$)")
_NOT_FALSE: Final = re.compile(r"([A-Za-z.]+)\.exists\(\) and \1 != false")
_AS: Final = re.compile(r"\((?P<path>[^()|]+(?:\([^()]*\)[^()|]*)*) as (?P<type>[A-Za-z]+)\)(?P<rest>.*)", re.S)
_PART: Final = re.compile(
    r"\.?(?:(?:as|ofType)\((?P<type>[A-Za-z]+)\)"
    r"|where\((?P<key>[a-z][A-Za-z.]*) ?= ?'(?P<value>[^']*)'\)"
    r"|where\(resolve\(\) is (?P<target>[A-Z][A-Za-z]+)\)"
    r"|extension\('(?P<url>[^']+)'\)"
    r"|\[(?P<at>[0-9]{1,4})\]"
    r"|(?P<first>first)\(\)"
    r"|(?P<name>[a-z][A-Za-z0-9]*)(?![A-Za-z0-9(]))"
)


def _without_as(text: str) -> str:
    """`(a.b as T).c` is `a.b.as(T).c`."""
    match = _AS.fullmatch(text)
    return f"{match['path'].strip()}.as({match['type']}){match['rest']}" if match else text


def _follow(rest: str, place: str, base: str, steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Each way through the rest of an expression, from the type that stands at the place."""
    if not rest:
        yield steps, place
        return
    match = _PART.match(rest)
    if match is None:
        raise OutsideSubsetError(rest)
    after = rest[match.end() :]
    if match["name"]:
        cast = _CAST.match(after)
        found = list(_elements(place, match["name"], cast["type"] if cast else ""))
        if cast:
            after = after[cast.end() :]
        reached = [way for step in found for way in _reached(after, step, base, steps)]
        if not reached:
            raise OutsideSubsetError(rest)
        yield from reached
    elif match["url"]:
        step = Step("extension", "Extension", (Test("equals", "url", match["url"]),))
        yield from _follow(after, "Extension", base, (*steps, step))
    elif match["type"] and match["type"] == place:
        yield from _follow(after, place, base, steps)
    elif steps and (test := _test(match)):
        last = Step(steps[-1].key, steps[-1].type, (*steps[-1].tests, test))
        yield from _follow(after, place, base, (*steps[:-1], last))
    else:
        raise OutsideSubsetError(rest)


_CAST: Final = re.compile(r"\.(?:as|ofType)\((?P<type>[A-Za-z]+)\)")


def _reached(rest: str, step: Step, base: str, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """The ways on from one key of a choice: none where what follows does not exist there."""
    try:
        yield from _follow(rest, step.type, base, (*steps, step))
    except OutsideSubsetError:
        return


def _elements(place: str, name: str, cast: str) -> Iterator[Step]:
    """The JSON keys of an element (several for an open choice) with the types that stand there."""
    try:
        known = shape(place)
    except KeyError:
        raise OutsideSubsetError(name) from None
    if name in known.elements:
        type = known.elements[name].type
        if cast and type not in (cast, "Resource"):
            raise OutsideSubsetError(name)
        yield Step(name, cast or type)
        return
    for stem, keys in known.choices:
        if stem == f"{name}[x]":
            wanted = {name + cast[:1].upper() + cast[1:]} if cast else keys
            if not wanted <= keys:
                raise OutsideSubsetError(name)
            yield from (Step(key, known.elements[key].type) for key in sorted(wanted))
            return
    raise OutsideSubsetError(name)


def _test(match: re.Match[str]) -> Test | None:
    if match["key"]:
        return Test("equals", match["key"], match["value"])
    if match["target"]:
        return Test("resolves", match["target"])
    if match["at"] or match["first"]:
        return Test("at", match["at"] or "0")
    return None
