"""The small parts of a link: what waits to be sent, when to try again, what is kept between runs, what ssh -G says."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.protocol.ids import SessionId, StoreId
from node_agent.terminal.delta import ScreenModel, apply_delta
from relaytui.config import NodeConfig, Transport
from relaytui.hub.cache import MAX_SCREENS, Cache, CachedNode
from relaytui.link.bulk import BulkLink
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates
from relaytui.link.errors import LinkError, SshConfigInvalid
from relaytui.link.outbox import LIMIT, URGENT_SIZE, Outbox, OutboxFull
from relaytui.link.pace import LATER, PATIENCE, SOON, next_delay
from relaytui.link.resolve import SshTarget, parse_settings, resolve, resolve_jump
from relaytui.link.supervisor import Cursor
from relaytui.link.unix import UnixConnector
from tests.fleet.build import ask, hello, session
from tests.link.scripted import scripted_agent

# What waits to be sent ----------------------------------------------------------------------------------------------

FRAMES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 50, URGENT_SIZE, URGENT_SIZE + 1, 60_000])))


@given(FRAMES)
def test_each_stream_keeps_its_order_and_nothing_is_lost(frames: list[tuple[int, int]]) -> None:
    outbox = Outbox()
    for number, (stream, size) in enumerate(frames):
        outbox.put(bytes([stream, number % 256]) * size, stream)
    taken = b""
    while block := outbox.take():
        taken += block
    assert outbox.size == 0
    seen: dict[int, list[int]] = {}
    at = 0
    while at < len(taken):
        stream, number = taken[at], taken[at + 1]
        at += 2 * frames[number][1]
        seen.setdefault(stream, []).append(number)
    for stream, numbers in seen.items():
        if stream:
            assert numbers == sorted(numbers)
    assert sum(map(len, seen.values())) == len(frames)


def test_a_key_overtakes_a_paste_of_another_stream_but_not_of_its_own() -> None:
    outbox = Outbox()
    for _ in range(3):
        outbox.put(b"p" * 60_000, stream=1)
    outbox.put(b"same", stream=1)
    outbox.put(b"other", stream=2)
    assert outbox.take() == b"other"
    assert [outbox.take()[:1] for _ in range(3)] == [b"p"] * 3
    assert outbox.take() == b"same"


def test_the_bound_is_said_and_leaves_what_was_there() -> None:
    outbox = Outbox()
    outbox.put(b"x" * (LIMIT - 1))
    with pytest.raises(OutboxFull):
        outbox.put(b"yz")
    outbox.put(b"y")


# When to try again --------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e5), st.integers())
def test_tries_come_soon_for_ten_minutes_then_rarely(outage: float, seed: int) -> None:
    delay = next_delay(outage, random.Random(seed))
    assert delay <= 1.5 if outage < PATIENCE else delay == LATER
    assert delay >= SOON[0]


async def test_logins_at_one_sshd_take_turns_and_a_hanging_one_holds_nobody_up() -> None:
    gates = Gates()
    inside: list[str] = []
    entered = asyncio.Event()
    leave = asyncio.Event()

    async def hang() -> None:
        async with gates.turn("host", 22, "a"):
            entered.set()
            await leave.wait()
            inside.append("first")

    async def follow() -> None:
        async with gates.turn("host", 22, "b"):
            inside.append("second")

    first = asyncio.create_task(hang())
    await entered.wait()
    async with gates.turn("other", 22, "b", patience=0.0):
        pass
    async with gates.turn("host", 22, "b", patience=0.0):
        inside.append("impatient")
    second = asyncio.create_task(follow())
    leave.set()
    await asyncio.gather(first, second)
    assert inside == ["impatient", "first", "second"]


async def test_a_nodes_second_login_does_not_wait_for_its_first_which_may_hang() -> None:
    gates = Gates()

    async def log_in_to_another() -> None:
        async with gates.turn("host", 22, "b", patience=60):
            pass

    async with gates.turn("host", 22, "a", patience=60):
        async with asyncio.timeout(30), gates.turn("host", 22, "a", patience=60):
            pass
        waits = asyncio.create_task(log_in_to_another())
        async with asyncio.timeout(30), gates.turn("host", 22, "a", patience=60):
            await asyncio.sleep(0)
        assert not waits.done()
    await waits


# The second connection ----------------------------------------------------------------------------------------------


async def test_the_bulk_connection_is_shared_and_closed_when_idle(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent:
        connector = UnixConnector(NodeConfig("n", transport=Transport.UNIX, socket=str(agent.socket)))

        async def connect() -> NodeClient:
            return await NodeClient.connect(await connector.open(), node="n", client="cli", operator="ann", watch=False)

        bulk = BulkLink(connect, idle_limit=0.05)
        first, second = await asyncio.gather(bulk.client(), bulk.client())
        assert first is second
        async with asyncio.timeout(10):
            assert isinstance(await first.closed, LinkError)
        assert await bulk.client() is not first
        await bulk.close()


# What is kept between runs ------------------------------------------------------------------------------------------


def test_the_cache_brings_back_the_picture_older_by_the_time_between(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "nodes")
    screen = apply_delta(ScreenModel(), {"size": [10, 2], "rows": [[0, [["$ ls", "1"]]]], "cursor": [1, 0, False, 2]})
    kept = CachedNode(
        hello(session("a1", age=10.0, attention_age=3.0, ask=ask(age=2.0)), asks=(ask("loose", age=1.0),)),
        Cursor(StoreId("s"), 7),
        {SessionId("a1"): screen},
    )
    cache.store("box", cache.encode(kept, wall=1000.0))
    loaded = cache.load("box", wall=1060.0)
    assert loaded is not None
    assert loaded.cursor == Cursor(StoreId("s"), 7)
    assert loaded.screens == {SessionId("a1"): screen}
    info = loaded.hello.sessions[0]
    assert info.ask is not None
    assert (info.age, info.attention_age, info.ask.age) == (70.0, 63.0, 62.0)
    assert ([ask.age for ask in loaded.hello.asks], loaded.age) == ([61.0], 60.0)
    plain = cache.load("box", wall=1060.0, with_screens=False)
    assert plain == replace(loaded, screens={})
    assert cache.load("other") is None
    cache.forget("box")
    assert cache.load("box") is None


def test_the_cache_is_bounded_and_a_disk_that_refuses_costs_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache = Cache(blocked / "nodes")
    screens = {SessionId(f"s{n}"): ScreenModel(80, ((),) * 24) for n in range(MAX_SCREENS + 20)}
    data = cache.encode(CachedNode(hello(), None, screens))
    assert data.count(b'"size"') == MAX_SCREENS
    cache.store("box", data)
    assert cache.load("box") is None


# What ssh -G says ---------------------------------------------------------------------------------------------------


def test_settings_of_ssh_are_read_as_ssh_means_them() -> None:
    target = parse_settings(
        "gpu",
        "host gpu\nuser ann\nhostname 10.0.0.7\nport 2222\nidentityfile ~/.ssh/a\nidentityfile ~/.ssh/b\n"
        "proxyjump a,ann@b:22\nidentitiesonly yes\nproxycommand none\nuserknownhostsfile /k/1 /k/2\n"
        "globalknownhostsfile /k/3\n",
    )
    assert (target.hostname, target.port, target.user) == ("10.0.0.7", 2222, "ann")
    assert target.settings["identityfile"] == ("~/.ssh/a", "~/.ssh/b")
    assert target.jumps() == ["a", "ann@b:22"]
    assert target.is_on("identitiesonly", default=False)
    assert target.proxy_command() == ""
    assert target.known_hosts == ("/k/1", "/k/2", "/k/3")
    assert target.record_name == "[10.0.0.7]:2222"
    assert replace(target, port=22).record_name == "10.0.0.7"


def test_tokens_of_a_proxy_command() -> None:
    target = SshTarget("gpu", "10.0.0.7", 2222, "ann", {"proxycommand": ("nc %h %p %r %n 100%%",)})
    assert target.proxy_command() == "nc 10.0.0.7 2222 ann gpu 100%"


@pytest.mark.parametrize(
    ("jump", "expected"),
    [
        ("bastion.example", ("bastion.example", 22)),
        ("ann@bastion.example:2200", ("bastion.example", 2200)),
        ("ssh://ann@bastion.example:2200", ("bastion.example", 2200)),
        ("[::1]:2200", ("::1", 2200)),
        ("::1", ("::1", 22)),
    ],
)
async def test_jumps_are_resolved_like_hosts(jump: str, expected: tuple[str, int], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    hop = await resolve_jump(NodeConfig("n", host="h", ssh_config=str(config)), jump)
    assert (hop.hostname, hop.port) == expected


async def test_without_an_ssh_program_the_config_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    config = tmp_path / "config"
    config.write_text("Host gpu\n  HostName 10.0.0.7\n  Port 2222\n  User ann\n")
    target = await resolve(NodeConfig("n", host="gpu", ssh_config=str(config)))
    assert (target.hostname, target.port, target.user, target.is_exact) == ("10.0.0.7", 2222, "ann", False)
    config.write_text("Match nonsense\n")
    with pytest.raises(SshConfigInvalid, match="install ssh"):
        await resolve(NodeConfig("n", host="gpu", ssh_config=str(config)))
