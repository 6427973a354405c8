"""An operator whose programs are killed: the console on a terminal, and commands that type. The node is behind ssh."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import SessionReply, StartSession, StopSession
from relaytui.config import NodeConfig
from tests.chaos.remote import ALIAS
from tests.chaos.steady import SteadyClient
from tests.chaos.watching import words_in
from tests.home import RELAYTUI, Home, open_home
from tests.processes import children_of, is_alive
from tests.pty_program import PtyProgram
from tests.waiting import eventually

_LIMIT = 60.0
_MARK = "fresh"


@asynccontextmanager
async def operator_home(*nodes: NodeConfig) -> AsyncIterator[Home]:
    """An operator with these nodes; the path is short, since sockets lie below it."""
    directory = Path(tempfile.mkdtemp(prefix="rtc", dir="/tmp"))
    try:
        with open_home(directory) as home:
            home.configure(*nodes)
            yield home
    finally:
        shutil.rmtree(directory)


class Console:
    """The console, started again after each death. `client` starts what it must show to prove that it lives."""

    def __init__(self, home: Home, client: SteadyClient) -> None:
        self.kills = 0
        self._home = home
        self._client = client
        self._program: PtyProgram | None = None

    @property
    def pid(self) -> int:
        assert self._program is not None
        return self._program.pid

    def start(self) -> None:
        command = [*RELAYTUI, "--filter", f"{_MARK} -state:exited"]  # those before would fill the grid
        self._program = program = PtyProgram(command, columns=120, rows=40, env=self._home.env)
        asyncio.get_running_loop().add_reader(program.fd, program.read, 0)

    async def shows_what_is_new(self) -> None:
        """Start a session and wait until the console shows what it prints."""
        assert self._program is not None
        program, title = self._program, f"{_MARK}-{self.kills}"
        command = ("sh", "-c", f"echo {title} is here; read x")
        request = StartSession(f"console {title}", command, cwd="/", bare=True, title=title)
        reply: SessionReply = await self._client.request(request)
        await eventually(lambda: f"{title} is here".encode() in program.output, _LIMIT)
        await self._client.request(StopSession(reply.session.id))

    async def kill(self) -> None:
        """Kill the console as it stands; its ssh ends with it."""
        children = children_of(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        self.close()
        self.kills += 1
        await eventually(lambda: not any(map(is_alive, children)))

    def close(self) -> None:
        if self._program is not None:
            asyncio.get_running_loop().remove_reader(self._program.fd)
            self._program.close()
            self._program = None


class Sender:
    """Types numbered words with `relaytui send`, and kills every third command while it is at it."""

    def __init__(self, home: Home, session: SessionId, rng: random.Random) -> None:
        self.acknowledged: list[int] = []
        self.killed = 0
        self._home = home
        self._session = session
        self._rng = rng
        self._longest = 1.0  # seconds a command that was let be has taken
        self._task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count():
            began = loop.time()
            process = await asyncio.create_subprocess_exec(
                *RELAYTUI,
                "send",
                f"{ALIAS}/{self._session}",
                f"<{number}>",
                env=self._home.env,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                if number % 3 == 2:
                    await asyncio.sleep(self._rng.uniform(0.0, self._longest))
                    if process.returncode is None:
                        process.kill()
                        self.killed += 1
                code = await process.wait()
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise
            if code == 0:
                self.acknowledged.append(number)
                self._longest = max(self._longest, loop.time() - began)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def check(self, typed: bytes) -> None:
        """What the program was given: each acknowledged word once, no word twice, and nothing else."""
        words = Counter(words_in(typed))
        assert max(words.values()) == 1, f"typed twice: {words.most_common(3)}"
        assert not (lost := set(self.acknowledged) - set(words)), f"acknowledged and not typed: {sorted(lost)}"
