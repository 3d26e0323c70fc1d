"""SMART v2 system scopes: `system/CarePlan.rs`, `system/*.cruds`; v1's (`.read`, `.write`, `.*`) as what they mean.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html. A scope only ever narrows: what an
asker gets is what it asked for and is registered for. What may be seen is decided by consent, not by
scopes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from hub.errors import InsufficientScope

LETTERS: Final = "cruds"
"""Create, read, update, delete, search, in the order in which a scope names them."""

ANY: Final = "*"
_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?|read|write|\*)")
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": LETTERS}
"""What the words of SMART v1 mean in the letters of v2."""
_INTERACTIONS: Final = {"create": "c", "read": "r", "update": "u", "delete": "d", "search": "s"}
_LIMIT: Final = 2000


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a token is good for: for each type (or `*`) the letters of the interactions it covers."""

    granted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Scopes:
        """The scopes of a space-separated list; InsufficientScope where one is not a system scope."""
        if len(text) > _LIMIT:
            raise InsufficientScope("the list of scopes is too long", place="scope")
        granted: dict[str, frozenset[str]] = {}
        for position, scope in enumerate(text.split()):
            if "?" in scope:
                said = "scopes with search parameters are not offered: what may be seen is decided by consent"
                raise InsufficientScope(said, place=f"scope[{position}]")
            found = _SCOPE.fullmatch(scope)
            if found is None or not found[2]:
                said = "is not a scope like `system/CarePlan.rs` (letters in the order c r u d s)"
                raise InsufficientScope(said, place=f"scope[{position}]")
            letters = _VERSION_1.get(found[2], found[2])
            granted[found[1]] = granted.get(found[1], frozenset()) | frozenset(letters)
        return cls(granted)

    def covers(self, type: str, interaction: str) -> bool:
        """Whether these cover an interaction (a letter, or its word) with a type."""
        letter = _INTERACTIONS.get(interaction, interaction)
        return letter in self.granted.get(type, ()) or letter in self.granted.get(ANY, ())

    def narrowed(self, asked: Scopes) -> Scopes:
        """What of `asked` these cover; `system/*` asked by one who has single types becomes those types."""
        names = self.granted.keys() | asked.granted.keys()
        both = {name: self._letters(name) & asked._letters(name) for name in names}
        return Scopes({name: letters for name, letters in both.items() if letters})

    def among(self, types: Collection[str]) -> Scopes:
        """These without the types that are none of `types`."""
        return Scopes({name: letters for name, letters in self.granted.items() if name == ANY or name in types})

    def _letters(self, name: str) -> frozenset[str]:
        return self.granted.get(name, frozenset()) | self.granted.get(ANY, frozenset())

    def __bool__(self) -> bool:
        return bool(self.granted)

    def __str__(self) -> str:
        return " ".join(
            f"system/{name}.{''.join(letter for letter in LETTERS if letter in self.granted[name])}"
            for name in sorted(self.granted)
        )
