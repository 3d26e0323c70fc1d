"""The journey of the session: played once on SQLite, looked at by many small tests."""

from __future__ import annotations

import pytest

from tests.demo.playing import Printed, demo


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """The journey on SQLite and the in-process bell, as a newcomer plays it."""
    return demo(tmp_path_factory.mktemp("journey") / "received")
