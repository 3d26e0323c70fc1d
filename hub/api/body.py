"""Request bodies: read once, within limits, in a format the hub takes."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request

from hub.errors import HubError, MalformedContent, TooCostly

LIMIT = 10 * 1024 * 1024
"""Bytes in one request body."""

JSON_TYPES = frozenset({"application/fhir+json", "application/json", "application/json+fhir"})


class UnsupportedMediaType(HubError):
    """The body is in a format that the hub does not take here."""

    issue_code = "not-supported"
    http_status = 415


async def fhir_body(request: Request) -> bytes:
    """The body of a FHIR JSON request."""
    _refuse_encoding(request)
    if _media_type(request) not in JSON_TYPES:
        raise UnsupportedMediaType("send application/fhir+json", place="Content-Type")
    return await _read(request)


async def form_body(request: Request) -> dict[str, list[str]]:
    """The fields of a form request."""
    _refuse_encoding(request)
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("send application/x-www-form-urlencoded", place="Content-Type")
    raw = await _read(request)
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
