"""Search parameters that are conditions on a record: terms, chains, `_has`
(https://hl7.org/fhir/R4/search.html#chaining, #has, #modifiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import product
from typing import Final

from hub.fhir import search_text
from hub.fhir.search_definitions import ON_RECORD, Component, Parameter, parameters_with
from hub.fhir.search_query import Chain, CompositeValue, Condition, Has, Term, TokenValue, Value
from hub.fhir.search_references import reference_values
from hub.fhir.search_text import ValueTextError
from hub.fhir.shapes import RESOURCE_TYPES

MAX_CHAIN: Final = 3
"""How many links a chain may have, `_has` included."""
MAX_BRANCHES: Final = 64
"""How many terms one search may come to: a chain has one for each type that its reference may name."""
MAX_TRIES: Final = 1000
"""How many types one search may try its chains on."""
MAX_VALUES: Final = 500
"""How many values one parameter may come to."""

MODIFIERS: Final[dict[str, frozenset[str]]] = {
    "token": frozenset(("missing", "not", "text", "in", "not-in", "above", "below")),
    "identifier": frozenset(("missing", "not", "text", "of-type")),
    "string": frozenset(("missing", "exact", "contains")),
    "reference": frozenset(("missing", "identifier", "text")),
    "uri": frozenset(("missing", "above", "below")),
    **dict.fromkeys(("composite", "date", "near", "number", "quantity"), frozenset(("missing",))),
}
"""Kind of parameter (identifiers apart) -> its modifiers; a reference has each type it may name as well."""

_TOO_OPEN: Final = "could be of too many types: say which, as in `subject:Patient.name`"

SPECIAL: Final = frozenset(("_content", "_list", "_text"))
NOT_OFFERED: Final = frozenset(("_containedType", "_filter", "_query", "_score"))


class UnknownParameterError(ValueError):
    """No such parameter on the type: what a lenient caller may have ignored."""


class RefusedError(ValueError):
    """The parameter is there, but not like this; the message says why."""


class LimitError(ValueError):
    """More than one search may ask."""


@dataclass(slots=True)
class Conditions:
    """Reads conditions on the searched types (none: every type that is kept)."""

    searched: tuple[str, ...]
    extra: tuple[Parameter, ...]
    zone: tzinfo
    types: frozenset[str]
    base: str
    _branches: int = field(default=0, init=False)
    _tries: int = field(default=0, init=False)

    def read(self, key: str, text: str) -> Condition:
        """The condition that one parameter of the search is."""
        if key in SPECIAL:
            return self._special(key, text)
        if key == "_contained" or key.partition(":")[0] in NOT_OFFERED:
            raise RefusedError("is not offered here")
        return self._condition(self.searched, key, text, 0)

    def parameter(self, types: Sequence[str], code: str) -> Parameter:
        """The parameter of this name, which every one of the types has alike."""
        known = [parameters_with(type, self.extra).get(code) for type in types or sorted(self.types)]
        first = known[0] if known else None
        if first is None or any(other is None or other.kind != first.kind for other in known):
            shared = " that these types share" if len(known) > 1 else ""
            raise UnknownParameterError(f"is no search parameter{shared}")
        return first

    def targets(self, parameter: Parameter) -> list[str]:
        """The types that are kept and that a reference may name."""
        return sorted(parameter.targets & self.types if parameter.targets else self.types)

    def _condition(self, types: tuple[str, ...], key: str, text: str, depth: int) -> Condition:
        if depth > MAX_CHAIN:
            raise LimitError(f"has more than {MAX_CHAIN} links")
        self._tries += 1
        if self._tries > MAX_TRIES:
            raise LimitError(_TOO_OPEN)
        if key.startswith("_has:"):
            return self._has(types, key, text, depth)
        head, dot, rest = key.partition(".")
        code, colon, modifier = head.partition(":")
        if colon and not modifier:
            raise RefusedError("has an empty modifier")
        parameter = self.parameter(types, code)
        if dot:
            return self._chain(types, parameter, modifier, rest, text, depth)
        self._branches += 1
        if self._branches > MAX_BRANCHES:
            raise LimitError(_TOO_OPEN)
        return self._term(types, parameter, modifier, text)

    def _chain(
        self, types: tuple[str, ...], parameter: Parameter, modifier: str, rest: str, text: str, depth: int
    ) -> Chain:
        if parameter.kind != "reference" or not parameter.literal:
            raise RefusedError("cannot be chained: it is no reference to a record")
        targets = self.targets(parameter)
        if modifier and modifier not in targets:
            raise RefusedError("names a type that the reference cannot have")
        inner: dict[str, Condition] = {}
        wrong: list[ValueError] = []
        for target in [modifier] if modifier else targets:
            try:
                inner[target] = self._condition((target,), rest, text, depth + 1)
            except (UnknownParameterError, RefusedError, ValueTextError) as error:
                wrong.append(error)
        if not inner:
            raise next((error for error in wrong if not isinstance(error, UnknownParameterError)), wrong[0])
        return Chain(_only(types), parameter.code, tuple(inner), tuple(inner.values()))

    def _has(self, types: tuple[str, ...], key: str, text: str, depth: int) -> Has:
        parts = key.split(":", 3)
        if len(parts) < 4 or not all(parts):
            raise RefusedError("is not `_has:Type:reference:parameter`")
        _, source, code, rest = parts
        if source not in self.types:
            raise RefusedError("names a type that is not kept here")
        parameter = self.parameter((source,), code)
        if parameter.kind != "reference" or not parameter.literal:
            raise RefusedError("does not go through a reference to a record")
        if types and not set(types) & set(self.targets(parameter)):
            raise RefusedError("goes through a reference that cannot name what is searched")
        return Has(_only(types), source, code, self._condition((source,), rest, text, depth + 1))

    def _special(self, key: str, text: str) -> Term:
        meant = search_text.string(text.removeprefix("List/") if key == "_list" else text)
        return Term(_only(self.searched), key, "special", "", (meant,))

    def _term(self, types: tuple[str, ...], parameter: Parameter, modifier: str, text: str) -> Term:
        type, code, kind = _only(types), parameter.code, parameter.kind
        if modifier and not self._offers(parameter, modifier):
            raise RefusedError("has a modifier that is not offered for it")
        parts = search_text.split(text, ",")
        if len(parts) > MAX_VALUES:
            raise LimitError(f"comes to more than {MAX_VALUES} values")
        if not all(parts):
            raise RefusedError("has an empty value among its values")
        if modifier == "missing":
            place = f"{code}$0" if kind == "composite" else code
            kind = parameter.components[0].kind if kind == "composite" else kind
            return Term(type, place, kind, modifier, (TokenValue(None, search_text.one_of(text, ("true", "false"))),))
        if modifier in ("text", "identifier", "of-type"):
            return _beside(type, code, modifier, parts)
        if modifier in ("in", "not-in"):
            return Term(type, code, kind, modifier, tuple(map(search_text.uri, parts)))
        found = tuple(dict.fromkeys(value for part in parts for value in self._values(parameter, modifier, part)))
        if len(found) > MAX_VALUES:
            raise LimitError(f"comes to more than {MAX_VALUES} values")
        components = tuple((f"{code}${n}", part.kind) for n, part in enumerate(parameter.components))
        return Term(type, code, kind, "" if kind == "reference" else modifier, found, components)

    def _offers(self, parameter: Parameter, modifier: str) -> bool:
        if parameter.code in ON_RECORD:
            return False
        kind = "identifier" if parameter.kind == "token" and parameter.secret else parameter.kind
        if kind == "reference" and not parameter.literal:
            return modifier == "missing"
        return modifier in MODIFIERS[kind] or (kind == "reference" and modifier in parameter.targets & RESOURCE_TYPES)

    def _values(self, parameter: Parameter, modifier: str, text: str) -> Sequence[Value]:
        """The values of one text: several where a bare id could be of several types, or a system is implied."""
        match parameter.kind:
            case "token":
                return _tokens(parameter, text)
            case "string":
                return (search_text.string(text),)
            case "reference":
                types = [modifier] if modifier else self.targets(parameter)
                return reference_values(parameter, text, types, narrowed=bool(modifier), base=self.base)
            case "date":
                return (search_text.date(text, self.zone),)
            case "number":
                return (search_text.number(text),)
            case "quantity":
                return (search_text.quantity(text),)
            case "uri":
                return (search_text.uri(text),)
            case "near":
                return (search_text.near(text),)
        return self._composites(parameter, text)

    def _composites(self, parameter: Parameter, text: str) -> Sequence[CompositeValue]:
        parts = search_text.split(text, "$")
        if len(parts) != len(parameter.components) or not all(parts):
            raise RefusedError(f"has {len(parameter.components)} parts, with `$` between them")
        each = [
            self._values(_as_parameter(parameter, component), "", part)
            for component, part in zip(parameter.components, parts, strict=True)
        ]
        return [CompositeValue(tuple(values)) for values in product(*each)]


def _beside(type: str, code: str, modifier: str, parts: Sequence[str]) -> Term:
    """A term on the rows beside the parameter's own: words, or identifiers."""
    if modifier == "text":
        return Term(type, f"{code}:text", "string", "", tuple(search_text.string(part) for part in parts))
    if modifier == "identifier":
        tokens = tuple(search_text.token(part, secret=True) for part in parts)
        return Term(type, f"{code}:identifier", "token", "", tokens)
    return Term(type, f"{code}:of-type", "token", "", tuple(map(search_text.typed_identifier, parts)))


def _tokens(parameter: Parameter, text: str) -> Sequence[TokenValue]:
    """A token; where its system is the implied one of a code, the rows of codes have none."""
    value = search_text.token(text, secret=parameter.secret)
    if value.system and value.system in parameter.systems:
        bare = TokenValue("", value.code)
        return (bare,) if all(path.type in ("boolean", "code") for path in parameter.paths) else (bare, value)
    return (value,)


def _as_parameter(composite: Parameter, component: Component) -> Parameter:
    return Parameter(composite.code, component.kind, composite.targets, component.paths)


def _only(types: tuple[str, ...]) -> str:
    return types[0] if len(types) == 1 else ""
