"""Keep the index true to its definitions: search parameters of this hub's own, and records that were taken apart by
other definitions than today's.

A record is indexed when it is written. When what is looked for changes (a new version of the hub, a search parameter
that is added) every record there is is taken apart anew, a batch at a time, by whichever worker is free; the progress
is in the store (`hub.store.jobs`). No version is made by that, and nobody's labels change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import structlog

from hub.errors import HubError, NotFound, NotSupported, Unavailable
from hub.exchange.recorder import Recorder
from hub.fhir.definitions import load
from hub.fhir.search_definitions import Parameter, compile_parameter
from hub.fhir.search_query import Chain, Condition, Has, Query, Term
from hub.fhir.shapes import ABSTRACT
from hub.fhir.value import Resource
from hub.store.jobs_model import Batch, JobState, Progress, StoredParameter
from hub.store.store import Store, Tx

log = structlog.get_logger("hub.reindexing")

WHOLE: Final = "definitions"
"""The job that follows the definitions that come with the hub."""

TAKEN_APART: Final = 1
"""Counts the ways in which records were taken apart: raised where today's way gives other rows of the same record."""

BATCH: Final = 20
"""Records in one transaction: few, since a writer may be waiting for one of them."""


class OwnParameters:
    """The search parameters that this hub adds, compiled."""

    def of(self, tx: Tx, type: str | None = None) -> tuple[Parameter, ...]:
        """Every one, or those of a type."""
        found = _compiled(tuple(json.dumps(one.resource, sort_keys=True) for one in tx.search_parameters.all()))
        return found if type is None else tuple(one for one in found if one.applies_to(type))

    def add(self, tx: Tx, resource: Resource) -> Parameter:
        """Add one and have it indexed; InvalidResource names the element that keeps it from being understood."""
        known = [one.resource for one in tx.search_parameters.all() if one.url != resource.get("url")]
        made = compile_parameter(resource, known)
        stored = StoredParameter(resource["url"], made.code, resource)
        tx.search_parameters.add(stored)
        bases = () if ABSTRACT & set(resource["base"]) else resource["base"]
        tx.jobs.start(stored.job, _digest(resource), bases)
        return made

    def remove(self, tx: Tx, url: str) -> None:
        """Take one away, with what was indexed for it; NotFound where there is none of this URL."""
        removed = tx.search_parameters.remove(url)
        if removed is None:
            raise NotFound
        tx.jobs.forget(removed.job)

    def refuse_unfinished(self, tx: Tx, query: Query) -> None:
        """NotSupported where a search uses a parameter for which not every record is indexed yet: it would miss some.

        It is answered as soon as all of them are.
        """
        own = {one.code: one for one in tx.search_parameters.all()}
        if not own:
            return
        used = {*_used(query.conditions), *(one.param for one in query.sort), *(one.param for one in query.includes)}
        for code in sorted(used & own.keys()):
            progress = tx.jobs.progress(own[code].job)
            if progress is not None and progress.state is not JobState.DONE:
                raise NotSupported(f"is being indexed: {progress.percent} % of the records are done", place=code)


class Reindexer:
    """Works through what there is to index anew."""

    def __init__(self, *, store: Store, recorder: Recorder, label_rules: str) -> None:
        """`label_rules` is the version of the rules by which records are labelled and taken apart."""
        self._store = store
        self._recorder = recorder
        self._digest = _digest([load("search"), label_rules, TAKEN_APART])
        self._begun = False

    def begin(self, *, again: bool = False) -> bool:
        """Begin to index anew where today's definitions are not those it was done by, or `again`; whether it began."""
        with self._store.writing() as tx:
            self._begun = True
            return tx.jobs.start(WHOLE, self._digest, again=again)

    def step(self) -> bool:
        """One batch of each job that is not done; False where there is nothing to do."""
        if not self._begun:
            self.begin()
        did = False
        for progress in self.progress():
            if progress.state is JobState.RUNNING and self._store.writing_again(self._batch_of(progress.name)):
                did = True
        return did

    def progress(self) -> list[Progress]:
        """How far every job is."""
        with self._store.reading() as tx:
            return tx.jobs.all()

    def _batch_of(self, name: str) -> Callable[[Tx], bool]:
        def work(tx: Tx) -> bool:
            batch = tx.jobs.batch(name, BATCH)
            if batch is None:
                return False
            self._renew(tx, batch)
            tx.jobs.advance(batch)
            return True

        return work

    def _renew(self, tx: Tx, batch: Batch) -> None:
        """Take each record of the batch apart anew; one that cannot be opened keeps what is known of it."""
        for reference in batch.references:
            try:
                self._recorder.renew(tx, reference)
            except Unavailable:
                raise
            except HubError as error:
                log.warning("not indexed", type=reference.partition("/")[0], kind=type(error).__name__)


@lru_cache(maxsize=8)
def _compiled(resources: tuple[str, ...]) -> tuple[Parameter, ...]:
    """Compiled once for as long as they are the same: what they are made into is remembered by identity."""
    known = [json.loads(one) for one in resources]
    return tuple(compile_parameter(one, known) for one in known)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _used(conditions: Sequence[Condition]) -> Iterator[str]:
    """The names of the parameters that conditions look at, inside chains too."""
    for condition in conditions:
        match condition:
            case Term():
                yield condition.param.partition(":")[0]
            case Chain():
                yield condition.param
                yield from _used(condition.inner)
            case Has():
                yield condition.param
                yield from _used([condition.inner])
