"""What the parts of a queue in SQL need of its backend."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from relaytui.hub.jobs.queue import QueueError

T = TypeVar("T")
Row = Mapping[str, Any]


class Result(Protocol):
    """What a statement gave: rows that are read by column name."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Transactions(ABC):
    """A connection, and transactions on it: one at a time, whichever thread asks.

    A cancelled task leaves its call behind in a thread. SQLite takes the process along where its connection is closed
    under one, and a call that comes later would make one to PostgreSQL anew. So closing waits for the calls under way.
    """

    _lock = ""
    """A suffix that locks selected rows and skips those another transaction has."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Give the connection back once the calls under way have ended; later ones raise QueueError."""
        was_closed, self._is_closed = self._is_closed, True  # at once: who calls without end would not let it in
        with self._turn, self._waiting:
            if not was_closed:
                self._disconnect()

    def wait(self, seconds: float) -> bool:
        with self._waiting:
            self._check_open()
            return self._wait(seconds)

    def _run(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction; an exception undoes it all.

        It may be run again after a lost connection, so work must be repeatable.
        """
        with self._turn:
            self._check_open()
            return self._transact(work)

    def _check_open(self) -> None:
        if self._is_closed:
            raise QueueError("the job queue is closed: whoever opened it is ending")

    @abstractmethod
    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Result: ...

    @abstractmethod
    def _transact(self, work: Callable[[], T]) -> T: ...

    @abstractmethod
    def _wait(self, seconds: float) -> bool: ...

    @abstractmethod
    def _disconnect(self) -> None: ...
