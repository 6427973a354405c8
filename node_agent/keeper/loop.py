"""One thread's event loop: file descriptors and timers, and nothing to do while neither has anything."""

from __future__ import annotations

import heapq
import selectors
import time
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Callable, Dict, List, Optional, Tuple

from node_agent.keeper.log import log

Ready = Callable[[int], None]
"""Called with the events (`READ`, `WRITE`) a descriptor is ready for."""

READ, WRITE = EVENT_READ, EVENT_WRITE
BULK_SECONDS = 0.001
"""Seconds of a round that go to bulk. Each read of a busy terminal wakes its writer, which may take the processor for
milliseconds: a key that came meanwhile would wait for all of them."""

PAUSE_AFTER_FAILURE = 1.0
"""Seconds until a descriptor whose call failed is looked at again; it may well fail again at once."""


class Timer:
    """A call to come; `cancel` it at any time."""

    __slots__ = ("call", "deadline")

    def __init__(self, deadline: float, call: Callable[[], None]) -> None:
        self.deadline = deadline
        self.call: Optional[Callable[[], None]] = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Calls whoever is ready; `after_each` once after every round."""

    def __init__(self, after_each: Callable[[], None]) -> None:
        self.stopped = False
        self._after_each = after_each
        self._selector = selectors.DefaultSelector()
        self._bulk: Dict[int, int] = {}  # descriptor → the turn in which it was last called
        self._bulk_turns = 0
        self._is_hurried = False
        self._timers: List[Tuple[float, int, Timer]] = []
        self._timer_count = 0

    def now(self) -> float:
        """Monotonic seconds, the same clock before and after an upgrade in place."""
        return time.monotonic()

    def watch(self, fd: int, events: int, ready: Ready, *, bulk: bool = False) -> None:
        """Have `ready` called for `events` on `fd`; 0 events to leave it alone.

        What is `bulk` waits for everything else, and gets its turn once everything else of the kind has had one.
        """
        if bulk:
            self._bulk.setdefault(fd, 0)
        known = fd in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(fd)
        elif known:
            self._selector.modify(fd, events, ready)
        else:
            self._selector.register(fd, events, ready)

    def forget(self, fd: int) -> None:
        """Stop watching `fd`; to be called before it is closed."""
        self._bulk.pop(fd, None)
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def hurry(self) -> None:
        """End this round's bulk here: something came of it that must not wait for the rest."""
        self._is_hurried = True

    def call_at(self, deadline: float, call: Callable[[], None]) -> Timer:
        timer = Timer(deadline, call)
        self._timer_count += 1
        heapq.heappush(self._timers, (deadline, self._timer_count, timer))
        return timer

    def call_after(self, delay: float, call: Callable[[], None]) -> Timer:
        return self.call_at(self.now() + delay, call)

    def run(self) -> None:
        """Run until `stopped`."""
        while not self.stopped:
            bulk: List[Tuple[SelectorKey, int]] = []
            for key, events in self._selector.select(self._until_next()):
                if key.fd in self._bulk:
                    bulk.append((key, events))
                else:
                    self._call(key, events)
            self._call_bulk(bulk)
            self._run_timers()
            self._after_each()

    def close(self) -> None:
        self._selector.close()

    def _call_bulk(self, ready: List[Tuple[SelectorKey, int]]) -> None:
        """Call those that have waited longest, for a moment; the others are as ready in the next round."""
        ready.sort(key=lambda item: self._bulk.get(item[0].fd, 0))
        until = self.now() + BULK_SECONDS
        self._is_hurried = False
        for key, events in ready:
            self._bulk_turns += 1
            if key.fd in self._bulk:
                self._bulk[key.fd] = self._bulk_turns
            self._call(key, events)
            if self._is_hurried or self.now() >= until:
                break

    def _call(self, key: SelectorKey, events: int) -> None:
        """Call whoever is ready. One session's trouble must not end all others, so it is logged and tried again."""
        if self._selector.get_map().get(key.fd) is not key:
            return  # an earlier call of this round has closed or changed it
        try:
            key.data(events)
        except Exception as error:  # noqa: BLE001 - the task supervisor: the keeper's end is every session's
            log(f"{type(error).__name__} in the loop: {error}")
            if self._selector.get_map().get(key.fd) is key:
                self._selector.unregister(key.fd)
                self.call_after(PAUSE_AFTER_FAILURE, lambda: self._watch_again(key))

    def _watch_again(self, key: SelectorKey) -> None:
        try:
            self._selector.register(key.fd, key.events, key.data)
        except (KeyError, ValueError, OSError):  # watched anew, or closed, meanwhile
            pass

    def _until_next(self) -> Optional[float]:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - self.now()) if self._timers else None

    def _run_timers(self) -> None:
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call()
