"""The core over real nodes: what a console sees of them, over cuts and from one run to the next."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shlex
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.events import EventList, ListEvents
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import StartSession
from relaytui.config import Config, NodeConfig, Transport
from relaytui.fleet.changes import Change, EventRecorded, Warned
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState
from relaytui.hub.core import Core
from relaytui.link.connect import open_node
from relaytui.link.streams import Output
from tests.harness import Node, running_node
from tests.link.scripted import scripted_agent, session
from tests.proxy import open_proxy
from tests.sshd import needs_sshd, open_sshd
from tests.waiting import LIMIT

_numbers = itertools.count(1)


class Watched:
    """A running core and the changes it told."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.changes: list[Change] = []
        self._told = asyncio.Event()
        core.subscribe(self._on_changes)

    def _on_changes(self, changes: list[Change]) -> None:
        self.changes += changes
        self._told.set()

    async def until(self, fact: Callable[[], Any], seconds: float = LIMIT) -> None:
        async with asyncio.timeout(seconds):
            while not fact():
                self._told.clear()
                await self._told.wait()

    async def up(self, *aliases: str) -> None:
        nodes = self.core.fleet.nodes
        await self.until(lambda: all(nodes[alias].status.state is NodeState.CONNECTED for alias in aliases))

    def text(self, key: SessionKey) -> str:
        screen = self.core.fleet.screen(key)
        return "" if screen is None else "\n".join("".join(str(span[0]) for span in row) for row in screen.rows)

    async def start(self, alias: str, *command: str) -> SessionKey:
        request = StartSession(f"core test {next(_numbers)}", command, bare=True, columns=40, rows=5)
        reply = await self.core.request(alias, request)
        return SessionKey(alias, reply.session.id)


def socket_node(alias: str, path: Path) -> NodeConfig:
    return NodeConfig(alias, transport=Transport.UNIX, socket=str(path))


@asynccontextmanager
async def running_core(cache: Path, *nodes: NodeConfig) -> AsyncIterator[Watched]:
    """A core on these nodes and no others (`local` would be the machine's own)."""
    config = Config(nodes=nodes, operator="ann")
    object.__setattr__(config, "nodes", nodes)
    core = Core(config, cache=cache)
    watched = Watched(core)
    await core.start()
    try:
        yield watched
    finally:
        await core.stop()


async def test_sessions_of_two_nodes_are_seen_typed_into_and_followed(tmp_path: Path) -> None:
    async with running_node(tmp_path / "1") as one, running_node(tmp_path / "2") as two:
        nodes = socket_node("one", one.paths.agent_socket), socket_node("two", two.paths.agent_socket)
        async with running_core(tmp_path / "cache", *nodes) as seen:
            await seen.up("one", "two")
            keys = [await seen.start(alias, "sh", "-c", "read x; echo got $x; sleep 60") for alias in ("one", "two")]
            await seen.until(lambda: all(key in seen.core.fleet.sessions for key in keys))
            for key in keys:
                seen.core.watch(key, 0.0)
            await seen.core.request("one", SendInput(keys[0].id, "in 1", (Chunk(text="apple"), Chunk(key="enter"))))
            stream = await seen.core.open_bytes(keys[1], "attach")
            await stream.send(b"pear\r")
            await seen.until(lambda: "got apple" in seen.text(keys[0]) and "got pear" in seen.text(keys[1]))
            await stream.close()
            kinds = {(change.node, change.record.kind) for change in seen.changes if isinstance(change, EventRecorded)}
            assert {alias for alias, _ in kinds} == {"one", "two"}


async def test_the_agents_death_is_a_pause_and_no_event_is_lost_or_doubled(tmp_path: Path) -> None:
    async with (
        running_node(tmp_path) as node,
        running_core(tmp_path / "cache", socket_node("box", node.paths.agent_socket)) as seen,
    ):
        await seen.up("box")
        script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; sleep 60"
        key = await seen.start("box", "sh", "-c", script)
        seen.core.watch(key)
        await seen.until(lambda: "line 3000" in seen.text(key))
        got = b""
        was_killed = False
        async for item in seen.core.feed(key, "follow", offset=0, window=4096):
            if isinstance(item, Output):
                assert item.offset == len(got)
                got += item.data
                if len(got) > 8192 and not was_killed:
                    was_killed = True
                    await node.kill_agent()
            if got.endswith(b"line 3000\r\n"):
                break
        assert got.count(b"line ") == 3000
        await seen.up("box")
        await seen.start("box", "true")
        await seen.until(lambda: any("exit" in change.record.kind.value for change in recorded(seen)))
        kept: EventList = await seen.core.request("box", ListEvents())
        assert [change.record.n for change in recorded(seen)] == [
            record.n for record in kept.events if record.n <= recorded(seen)[-1].record.n
        ]
        await seen.until(lambda: "line 3000" in seen.text(key))


def recorded(seen: Watched) -> list[EventRecorded]:
    return [change for change in seen.changes if isinstance(change, EventRecorded)]


async def test_a_subscriber_that_fails_costs_nobody_else_the_news(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(changes: list[Change]) -> None:
        raise RuntimeError("a bug in a subscriber")

    async with (
        running_node(tmp_path) as node,
        running_core(tmp_path / "cache", socket_node("one", node.paths.agent_socket)) as seen,
    ):
        await seen.up("one")
        client = seen.core.link("one").client
        seen.core.subscribe(fail)
        later = Watched(seen.core)
        key = await seen.start("one", "true")
        known = seen.core.fleet.sessions
        await later.until(lambda: key in known and known[key].info.exit)
        assert later.changes
        assert seen.core.link("one").client is client
    assert "a bug in a subscriber" in caplog.text


async def test_the_next_run_paints_from_the_cache_and_goes_on_with_events(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    async with running_node(tmp_path) as node:
        box = socket_node("box", node.paths.agent_socket)
        async with running_core(cache, box) as seen:
            await seen.up("box")
            key = await seen.start("box", "sh", "-c", "echo kept; sleep 60")
            seen.core.watch(key)
            await seen.until(lambda: "kept" in seen.text(key))
        assert (cache / "box.json").stat().st_mode & 0o777 == 0o600
        client = await node.connect()
        await client.start("true")
        await client.until(lambda: any(info.exit for info in client.sessions.values()))
        async with running_core(cache, box) as seen:  # nothing has come from the node yet: no task has run
            assert "kept" in seen.text(key)
            assert seen.core.fleet.is_stale(key)
            await seen.up("box")
            await seen.until(lambda: any("exit" in change.record.kind.value for change in recorded(seen)))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 99}', b"\xff", b'{"version":1,"saved":"x"}'])
async def test_a_broken_cache_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    async with scripted_agent(tmp_path) as agent:
        cache = tmp_path / "cache"
        cache.mkdir()
        (cache / "box.json").write_bytes(content)
        async with running_core(cache, socket_node("box", agent.socket)) as seen:
            await seen.up("box")
            assert len(seen.core.fleet.sessions) == 1


async def test_a_bad_delta_costs_its_own_node_a_new_connection_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    async with scripted_agent(tmp_path / "bad") as bad, scripted_agent(tmp_path / "good", "uuid-2") as good:
        nodes = socket_node("bad", bad.socket), socket_node("good", good.socket)
        async with running_core(tmp_path / "cache", *nodes) as seen:
            await seen.up("bad", "good")
            bad.screen_rows = ["row"] * 99  # more rows than the screen has
            for key in list(seen.core.fleet.sessions):
                seen.core.watch(key)
            await seen.until(lambda: seen.core.fleet.nodes["bad"].status.state is NodeState.LOST)
            bad.screen_rows = ["mended"]
            await seen.until(lambda: "mended" in seen.text(SessionKey("bad", next(iter(seen.core.fleet.sessions)).id)))
            assert seen.core.fleet.nodes["good"].status.state is NodeState.CONNECTED
            assert good.accepted == 1


async def test_two_aliases_of_one_node_are_shown_once(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent:
        nodes = socket_node("one", agent.socket), socket_node("two", agent.socket)
        async with running_core(tmp_path / "cache", *nodes) as seen:
            await seen.up("one", "two")
            assert len(seen.core.fleet.sessions) == 1
            assert [type(change) for change in seen.changes].count(Warned) == 1
            shown = next(iter(seen.core.fleet.sessions)).node
            await seen.core.remove_node(shown)
            assert not seen.core.fleet.sessions
            await seen.until(lambda: len(seen.core.fleet.sessions) == 1)


async def test_wants_may_change_faster_than_links_answer(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent:
        agent.sessions = [session(f"s{number}") for number in range(6)]
        async with running_core(tmp_path / "cache", socket_node("box", agent.socket)) as seen:
            await seen.up("box")
            keys = list(seen.core.fleet.sessions)
            rng = random.Random(3)
            for _ in range(300):
                key = rng.choice(keys)
                rng.choice((seen.core.watch, seen.core.tune, lambda at, _: seen.core.unwatch(at)))(key, rng.random())
                if rng.random() < 0.03:
                    await seen.core.link("box").renew()
                await asyncio.sleep(0)
            for key in keys:
                seen.core.watch(key, 0.0)
            agent.set_screen("all of them")
            await seen.until(lambda: all("all of them" in seen.text(key) for key in keys))


async def test_one_dead_node_does_not_hold_up_another(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent:
        nodes = socket_node("dead", tmp_path / "none"), socket_node("box", agent.socket)
        async with running_core(tmp_path / "cache", *nodes) as seen:
            await seen.up("box")
            await seen.until(lambda: seen.core.fleet.nodes["dead"].status.state is NodeState.LOST)
            assert "start it; next try in" in seen.core.fleet.nodes["dead"].status.words(seen.core.now())


async def test_the_local_agent_is_started_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("RELAY_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("RELAYTUI_CACHE_DIR", str(tmp_path / "cache"))
    local = NodeConfig("local", transport=Transport.UNIX, state=str(tmp_path / "state"))
    node = Node(tmp_path / "state", dict(os.environ), runtime, ("-m", "node_agent"))
    try:
        async with open_node(local, operator="ann") as client:
            uuid = client.node.uuid
        sockets = list((tmp_path / "cache" / "sockets").iterdir())
        assert [path.read_text() for path in sockets] == [str(node.paths.agent_socket)]
        async with open_node(local, operator="ann") as client:
            assert client.node.uuid == uuid
    finally:
        await node.stop()


def agent_command(directory: Path, node: Node) -> Path:
    """A `node-agent` that finds the node's sockets, as one does on a machine with a runtime directory."""
    program = node.command()[:-2]
    command = directory / "node-agent"
    command.write_text(
        f'#!/bin/sh\nRELAY_RUNTIME_DIR={node.env["RELAY_RUNTIME_DIR"]} exec {shlex.join(program)} "$@"\n'
    )
    command.chmod(0o755)
    return command


@needs_sshd
async def test_a_real_node_behind_a_real_sshd_whose_connection_is_killed(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, open_sshd(tmp_path / "sshd") as sshd:
        command = agent_command(tmp_path, node)
        box = sshd.node("box", agent=str(command), state=str(node.root))
        async with running_core(tmp_path / "cache", box) as seen:
            await seen.up("box")
            key = await seen.start("box", "cat")
            seen.core.watch(key, 0.0)
            await seen.core.request("box", SendInput(key.id, "one", (Chunk(text="before\n"),)))
            await seen.until(lambda: "before" in seen.text(key))
            for pid in sshd.connections():
                os.kill(pid, signal.SIGKILL)
            await seen.until(lambda: seen.core.fleet.nodes["box"].status.state is NodeState.LOST)
            await seen.up("box")
            await seen.core.request("box", SendInput(key.id, "two", (Chunk(text="after\n"),)))
            await seen.until(lambda: "after" in seen.text(key))


@needs_sshd
@pytest.mark.full
@pytest.mark.parametrize("seconds", [1, 10, 60])
@pytest.mark.parametrize("how", ["stall", "reset"])
async def test_outages_over_ssh_are_told_in_time_and_end_in_time(tmp_path: Path, how: str, seconds: int) -> None:
    async with (
        running_node(tmp_path) as node,
        open_sshd(tmp_path / "sshd") as sshd,
        open_proxy("127.0.0.1", sshd.port, latency=0.005) as proxy,
    ):
        sshd.trust(port=proxy.port)
        box = sshd.node("box", proxy.port, agent=str(agent_command(tmp_path, node)), state=str(node.root))
        async with running_core(tmp_path / "cache", box) as seen:
            await seen.up("box")
            key = await seen.start("box", "cat")
            seen.core.watch(key, 0.0)
            clock = asyncio.get_running_loop().time
            cut = clock()
            if how == "stall":
                proxy.stall()
            else:
                proxy.refuse()
                proxy.reset()
            status = partial(lambda core: core.fleet.nodes["box"].status.state, seen.core)
            if how == "reset" or seconds > 3:
                await seen.until(lambda: status() in (NodeState.STALE, NodeState.LOST))
                assert clock() - cut < 3.3
            await asyncio.sleep(seconds - (clock() - cut))
            if how == "stall":
                proxy.flow()
            else:
                proxy.refuse(False)
            back = clock()
            await seen.up("box")
            await seen.core.request("box", SendInput(key.id, "one", (Chunk(text="after\n"),)))
            await seen.until(lambda: "after" in seen.text(key))
            print(f"{how} {seconds} s: resumed after {clock() - back:.2f} s")
            assert clock() - back < 2.0
