"""Request bodies: read once, within limits, in a format the hub takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from hub.api.formats import Format, spoken
from hub.errors import HubError, MalformedContent, TooCostly
from hub.fhir import text
from hub.fhir.value import Resource
from hub.fhir.xml_read import read_xml

LIMIT = 10 * 1024 * 1024
"""Bytes in one request body."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A FHIR body: the bytes that came, and the resource they say."""

    raw: bytes
    resource: Resource
    format: Format


class UnsupportedMediaType(HubError):
    """The body is in a format that the hub does not take here."""

    issue_code = "not-supported"
    http_status = 415


async def resource(request: Request) -> Resource:
    """The resource in the body, JSON or XML as its Content-Type says."""
    return (await sent(request)).resource


async def sent(request: Request) -> Sent:
    """The resource in the body and the bytes that it came in."""
    format = spoken(request.headers.get("content-type", ""))
    raw = await raw_body(request, known=format is not None)
    assert format is not None
    return Sent(raw, await run_in_threadpool(parsed, raw, format), format)


async def fhir_body(request: Request) -> bytes:
    """The body of a FHIR JSON request, as it came."""
    return await raw_body(request, known=spoken(request.headers.get("content-type", "")) is Format.JSON)


async def raw_body(request: Request, *, known: bool, formats: Sequence[str] = tuple(Format)) -> bytes:
    """The bytes of a body whose Content-Type is `known` here; UnsupportedMediaType naming `formats` otherwise."""
    _refuse_encoding(request)
    if not known:
        raise UnsupportedMediaType(f"send {' or '.join(formats)}", place="Content-Type")
    return await _read(request)


def parsed(raw: bytes, format: Format) -> Resource:
    """The resource that a body says; MalformedContent with its place."""
    return read_xml(raw, name="body") if format is Format.XML else text.read(raw, name="body")


async def form_bytes(request: Request) -> bytes:
    """The body of a form request, as it came."""
    _refuse_encoding(request)
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("send application/x-www-form-urlencoded", place="Content-Type")
    return await _read(request)


async def form_body(request: Request) -> dict[str, list[str]]:
    """The fields of a form request."""
    raw = await form_bytes(request)
    try:
        return parse_qs(raw.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=30)
    except ValueError as error:
        raise MalformedContent("the form cannot be read", place="body") from error


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > LIMIT:
        raise TooCostly(f"at most {LIMIT} bytes in one request", place="body")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LIMIT:
            raise TooCostly(f"at most {LIMIT} bytes in one request", place="body")
        chunks.append(chunk)
    return b"".join(chunks)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _refuse_encoding(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("compressed bodies are not taken", place="Content-Encoding")
