"""Three nodes that ask, each behind a sshd and a link that can be made bad, and an operator who answers.

The operator sees the nodes through a core over the same links, and answers what is in its inbox once every channel has
told it: what never got there is never answered.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import AskId
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import AlertKind
from relaytui.config import NodeConfig
from relaytui.fleet.views import AskView
from relaytui.hub.core import Core
from relaytui.link.errors import LinkError
from relaytui.link.tasks import cancel, spawn
from tests.chaos.remote import write_agent_command
from tests.chaos.steady import steady_client
from tests.harness import Node, start_node
from tests.proxy import Proxy, open_proxy
from tests.sshd import open_sshd

ALIASES = ("alpha", "beta", "gamma")
QUESTIONS = """
n=0
while [ $n -lt {count} ]; do
  n=$((n+1)); printf 'Proceed with {name}.%s.? [y/N] ' $n
  read -r answer; echo "$n $answer" >> {account}
done
"""


@dataclass
class Box:
    """One node, its link and how the operator's machines are configured for it."""

    node: Node
    proxy: Proxy
    config: NodeConfig


class Fleet:
    """Three nodes and the sessions that ask there; each notes every answer it was given."""

    def __init__(self, boxes: dict[str, Box], directory: Path) -> None:
        self.boxes = boxes
        self.expected: dict[str, list[str]] = {alias: [] for alias in boxes}
        self._accounts: dict[Path, int] = {}
        self._directory = directory

    @property
    def configs(self) -> tuple[NodeConfig, ...]:
        return tuple(box.config for box in self.boxes.values())

    async def raise_asks(self, sessions: int, each: int, prefix: str = "q") -> None:
        """Start `sessions` on each node, with `each` questions one after the other."""
        for alias, box in self.boxes.items():
            async with steady_client(box.node) as client:  # the agent may be killed meanwhile
                for number in range(sessions):
                    name = f"{alias}.{prefix}{number}"
                    account = self._directory / name
                    command = ("sh", "-c", QUESTIONS.format(count=each, name=name, account=account))
                    await client.request(StartSession(f"start {name}", command, bare=True))
                    self._accounts[account] = each
                    self.expected[alias] += [f"{name}.{n}." for n in range(1, each + 1)]

    def is_answered(self) -> bool:
        """Whether every question was given an answer."""
        return all(_lines(account) >= count for account, count in self._accounts.items())

    def check_answers(self) -> None:
        """Each question was answered once, and with a yes."""
        for account, count in self._accounts.items():
            assert account.read_text().splitlines() == [f"{n} y" for n in range(1, count + 1)]


def _lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


@asynccontextmanager
async def open_fleet(directory: Path, agent: tuple[str, ...] = ("-m", "node_agent")) -> AsyncIterator[Fleet]:
    """The nodes, each behind a sshd and a proxy of its own; `agent` replaces the program that is the agent."""
    async with AsyncExitStack() as stack:
        boxes = {}
        for alias in ALIASES:
            node = await start_node(directory / alias, agent_args=agent)
            stack.push_async_callback(node.stop)
            sshd = await stack.enter_async_context(open_sshd(directory / f"sshd-{alias}"))
            proxy = await stack.enter_async_context(open_proxy("127.0.0.1", sshd.port))
            sshd.trust(port=proxy.port)
            command = write_agent_command(directory / f"agent-{alias}", node)
            config = sshd.node(alias, proxy.port, agent=str(command), state=str(node.root))
            boxes[alias] = Box(node, proxy, config)
        yield Fleet(boxes, directory)


class Operator:
    """Answers yes to what is in the inbox once `is_told` says that every channel has told it, until it is done."""

    def __init__(self, core: Core, is_told: Callable[[str], bool]) -> None:
        self.seen: dict[str, set[AskId]] = {alias: set() for alias in ALIASES}
        self.outcomes: Counter[str] = Counter()
        self._core = core
        self._is_told = is_told
        self._answering: set[tuple[str, AskId]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._task = spawn(self._attend(), name="operator")

    async def stop(self) -> None:
        await cancel(self._task, *self._tasks)

    async def _attend(self) -> None:
        while True:
            for view in self._core.fleet.inbox(self._core.now()):
                self.seen[view.node].add(view.ask.id)
                place = (view.node, view.ask.id)
                if place not in self._answering and self._is_told(self._key(view)):
                    self._answering.add(place)
                    task = spawn(self._answer(*place), name=f"answer {place}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0.05)

    def _key(self, view: AskView) -> str:
        info = self._core.fleet.nodes[view.node].info
        assert info is not None
        return f"{info.uuid}/{AlertKind.ASK.value}/{view.ask.id}"

    async def _answer(self, alias: str, ask: AskId) -> None:
        """One answer, sent again over every cut under the same name; a new one only if the ask is still there."""
        for attempt in range(100):
            request = AnswerAsk(ask, f"answer {alias} {ask} {attempt}", yes=True)
            try:
                reply = await self._send(alias, request)
            except RequestError:
                self.outcomes["gone"] += 1  # an answer before it was taken, and its reply was lost
                return
            self.outcomes[reply.outcome.value] += 1
            if reply.outcome is Outcome.ACCEPTED or not await self._is_still_open(alias, ask):
                return

    async def _send(self, alias: str, request: AnswerAsk) -> Answered:
        while True:
            try:
                reply: Answered = await self._core.request(alias, request, 20.0)
            except LinkError:
                await asyncio.sleep(0.2)
            else:
                return reply

    async def _is_still_open(self, alias: str, ask: AskId) -> bool:
        await asyncio.sleep(1.0)  # what became of an unconfirmed answer shows soon, or never
        return any(view.node == alias and view.ask.id == ask for view in self._core.fleet.inbox(self._core.now()))
