"""Where JSON text goes wrong: the slow second look, taken only when the quick reader refused (RFC 8259 §2-8).

It reports the first fault with its offset and JSON pointer (RFC 6901), and never repeats content of the text:
a member name stands in a pointer only where it looks like a name of FHIR, otherwise as `?`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from typing import Final

from hub.fhir.decimals import MAX_DIGITS, decimal

MAX_DEPTH: Final = 64

_STRINGS: Final = JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"-?[A-Za-z]+")
_NAME: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_LONE: Final = re.compile("[\ud800-\udfff]")
_NOT: Final = {"{": "not a JSON object", "[": "not a JSON array"}


@dataclass(frozen=True, slots=True)
class TextFault:
    """What is wrong, where in the text, and at which element."""

    text: str
    offset: int
    pointer: str


class _FoundError(Exception):
    """Carries the fault out of the scan."""

    def __init__(self, text: str, offset: int) -> None:
        self.text = text
        self.offset = offset


@dataclass(slots=True)
class _Frame:
    """An open object (with the keys seen) or array (with the position)."""

    is_object: bool
    keys: set[str] = field(default_factory=set)
    current: str = ""
    index: int = 0

    def step(self) -> str:
        if not self.is_object:
            return str(self.index)
        return self.current if _NAME.fullmatch(self.current) else "?"


def find_fault(text: str, *, opening: str = "{") -> TextFault:
    """The first fault of a text that the quick reader refused; it should begin with `opening`."""
    stack: list[_Frame] = []
    try:
        _scan(text, stack, opening)
    except _FoundError as found:
        pointer = "".join(f"/{frame.step()}" for frame in stack if not frame.is_object or frame.current)
        return TextFault(found.text, found.offset, pointer)
    return TextFault(_NOT[opening], 0, "")


def _scan(text: str, stack: list[_Frame], opening: str) -> None:
    at = _skip(text, 0)
    if text[at : at + 1] != opening:
        raise _FoundError(_NOT[opening], at)
    while True:
        at = _value(text, at, stack)
        while stack and (closed := _after_value(text, at, stack)) is not None:
            at = closed
        if not stack:
            break
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            stack[-1].index += 1
        if stack[-1].is_object:
            at = _key(text, at, stack[-1])
    at = _skip(text, at)
    if at < len(text):
        raise _FoundError("more text after the object", at)


def _value(text: str, at: int, stack: list[_Frame]) -> int:
    """Read one value, or open one container; the offset behind what was read."""
    sign = text[at : at + 1]
    if sign in ("{", "["):
        stack.append(_Frame(sign == "{"))
        if len(stack) > MAX_DEPTH:
            raise _FoundError(f"nested deeper than {MAX_DEPTH} levels", at)
        at = _skip(text, at + 1)
        if text[at : at + 1] in ("}", "]"):
            return at
        if sign == "{":
            return _value(text, _key(text, at, stack[-1]), stack)
        return _value(text, at, stack)
    if sign == '"':
        return _string(text, at)[1]
    if number := _NUMBER.match(text, at):
        _check_number(number.group(), at)
        return number.end()
    word = _WORD.match(text, at)
    if word and word.group() in ("true", "false", "null"):
        return word.end()
    if word and word.group() in ("NaN", "Infinity", "-Infinity"):
        raise _FoundError("NaN and Infinity are not JSON numbers", at)
    raise _FoundError("a value is expected" if at < len(text) else "the text ends too early", at)


def _after_value(text: str, at: int, stack: list[_Frame]) -> int | None:
    """Close the innermost container if its end follows; None where another member or item does."""
    at = _skip(text, at)
    sign = text[at : at + 1]
    if sign == ("}" if stack[-1].is_object else "]"):
        stack.pop()
        return at + 1
    if sign != ",":
        raise _FoundError("a comma or the end of the container is expected" if sign else "the text ends too early", at)
    return None


def _key(text: str, at: int, frame: _Frame) -> int:
    """Read a member name and its colon; the offset of its value."""
    if text[at : at + 1] != '"':
        frame.current = ""
        raise _FoundError("a member name is expected", at)
    key, end = _string(text, at)
    frame.current = key
    if key in frame.keys:
        raise _FoundError("this key stands twice", at)
    frame.keys.add(key)
    end = _skip(text, end)
    if text[end : end + 1] != ":":
        raise _FoundError("a colon is expected", end)
    return _skip(text, end + 1)


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _STRINGS.raw_decode(text, at)
    except JSONDecodeError as error:
        raise _FoundError("a string is broken", error.pos) from None
    if _LONE.search(value):
        raise _FoundError("half of a surrogate pair", at)
    return value, end


def _check_number(number: str, at: int) -> None:
    if len(number) > MAX_DIGITS or decimal(number) is None:
        raise _FoundError(f"a number of more than {MAX_DIGITS} digits", at)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
