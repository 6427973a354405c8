"""The agent's end of the keeper's control protocol, for asyncio.

It must not know what is written or why. A refusal of a write is a result, because the caller goes on from it; any
other refusal raises KeeperError. When the keeper goes away every waiting call raises KeeperGone and `closed` is set.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

from node_agent.io import keeper_launch
from node_agent.io.keeper_notices import Notice, parse_notice
from node_agent.io.paths import NodePaths
from node_agent.keeper.control import (
    PREAMBLE_SIZE,
    ControlError,
    FrameDecoder,
    KeeperInfo,
    SessionRecord,
    Spawned,
    SpawnRequest,
    TerminalModes,
    WriteResult,
    agree,
    encode_frame,
    preamble,
    record_from_wire,
)

PING_EVERY = 2.0
"""Seconds between pings of a watched client; the keeper kills it after ten without one."""


class KeeperError(Exception):
    """The keeper refused a request; `code` is a value of `Refused`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class KeeperGone(KeeperError):
    """There is no keeper at the other end (any more)."""

    def __init__(self, message: str) -> None:
        super().__init__("keeper_gone", message)


OnNotice = Callable[[Notice], None]
Reply = Tuple[Dict[str, Any], bytes]
WriteOutcome = Union[WriteResult, KeeperError]


class KeeperClient:
    """One connection to a keeper; made by `connect`."""

    def __init__(self, writer: asyncio.StreamWriter, on_notice: Optional[OnNotice]) -> None:
        self.closed = asyncio.Event()
        self.info = KeeperInfo(0, "", "", 0.0, 0)
        self._writer = writer
        self._on_notice = on_notice
        self._waiting: Dict[int, asyncio.Future[Reply]] = {}
        self._last = 0
        self._tasks: List[asyncio.Task[None]] = []

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
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(str(path)), timeout)
        except (OSError, asyncio.TimeoutError) as error:
            raise KeeperGone(f"no keeper listens at {path}: {error}") from error
        client = cls(writer, on_notice)
        try:
            writer.write(preamble())
            try:
                agree(await asyncio.wait_for(reader.readexactly(PREAMBLE_SIZE), timeout))
            except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError) as error:
                raise KeeperGone(f"the keeper at {path} does not answer") from error
            client._tasks.append(asyncio.ensure_future(client._read(reader)))
            hello, _ = await asyncio.wait_for(client._call("hello", epoch=epoch, watched=watched), timeout)
        except BaseException:
            await client.close()
            raise
        client.info = KeeperInfo(*(hello[name] for name in KeeperInfo._fields))
        if watched:
            client._tasks.append(asyncio.ensure_future(client._keep_pinging()))
        return client

    async def close(self) -> None:
        """Leave; sessions go on."""
        self._fail(KeeperGone("the connection to the keeper was closed"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass

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
        return _result(await self._write(session, request_id, cause, data, expect_head, query_offset))

    def write_then(
        self, session: str, request_id: str, cause: str, data: bytes, done: Callable[[WriteOutcome], None]
    ) -> None:
        """As `write`, and `done` is called with the result, or with the KeeperError: a key needs no task of its own."""

        def tell(reply: asyncio.Future[Reply]) -> None:
            error = reply.exception()
            done(error if isinstance(error, KeeperError) else _result(reply.result()))

        self._write(session, request_id, cause, data, None, None).add_done_callback(tell)

    def _write(
        self,
        session: str,
        request_id: str,
        cause: str,
        data: bytes,
        expect_head: Optional[int],
        query_offset: Optional[int],
    ) -> asyncio.Future[Reply]:
        return self._call(
            "write",
            data,
            session=session,
            request=request_id,
            cause=cause,
            expect_head=expect_head,
            query_offset=query_offset,
        )

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

    async def keep_agent(self, argv: Sequence[str]) -> None:
        """Have the keeper start `argv` whenever no watched client is connected; empty: no longer."""
        await self._call("keep_agent", argv=list(argv))

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

    def _call(self, op: str, payload: bytes = b"", **fields: Any) -> asyncio.Future[Reply]:
        """Send a request now, in the order of the calls; the future is its reply."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.closed.is_set():
            future.set_exception(KeeperGone("the keeper is gone"))
            return future
        self._last += 1
        frame = encode_frame({"op": op, "n": self._last, **fields}, payload)
        self._waiting[self._last] = future
        self._writer.write(frame)
        return future

    async def _read(self, reader: asyncio.StreamReader) -> None:
        decoder = FrameDecoder()
        problem = "the keeper is gone"
        try:
            while True:
                data = await reader.read(256 * 1024)
                if not data:
                    break
                for header, payload in decoder.feed(data):
                    if "re" in header:
                        self._take_reply(header, payload)
                    else:
                        self._take_notice(header)
        except (OSError, ControlError) as error:
            problem = f"the connection to the keeper broke: {error}"
        self._fail(KeeperGone(problem))

    def _take_reply(self, header: Dict[str, Any], payload: bytes) -> None:
        future = self._waiting.pop(header["re"], None)
        if future is None or future.done():
            return
        if "error" in header:
            future.set_exception(KeeperError(header["error"], header.get("message", header["error"])))
        else:
            future.set_result((header, payload))

    def _take_notice(self, header: Dict[str, Any]) -> None:
        notice = parse_notice(header)
        if notice is not None and self._on_notice is not None:
            self._on_notice(notice)

    def _fail(self, error: KeeperGone) -> None:
        self.closed.set()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)

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
