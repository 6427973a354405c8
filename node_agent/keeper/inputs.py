"""Blocks of input on their way into a child: their order, their bounds, and the memory of what was decided.

A block is written whole or not at all, except when the terminal closes or an interrupt flushes it under way. Blocks go
in the order they came, but interrupts go before every block that has not been begun.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any, Deque, Dict, Iterator, List, NamedTuple, Optional

from node_agent.keeper.control import Cause, Refused, WriteResult

MAX_QUEUED_BYTES = 1024 * 1024
MAX_QUEUED_BLOCKS = 256
REMEMBERED = 512
"""Decisions kept a session; a retry comes within seconds, and a session takes far fewer blocks in them."""

_TRANSIENT = frozenset((Refused.BUSY.value, Refused.DISK_FULL.value))


class Waiter(NamedTuple):
    """Who waits for a decision: a peer's number and its request's."""

    peer: int
    request: int


class Block:
    """One write request; `written` counts what the kernel has taken, None before the first try."""

    __slots__ = ("cause", "data", "expect_head", "query_offset", "request", "waiters", "written")

    def __init__(
        self, request: str, cause: str, data: bytes, expect_head: Optional[int], query_offset: Optional[int]
    ) -> None:
        self.request = request
        self.cause = cause
        self.data = data
        self.expect_head = expect_head
        self.query_offset = query_offset
        self.written: Optional[int] = None
        self.waiters: List[Waiter] = []

    @property
    def is_interrupt(self) -> bool:
        """Whether the cause's first word says so; what follows it is the agent's own note."""
        return self.cause.partition(" ")[0] == Cause.INTERRUPT.value

    @property
    def is_key(self) -> bool:
        """Whether it was typed at an attached terminal: who typed it waits for the echo, not for the decision."""
        return self.cause.partition(" ")[0] == Cause.ATTACH.value

    def dump(self) -> Dict[str, Any]:
        """Plain values for the next program of an upgrade."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "data": self.data.hex()}

    @classmethod
    def load(cls, fields: Dict[str, Any]) -> Block:
        block = cls(
            fields["request"],
            fields["cause"],
            bytes.fromhex(fields["data"]),
            fields["expect_head"],
            fields["query_offset"],
        )
        block.written = fields["written"]
        block.waiters = [Waiter(*pair) for pair in fields["waiters"]]
        return block


class InputQueue:
    """The blocks of one session that are not decided yet; falsy when there are none."""

    __slots__ = ("_blocks", "_bytes")

    def __init__(self) -> None:
        self._blocks: Deque[Block] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    @property
    def first(self) -> Block:
        return self._blocks[0]

    def find(self, request: str) -> Optional[Block]:
        return next((block for block in self._blocks if block.request == request), None)

    def push(self, block: Block) -> bool:
        """Put `block` in its place; False when the bounds do not allow it."""
        if self._blocks and (
            len(self._blocks) >= MAX_QUEUED_BLOCKS or self._bytes + len(block.data) > MAX_QUEUED_BYTES
        ):
            return False
        place = len(self._blocks)
        if block.is_interrupt:
            place = 0
            while place < len(self._blocks) and (
                self._blocks[place].written is not None or self._blocks[place].is_interrupt
            ):
                place += 1
        self._blocks.insert(place, block)
        self._bytes += len(block.data)
        return True

    def remove(self, block: Block) -> None:
        self._blocks.remove(block)
        self._bytes -= len(block.data)


class Decisions:
    """What became of the last request ids, so that a retry learns it and nothing is written twice."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results: OrderedDict[str, WriteResult] = OrderedDict()

    def get(self, request: str) -> Optional[WriteResult]:
        """The decision on `request`, marked as repeated."""
        result = self._results.get(request)
        return None if result is None else result._replace(repeated=True)

    def add(self, request: str, result: WriteResult) -> None:
        """Remember a decision, but for one that another try may turn."""
        if result.refused_reason in _TRANSIENT:
            return
        self._results[request] = result
        if len(self._results) > REMEMBERED:
            self._results.popitem(last=False)

    def dump(self) -> List[Any]:
        return [[request, *result] for request, result in self._results.items()]

    @classmethod
    def load(cls, rows: List[Any]) -> Decisions:
        decisions = cls()
        for request, *fields in rows:
            decisions._results[request] = WriteResult(*fields)
        return decisions
