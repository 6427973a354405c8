"""Breaks what can break between an ask and its operator: links, agents, hubs, consoles, whole machines."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from relaytui.link.tasks import cancel, spawn
from tests.alerts.operators import Machine
from tests.alerts.strands import Box, Fleet


class Kind(NamedTuple):
    """One trouble: how often it is chosen, and what it does for how many seconds."""

    weight: int
    strike: Callable[[float], Awaitable[None]]
    target: object
    name: str


class Trouble:
    """Strikes at random, each target by one trouble at a time.

    None lasts longer than `longest` seconds; `pause` seconds lie between two on the average.
    """

    def __init__(self, fleet: Fleet, machines: list[Machine], longest: float, pause: float, seed: int = 7) -> None:
        self.counts: Counter[str] = Counter()
        self._machines = machines
        self._longest = longest
        self._pause = pause
        self._dice = random.Random(seed)
        self._struck: set[int] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._kinds = [kind for box in fleet.boxes.values() for kind in _against_box(box)]
        self._kinds += [kind for machine in machines for kind in _against_machine(machine)]

    @property
    def disrupted(self) -> int:
        """Senders killed, frozen or cut off so far: a link carries every machine's, an agent is one itself."""
        consoles = sum(machine.has_console for machine in self._machines)
        senders = len(self._machines) + consoles
        each = {"agent": senders + 1, "hub": 1, "console": 1, "freeze": 1 + consoles}
        return sum(count * each.get(name, senders) for name, count in self.counts.items())

    def start(self) -> None:
        self._task = spawn(self._run(), name="trouble")

    async def stop(self) -> None:
        """No more; what is broken is mended."""
        await cancel(self._task)
        await asyncio.gather(*self._under_way)

    async def _run(self) -> None:
        """Each trouble once, then whatever comes; nothing that is struck already is struck again meanwhile."""
        wanted = sorted({kind.name for kind in self._kinds})
        self._dice.shuffle(wanted)
        while True:
            name = wanted.pop() if wanted else ""
            free = [kind for kind in self._kinds if name in ("", kind.name) and id(kind.target) not in self._struck]
            if free:
                (kind,) = self._dice.choices(free, [kind.weight for kind in free])
                self._struck.add(id(kind.target))
                task = spawn(self._strike(kind), name=kind.name)
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            await asyncio.sleep(self._dice.uniform(0.2, 1.8) * self._pause)

    async def _strike(self, kind: Kind) -> None:
        self.counts[kind.name] += 1
        try:
            await kind.strike(min(self._longest, self._dice.expovariate(5 / self._longest)))
        finally:
            self._struck.discard(id(kind.target))


def _against_box(box: Box) -> list[Kind]:
    async def reset(_: float) -> None:
        box.proxy.reset()

    async def stall(seconds: float) -> None:
        box.proxy.stall()
        await asyncio.sleep(seconds)
        box.proxy.flow()

    async def cut(seconds: float) -> None:
        box.proxy.refuse()
        box.proxy.reset()
        await asyncio.sleep(seconds)
        box.proxy.refuse(False)

    async def kill(_: float) -> None:
        await box.node.kill_agent()

    return [
        Kind(4, reset, box, "reset"),
        Kind(2, stall, box, "stall"),
        Kind(2, cut, box, "cut"),
        Kind(2, kill, box, "agent"),
    ]


def _against_machine(machine: Machine) -> list[Kind]:
    async def kill_hub(seconds: float) -> None:
        await machine.kill_hub()
        await asyncio.sleep(seconds / 4)
        await machine.start_hub()

    async def kill_console(seconds: float) -> None:
        machine.kill_console()
        await asyncio.sleep(seconds / 4)
        machine.start_console()

    async def freeze(seconds: float) -> None:
        with machine.frozen():
            await asyncio.sleep(seconds)

    consoles = [Kind(3, kill_console, machine, "console")] if machine.has_console else []
    return [Kind(3, kill_hub, machine, "hub"), Kind(1, freeze, machine, "freeze"), *consoles]
