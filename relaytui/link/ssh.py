"""Links over SSH with asyncssh: one login, one probe, then a channel to the agent's socket.

The probe is not only for finding the agent: OpenSSH before 10.1 sets TCP_NODELAY only once a connection has run a
command, and only a command's output can tell a missing agent from forbidden forwarding.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

from node_agent.terminal.sanitise import sanitise
from relaytui.config import NodeConfig
from relaytui.link.connect import Gates
from relaytui.link.duplex import Duplex
from relaytui.link.errors import (
    TOO_MANY,
    TOO_MANY_ADVICE,
    AgentFailed,
    AgentUnreachable,
    AuthenticationFailed,
    ConnectionRefused,
    ConnectTimedOut,
    ForwardingForbidden,
    HostUnreachable,
    LinkError,
    LinkLost,
    NotConnected,
    UnknownHost,
)
from relaytui.link.hostkeys import judge, load_records
from relaytui.link.login import CONNECT_TIMEOUT, Login
from relaytui.link.probe import ReportReader, bridge_command, probe_command
from relaytui.link.prompts import Desk
from relaytui.link.pushed import PushedStream
from relaytui.link.resolve import SshTarget, resolve, resolve_jump
from relaytui.link.ssh_arguments import ssh_arguments
from relaytui.link.sshlib import asyncssh

_PROBE_TIMEOUT = 20.0
_CHANNEL_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 2.0
_KEEPALIVE = 5
_KEEPALIVE_COUNT = 2
_RETRIES = (0.05, 0.2, 0.5)
"""Seconds before the channel is tried again: a full backlog of the agent's socket fails it at once."""

_WINDOW = 256 * 1024


class SshConnector:
    """Opens channels to one node's agent, each on a login of its own, which carries further ones beside it."""

    def __init__(self, node: NodeConfig, desk: Desk, gates: Gates) -> None:
        self._node = node
        self._desk = desk
        self._gates = gates
        self._socket = ""  # where the agent listened last

    async def open(self, *, bulk: bool = False) -> Duplex:
        """Log in and open a stream to the agent. Raises a LinkError."""
        session = _Session(self._node)
        try:
            await session.log_in(self._desk, self._gates)
            await session.find_agent(self._socket)
            duplex = await session.open(owned=True)
            duplex.beside = session.open
        except BaseException:  # cancelled, too: nobody else has the login
            await session.close()
            raise
        self._socket = session.socket
        return duplex

    async def command(self, line: str, *begins: bytes) -> Duplex:
        """Log in and run `line` there: its stdin and stdout, whatever the latter begins with. Raises a LinkError."""
        session = _Session(self._node)
        try:
            await session.log_in(self._desk, self._gates)
            return await session.command(line)
        except BaseException:  # cancelled, too: nobody else has the login
            await session.close()
            raise


class _Session:
    """One SSH connection with the hops before it."""

    def __init__(self, node: NodeConfig) -> None:
        self._node = node
        self.socket = ""
        self._agent = 0  # its process id, as last reported
        self._is_known = False  # the socket is one of an earlier report
        self._connections: list[asyncssh.SSHClientConnection] = []
        self._stream: Duplex | None = None

    async def log_in(self, desk: Desk, gates: Gates) -> None:
        """Connect through all hops, each host checked."""
        target = await resolve(self._node)
        hops = [await resolve_jump(self._node, jump) for jump in target.jumps()] if target.is_exact else []
        for hop in (*hops, target):
            async with gates.turn(hop.hostname, hop.port, self._node.alias):
                tunnel = self._connections[-1] if self._connections else None
                self._connections.append(await _log_in(self._node.alias, hop, desk, tunnel))

    async def command(self, line: str) -> Duplex:
        """A command's stdin and stdout, with which the SSH connection is closed."""
        process = await self._run(line)
        return Duplex(_Reader(process.stdout), _Writer(process.stdin), "through the exec bridge", self.close)

    async def open(self, *, owned: bool = False) -> Duplex:
        """A stream to the agent; with `owned` the SSH connection is closed with it. Raises a LinkError."""
        release = self.close if owned else _nothing
        if self._stream is not None:
            # A key restricted to the bridge: the probe's own channel is the stream, and there is one a command.
            duplex, self._stream = self._stream, None
            return Duplex(duplex.reader, duplex.writer, duplex.note, release)
        try:
            return await self._reach(release)
        except _NoWay:
            await self.find_agent()
        agent = self._agent
        try:
            return await self._reach(release)
        except _NoWay as error:
            await self.find_agent()
            raise self._no_way(is_same=agent == self._agent != 0, said=str(error)) from error

    async def close(self) -> None:
        connections, self._connections = self._connections, []
        for connection in reversed(connections):
            connection.close()
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()

    @property
    def _connection(self) -> asyncssh.SSHClientConnection:
        if not self._connections:
            raise NotConnected(f"{self._node.alias}: its login was closed")
        return self._connections[-1]

    async def find_agent(self, known: str = "") -> None:
        """Run the probe; sets the agent's socket, or the stream where the bridge answered in its place.

        A socket `known` from an earlier report is taken without starting anything while it is there.
        """
        self._is_known = bool(known)
        name = self._node.alias
        report = ReportReader(name)
        process = await self._run(probe_command(name, self._node.agent, self._node.state, known))
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                while data := await process.stdout.read(4096):
                    if report.feed(data):
                        break
                if report.stream:
                    reader = _Reader(process.stdout, report.seen)
                    self._stream = Duplex(reader, _Writer(process.stdin), "through a restricted key")
                    return
                errors = "" if data else (await process.stderr.read()).decode("utf-8", "replace")
                found = report.outcome(errors)
                self.socket, self._agent = found.socket, found.pid
        except TimeoutError:
            raise AgentFailed(
                f"{name}: no answer from its login shell within {_PROBE_TIMEOUT:g} s; try `ssh` there by hand"
            ) from None
        except (asyncssh.Error, OSError) as error:
            raise LinkLost(f"{name}: the link broke while the agent was looked for: {error}") from error
        process.close()

    async def _run(self, command: str) -> asyncssh.SSHClientProcess[bytes]:
        try:
            async with asyncio.timeout(_CHANNEL_TIMEOUT):
                return await self._connection.create_process(command, encoding=None, window=_WINDOW)
        except TimeoutError:
            raise LinkLost(f"{self._node.alias}: sshd does not answer; reconnecting") from None
        except (asyncssh.Error, OSError) as error:
            raise AgentFailed(f"{self._node.alias}: sshd runs no command: {error}; check its settings") from error

    async def _forward(self) -> _SocketStream:
        """A channel to the agent's socket.

        A failure does not tell why. The agent may have ended, so it is looked for anew where the socket was only known
        from before; its backlog may be full, so it is tried again.
        """
        for pause in (*_RETRIES, None):
            try:
                async with asyncio.timeout(_CHANNEL_TIMEOUT):
                    _, stream = await self._connection.create_unix_connection(
                        _SocketStream, self.socket, encoding=None, window=_WINDOW
                    )
                    return cast(_SocketStream, stream)
            except asyncssh.ChannelOpenError as error:
                if pause is None or error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
                    raise
                if self._is_known:
                    await self.find_agent()
                else:
                    await asyncio.sleep(pause)
            except TimeoutError:
                raise LinkLost(f"{self._node.alias}: sshd does not answer; reconnecting") from None
            except (asyncssh.Error, OSError) as error:
                raise LinkLost(f"{self._node.alias}: the link broke: {error}") from error
        raise AgentUnreachable(f"{self._node.alias}: its agent takes no connection; try again")

    async def _reach(self, release: Callable[[], Awaitable[None]]) -> Duplex:
        """A stream to the agent, through the bridge where there is no channel to its socket. Raises _NoWay."""
        try:
            stream = await self._forward()
        except asyncssh.ChannelOpenError as error:
            return await self._bridge(release, error)
        return Duplex(stream, stream, "", release)

    async def _bridge(self, release: Callable[[], Awaitable[None]], cause: Exception) -> Duplex:
        """The agent's stream through a command."""
        name = self._node.alias
        process = await self._run(bridge_command(name, self._node.agent, self._node.state))
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                first = await process.stdout.read(4096)
                errors = b"" if first else await process.stderr.read()
        except (TimeoutError, asyncssh.Error, OSError) as error:
            raise LinkLost(f"{name}: its bridge does not answer: {error or 'no output'}; reconnecting") from error
        if not first:
            said = sanitise(errors.decode("utf-8", "replace").strip(), 200)
            raise _NoWay(said or str(cause) or "without a word") from cause
        return Duplex(_Reader(process.stdout, first), _Writer(process.stdin), "through the exec bridge", release)

    def _no_way(self, *, is_same: bool, said: str) -> LinkError:
        """Whose fault it was: sshd's only if one and the same agent ran all the while."""
        name = self._node.alias
        if not is_same:
            return AgentUnreachable(f"{name}: its agent was just ending or starting: {said}; trying again")
        return ForwardingForbidden(
            f"{name}: sshd forwards no unix socket and its bridge ended: {said}; set AllowStreamLocalForwarding there"
        )


async def _log_in(
    node: str, target: SshTarget, desk: Desk, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """Connect and log in to one host. Raises a LinkError."""
    place = target.hostname if target.port == 22 else f"{target.hostname}:{target.port}"
    records = await asyncio.to_thread(load_records, target)
    login: Login | None = None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT) as limit:
            login = Login(desk, limit)
            options = await asyncio.to_thread(ssh_arguments, target, records)
            return await asyncssh.connect(
                target.hostname,
                target.port,
                tunnel=tunnel,
                client_factory=lambda: login,
                known_hosts=records.trusted,
                passphrase=login.passphrase,
                login_timeout=0,
                keepalive_interval=_KEEPALIVE,
                keepalive_count_max=_KEEPALIVE_COUNT,
                **options,
            )
    except TimeoutError:
        raise ConnectTimedOut(f"{node}: no login at {place} in time; check host and network") from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise judge(node, target, records, login.offered if login else None, str(error)) from error
    except asyncssh.PermissionDenied as error:
        if login is not None and login.failure is not None:
            raise login.failure from error
        raise AuthenticationFailed(
            f"{node}: {place} lets {target.user or 'us'} in with none of our keys; check user and keys, `ssh-add -l`"
        ) from error
    except (asyncssh.Error, OSError, ValueError) as error:
        raise _connect_error(node, place, error) from error
    finally:
        desk.withdraw()


def _connect_error(node: str, place: str, error: Exception) -> LinkError:
    if isinstance(error, socket.gaierror):
        return UnknownHost(f"{node}: no host {place}: {error.strerror}; check the name")
    if isinstance(error, ConnectionRefusedError):
        return ConnectionRefused(f"{node}: {place} refuses the connection; check that sshd runs there and the port")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
        return HostUnreachable(f"{node}: no way to {place}: {error.strerror}; check the network")
    if TOO_MANY in str(error):
        return AuthenticationFailed(f"{node}: {place}: {TOO_MANY_ADVICE}")
    if isinstance(error, asyncssh.ChannelOpenError):
        return HostUnreachable(f"{node}: the jump host opens no way to {place}: {error}; check it from there")
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return AuthenticationFailed(
            f"{node}: {place} and we have no algorithm in common: {error}; try transport openssh"
        )
    return LinkLost(f"{node}: no login at {place}: {sanitise(str(error) or type(error).__name__, 200)}; try again")


class _NoWay(Exception):
    """Neither a channel nor the bridge led to the agent; what was said."""


async def _nothing() -> None:
    return None


class _SocketStream(PushedStream, asyncssh.SSHUNIXSession[bytes]):
    """A channel to the agent's socket, its end in our words."""

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, asyncssh.Error):
            exc = LinkLost(f"the SSH connection ended: {exc.reason}")
        super().connection_lost(exc)


class _Reader:
    """asyncssh's reader with our errors, after bytes that were read already."""

    def __init__(self, reader: Any, first: bytes = b"") -> None:
        self._reader = reader
        self._first = first

    async def read(self, n: int) -> bytes:
        if self._first:
            first, self._first = self._first[:n], self._first[n:]
            return first
        try:
            data: bytes = await self._reader.read(n)
        except asyncssh.Error as error:
            raise LinkLost(f"the SSH connection ended: {error.reason}") from error
        return data


class _Writer:
    """asyncssh's writer with our errors."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        try:
            await self._writer.drain()
        except asyncssh.Error as error:
            raise LinkLost(f"the SSH connection ended: {error.reason}") from error

    def close(self) -> None:
        self._writer.close()
