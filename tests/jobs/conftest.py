"""The queue under test, once for each backend that can run here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relaytui.hub.jobs.postgres import PostgresQueue
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.sqlite import SqliteQueue
from tests import postgres

_names = itertools.count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    name = f"jobs{next(_names)}"
    yield postgres.fresh_database(postgres_url, name)
    postgres.drop_database(postgres_url, name)


@pytest.fixture(params=["sqlite", "postgres"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], JobQueue]]:
    """Opens the queue under test, each time as one more process would."""
    opened: list[JobQueue] = []

    def open_queue() -> JobQueue:
        if request.param == "sqlite":
            opened.append(SqliteQueue(tmp_path / "jobs" / "queue.db"))
        else:
            opened.append(PostgresQueue(request.getfixturevalue("database_url")))
        return opened[-1]

    yield open_queue
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(another: Callable[[], JobQueue]) -> JobQueue:
    return another()
