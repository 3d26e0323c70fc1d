"""`_text` and `_content`: words looked for in what the asker sees of one client's record, opened for this request.

No index of words is kept, since words of a sealed record would outlive its key. So a search for words names its
client, and is matched against the projections that the gate gives (docs/adr/0007). Every word of a value must begin
a word of the text, without case and accents (https://hl7.org/fhir/R4/search.html#content).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, Final

from hub.fhir.search_parameters import fold
from hub.fhir.search_query import StringValue, Term
from hub.fhir.value import Resource

PARAMS: Final = ("_text", "_content")

_TAG: Final = re.compile(r"<[^>]*>")
_WORD: Final = re.compile(r"\w+")
_NOT_WORDS: Final = frozenset({"resourceType", "id", "meta", "data", "contentType"})
"""Elements that are no words of the content: names of things, and attachments in base64."""


def holds(resource: Resource, term: Term) -> bool:
    """Whether a resource as the asker sees it has all the words of one of the term's values."""
    looked_in = _narrative(resource) if term.param == "_text" else _content(resource)
    words = {word for text in looked_in for word in _words(text)}
    return any(_all_begin_one(value.text, words) for value in term.values if isinstance(value, StringValue))


def _all_begin_one(asked: str, words: set[str]) -> bool:
    wanted = _words(asked)
    return bool(wanted) and all(any(word.startswith(one) for word in words) for one in wanted)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _narrative(resource: Resource) -> Iterator[str]:
    div = resource.get("text", {}).get("div")
    if isinstance(div, str):
        yield _plain(div)


def _content(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _NOT_WORDS:
                yield from _content(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _content(inner, name)
    elif isinstance(value, str):
        yield _plain(value) if name == "div" else value


def _plain(div: str) -> str:
    return html.unescape(_TAG.sub(" ", div))
