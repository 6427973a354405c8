"""Unknown host keys on the way to a node: each is asked about, and what was said yes to is on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relaytui.config import NodeConfig
from relaytui.link.errors import HostKeyUnknown
from relaytui.link.joining import Attendant, trusting
from tests.home import Home, open_home
from tests.link.test_ssh import check
from tests.sshd import Sshd, needs_sshd, open_sshd

pytestmark = needs_sshd


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "o") as home:
        yield home


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with open_sshd(tmp_path / "target") as server:
        yield server


@pytest.fixture
def behind(sshd: Sshd, target: Sshd, command: str) -> NodeConfig:
    """A node of which neither the bastion's host key is on record nor its own."""
    sshd.known_hosts.write_text("")
    target.known_hosts.write_text("")
    jump = sshd.write_config("jump").read_text()
    config = target.write_config("target", extra="ProxyJump jump")
    config.write_text(f"{config.read_text()}\n{jump}")
    return NodeConfig("box", host="target", agent=command, ssh_config=str(config))


def fingerprint(error: str) -> str:
    return next(word for word in error.split() if word.startswith("SHA256:")).rstrip(";")


async def test_each_unknown_key_on_the_way_is_asked_about(behind: NodeConfig, sshd: Sshd, target: Sshd) -> None:
    asked: list[HostKeyUnknown] = []

    async def may_trust(question: HostKeyUnknown) -> bool:
        asked.append(question)
        return True

    by = Attendant("ann", lambda *_: None, None, may_trust)
    assert await trusting(lambda: check(behind), by) == ""
    assert [question.host for question in asked] == [f"[127.0.0.1]:{server.port}" for server in (sshd, target)]
    assert await check(behind) == ""


async def test_a_no_to_the_second_key_ends_it(behind: NodeConfig, target: Sshd) -> None:
    answers = [True, False]

    async def may_trust(_: HostKeyUnknown) -> bool:
        return answers.pop(0)

    with pytest.raises(HostKeyUnknown):
        await trusting(lambda: check(behind), Attendant("ann", lambda *_: None, None, may_trust))
    assert (answers, target.known_hosts.read_text()) == ([], "")


async def test_a_key_whose_record_is_not_read_is_asked_about_once(behind: NodeConfig) -> None:
    asked = 0

    async def may_trust(question: HostKeyUnknown) -> bool:
        nonlocal asked
        asked += 1
        question.known_hosts += ".elsewhere"
        return True

    with pytest.raises(HostKeyUnknown):
        await trusting(lambda: check(behind), Attendant("ann", lambda *_: None, None, may_trust))
    assert asked == 1


async def test_the_refusal_says_how_to_accept_and_that_works(behind: NodeConfig, home: Home) -> None:
    home.configure(behind)
    trust = ("node", "trust", "box")
    refused = await asyncio.to_thread(home.run, *trust)
    assert refused.returncode == HostKeyUnknown.exit_code
    assert "`relaytui node trust box`, or before it is added `node add` with --accept-key SHA256:…" in refused.stderr
    jump = fingerprint(refused.stderr)
    one = await asyncio.to_thread(home.run, *trust, "--accept-key", jump)
    assert one.returncode == HostKeyUnknown.exit_code
    both = await asyncio.to_thread(
        home.run, *trust, "--accept-key", jump, "--accept-key", fingerprint(last(one.stderr))
    )
    assert both.returncode == 0, both.stderr
    await asyncio.to_thread(home.ok, *trust)


def last(text: str) -> str:
    return text.splitlines()[-1]
