"""Documents from outside: the demo client's name and identifiers go in, and not one other byte is touched.

A simulated system would export the file about its own client. So the text of two places is replaced where
it stands: in a CDA the `id`s and the `name`s of `recordTarget`, in an IPS Bundle `identifier` and `name` of
the Patient. Everything else, down to the white space and the way numbers are written, stays as somebody
else wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from hub.demo.cast import CLIENT, GP, HOSPITAL, RODNE_CISLO
from hub.demo.errors import OutsideFileError

RODNE_CISLO_OID: Final = "1.2.203.24341.1.15.1.1"
HOSPITAL_OID: Final = "2.999.99000016"

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PREFIX: Final = r"(?P<prefix>[A-Za-z_][\w.-]*:)?"


def hospital_document(document: bytes) -> bytes:
    """The CDA document as the hospital would export it about the demo client."""
    encoding = _declared_encoding(document)
    text = document.decode(encoding, "surrogateescape")
    role = _first_element(text, "patientRole")
    if role is None:
        raise OutsideFileError("no recordTarget/patientRole in the document", place="hospital document")
    prefix, start, end = role
    changed = _with_client(text[start:end], prefix)
    return (text[:start] + changed + text[end:]).encode(encoding, "surrogateescape")


def gp_summary(bundle: bytes) -> bytes:
    """The IPS Bundle as the GP's system would give it about the demo client."""
    mark = b"\xef\xbb\xbf" if bundle.startswith(b"\xef\xbb\xbf") else b""
    text = bundle[len(mark) :].decode("utf-8")
    identifiers = [
        {"use": "official", "system": RODNE_CISLO, "value": CLIENT.rodne_cislo},
        {"use": "secondary", "system": GP.client_system, "value": GP.client_number},
    ]
    names = [{"use": "official", "family": CLIENT.family, "given": [CLIENT.given]}]
    start = _patient_at(text)
    for member, value in (("identifier", identifiers), ("name", names)):
        text = _with_member(text, start, member, json.dumps(value, ensure_ascii=False))
    return mark + text.encode("utf-8")


def _with_client(role: str, prefix: str) -> str:
    """One patientRole with the demo client's ids and name; the rest of it as it was."""
    ids = (
        f'<{prefix}id root="{RODNE_CISLO_OID}" extension="{CLIENT.rodne_cislo}"/>'
        f'<{prefix}id root="{HOSPITAL_OID}" extension="{HOSPITAL.client_number}"/>'
    )
    given, family = (_ascii(part) for part in (CLIENT.given, CLIENT.family))
    name = f"<{prefix}given>{given}</{prefix}given><{prefix}family>{family}</{prefix}family>"
    patient = _first_element(role, "patient")
    head_end = patient[1] if patient else len(role)
    head = _replaced(role[:head_end], f"{prefix}id", ids)
    if patient is None:
        return head + role[head_end:]
    own = role[patient[1] : patient[2]]
    before_others = re.search(rf"<{prefix}(guardian|birthplace|languageCommunication)\b", own)
    cut = before_others.start() if before_others else len(own)
    named = _replaced(own[:cut], f"{prefix}name", f"<{prefix}name>{name}</{prefix}name>")
    return head + named + own[cut:] + role[patient[2] :]


def _ascii(text: str) -> str:
    """The text in letters that every encoding of a document has."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _replaced(text: str, tag: str, new: str) -> str:
    """The text with the first element of that name replaced and its repetitions taken out."""
    element = re.compile(rf"<{tag}(?=[\s/>])[^>]*?/>|<{tag}(?=[\s/>])[^>]*>.*?</{tag}\s*>", re.DOTALL)
    comments = [found.span() for found in re.finditer(r"<!--.*?-->", text, re.DOTALL)]
    spans = [
        found.span()
        for found in element.finditer(text)
        if not any(start <= found.start() < end for start, end in comments)
    ]
    if not spans:
        opened = text.index(">") + 1
        return text[:opened] + new + text[opened:]
    for start, end in reversed(spans[1:]):
        text = text[:start] + text[end:]
    return text[: spans[0][0]] + new + text[spans[0][1] :]


def _first_element(text: str, name: str) -> tuple[str, int, int] | None:
    """(prefix, start, end) of the first element of that local name."""
    opened = re.search(rf"<{_PREFIX}{name}(?=[\s/>])", text)
    if opened is None:
        return None
    prefix = opened["prefix"] or ""
    closed = text.find(f"</{prefix}{name}", opened.start())
    if closed < 0:
        return None
    return prefix, opened.start(), text.index(">", closed) + 1


def _declared_encoding(document: bytes) -> str:
    if document.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)", document)
    return declared[1].decode("ascii") if declared else "utf-8"


def _patient_at(text: str) -> int:
    """Where the first Patient of the Bundle begins in the text."""
    start = _SPACE.match(text)
    members = {name: at for name, at, _ in _members(text, start.end() if start else 0)}
    for at, _ in _items(text, members["entry"]) if "entry" in members else ():
        for name, where, _ in _members(text, at):
            if name == "resource" and _DECODER.raw_decode(text, where)[0].get("resourceType") == "Patient":
                return where
    raise OutsideFileError("no Patient in the Bundle", place="gp summary")


def _with_member(text: str, at: int, name: str, value: str) -> str:
    for member, start, end in _members(text, at):
        if member == name:
            return text[:start] + value + text[end:]
    return f'{text[: at + 1]}"{name}":{value},{text[at + 1 :]}'


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of each member of the JSON object that begins at `at`."""
    at = _after_space(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _after_space(text, _after_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield str(name), start, end
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each item of the JSON array that begins at `at`."""
    at = _after_space(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
