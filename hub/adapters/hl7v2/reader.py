r"""Read an HL7 v2 message into the tree that mappings read: segments, field repetitions, components,
subcomponents.

HL7 v2.5.1 chapter 2: delimiters from MSH-1 and MSH-2, escapes (`\F\ \S\ \T\ \R\ \E\ \Xdd..\ \.br\`),
`""` for "delete". Own splitting and not the `hl7` library: its parse takes 10 ms for an 8 KB message
where the whole mapping may take three. Decoded by MSH-18, else as configured; an unknown or broken
character is refused with its segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from hub.errors import MalformedContent
from hub.mapping.model import Node, Note
from hub.mapping.tree import Tree

_ENCODINGS: Final = {
    "": "", "ASCII": "ascii", "8859/1": "iso-8859-1", "8859/2": "iso-8859-2", "8859/15": "iso-8859-15",
    "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8", "UTF-8": "utf-8", "WINDOWS-1250": "windows-1250",
    "CP1250": "windows-1250", "WINDOWS-1252": "windows-1252",
}  # fmt: skip
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_ESCAPE = re.compile(r"\\([^\\\r\n]{0,400})\\")


def read(data: bytes, *, name: str, encoding: str | None = None) -> Tree:
    """One message as a tree; MalformedContent naming the segment where it is none."""
    notes: list[Note] = []
    body = data.removeprefix(b"\xef\xbb\xbf").strip(b"\x0b\x1c\r\n \t\x00")
    if len(body) < 9 or not body.startswith(b"MSH"):
        raise MalformedContent("does not begin with MSH", place=f"{name} segment 1")
    text = _decode(body, data, name, encoding, notes)
    field, component, repetition, escape, sub = text[3], *text[4:8]
    if len({field, component, repetition, escape, sub}) != 5 or any(one.isalnum() for one in text[3:8]):
        raise MalformedContent("MSH-1 and MSH-2 are not five different delimiters", place=f"{name} MSH-2")
    root = Node("message")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not line.strip():
            continue
        if not _SEGMENT.match(line) or (len(line) > 3 and line[3] != field):
            if not root.children:
                raise MalformedContent("not a segment", place=f"{name} segment {number}")
            notes.append(Note(f"{name} segment {number}", "not a segment; left out", line))
            continue
        root.children.append(_segment(line, number, root, (field, component, repetition, escape, sub)))
    if [one.tag for one in root.children].count("MSH") > 1:
        raise MalformedContent("more than one message; send them one by one", place=f"{name} second MSH")
    if len(root.children) < 2:
        raise MalformedContent("ends after MSH: truncated", place=f"{name} segment 2")
    control = _first(root.children[0], "f10")
    sender = "^".join(_first(root.children[0], one) for one in ("f3", "f4"))
    return Tree("hl7v2", name, root, f"hl7v2|{sender}|{control}", _wheres(), tuple(notes))


def _decode(body: bytes, data: bytes, name: str, encoding: str | None, notes: list[Note]) -> str:
    header = re.split(rb"[\r\n]", body, maxsplit=1)[0].decode("latin-1")
    fields = header.split(header[3])
    declared = fields[17].split(fields[1][1])[0].strip().upper() if len(fields) > 17 and len(fields[1]) > 1 else ""
    if declared not in _ENCODINGS:
        raise MalformedContent("a character set that is not taken here", place=f"{name} MSH-18")
    chosen = encoding or _ENCODINGS[declared] or ("utf-8" if data.startswith(b"\xef\xbb\xbf") else "")
    if not chosen:
        chosen = "ascii"
        try:
            return body.decode("ascii")
        except UnicodeDecodeError:
            chosen = "utf-8"
            notes.append(Note(f"{name} MSH-18", "no character set declared or configured: read as UTF-8"))
    try:
        return body.decode(chosen)
    except UnicodeDecodeError as error:
        segment = re.split(rb"\r\n|\r|\n", body[: error.start])
        tag = segment[-1][:3].decode("latin-1")
        raise MalformedContent(f"not valid {chosen}", place=f"{name} segment {len(segment)} {tag}") from None


def _segment(line: str, number: int, root: Node, signs: tuple[str, str, str, str, str]) -> Node:
    field, component, repetition, escape, sub = signs
    tag = line[:3]
    node = Node(tag, parent=root, line=number)
    fields = line.split(field)
    first = 1
    if tag == "MSH":
        for at, said in ((1, field), (2, fields[1])):
            node.children.append(Node(f"f{at}", said, node, number))
        fields, first = fields[1:], 3
    for at, said in enumerate(fields[1:], first):
        if not said:
            continue
        for one in said.split(repetition):
            if one:
                node.children.append(_parts(one, f"f{at}", node, number, (component, sub), escape, signs))
    return node


def _parts(
    said: str,
    tag: str,
    parent: Node,
    number: int,
    splits: tuple[str, ...],
    escape: str,
    signs: tuple[str, ...],
) -> Node:
    node = Node(tag, parent=parent, line=number)
    if splits and splits[0] in said:
        for at, one in enumerate(said.split(splits[0]), 1):
            if one:
                node.children.append(_parts(one, f"f{at}", node, number, splits[1:], escape, signs))
        return node
    if len(splits) > 1 and splits[1] in said:
        part = _parts(said, "f1", node, number, splits[1:], escape, signs)
        node.children.append(part)
        return node
    node.text = "" if said == '""' else _unescape(said, escape, signs)
    return node


def _unescape(said: str, escape: str, signs: tuple[str, ...]) -> str:
    if escape not in said:
        return said
    field, component, repetition, own, sub = signs
    plain = {"F": field, "S": component, "R": repetition, "E": own, "T": sub, ".br": "\n", "H": "", "N": ""}

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code in plain:
            return plain[code]
        if re.fullmatch(r"X([0-9A-Fa-f]{2})+", code):
            return bytes.fromhex(code[1:]).decode("latin-1")
        return "" if code[:1] in ".CMZ" else found[0]

    pattern = (
        _ESCAPE if own == "\\" else re.compile(f"{re.escape(own)}([^{re.escape(own)}\r\n]{{0,400}}){re.escape(own)}")
    )
    return pattern.sub(one, said)


def _first(segment: Node, tag: str) -> str:
    found = next((child for child in segment.children if child.tag == tag), None)
    while found is not None and found.children:
        found = found.children[0]
    return found.text if found is not None else ""


def _wheres() -> Callable[[Node], str]:
    """`PID-5.1`, `NK1[2]-4`, as people who read messages say it."""
    names: dict[int, str] = {}

    def where(node: Node) -> str:
        numbers: list[str] = []
        while node.parent is not None and node.parent.parent is not None:
            numbers.append(node.tag[1:])
            node = node.parent
        if node.parent is None:
            return "message"
        if node.index not in names:
            alike = [one for one in node.parent.children if one.tag == node.tag]
            for number, one in enumerate(alike, 1):
                names[one.index] = one.tag if len(alike) == 1 else f"{one.tag}[{number}]"
        numbers.reverse()
        return f"{names[node.index]}-{'.'.join(numbers)}" if numbers else names[node.index]

    return where
