"""The few faults of real XML documents that have one safe cure (https://www.w3.org/TR/xml/).

A bare ampersand is escaped; a well-known prefix that a fragment uses undeclared is declared; an end tag
with no element open of its name is dropped. Each cure is reported with line and column. Nothing is
guessed: what could be read in two ways stays a fault.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_REPAIRS: Final = 1000
"""More than that, and the document is not what it says."""

_QUOTED: Final = re.compile(r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)|<\?(?:.*?\?>|.*)", re.DOTALL)
_AMPERSAND: Final = re.compile(r"&(?!#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)")
_TAG: Final = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)|<\?(?:.*?\?>|.*)"
    r"|<(?P<end>/)?(?P<name>[A-Za-z_][\w.:-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(?P<empty>/)?>",
    re.DOTALL,
)
_PREFIXES: Final = {"xsi": "http://www.w3.org/2001/XMLSchema-instance", "sdtc": "urn:hl7-org:sdtc"}


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was put right so that the document could be read, and where."""

    line: int
    column: int
    what: str


def repaired(text: str) -> tuple[str, tuple[Repair, ...]]:
    """The text with what has a safe cure cured, and the cures in document order."""
    edits = sorted((*_ampersands(text), *_undeclared(text), *_stray_ends(text)))
    if len(edits) > MAX_REPAIRS:
        return text, ()
    pieces: list[str] = []
    done = 0
    for begin, end, new, _ in edits:
        pieces += [text[done:begin], new]
        done = end
    repairs = tuple(Repair(*position(text, begin), what) for begin, _, _, what in edits)
    return "".join(pieces) + text[done:], repairs


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


_Edit = tuple[int, int, str, str]


def _ampersands(text: str) -> Iterator[_Edit]:
    """`&` that begins no reference, outside comments, CDATA and processing instructions."""
    if _AMPERSAND.search(text) is None:
        return
    quoted = deque(match.span() for match in _QUOTED.finditer(text))
    for match in _AMPERSAND.finditer(text):
        while quoted and quoted[0][1] <= match.start():
            quoted.popleft()
        if not quoted or match.start() < quoted[0][0]:
            yield match.start(), match.end(), "&amp;", "bare ampersand escaped"


def _undeclared(text: str) -> Iterator[_Edit]:
    """Well-known prefixes that are used and nowhere declared: declared on the root."""
    root = next((match for match in _TAG.finditer(text) if match["name"]), None)
    if root is None:
        return
    place = root.end("name")
    for prefix, namespace in _PREFIXES.items():
        if f"xmlns:{prefix}" not in text and re.search(rf"[\s<]{prefix}:\w", text):
            yield place, place, f' xmlns:{prefix}="{namespace}"', f"prefix {prefix} declared"


def _stray_ends(text: str) -> Iterator[_Edit]:
    """End tags with no element of their name open: dropped (as when a start tag was closed at once)."""
    opened: list[str] = []
    names: Counter[str] = Counter()
    for match in _TAG.finditer(text):
        name = match["name"]
        if name is None or match["empty"]:
            continue
        if not match["end"]:
            opened.append(name)
            names[name] += 1
        elif opened and opened[-1] == name:
            opened.pop()
            names[name] -= 1
        elif names[name]:
            return
        else:
            yield match.start(), match.end(), "", "end tag without start dropped"
