"""The agent's end of the keeper's control protocol, for asyncio.

It must not know what is written or why. A refusal of a write is a result, because the caller goes on from it; any
other refusal raises KeeperError. When the keeper goes away every waiting call raises KeeperGone and `closed` is set.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Union

from node_agent.io import keeper_launch
from node_agent.io.keeper_link import KeeperError, KeeperGone, KeeperLink, OnNotice, Outcome, Reply
from node_agent.io.paths import NodePaths
from node_agent.keeper.control import (
    KeeperInfo,
    SessionRecord,
    Spawned,
    SpawnRequest,
    TerminalModes,
    WriteResult,
    record_from_wire,
)

__all__ = ["KeeperClient", "KeeperError", "KeeperGone", "WriteOutcome", "ensure_keeper"]

PING_EVERY = 2.0
"""Seconds between pings of a watched client; the keeper kills it after ten without one."""


WriteOutcome = Union[WriteResult, KeeperError]


class KeeperClient:
    """One connection to a keeper; made by `connect`."""

    def __init__(self, link: KeeperLink) -> None:
        self.closed = link.closed
        self.info = KeeperInfo(0, "", "", 0.0, 0)
        self._link = link
        self._call = link.call
        self._pinging: Optional[asyncio.Task[None]] = None

    @classmethod
    async def connect(
        cls,
        path: Path,
        epoch: int,
        *,
        watched: bool = False,
        on_notice: Optional[OnNotice] = None,
        timeout: float = 5.0,
    ) -> KeeperClient:
        """Connect to the keeper at `path` as the agent of `epoch` (0: an observer, which may only read).

        Notices go to `on_notice` in the event loop, from the first on; it must return quickly. A `watched` client
        pings from the event loop and is killed by the keeper when it stops to. Raises KeeperGone when nobody
        listens, ControlError when versions do not meet, KeeperError when a newer agent is there.
        """
        client = cls(await KeeperLink.open(path, on_notice, timeout))
        try:
            hello, _ = await asyncio.wait_for(client._call("hello", epoch=epoch, watched=watched), timeout)
        except BaseException:  # cancelled, too: the caller has no client to close
            await client.close()
            raise
        client.info = KeeperInfo(*(hello[name] for name in KeeperInfo._fields))
        if watched:
            client._pinging = asyncio.ensure_future(client._keep_pinging())
        return client

    async def close(self) -> None:
        """Leave; sessions go on."""
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)
        await self._link.close()

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start a session; returns once its program runs. Raises KeeperError (`command_not_found`, `cwd_missing` …)."""
        reply, _ = await self._call("spawn", **request._asdict())
        return Spawned(reply["session"], reply["pid"], reply.get("repeated", False))

    async def list(self) -> List[SessionRecord]:
        """Every session of the state directory, ended and lost ones too."""
        reply, _ = await self._call("list")
        return [record_from_wire(fields) for fields in reply["sessions"]]

    async def write(
        self,
        session: str,
        request_id: str,
        cause: str,
        data: bytes,
        *,
        expect_head: Optional[int] = None,
        query_offset: Optional[int] = None,
    ) -> WriteResult:
        """Write one atomic block into a session; returns when the kernel has all of it or it was refused.

        `expect_head`: refuse with `changed` when output beyond that journal offset exists. `query_offset`: this is
        the reply to the query that ends at that offset. A request id is never applied twice.
        """
        reply = await self._call(
            "write",
            data,
            session=session,
            request=request_id,
            cause=cause,
            expect_head=expect_head,
            query_offset=query_offset,
        )
        return _result(reply)

    def write_then(
        self, session: str, request_id: str, cause: str, data: bytes, done: Callable[[WriteOutcome], None]
    ) -> None:
        """As `write`, and `done` is called with the result, or with the KeeperError: a key needs no task of its own."""

        def tell(outcome: Outcome) -> None:
            done(outcome if isinstance(outcome, KeeperError) else _result(outcome))

        self._link.call_then(tell, "write", data, session=session, request=request_id, cause=cause)

    async def resize(self, session: str, columns: int, rows: int) -> int:
        """Change the terminal's size; returns the journal offset from which the new size counts."""
        reply, _ = await self._call("resize", session=session, columns=columns, rows=rows)
        return int(reply["head"])

    async def signal(self, session: str, number: int) -> None:
        """Send a signal to the session's leader and its foreground group."""
        await self._call("signal", session=session, signal=number)

    async def stop(self, session: str, grace: float = 5.0) -> None:
        """HUP, CONT and TERM now, KILL to what is left of the session after `grace` seconds; does not wait for it."""
        await self._call("stop", session=session, grace=grace)

    async def kill(self, session: str) -> None:
        """KILL every process of the session; does not wait for its end."""
        await self._call("kill", session=session)

    async def forget(self, session: str) -> None:
        """Remove an ended session with its journal and everything else in its directory."""
        await self._call("forget", session=session)

    async def annotate(
        self,
        session: str,
        *,
        title: Optional[str] = None,
        tags: Optional[Sequence[str]] = None,
        seen: Optional[bool] = None,
    ) -> None:
        """Change what the metadata file says; None leaves a field. A failure expires only when it was `seen`."""
        await self._call("annotate", session=session, title=title, tags=None if tags is None else list(tags), seen=seen)

    async def checkpoint(self, session: str, offset: int, name: str) -> None:
        """Note in the journal's index that the file `name` holds the screen at `offset`."""
        await self._call("checkpoint", session=session, offset=offset, name=name)

    async def termios(self, session: str) -> TerminalModes:
        """Who edits the line, and the foreground group, as the kernel says now."""
        reply, _ = await self._call("termios", session=session)
        return TerminalModes(*(reply[name] for name in TerminalModes._fields))

    async def foreground(self, session: str) -> int:
        """The foreground process group of the session's terminal, 0 where there is none."""
        return (await self.termios(session)).foreground

    async def proc_read(self, pid: int, names: Sequence[str]) -> Dict[str, Optional[bytes]]:
        """Files of /proc/PID by name (`stat`, `syscall`, `fd`, `task/12/wchan` …); None where one cannot be read.

        `fd` and `task` are read as lists, one number a line; `cwd`, `exe` and `fd/N` as what they point to. Refused
        for what is no descendant of a session.
        """
        reply, payload = await self._call("proc_read", pid=pid, names=list(names))
        files: Dict[str, Optional[bytes]] = {}
        at = 0
        for name, size in zip(names, reply["sizes"]):
            files[name] = None if size is None else payload[at : at + size]
            at += size or 0
        return files

    async def mem_read(self, pid: int, address: int, length: int) -> bytes:
        """At most 4,096 bytes of a process's memory; refused for what is no descendant of a session."""
        _, payload = await self._call("mem_read", pid=pid, address=address, length=length)
        return payload

    async def keep_agent(self, argv: Sequence[str]) -> Sequence[str]:
        """Have the keeper start `argv` whenever no watched client is connected; empty: no longer.

        Returns what it started until then; `argv` where it is a keeper that does not tell.
        """
        reply, _ = await self._call("keep_agent", argv=list(argv))
        return tuple(reply.get("argv", argv))

    async def upgrade(self, argv: Sequence[str] = ()) -> KeeperInfo:
        """Replace the keeper's program in place by `argv` (default: this installation); returns what then runs.

        Sessions, this connection and all others go on. Raises KeeperError when the new program would not run.
        """
        reply, _ = await self._call("upgrade", argv=list(argv or keeper_launch.keeper_command()))
        self.info = KeeperInfo(*(reply[name] for name in KeeperInfo._fields))
        return self.info

    async def shutdown(self) -> None:
        """Kill all sessions and the kept agent and end the keeper; returns when it is gone."""
        await self._call("shutdown")
        await self.closed.wait()

    async def ping(self) -> None:
        await self._call("ping")

    async def _keep_pinging(self) -> None:
        while not self.closed.is_set():
            try:
                await self._call("ping")
            except KeeperError:
                return
            await asyncio.sleep(PING_EVERY)


def _result(reply: Reply) -> WriteResult:
    return WriteResult(*(reply[0][name] for name in WriteResult._fields))


async def ensure_keeper(paths: NodePaths, agent_argv: Optional[Sequence[str]] = None, *, timeout: float = 15.0) -> None:
    """Start the node's keeper detached unless one runs; raises KeeperGone with the reason when it does not start.

    With `agent_argv` the new keeper starts that agent whenever none is connected.
    """
    if await _answers(paths):
        return
    problem = await keeper_launch.start_keeper(paths, agent_argv or (), timeout=timeout)
    # One that was started at the same moment by somebody else is as good as ours.
    if problem and not await _answers(paths):
        raise KeeperGone(problem)


async def _answers(paths: NodePaths) -> bool:
    """Whether a keeper listens where the node's keeper does."""
    try:
        client = await KeeperClient.connect(paths.keeper_socket, 0)
    except KeeperGone:
        return False
    await client.close()
    return True
