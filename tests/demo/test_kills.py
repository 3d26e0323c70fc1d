"""kill -9 of the hub at a seeded random point of the journey, restart: it completes, nothing lost, nothing
doubled.

Each seed draws one moment of the journey. A few seeds run with every test run, fifty with `make test-slow`.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from hub.demo.hub_process import HubProcess
from hub.demo.run import perform
from hub.demo.show import Teller
from tests.demo.playing import Printed, stage

SEEDS = 50
EVERY_TIME = (3, 29)


class Killer:
    """Kills the hub once, a given time after the story began, and starts it again at once."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self.killed = False

    def __call__(self, hub: HubProcess) -> None:
        self._thread = threading.Thread(target=self._strike, args=(hub,))
        self._thread.start()

    def finish(self) -> None:
        """Wait until the hub was started again, or give up where the story was faster."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _strike(self, hub: HubProcess) -> None:
        if not self._over.wait(self._after):
            hub.kill()
            self.killed = True
            hub.start()


def killed_at(work: Path, journey: Printed, seed: int) -> tuple[list[str], bool]:
    """The checks that did not hold after a kill at the seed's moment, and whether the kill came in time."""
    moment = random.Random(seed).random() * float(journey.document["seconds"]) * 0.97
    killer = Killer(moment)
    with stage(work, beside=killer) as (story, options):
        try:
            outcome = perform(story, options, Teller(quiet=True))
        finally:
            killer.finish()
    return [check["name"] for check in outcome.checks if not check["held"]], killer.killed


@pytest.mark.parametrize("seed", EVERY_TIME)
def test_the_journey_survives_a_kill(tmp_path: Path, journey: Printed, seed: int) -> None:
    broken, _ = killed_at(tmp_path, journey, seed)
    assert broken == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [seed for seed in range(SEEDS) if seed not in EVERY_TIME])
def test_the_journey_survives_a_kill_at_any_moment(tmp_path: Path, journey: Printed, seed: int) -> None:
    broken, _ = killed_at(tmp_path, journey, seed)
    assert broken == []
