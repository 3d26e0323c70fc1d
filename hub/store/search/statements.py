"""The statements of searches, kept by their shape: made once, filled again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sqlalchemy.sql.selectable import Select

from hub.store.search.scope import Scope
from hub.store.search.shapes import Asked, NoShape, shape
from hub.store.search.slots import Slots, is_sound
from hub.store.sight import Sight

MOST: Final = 400
"""So many statements are kept: those that were asked for last."""

Make = Callable[[Scope, Asked], Select[Any]]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, and where its values come from; none where they are in it."""

    statement: Select[Any]
    slots: Slots | None = None

    def values(self, asked: Asked) -> dict[str, Any] | None:
        """What is bound for one search."""
        return self.slots.values(asked) if self.slots else None


_kept: Final[OrderedDict[Hashable, Statement]] = OrderedDict()
_lock: Final = Lock()


def statement_for(asked: Asked, sight: Sight, make: Make, *, postgresql: bool) -> Statement:
    """The statement for a search: one that was made for another of its shape, or a new one."""
    try:
        key = (postgresql, shape(asked))
    except NoShape:
        return _made(asked, sight, make, postgresql)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    slots = Slots()
    filled = slots.filled(asked)
    made = make(Scope(type(sight)(filled.spec), postgresql=postgresql), filled)
    if not is_sound(made, asked):
        return _made(asked, sight, make, postgresql)
    found = Statement(made, slots)
    with _lock:
        _kept[key] = found
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return found


def _made(asked: Asked, sight: Sight, make: Make, postgresql: bool) -> Statement:
    return Statement(make(Scope(sight, postgresql=postgresql), asked))
