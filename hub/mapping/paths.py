"""The path language of mapping files: where in the source a rule reads (docs/mappings.md, "Paths").

One small language over the one tree of `hub.mapping.model.Node`, spelled as each format's people know
it: XPath steps for XML (`entry/act/code/@code`), `PID-5.1` for HL7 v2, dots for FHIR
(`activity.detail.status`), column names for tables (`{Jméno} | {Příjmení}`). Predicates are the same
everywhere: `[@a='x']`, `[b/c]`, `[2]`, `[not(b) and c in ('x','y')]`, `[starts-with(d,'x')]`,
`[is-number(d)]`, `[table('name', e)='y']`. `a | b` is the first that has a value. Everything is compiled
once to closures; no path can run code, read a file or loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.errors import MappingDefect
from hub.mapping import steps as step_of
from hub.mapping.model import Node
from hub.mapping.steps import Condition, Nodes, Value, Values, chain, is_one_of, itself, reader

Lookup = Callable[[str, str], str | None]
"""(table, key) -> value."""

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'[^']*')|(?P<column>\{[^}]+\})|(?P<number>\d+(?![\w-]))"
    r"|(?P<op>!=|//|\.\.|[=/|()\[\],@.*])"
    r"|(?P<name>(?:ancestor::|self::)?(?:[A-Za-z_][\w-]*:)?[\w][\w-]*))"
)


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path: the nodes it reaches, and the values it reads there."""

    text: str
    nodes: Nodes
    values: Values


class Compiler:
    """Compiles the paths of one mapping file; `place` names file and rule in every defect."""

    def __init__(self, dialect: str, namespaces: Mapping[str, str], lookup: Lookup, default: str = "") -> None:
        self._dialect = dialect
        self._namespaces = namespaces
        self._lookup = lookup
        self._default = default
        self.leading = dialect == "hl7v2"
        self._paths: dict[str, Path] = {}
        self._conditions: dict[str, Condition] = {}

    def path(self, text: str, place: str) -> Path:
        """Compile a path; raises MappingDefect naming `place` where it is not one."""
        if text not in self._paths:
            parser = _Parser(self._spelled(text), self, place)
            found = parser.alternatives()
            parser.end()
            self._paths[text] = Path(text, *found)
        return self._paths[text]

    def condition(self, text: str, place: str) -> Condition:
        """Compile a condition (what `when` and a predicate say)."""
        if text not in self._conditions:
            parser = _Parser(self._spelled(text), self, place)
            found = parser.disjunction()
            parser.end()
            self._conditions[text] = found
        return self._conditions[text]

    def tag(self, name: str, place: str) -> str:
        prefix, colon, local = name.rpartition(":")
        if not colon:
            return name
        if prefix not in self._namespaces:
            raise MappingDefect(f"`{prefix}` is not a declared namespace prefix", place=place)
        uri = self._namespaces[prefix]
        return local if uri == self._default else f"{{{uri}}}{local}"

    def lookup(self, table: str, key: str) -> str | None:
        return self._lookup(table, key)

    def _spelled(self, text: str) -> str:
        if self._dialect == "hl7v2":
            return re.sub(
                r"('[^']*')|\b([A-Z][A-Z0-9]{2})-(\d+)|(?<![\w.'])\.(\d+)",
                lambda m: m[1] or (f"/{m[2]}/f{m[3]}" if m[2] else f"f{m[4]}"),
                re.sub(r"('[^']*')|(?<=\d)\.(\d+)", lambda m: m[1] or f"/f{m[2]}", text),
            )
        if self._dialect == "fhir":
            return re.sub(r"('[^']*')|(?<=[\w\])])\.(?=[A-Za-z_])", lambda m: m[1] or "/", text)
        return text


class _Parser:
    """Recursive descent over one path or condition."""

    def __init__(self, text: str, compiler: Compiler, place: str) -> None:
        self._text = text
        self._compiler = compiler
        self._place = place
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                if text[position:].strip():
                    raise MappingDefect(f"`{text}` is not a path (at character {position + 1})", place=place)
                break
            self._tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            position = found.end()
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._defect(f"unexpected `{self._tokens[self._at][1]}`")

    def _defect(self, what: str) -> MappingDefect:
        return MappingDefect(f"{what} in `{self._text}`", place=self._place)

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead][1] if self._at + ahead < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._peek()
        if not token or (expected and token != expected):
            raise self._defect(f"expected `{expected or 'more'}`, found `{token or 'the end'}`")
        self._at += 1
        return token

    def _accept(self, token: str) -> bool:
        if self._peek() == token:
            self._at += 1
            return True
        return False

    # paths ------------------------------------------------------------------------------------------------

    def alternatives(self) -> tuple[Nodes, Values]:
        found = [self._steps()]
        while self._accept("|"):
            found.append(self._steps())
        if len(found) == 1:
            return found[0]
        all_nodes, all_values = [n for n, _ in found], [v for _, v in found]

        def nodes(node: Node) -> list[Node]:
            return next((some for one in all_nodes if (some := one(node))), [])

        def values(node: Node) -> list[Value]:
            return next((some for one in all_values if (some := one(node))), [])

        return nodes, values

    def _steps(self) -> tuple[Nodes, Values]:
        steps: list[Nodes] = []
        attribute = ""
        deep = False
        if self._peek() in ("/", "//"):
            deep = self._take() == "//"
            steps.append(step_of.to_root)
        while True:
            if self._accept("@"):
                said = self._take()
                attribute = said[1:-1] if said.startswith("{") else self._compiler.tag(said, self._place)
                break
            steps.append(self._step(deep))
            deep = False
            if self._peek() not in ("/", "//"):
                break
            deep = self._take() == "//"
        reach = chain([one for one in steps if one is not itself])
        return reach, reader(reach, attribute, self._compiler.leading)

    def _step(self, deep: bool) -> Nodes:
        word = self._take()
        step: Nodes
        if word == ".":
            step = itself
        elif word == "..":
            step = step_of.parent
        elif word.startswith("ancestor::"):
            step = step_of.ancestor(self._compiler.tag(word[10:], self._place))
        elif word.startswith("self::"):
            step = step_of.self_named(self._compiler.tag(word[6:], self._place))
        elif word == "*":
            step = step_of.descendants(None) if deep else step_of.children
        else:
            name = word[1:-1] if word.startswith("{") else self._compiler.tag(word, self._place)
            step = step_of.descendants(name) if deep else step_of.child(name, self._compiler.leading)
        while self._accept("["):
            if self._peek().isdigit() and self._peek(1) == "]":
                step = step_of.nth(step, int(self._take()))
            else:
                step = step_of.filtered(step, self.disjunction())
            self._take("]")
        return step

    # conditions -------------------------------------------------------------------------------------------

    def disjunction(self) -> Condition:
        parts = [self._conjunction()]
        while self._accept("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda node: any(part(node) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._comparison()]
        while self._accept("and"):
            parts.append(self._comparison())
        if len(parts) == 2:
            left, right = parts
            return lambda node: left(node) and right(node)
        return parts[0] if len(parts) == 1 else lambda node: all(part(node) for part in parts)

    def _comparison(self) -> Condition:
        if self._peek() == "not" and self._peek(1) == "(":
            self._at += 2
            inner = self.disjunction()
            self._take(")")
            return lambda node: not inner(node)
        if self._accept("("):
            inner = self.disjunction()
            self._take(")")
            return inner
        if self._peek() == "starts-with" and self._peek(1) == "(":
            self._at += 2
            _, values = self.alternatives()
            self._take(",")
            start = self._string()
            self._take(")")
            return lambda node: any(value.startswith(start) for value, _ in values(node))
        if self._peek() == "is-number" and self._peek(1) == "(":
            self._at += 2
            _, values = self.alternatives()
            self._take(")")
            return lambda node: any(step_of.NUMBER.fullmatch(value) for value, _ in values(node))
        nodes, values = self._operand()
        if self._accept("="):
            return is_one_of(values, frozenset({self._string()}))
        if self._accept("!="):
            differs = is_one_of(values, frozenset({self._string()}))
            return lambda node: not differs(node)
        if self._accept("in"):
            self._take("(")
            options = [self._string()]
            while self._accept(","):
                options.append(self._string())
            self._take(")")
            return is_one_of(values, frozenset(options))
        if nodes is None:
            return lambda node: bool(values(node))
        return lambda node: bool(nodes(node)) if values is None else bool(values(node) or nodes(node))

    def _operand(self) -> tuple[Nodes | None, Values]:
        if self._peek() == "table" and self._peek(1) == "(":
            self._at += 2
            name = self._string()
            self._take(",")
            _, values = self.alternatives()
            self._take(")")
            self._compiler.lookup(name, "")
            lookup = self._compiler.lookup
            return None, lambda node: [(to, n) for v, n in values(node) if (to := lookup(name, v)) is not None]
        before = self._at
        nodes, values = self.alternatives()
        ends_in_attribute = any(t[1] == "@" for t in self._tokens[before : self._at][-2:])
        return (None if ends_in_attribute else nodes), values

    def _string(self) -> str:
        token = self._take()
        if not token.startswith("'"):
            raise self._defect(f"expected a text in quotes, found `{token}`")
        return token[1:-1]
