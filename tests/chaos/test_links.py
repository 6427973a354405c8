"""Links that break in every way: what is shown of the node is said to be stale, and afterwards nothing is amiss.

A writer prints all the time and is both attached to and followed; an operator types. The promises: stale within 3 s of
the last word, back within 2 s of the link's return, no byte missing but in the gap that is marked for a terminal far
behind, no byte twice, and what was acknowledged was typed once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from relaytui.fleet.status import NodeState
from relaytui.link.client import STALE_AFTER
from tests.chaos.network import lose_packets, private_network
from tests.chaos.remote import Remote, remote_node
from tests.chaos.watching import Watch
from tests.harness import Node, running_node
from tests.proxy import Proxy, open_proxy
from tests.sshd import Sshd, needs_sshd, open_sshd
from tests.waiting import eventually

pytestmark = needs_sshd

RETURN = 2.0
"""Seconds after which a link that works again must be in use, for typing too."""

NOISE = 1.0
"""Seconds that the tests of the default run, which stand beside each other, may add."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path) as node:
        yield node


class Outage:
    """One way for a link to fail and to return."""

    def __init__(self, kind: str, sshd: Sshd, proxy: Proxy) -> None:
        self.kind = kind
        self._sshd = sshd
        self._proxy = proxy

    def begin(self) -> None:
        if self.kind == "reset":
            self._proxy.refuse()
            self._proxy.reset()
        elif self.kind == "stall":
            self._proxy.stall()
        else:
            lose_packets(self._sshd.port, 1.0 if self.kind == "dead" else 0.3)

    def end(self) -> None:
        if self.kind == "reset":
            self._proxy.refuse(False)
        elif self.kind == "stall":
            self._proxy.flow()
        else:
            lose_packets(self._sshd.port, 0)


def _case(kind: str, seconds: float, *, full: bool = True) -> object:
    marks = [pytest.mark.full, pytest.mark.timeout(300)] if full else []
    return pytest.param(kind, seconds, RETURN if full else RETURN + NOISE, id=f"{kind}-{seconds:g}s", marks=marks)


@pytest.mark.parametrize(
    ("kind", "seconds", "within"),
    [
        _case("reset", 1, full=False),
        _case("stall", 4, full=False),
        *(_case(kind, seconds) for kind in ("reset", "stall", "dead", "lossy") for seconds in (1, 10, 60)),
    ],
)
async def test_an_outage(node: Node, tmp_path: Path, kind: str, seconds: float, within: float) -> None:
    with private_network() if kind in ("dead", "lossy") else nullcontext():
        async with (
            open_sshd(tmp_path / "sshd") as sshd,
            open_proxy("127.0.0.1", sshd.port) as proxy,
            remote_node(node, sshd, None if kind in ("dead", "lossy") else proxy, tmp_path) as remote,
        ):
            await _suffer(remote, Outage(kind, sshd, proxy), seconds, within, tmp_path)


async def _suffer(remote: Remote, outage: Outage, seconds: float, within: float, tmp: Path) -> None:
    core = remote.core
    watch = await Watch.begin(remote, tmp)
    try:
        began = time.monotonic()
        outage.begin()
        await asyncio.sleep(seconds)  # what is tested is an outage of this length
        outage.end()
        ended = time.monotonic()
        await remote.connected()
        returned = time.monotonic() - ended
        last = watch.typist.tried
        await eventually(lambda: watch.typist.acknowledged[-1] > last)
        typed_again = time.monotonic() - ended
        told = core.first(NodeState.LOST if outage.kind == "reset" else NodeState.STALE, began)
        words = f"told after {told:.2f} s, back after {returned:.2f} s, typing {typed_again:.2f} s"
        print(f"{outage.kind} {seconds:g} s: {words}; {await watch.end()}")
    finally:
        await watch.stop()
    assert returned < within
    assert typed_again < within
    assert outage.kind == "lossy" or seconds <= STALE_AFTER or told < STALE_AFTER + NOISE
    assert seconds >= 2 or not watch.attached.gaps or outage.kind == "lossy"
    core.check_events()
