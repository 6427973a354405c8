"""The queue under test, once for each backend that can run here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.sqlite import SqliteQueue


@pytest.fixture(params=["sqlite"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobQueue]:
    made = SqliteQueue(tmp_path / "jobs" / "queue.db")
    yield made
    made.close()
