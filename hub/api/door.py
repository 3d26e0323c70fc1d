"""What every HTTP request is held to before any route sees it, and how long its body may take.

Sizes and times are those of docs/api.md, limits. A `Host` that is no host is refused, because URLs are made of it.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api import rendering
from hub.errors import HubError, MalformedContent

LONGEST_URL: Final = 8 * 1024
MOST_HEADERS: Final = 100
LONGEST_HEADERS: Final = 32 * 1024
"""Bytes in all headers together; a token of the hub has about a thousand."""
BODY_SECONDS: Final = 30.0
"""From the end of the headers to the end of the body."""
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class UrlTooLong(HubError):
    """The URL is over the limit: search with POST _search instead."""

    issue_code = "too-long"
    http_status = 414


class HeadersTooLarge(HubError):
    """There are more headers than the hub takes, or longer ones."""

    issue_code = "too-long"
    http_status = 431


class TooSlow(HubError):
    """The body of the request did not come in time."""

    issue_code = "timeout"
    http_status = 408


class Door:
    """ASGI middleware: limits on URL, headers and the time of the body; a connection with a body unread is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send)
        try:
            check(scope)
            await self._app(scope, body.receive, body.send)
        except (UrlTooLong, HeadersTooLarge, MalformedContent, TooSlow) as refused:
            if body.answering:
                raise
            await rendering.outcome(refused, Request(scope))(scope, body.receive, body.send)


class _Body:
    """The body of one request on its way in, and whether all of it came before the answer began."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        names = {name for name, _ in scope["headers"]}
        self._coming = bool(names & {b"content-length", b"transfer-encoding"})
        self._due = asyncio.get_running_loop().time() + BODY_SECONDS
        self.answering = False

    async def receive(self) -> Message:
        if not self._coming:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._due):
                message = await self._receive()
        except TimeoutError as late:
            raise TooSlow from late
        self._coming = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answering = True
            if self._coming:
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await self._send(message)


def check(scope: Scope) -> None:
    """UrlTooLong, HeadersTooLarge, MalformedContent for a request that no route is to see."""
    headers = scope["headers"]
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_URL:
        raise UrlTooLong(place="URL")
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS:
        raise HeadersTooLarge(place="headers")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or any(_HOST.fullmatch(host) is None for host in hosts):
        raise MalformedContent("is not the name of one host", place="Host")
