"""Everything that may be wrong with what relaytui is given: how to bring it about, and what must be said of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import asyncssh

from node_agent.protocol.frames import HEADER, FrameType
from node_agent.protocol.version import Versions, preamble
from relaytui.config import NodeConfig, Transport
from tests.bad_input.mounts import hanging, tiny
from tests.home import Home
from tests.sshd import Sshd, free_port, make_key, open_sshd


class Place(NamedTuple):
    """Where a row is brought about: `bad` is the node it makes and names."""

    home: Home
    directory: Path
    agent: str  # the command that runs this agent on a node behind the private sshd


Arrange = Callable[[Place], AbstractAsyncContextManager[tuple[str, ...]]]


class Row(NamedTuple):
    """`arrange` gives the command line; `code` and `says` are its exit code and what its one line must match."""

    name: str
    arrange: Arrange
    code: int
    says: str
    needs_sshd: bool = False


START_THERE = ("start", "--detach", "--node", "bad", "--", "true")


def words(*command: str) -> Arrange:
    """A command line that is bad by itself."""

    @asynccontextmanager
    async def arrange(place: Place) -> AsyncIterator[tuple[str, ...]]:
        yield command

    return arrange


def config(text: str) -> Arrange:
    """A config file with this text."""

    @asynccontextmanager
    async def arrange(place: Place) -> AsyncIterator[tuple[str, ...]]:
        place.home.config_file.parent.mkdir(exist_ok=True)
        place.home.config_file.write_text(text)
        yield ("ls",)

    return arrange


def nowhere_to_write(*command: str) -> Arrange:
    """A state directory of the operator's own that cannot be made."""

    @asynccontextmanager
    async def arrange(place: Place) -> AsyncIterator[tuple[str, ...]]:
        kept = place.home.env["RELAYTUI_STATE_DIR"]
        (place.directory / "file").write_text("")
        place.home.env["RELAYTUI_STATE_DIR"] = str(place.directory / "file" / "state")
        try:
            yield command
        finally:
            place.home.env["RELAYTUI_STATE_DIR"] = kept

    return arrange


def behind_sshd(spoil: Callable[[Sshd, Place], NodeConfig], *sshd_lines: str) -> Arrange:
    """A node behind a private sshd, spoiled."""

    @asynccontextmanager
    async def arrange(place: Place) -> AsyncIterator[tuple[str, ...]]:
        async with open_sshd(place.directory / "sshd", *sshd_lines) as server:
            place.home.configure(spoil(server, place))
            yield START_THERE

    return arrange


def sound(server: Sshd, place: Place) -> NodeConfig:
    """A node that would work."""
    return server.node("bad", agent=place.agent, state=str(place.home.directory / "node"))


def unknown_host(server: Sshd, place: Place) -> NodeConfig:
    return replace(sound(server, place), host="nowhere.invalid")


def refused(server: Sshd, place: Place) -> NodeConfig:
    return replace(sound(server, place), port=free_port())


def host_key_unknown(server: Sshd, place: Place) -> NodeConfig:
    server.known_hosts.write_text("")
    return sound(server, place)


@asynccontextmanager
async def unwritable_known_hosts(place: Place) -> AsyncIterator[tuple[str, ...]]:
    async with open_sshd(place.directory / "sshd") as server:
        (place.directory / "file").write_text("")
        options = {**sound(server, place).options, "UserKnownHostsFile": str(place.directory / "file" / "known_hosts")}
        place.home.configure(replace(sound(server, place), options=options))
        key = asyncssh.read_public_key(f"{server.host_key}.pub")
        yield ("node", "trust", "bad", "--accept-key", key.get_fingerprint())


def host_key_changed(server: Sshd, place: Place) -> NodeConfig:
    server.trust(make_key(place.directory / "another_host_key"))
    return sound(server, place)


def stranger(server: Sshd, place: Place) -> NodeConfig:
    return replace(sound(server, place), identity=str(make_key(place.directory / "another_key")))


def encrypted_key(server: Sshd, place: Place) -> NodeConfig:
    key = make_key(place.directory / "encrypted_key", passphrase="secret")
    server.allow(key=key)
    return replace(sound(server, place), identity=str(key))


def no_agent(server: Sshd, place: Place) -> NodeConfig:
    return replace(sound(server, place), agent=str(place.directory / "not-there"))


def nothing_allowed(server: Sshd, place: Place) -> NodeConfig:
    """Forwarding is off, and the agent's `bridge` does not work either."""
    command = place.directory / "node-agent"
    command.write_text(f'#!/bin/sh\n[ "$1" = bridge ] && exit 1\nexec {place.agent} "$@"\n')
    command.chmod(0o755)
    return replace(sound(server, place), agent=str(command))


def answering(answer: bytes) -> Arrange:
    """A socket on which something else answers."""

    @asynccontextmanager
    async def arrange(place: Place) -> AsyncIterator[tuple[str, ...]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            try:
                await reader.read()
            except ConnectionError:
                pass
            writer.close()

        path = str(place.directory / "fake.sock")
        server = await asyncio.start_unix_server(serve, path)
        try:
            place.home.configure(NodeConfig("bad", transport=Transport.UNIX, socket=path))
            yield START_THERE
        finally:
            server.close()
            await server.wait_closed()

    return arrange


@asynccontextmanager
async def nobody_listens(place: Place) -> AsyncIterator[tuple[str, ...]]:
    place.home.configure(NodeConfig("bad", transport=Transport.UNIX, socket=str(place.directory / "no.sock")))
    yield START_THERE


@asynccontextmanager
async def banner_first(place: Place) -> AsyncIterator[tuple[str, ...]]:
    """The real agent behind a greeting: that is no error."""
    real = next((place.home.directory / "run").glob("*/agent.sock"))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(real)
        writer.write(b"*** Welcome to this machine ***\r\nThis is no RELAYTUI-NODE 9 line.\r\n\n")
        await asyncio.gather(pump(there_reader, writer), pump(reader, there_writer))

    path = str(place.directory / "banner.sock")
    server = await asyncio.start_unix_server(serve, path)
    try:
        place.home.configure(NodeConfig("bad", transport=Transport.UNIX, socket=path))
        yield ("ls", "--node", "bad", "--search", "no such session")
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def network_file_system(place: Place) -> AsyncIterator[tuple[str, ...]]:
    state = place.directory / "nfs"
    state.mkdir()
    table = place.directory / "mountinfo"
    table.write_text(f"36 35 98:0 / {state.resolve()} rw,noatime - nfs4 server:/export rw\n")
    place.home.configure(NodeConfig("bad", transport=Transport.UNIX, state=str(state)))
    place.home.env["RELAY_MOUNTINFO"] = str(table)
    try:
        yield START_THERE
    finally:
        del place.home.env["RELAY_MOUNTINFO"]


@asynccontextmanager
async def unwritable_state(place: Place) -> AsyncIterator[tuple[str, ...]]:
    (place.directory / "file").write_text("")
    place.home.configure(NodeConfig("bad", transport=Transport.UNIX, state=str(place.directory / "file" / "state")))
    yield START_THERE


@asynccontextmanager
async def full_state(place: Place) -> AsyncIterator[tuple[str, ...]]:
    with tiny(place.directory / "tiny") as state:
        place.home.configure(NodeConfig("bad", transport=Transport.UNIX, state=str(state)))
        yield START_THERE


@asynccontextmanager
async def hanging_directory(place: Place) -> AsyncIterator[tuple[str, ...]]:
    with hanging(place.directory / "hanging") as directory:
        yield ("start", "--detach", "--cwd", f"{directory}/work", "--", "true")


HUGE_FRAME = preamble() + HEADER.pack(0xFFFFFFFF, FrameType.REPLY, 0, 1)

ROWS = (
    Row("unknown host", behind_sshd(unknown_host), 21, "nowhere.invalid", True),
    Row("connection refused", behind_sshd(refused), 22, "refuses the connection", True),
    Row("host key unknown", behind_sshd(host_key_unknown), 25, "SHA256:", True),
    Row("host key changed", behind_sshd(host_key_changed), 26, "changed|another key|not the one", True),
    Row("authentication failed", behind_sshd(stranger), 28, "bad:", True),
    Row("passphrase needed", behind_sshd(encrypted_key), 29, "encrypted", True),
    Row("agent missing", behind_sshd(no_agent), 31, "no node agent there .* `relaytui node upgrade bad`", True),
    Row("agent too old", answering(preamble(Versions(0, 0))), 32, "too old"),
    Row("agent too new", answering(preamble(Versions(90, 99))), 33, "too new"),
    Row("forwarding forbidden", behind_sshd(nothing_allowed, "AllowStreamLocalForwarding no"), 35, "forward", True),
    Row("nobody listens", nobody_listens, 36, "no agent listens"),
    Row("garbage", answering(bytes(range(256)) * 400), 37, "bad:"),
    Row("a huge length", answering(HUGE_FRAME), 37, "4294967295 bytes"),
    Row("a banner before the magic line", banner_first, 0, ""),
    Row("network file system", network_file_system, 42, "nfs4"),
    Row("unwritable state directory", unwritable_state, 43, "RELAY_STATE_DIR"),
    Row("full state directory", full_state, 44, "full"),
    Row("command not found", words("start", "--detach", "--", "no-such-program"), 55, "no-such-program"),
    Row("directory missing", words("start", "--detach", "--cwd", "/no/such", "--", "true"), 56, "/no/such"),
    Row("directory hanging", hanging_directory, 69, "does not answer"),
    Row("wrong size", words("start", "--detach", "--size", "120", "--", "true"), 58, "120x40"),
    Row("size out of bounds", words("start", "--detach", "--size", "9999x1", "--", "true"), 58, "9999"),
    Row("unknown key name", words("send", "steady", "key:entr"), 59, "enter"),
    Row("unknown id", words("kill", "nothing"), 11, "nothing"),
    Row("ambiguous id", words("kill", "local/s"), 12, "local/s1, local/s2"),
    Row("config syntax", config("[nodes.box\nhost = 1\n"), 10, "config.toml.*line 1"),
    Row("config unknown key", config('[nodes.box]\nhots = "box"\n'), 10, "hots.*host"),
    Row("config command", config('[nodes.box]\nhost = "box"\nagent = "it\'s"\n'), 10, "'box': agent .*quotation"),
    Row("console log", nowhere_to_write(), 10, "cannot write .*console.log: .*; set RELAYTUI_STATE_DIR"),
    Row("hub log", nowhere_to_write("hub", "run"), 10, "cannot write .*hub.log: .*; set RELAYTUI_STATE_DIR"),
    Row(
        "hub log, detached", nowhere_to_write("hub", "start"), 10, "cannot write .*hub.log: .*; set RELAYTUI_STATE_DIR"
    ),
    Row(
        "known_hosts unwritable", unwritable_known_hosts, 25, "SHA256:.* cannot be put on record in .*known_hosts", True
    ),
    Row("agent option", words("node", "add", "box", "--later", "--agent", "it's"), 10, "'box': agent .*quotation"),
    Row(
        "resolver option", words("node", "add", "box", "--resolver", "command: "), 10, "'box': resolver_command .*blank"
    ),
)
