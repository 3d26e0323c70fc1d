"""What the gate writes down of each request: an entry of the journal, durable before anything leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from hub.audit import entry as journal
from hub.consent.model import AccessRequest
from hub.fhir.value import Reference
from hub.store.journal import Journal


class Notes:
    """Writes entries about requests into the journal of this process."""

    def __init__(self, to: Journal, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._journal = to
        self._clock = clock
        self._ids = ids

    def together(self) -> AbstractContextManager[None]:
        """What is appended inside is written down at once, when the block ends: nothing may leave before."""
        return self._journal.together()

    def append(
        self,
        request: AccessRequest,
        clients: frozenset[Reference],
        kind: journal.Kind,
        exit: str,
        *,
        disclosed: tuple[journal.Disclosed, ...] = (),
        withheld: tuple[journal.Withheld, ...] = (),
        because: tuple[str, ...] = (),
        query: str = "",
    ) -> str:
        """Write down one thing that was asked and decided; the id of its entry."""
        entry = journal.JournalEntry(
            id=self._ids(),
            at=self._clock().isoformat(),
            kind=kind,
            organisation=request.organisation or "",
            person=next((a for a in request.actors if not a.startswith("Organization/")), ""),
            purpose=request.purpose,
            basis=str(request.basis),
            action=request.action,
            exit=exit,
            clients=tuple(sorted(clients)),
            disclosed=disclosed,
            withheld=withheld,
            because=because or ("nothing was found" if kind == "disclosure" else "default: deny",),
            outcome="refused" if kind == "refusal" else "success",
            reason=request.reason or "",
            query=query,
        )
        self._journal.append(entry.to_body())
        return entry.id
