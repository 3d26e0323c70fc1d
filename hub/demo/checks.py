"""Every expectation of the story, evaluated on the bytes that the organisations really received.

A check is a sentence and whether it held. What cannot even be evaluated (bytes that are no JSON, a letter
that is missing) did not hold. The sentences stand in `expectations/`, one module for each kind of promise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from hub.demo.evidence import Evidence
from hub.demo.expectations import changes, discretion, parts, protocols, record
from hub.demo.story import Story

Check = Callable[[Story, Evidence], bool]

PROMISES: Final = (record, parts, changes, protocols, discretion)


def evaluate(story: Story) -> list[dict[str, Any]]:
    """Every check by its sentence, in the order of the modules."""
    evidence = Evidence(story.mailbag)
    return [{"name": sentence(check), "held": _held(check, story, evidence)} for check in every_check()]


def every_check() -> list[Check]:
    """The public functions of the expectation modules: each is one check."""
    return [
        check
        for module in PROMISES
        for name, check in inspect.getmembers(module, inspect.isfunction)
        if check.__module__ == module.__name__ and not name.startswith("_")
    ]


def sentence(check: Check) -> str:
    """The sentence a check stands for: its docstring."""
    return " ".join((inspect.getdoc(check) or check.__name__).split()).rstrip(".")


def _held(check: Check, story: Story, evidence: Evidence) -> bool:
    try:
        return check(story, evidence)
    except (ValueError, KeyError, IndexError, TypeError, StopIteration, AttributeError):
        return False
