"""Sessions that print, ask, record and end while their node is maltreated, and the check of what became of them.

`start` begins the load, `end` lets everything come to its end and checks it: what each program says it printed or was
given against what the node kept, showed and told.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import SessionReply, StartSession
from node_agent.protocol.states import EventKind, SessionState
from node_agent.terminal.delta import ScreenModel, ScreenReader, apply_delta, screen_delta
from node_agent.terminal.engines import create_engine
from tests.chaos import programs
from tests.chaos.journals import digest, head_of, read_journal
from tests.chaos.steady import SteadyClient
from tests.harness import Node
from tests.waiting import eventually

COLUMNS, ROWS = 80, 24
_EMULATED = 500_000
"""Bytes a second that an agent on a busy machine catches up with at least."""

QUERIES = 30
REPLY = re.compile(rb"\x1b\[\d+;\d+R")
"""What a recorder that asks is told of the cursor."""

ASKER = """
i=0
while [ $i -lt {asks} ]; do
  i=$((i+1)); printf 'Proceed with {name}.%s? [y/N] ' $i
  read answer; echo "got <$answer>"
done
exit {code}
"""


@dataclass(frozen=True)
class Sizes:
    """How much of everything there is."""

    writers: int
    askers: int
    asks: int  # of each asker
    exits: int


class Load:
    """The load of one node. `tmp` gets the programs' own accounts."""

    def __init__(self, node: Node, client: SteadyClient, tmp: Path, sizes: Sizes) -> None:
        self.typed: list[bytes] = []  # what both recorders were sent, acknowledged
        self.answers = 0
        self.writers: list[SessionId] = []
        self.codes: dict[SessionId, int] = {}  # what the sessions that end will end with
        self.askers: dict[SessionId, str] = {}
        self.recorders: dict[str, SessionId] = {}  # by the name of their account
        self._node = node
        self._client = client
        self._tmp = tmp
        self._sizes = sizes
        self._tasks: list[asyncio.Task[None]] = []
        self._is_ending = False
        self._requests = itertools.count(1)

    async def start(self) -> None:
        for seed in range(self._sizes.writers):
            account, stop = str(self.account(f"writer-{seed}")), str(self._tmp / "stop")
            self.writers.append(await self._start_program("writer", str(seed), stop, account))
        for name, queries in (("silent", 0), ("curious", QUERIES)):
            session = await self._start_program("recorder", str(self.account(name)), str(queries))
            self.recorders[name] = session
            await self.prints(session, b"ready")
        self._tasks = [
            asyncio.create_task(self._ask()),
            asyncio.create_task(self._answer()),
            asyncio.create_task(self._end_often()),
            asyncio.create_task(self._type()),
        ]

    async def end(self) -> None:
        """Wait until all has been asked and has ended, then check everything."""
        asking, answering, ending, typing = self._tasks
        await asyncio.gather(asking, ending)
        await self._ended(*self.codes)
        self._is_ending = True
        await asyncio.gather(answering, typing)
        (self._tmp / "stop").touch()
        await self._ended(*self.writers)
        self._check_journals()
        self._check_events()
        self._check_asks()
        await self._check_input()
        await self.check_screens()

    async def stop(self) -> list[BaseException | None]:
        """End what happens as it stands; what each part of it came to."""
        for task in self._tasks:
            task.cancel()
        return await asyncio.gather(*self._tasks, return_exceptions=True)

    def __str__(self) -> str:
        return (
            f"{self.written()} bytes, {self.answers} answers, {self._sizes.exits} exits, "
            f"{len(self.typed)} words typed twice, {len(self._client.events)} events"
        )

    def failed(self) -> None:
        """Raise what a part of the load failed with."""
        for task in self._tasks:
            if task.done():
                task.result()

    def written(self) -> int:
        """Bytes the writers' journals hold."""
        return sum(head_of(self._node.paths.sessions / session) for session in self.writers)

    async def prints(self, session: SessionId, text: bytes) -> None:
        await eventually(lambda: text in self.journal(session))

    # What happens -----------------------------------------------------------------------------------------------------

    async def _start(self, *command: str) -> SessionId:
        request = StartSession(
            f"{self._tmp.name} {next(self._requests)}", tuple(command), cwd="/", bare=True, columns=COLUMNS, rows=ROWS
        )
        reply: SessionReply = await self._client.request(request)
        return reply.session.id

    async def _start_program(self, *words: str) -> SessionId:
        return await self._start(sys.executable, "-I", "-S", str(programs.PATH), *words)

    async def _ask(self) -> None:
        for number in range(self._sizes.askers):
            code = 100 + number
            session = await self._start("sh", "-c", ASKER.format(asks=self._sizes.asks, name=f"a{number}", code=code))
            self.codes[session] = code
            self.askers[session] = f"a{number}"

    async def _answer(self) -> None:
        """Answer each ask once, as an operator would who sees it."""
        answered = set()
        while not self._is_ending:
            for session in list(self._client.sessions.values()):
                if session.ask is None or session.ask.id in answered or session.id not in self.askers:
                    continue
                answered.add(session.ask.id)
                chunks = (Chunk(text="y"), Chunk(key="enter"))
                try:
                    await self._client.request(SendInput(session.id, f"answer {session.ask.id}", chunks))
                except RequestError as error:
                    if error.code is not ErrorCode.NOT_RUNNING:  # its last answer, applied before a cut, has ended it
                        raise
                self.answers += 1
            await asyncio.sleep(0.01)

    async def _end_often(self) -> None:
        for number in range(self._sizes.exits):
            code = number % 90
            self.codes[await self._start("sh", "-c", f"echo {number}; exit {code}")] = code

    async def _type(self) -> None:
        """Type numbered words into the recorders, each until it is acknowledged."""
        for number in itertools.count():
            if self._is_ending:
                return
            word = f"<{number}>"
            for name, session in self.recorders.items():
                await self._client.request(SendInput(session, f"{name} {number}", (Chunk(text=word),)))
            self.typed.append(word.encode())
            await asyncio.sleep(0.02)

    async def _ended(self, *sessions: SessionId) -> None:
        def is_over() -> bool:
            known = self._client.sessions
            self.failed()
            return all(name in known and known[name].state is SessionState.CLOSED for name in sessions)

        await eventually(is_over, limit=120)

    # What must have become of it --------------------------------------------------------------------------------------

    def journal(self, session: SessionId) -> bytes:
        """All that a session printed, as it is on disk."""
        return read_journal(self._node.paths.sessions / session)

    def _check_journals(self) -> None:
        for seed, session in enumerate(self.writers):
            assert digest(self.journal(session)) == digest(self.account(f"writer-{seed}").read_bytes())
        for session, code in self.codes.items():
            ended = self._client.sessions[session].exit
            assert ended is not None
            assert (ended.code, ended.signal) == (code, None)

    def check_order(self) -> None:
        """Each event came once and in order."""
        numbers = [event.n for event in self._client.events]
        assert not [pair for pair in itertools.pairwise(numbers) if pair[1] != pair[0] + 1]

    def _check_events(self) -> None:
        self.check_order()
        events = self._client.events
        life = Counter((event.session, event.kind) for event in events)
        for session in (*self.writers, *self.codes):
            for kind in (EventKind.SESSION_STARTED, EventKind.SESSION_EXITED, EventKind.SESSION_CLOSED):
                assert life[session, kind] == 1, (session, kind, life[session, kind])
        for event in events:
            if event.kind is EventKind.SESSION_EXITED and event.session in self.codes:
                assert event.data["code"] == self.codes[event.session]

    def _check_asks(self) -> None:
        opened, closed = self._asks(EventKind.ASK_OPENED), self._asks(EventKind.ASK_CLOSED)
        expected = [f"{name}.{number}" for name in self.askers.values() for number in range(1, self._sizes.asks + 1)]
        asked = Counter(_question(event) for event in opened)
        assert asked == Counter(expected)
        names = [event.data["ask"]["id"] for event in opened]
        assert sorted(event.data["ask"] for event in closed) == sorted(names)
        for session in self.askers:
            assert self.journal(session).count(b"got <y>") == self._sizes.asks

    def _asks(self, kind: EventKind) -> list[EventRecord]:
        return [event for event in self._client.events if event.kind is kind and event.session in self.askers]

    async def _check_input(self) -> None:
        typed = b"".join(self.typed)
        silent, curious = self.account("silent"), self.account("curious")
        await eventually(lambda: len(silent.read_bytes()) >= len(typed))
        assert silent.read_bytes() == typed
        await eventually(lambda: REPLY.sub(b"", curious.read_bytes()) == typed)
        assert len(REPLY.findall(curious.read_bytes())) <= QUERIES

    async def check_screens(self) -> None:
        """Every screen is what a terminal shows that was fed the journal without a break."""
        client = await self._node.connect("checker")
        for session in self.writers:
            engine = create_engine(columns=COLUMNS, rows=ROWS)
            engine.feed(self.journal(session))
            expected = _over_the_wire(ScreenReader(engine).read())
            shown = await client.watch(session)
            limit = 60 + self.written() / _EMULATED  # a screen is far behind after so many agents that lived so briefly
            await client.until(lambda: shown.screen == expected, limit)  # noqa: B023 - used within the turn

    def account(self, name: str) -> Path:
        """What the writer or recorder of that name says it printed or was given."""
        return self._tmp / name


def _question(event: EventRecord) -> str:
    found = re.search(r"Proceed with (\S+)\?", event.data["ask"]["excerpt"])
    assert found is not None, event
    return found[1]


def _over_the_wire(model: ScreenModel) -> ScreenModel:
    """The model as a watcher who was sent all of it holds it."""
    delta = screen_delta(None, model)
    assert delta is not None
    return apply_delta(ScreenModel(), json.loads(json.dumps(delta)))
