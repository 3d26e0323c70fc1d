"""The way of a read by id: on the loop, from the connection straight to the use case.

It is the route `/fhir/{type}/{id}` and says what that route says; only the way there is shorter. It is taken where a
read waits for nothing: on SQLite, with a connection to spare, for a record that has no parts. Everything else goes on
to the application and its threads. What reads wrote down for the audit is synced in one other thread, for all that came
meanwhile; none answers before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.api.read import shown
from hub.api.signin import caller_by
from hub.bootstrap import Hub
from hub.errors import HubError
from hub.fhir.registry import SUPPORTED
from hub.store.journal import Journal, gathered

TYPES: Final = frozenset(
    row.name for row in SUPPORTED.values() if "r" in row.offers and not row.published and not row.container
)
"""What is read so: a record without parts costs little to decide."""

_PATH: Final = re.compile(r"/fhir/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_Bodies = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Template:
    """The route that a request took, by which it is measured."""

    path: str


READ: Final = Template("/fhir/{type}/{id}")


class Shortcut:
    """ASGI middleware: answers a read by id itself, or lets the request pass."""

    def __init__(self, app: ASGIApp, hub: Hub, refused: Callable[[Request, Exception], Response]) -> None:
        self._app = app
        self._hub = hub
        self._refused = refused
        self._together = _Together()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None or found[1] not in TYPES or not self._hub.store.answers_at_once:
            await self._app(scope, receive, send)
            return
        type, id = found.groups()
        scope = scope_of(scope, type, id)
        request = Request(scope, receive)
        try:
            with gathered() as bodies:
                answer = self._read(request, type, id)
            if bodies:
                await self._together.written(self._hub.journal, bodies)
        except HubError as unwritten:
            answer = self._refused(request, unwritten)
        await answer(scope, receive, send)

    def _read(self, request: Request, type: str, id: str) -> Response:
        try:
            with self._hub.store.reading() as tx:
                who = caller_by(self._hub, request.headers.get("authorization"), tx)
                who.require(type, "r")
                visible = self._hub.reader.seen(tx, who.asker, type, id)
            return shown(request, visible)
        except HubError as error:
            return self._refused(request, error)


def scope_of(scope: Scope, type: str, id: str) -> Scope:
    """The scope as the application leaves it where the route was found; measured by the same name."""
    scope["route"] = READ
    scope["path_params"] = {"type": type, "id": id}
    return scope


class _Together:
    """Entries of many requests of one loop, synced together: while some are, the next wait and then go at once."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: MutableMapping[asyncio.AbstractEventLoop, list[tuple[_Bodies, asyncio.Future[None]]]]
        self._waiting = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    async def written(self, journal: Journal, bodies: _Bodies) -> None:
        """Returns once these entries are on disk; Unavailable where they are not."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        waiting = self._waiting.get(loop)
        if waiting is not None:
            waiting.append((bodies, done))
        else:
            self._waiting[loop] = [(bodies, done)]
            task = loop.create_task(self._write(journal, loop))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await done

    async def _write(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while batch := self._waiting[loop]:
                self._waiting[loop] = []
                every = [body for bodies, _ in batch for body in bodies]
                try:
                    refused = await loop.run_in_executor(self._thread, journal.append_all, every)
                except Exception as broken:  # whoever waits is told; nothing was let out
                    refused = [broken if isinstance(broken, HubError) else HubError("the journal broke")] * len(every)
                _tell(batch, refused)
        finally:
            del self._waiting[loop]


def _tell(batch: Sequence[tuple[_Bodies, asyncio.Future[None]]], refused: Sequence[HubError | None]) -> None:
    """Tell each request what became of its own entries."""
    each = iter(refused)
    for bodies, done in batch:
        why = next((error for error in [next(each) for _ in bodies] if error is not None), None)
        if done.done():
            continue
        if why is None:
            done.set_result(None)
        else:
            done.set_exception(why)
