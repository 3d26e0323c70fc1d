"""The paths of FHIRPath Patch, a small part of FHIRPath (https://hl7.org/fhir/R4/fhirpatch.html).

    Patient.name[0].given
    CarePlan.activity.where(detail.code.text = 'Visit' and detail.status != 'completed').detail
    Observation.value.ofType(Quantity).unit
    Patient.birthDate.extension('http://example.org/time')
    Patient.name.given.where($this = 'Anna')

Steps are names, indexes, `where`, `first()`, `last()`, `ofType`, `extension`; conditions compare one value with a
literal or ask `exists()`, joined by `and`. Nothing else of FHIRPath is understood, and no path costs more than a
walk over the resource.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

MAX_LENGTH: Final = 1000
MAX_NESTING: Final = 3
"""How deep `where` may stand in `where`."""


class PathError(ValueError):
    """The text is no path of this kind; says what was expected at which character."""


@dataclass(frozen=True, slots=True)
class Name:
    """The children of this name; a choice by its stem."""

    name: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One of what was found so far, by position; -1 is the last."""

    index: int


@dataclass(frozen=True, slots=True)
class OfType:
    """What is of this type."""

    type: str


@dataclass(frozen=True, slots=True)
class WithUrl:
    """The extensions with this url."""

    url: str


@dataclass(frozen=True, slots=True)
class Compare:
    """One value that equals a literal, or does not."""

    path: tuple[Step, ...]
    equal: bool
    literal: str | Decimal | bool


@dataclass(frozen=True, slots=True)
class Exists:
    """Something stands at the path."""

    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """What fulfils all the conditions."""

    conditions: tuple[Compare | Exists, ...]


Step = Name | Pick | OfType | WithUrl | Where


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path: the type it starts from (`` if it names none), and its steps."""

    type: str
    steps: tuple[Step, ...]
    shown: str
    """The path as it may stand in a message: without the values it compares with."""


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9]{0,63})|(?P<this>\$this)|'(?P<string>(?:[^'\\]|\\.)*)'|@(?P<date>[0-9TZ:.+-]+)"
    r"|(?P<number>-?[0-9]{1,18}(?:\.[0-9]{1,18})?)|(?P<sign>!=|[.()\[\]=]))"
)
_STRING: Final = re.compile(r"'(?:[^'\\]|\\.)*'")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_Kind = Literal["name", "this", "string", "date", "number", "sign", "end"]


def compile_path(text: str) -> Path:
    """The path that a text says; PathError where it says none."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"longer than {MAX_LENGTH} characters")
    reader = _Reader(text)
    type = ""
    if reader.kind == "name" and reader.value[:1].isupper():
        type = reader.take()
        steps, _ = reader.steps(0, first=False)
    else:
        steps, _ = reader.steps(0, first=True)
    if reader.kind != "end":
        raise reader.expected("the end of the path")
    return Path(type, steps, _STRING.sub("'…'", text.strip()))


class _Reader:
    """The text, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._end = 0
        self.at = 0
        self.kind: _Kind = "end"
        self.value = ""
        self._next()

    def expected(self, what: str) -> PathError:
        return PathError(f"{what} is expected at character {self.at + 1}")

    def take(self) -> str:
        value = self.value
        self._next()
        return value

    def sign(self, sign: str) -> bool:
        """Take this sign if it is the next."""
        found = self.kind == "sign" and self.value == sign
        if found:
            self._next()
        return found

    def steps(self, nesting: int, *, first: bool) -> tuple[tuple[Step, ...], bool]:
        """Steps up to what is no step, and whether `exists()` ends them; `first`: no dot before the first."""
        found: list[Step] = []
        if first:
            if self.kind == "this":
                self._next()
            elif self._named(found, nesting):
                return (), True
        while True:
            if self.sign("["):
                found.append(Pick(self._index()))
            elif self.sign("."):
                if self._named(found, nesting):
                    return tuple(found), True
            else:
                return tuple(found), False

    def _named(self, found: list[Step], nesting: int) -> bool:
        """A name or a function; True for `exists()`, which ends a condition's path."""
        name = self._take("name", "a name")
        if not self.sign("("):
            found.append(Name(name))
            return False
        if name == "exists" and nesting:
            self._close(")")
            return True
        found.append(self._function(name, nesting))
        self._close(")")
        return False

    def _function(self, name: str, nesting: int) -> Step:
        match name:
            case "first":
                return Pick(0)
            case "last":
                return Pick(-1)
            case "ofType":
                return OfType(self._take("name", "a type"))
            case "extension":
                return WithUrl(_unescaped(self._take("string", "a url in quotes")))
            case "where" if nesting < MAX_NESTING:
                return Where(self._conditions(nesting + 1))
        raise self.expected("a function that a patch knows")

    def _conditions(self, nesting: int) -> tuple[Compare | Exists, ...]:
        found = [*self._condition(nesting)]
        while self.kind == "name" and self.value == "and":
            self._next()
            found += self._condition(nesting)
        return tuple(found)

    def _condition(self, nesting: int) -> tuple[Compare | Exists, ...]:
        if self.sign("("):
            if nesting >= MAX_NESTING:
                raise self.expected("less nesting")
            inner = self._conditions(nesting + 1)
            self._close(")")
            return inner
        path, exists = self.steps(nesting, first=True)
        if exists:
            return (Exists(path),)
        if self.sign("="):
            return (Compare(path, True, self._literal()),)
        if self.sign("!="):
            return (Compare(path, False, self._literal()),)
        raise self.expected("a comparison")

    def _literal(self) -> str | Decimal | bool:
        match self.kind:
            case "string":
                return _unescaped(self.take())
            case "date":
                return self.take()
            case "number":
                return Decimal(self.take())
            case "name" if self.value in ("true", "false"):
                return self.take() == "true"
        raise self.expected("a literal")

    def _index(self) -> int:
        if self.kind != "number" or not self.value.isdecimal():
            raise self.expected("an index")
        index = int(self.take())
        self._close("]")
        return index

    def _take(self, kind: _Kind, what: str) -> str:
        if self.kind != kind:
            raise self.expected(what)
        return self.take()

    def _close(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.expected("a closing bracket")

    def _next(self) -> None:
        self.at = self._end
        if self._end >= len(self._text):
            self.kind, self.value = "end", ""
            return
        match = _TOKEN.match(self._text, self._end)
        if match is None or match.lastgroup is None:
            raise self.expected("a name, a literal or a sign")
        self.kind, self.value = match.lastgroup, match[match.lastgroup]  # type: ignore[assignment]
        self._end = match.end()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)
