"""`hub demo`: play the journey on a hub of its own, check it on the received bytes, and show what happened.

Exit 0 only if every expectation held. Without `--once` the hub and its page stay up until Ctrl-C.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from hub.demo import checks
from hub.demo.errors import HubStartError
from hub.demo.journey import JOURNEY
from hub.demo.ledger import ledger, withheld
from hub.demo.options import Options, Outcome
from hub.demo.show import Teller, print_document, print_outcome
from hub.demo.stage import staged
from hub.demo.story import Story, play_steps
from hub.errors import HubError

TO_THE_END = "The journey is played to its end"
ENVIRONMENT, INTERRUPTED = 3, 130


def play(options: Options) -> int:
    """Play, print, and stay up if asked to; returns the exit code."""
    teller = Teller()
    work = Path(tempfile.mkdtemp(prefix="casehub-demo-"))
    try:
        _require_empty(options.data)
        with staged(options, work) as story:
            outcome = perform(story, options, teller)
            if options.json:
                print_document(outcome)
            else:
                print_outcome(outcome)
            if not options.once:
                _stay_up(story, teller)
    except HubError as error:
        teller.say(f"hub demo: {error}")
        return ENVIRONMENT
    except KeyboardInterrupt:
        return INTERRUPTED
    if outcome.held and options.out is not None:
        shutil.rmtree(work, ignore_errors=True)
    else:
        teller.say(f"everything of this run is kept in {work}")
    return outcome.exit_code


def perform(story: Story, options: Options, teller: Teller) -> Outcome:
    """Play every step on a stage that is set, and check what came of it."""
    if options.beside is not None:
        options.beside(story.hub)
    began = time.monotonic()
    stuck = ""
    try:
        play_steps(story, JOURNEY, teller.step)
    except HubError as error:
        stuck = f"the story stopped: {error}"
        teller.say(stuck)
    deliveries = story.seen.get("deliveries") or story.deliveries()
    return Outcome(
        checks=[{"name": TO_THE_END, "held": not stuck}, *checks.evaluate(story)],
        ledger=ledger(story.mailbag, deliveries),
        withheld=withheld(deliveries),
        out=story.mailbag.out,
        seconds=time.monotonic() - began,
        notes=[*([stuck] if stuck else []), *_not_understood(story)],
    )


def _not_understood(story: Story) -> list[str]:
    """Places in what was sent in that the hub reported as not understood, as `organisation: place`."""
    notes = [f"gp: {said}" for said in story.seen.get("gp pull", []) if not said.startswith("accepted")]
    for organisation, text in story.seen.get("reports", {}).items():
        report: dict[str, Any] = json.loads(text) if text else {}
        notes += [f"{organisation}: {place}" for place in report.get("places", [])]
    return notes


def _stay_up(story: Story, teller: Teller) -> None:
    teller.say(f"\nThe hub is up at {story.hub.base}/ (Ctrl-C ends it)")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        teller.say("ended")


def _require_empty(data: Path | None) -> None:
    if data is not None and data.exists() and any(data.iterdir()):
        raise HubStartError("the data directory of a demo must be new or empty", place=str(data))


__all__ = ["Options", "Outcome", "perform", "play"]
