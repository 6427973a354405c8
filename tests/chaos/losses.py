"""What a killed keeper may cost, and that it costs nothing else.

The sessions that ran end and are said to be lost; of what each had printed, at most what the terminal held and one
read of it is not in its journal. What had ended before stays as it was.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

from node_agent.io.keeper_client import KeeperClient, KeeperGone
from node_agent.journal.index import Input
from node_agent.journal.reader import JournalReader
from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import EventKind, SessionState
from tests.chaos.load import REPLY, Load
from tests.chaos.steady import SteadyClient
from tests.harness import Node
from tests.processes import is_alive
from tests.waiting import eventually

MOST_UNREAD = 64 * 1024
"""Bytes a terminal of Linux holds that nobody has read, and as many as one read takes."""

_OVER = (SessionState.CLOSED, SessionState.LOST)
_STATED = (ErrorCode.KEEPER_GONE, ErrorCode.NOT_RUNNING, ErrorCode.NO_SESSION)
"""What a request may be refused with when its session or the keeper has gone."""


class Loss:
    """One death of the keeper under a load."""

    def __init__(self, node: Node, client: SteadyClient, load: Load) -> None:
        self.unrecorded: list[int] = []  # bytes a writer
        self.lost = 0
        self._node = node
        self._client = client
        self._load = load
        self._before: dict[SessionId, SessionInfo] = {}

    async def strike(self) -> None:
        """Kill the keeper; all its children end, and a new keeper serves when this returns."""
        observer = await self._node.keeper()
        pids = [record.pid for record in await observer.list() if record.state is SessionState.RUNNING]
        await observer.close()
        self._before = {info.id: info for info in self._client.sessions.values() if info.state in _OVER}
        agent = self._node.agent_pid()
        os.kill(observer.info.pid, signal.SIGKILL)
        await self._stop_the_load()
        await eventually(lambda: not any(map(is_alive, pids)))
        await self._taken_in()
        assert self._node.agent_pid() == agent
        assert is_alive(agent)

    async def check(self) -> None:
        """Compare what is kept and told with what was before, and with the programs' own accounts."""
        known = self._client.sessions
        told = Counter((event.session, event.kind) for event in self._client.events)
        for session, info in known.items():
            assert info.exit is not None
            assert info.ask is None
            if info.state is SessionState.LOST:
                assert (info.exit.code, info.exit.signal, info.exit.reason) == (None, None, "keeper killed")
                expected = (1, 1, 0, 0)
            else:
                assert info.exit.code == self._load.codes.get(session, info.exit.code)
                expected = (1, 0, 1, 1)
            kinds = (EventKind.SESSION_STARTED, EventKind.SESSION_LOST, EventKind.SESSION_EXITED)
            assert tuple(told[session, kind] for kind in (*kinds, EventKind.SESSION_CLOSED)) == expected, info
        for session, info in self._before.items():
            assert (known[session].state, known[session].exit) == (info.state, info.exit)
        self.lost = sum(info.state is SessionState.LOST and info.id not in self._before for info in known.values())
        self._load.check_order()
        self._check_asks()
        self._check_journals()
        self._check_input()

    async def _taken_in(self) -> None:
        """Wait until all that the new keeper found is known, and known to be over."""
        keeper = await self._new_keeper()
        kept = {record.id for record in await keeper.list()}
        await keeper.close()
        client = self._client
        await eventually(lambda: kept == set(client.sessions), limit=60)
        await eventually(lambda: all(info.state in _OVER for info in client.sessions.values()), limit=60)

    async def _new_keeper(self) -> KeeperClient:
        async with asyncio.timeout(60):
            while True:
                try:
                    return await self._node.keeper()
                except KeeperGone:
                    await asyncio.sleep(0.01)

    async def _stop_the_load(self) -> None:
        for outcome in await self._load.stop():
            if isinstance(outcome, RequestError):
                assert outcome.code in _STATED, outcome
            else:
                assert outcome is None or not isinstance(outcome, Exception), outcome

    def _check_asks(self) -> None:
        """Each ask was opened once and is closed, those too that nobody will ever answer."""
        opened = [event.data["ask"]["id"] for event in self._client.events if event.kind is EventKind.ASK_OPENED]
        closed = [event.data["ask"] for event in self._client.events if event.kind is EventKind.ASK_CLOSED]
        assert len(set(opened)) == len(opened)
        assert sorted(closed) == sorted(opened)

    def _check_journals(self) -> None:
        for seed, session in enumerate(self._load.writers):
            printed = self._load.account(f"writer-{seed}").read_bytes()
            journal = self._load.journal(session)
            assert printed.startswith(journal)
            assert len(printed) - len(journal) <= MOST_UNREAD
            self.unrecorded.append(len(printed) - len(journal))

    def _check_input(self) -> None:
        """What was acknowledged was written; what a program read of it is that, in order, and nothing else."""
        acknowledged = b"".join(self._load.typed)
        written = acknowledged + b"<%d>" % len(self._load.typed)  # perhaps, the last unconfirmed
        assert self._written("silent") in (len(acknowledged), len(written))
        for name in self._load.recorders:
            assert written.startswith(REPLY.sub(b"", self._load.account(name).read_bytes()))

    def _written(self, name: str) -> int:
        """Bytes that were written into a recorder, by the index of its journal."""
        with JournalReader(str(self._node.paths.sessions / self._load.recorders[name])) as reader:
            return sum(record.body.length for record in reader.records() if isinstance(record.body, Input))
