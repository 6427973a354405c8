"""Starts background tasks under a name and sees how they end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Coroutine, Set

log = logging.getLogger(__name__)

CANCEL_AGAIN = 0.5
"""Seconds after which a task that has not ended is cancelled again."""


class Tasks:
    """The background tasks of one owner. A task that fails is logged with its name and does not stop the others."""

    def __init__(self) -> None:
        self._running: Set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run `work` in the background."""
        task = asyncio.get_running_loop().create_task(_supervise(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before its first step, nobody awaits it
        return task

    def __len__(self) -> int:
        return len(self._running)

    async def finish(self, limit: float) -> None:
        """Wait until all have ended; those that have not after `limit` seconds are cancelled."""
        try:
            if self._running:
                await asyncio.wait(self._running, timeout=limit)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Cancel what still runs, but for the calling task, and wait until it has ended.

        More than once where needed: before Python 3.12 `wait_for` swallows a cancellation that comes together with
        its result.
        """
        current = asyncio.current_task()
        while True:
            tasks = [task for task in self._running if task is not current]
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CANCEL_AGAIN)


async def _supervise(work: Coroutine[Any, Any, Any], name: str) -> None:
    try:
        await work
    except Exception:  # the task supervisor: a background task must not die unseen
        log.exception("task %s failed", name)
