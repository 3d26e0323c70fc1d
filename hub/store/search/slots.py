"""Values of a search as places to be filled: a statement is made once for all searches of one shape.

To say a search as SQL takes longer than to answer it. So each value of a query is replaced by a slot, which reads
like the value and becomes a bound parameter wherever SQL is made of it; the statement then serves every search of the
same shape (`hub.store.search.shapes`), with the values of each. What is made *of* a value is made by `derived`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from hub.fhir.search_query import InSet, Term
from hub.store.prepared import Names
from hub.store.search.page import PageKey
from hub.store.search.shapes import VALUES, Asked

T = TypeVar("T")
Step = Callable[[Any], Any]


class Slot:
    """A value that is bound under a name of its own."""

    slots: Slots
    steps: tuple[Step, ...]
    name: str

    def __clause_element__(self) -> sa.BindParameter[Any]:
        return sa.bindparam(self.name, type_=Names() if isinstance(self, tuple) else None)


class Text(Slot, str):
    """A text."""


class Number(Slot, float):
    """A number."""


class Many(Slot, tuple[str, ...]):
    """Texts, all bound as one."""


class Other(Slot):
    """Anything else: only SQL can be made of it."""


class Slots:
    """The slots of one statement: what each is called, and how its value is found."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Step, ...]] = {}

    def values(self, asked: Asked) -> dict[str, Any]:
        """What is bound for one search."""
        bound: dict[str, Any] = {"sight_at": asked.spec.at, "sight_sides": asked.spec.sides}
        for name, steps in self._found.items():
            value: Any = asked
            for step in steps:
                value = step(value)
            bound[name] = value
        return bound

    def slot(self, value: Any, *steps: Step) -> Any:
        """A slot that reads like the value. What is empty is none: SQL is made differently for it."""
        if value is None or value in ("", ()):
            return value
        if isinstance(value, str):
            made: Slot = Text(value)
        elif isinstance(value, float | int | Decimal) and not isinstance(value, bool):
            made = Number(value)
        else:
            made = Many(value) if isinstance(value, tuple) else Other()
        made.slots, made.steps, made.name = self, steps, f"slot{len(self._found)}"
        self._found[made.name] = steps
        return made

    def filled(self, asked: Asked) -> Asked:
        """The same search with slots for values."""
        spec, key, query = asked.spec, asked.key, asked.query
        named: dict[str, Any] = {"organisations": self._each(spec.organisations, "organisations")}
        if spec.clients is not None:
            named["clients"] = self._each(spec.clients, "clients")
        named["organisation"] = self.slot(spec.organisation, lambda a: a.spec.organisation)
        if key is not None:
            steps = (_attribute("key"), _attribute("values"))
            values = tuple(self.slot(value, *steps, _item(no)) for no, value in enumerate(key.values))
            key = PageKey(values, self.slot(key.reference, lambda a: a.key.reference))
        query = replace(
            query,
            conditions=self._within(query.conditions, lambda a: a.query.conditions),
            compartment=self.slot(query.compartment, lambda a: a.query.compartment),
        )
        around = self.slot(asked.around, lambda a: a.around)
        known = self.slot(asked.known, lambda a: a.known)
        return replace(asked, query=query, spec=replace(spec, **named), key=key, around=around, known=known)

    def _each(self, values: frozenset[str], name: str) -> frozenset[str]:
        def nth(no: int) -> Step:
            return lambda a: sorted(getattr(a.spec, name))[no]

        return frozenset(self.slot(value, nth(no)) for no, value in enumerate(sorted(values)))

    def _within(self, value: Any, *steps: Step) -> Any:
        if isinstance(value, tuple):
            return tuple(self._within(each, *steps, _item(no)) for no, each in enumerate(value))
        if isinstance(value, Term) and value.modifier == "missing":
            return value
        names: tuple[str, ...] = ("references",) if isinstance(value, InSet) else VALUES.get(type(value), ())
        if names:
            return replace(value, **{n: self.slot(getattr(value, n), *steps, _attribute(n)) for n in names})
        if is_dataclass(value) and not isinstance(value, type):
            inside = {one.name: getattr(value, one.name) for one in fields(value)}
            deeper = {n: v for n, v in inside.items() if isinstance(v, tuple) or is_dataclass(v)}
            return replace(value, **{n: self._within(v, *steps, _attribute(n)) for n, v in deeper.items()})
        return value


def derived(change: Callable[[Any], T], value: Any) -> T:
    """What is made of a value; of a slot, a slot for what is made of its value."""
    if not isinstance(value, Slot):
        return change(value)
    return cast("T", value.slots.slot(change(value), *value.steps, change))


def _attribute(name: str) -> Step:
    return lambda value: getattr(value, name)


def _item(no: int) -> Step:
    return lambda value: value[no]


def is_sound(statement: sa.Select[Any], asked: Asked) -> bool:
    """Whether no value of the search is left in the statement itself, where the next search would find it."""
    kept = asked.texts()
    for bound in _bound(statement):
        each = bound.value if isinstance(bound.value, list | tuple | set | frozenset) else (bound.value,)
        if not bound.key.startswith(("slot", "sight_")) and any(isinstance(v, str) and v in kept for v in each):
            return False
    return True


def _bound(statement: sa.ClauseElement) -> Iterator[sa.BindParameter[Any]]:
    """Everything that is bound in a statement; each of its elements is looked at once."""
    waiting: list[Any] = [statement]
    known = {id(statement)}
    while waiting:
        element = waiting.pop()
        if isinstance(element, sa.BindParameter):
            yield element
        for inside in element.get_children():
            if id(inside) not in known:
                known.add(id(inside))
                waiting.append(inside)
