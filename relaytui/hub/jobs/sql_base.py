"""What the parts of a queue in SQL need of its backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = Mapping[str, Any]


class Result(Protocol):
    """What a statement gave: rows that are read by column name."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Transactions(ABC):
    """A connection, and transactions on it."""

    _lock = ""
    """A suffix that locks selected rows and skips those another transaction has."""

    @abstractmethod
    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Result: ...

    @abstractmethod
    def _run(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction; an exception undoes it all.

        It may be run again after a lost connection, so work must be repeatable.
        """
