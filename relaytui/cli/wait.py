"""`relaytui wait`: until a session asks, rests, ends or changes. The exit code says which of them it was.

A wait outlives its link: when that breaks, it is made again and the wait goes on where the session then stands.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Sequence
from typing import NamedTuple

import click

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.ids import AskId
from node_agent.protocol.notices import Notice, SessionChanged, SessionGone
from node_agent.protocol.states import Attention, SessionState
from relaytui.cli.describe import session_json
from relaytui.cli.exits import Exit
from relaytui.cli.output import narrate, print_json
from relaytui.cli.reach import Target, run_async, target
from relaytui.link.errors import LinkError

_RETRY = 1.5
"""Seconds between tries to reach a node again."""


class Until(enum.StrEnum):
    """What a wait may end with; `TIMEOUT` cannot be asked for."""

    ASKING = "asking"
    IDLE = "idle"
    EXITED = "exited"
    CHANGE = "change"
    TIMEOUT = "timeout"


CODES = {
    Until.ASKING: Exit.ASKING,
    Until.IDLE: Exit.IDLE,
    Until.EXITED: Exit.EXITED,
    Until.CHANGE: Exit.CHANGED,
    Until.TIMEOUT: Exit.TIMEOUT,
}


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option(
    "--until",
    "words",
    type=click.Choice([item.value for item in Until if item is not Until.TIMEOUT]),
    multiple=True,
    default=(Until.ASKING.value,),
    show_default=True,
    help="What to wait for; may be repeated, whichever comes first.",
)
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up after this long.")
@click.option("--json", "as_json", is_flag=True, help="Print the session as an object.")
def wait(session: str | None, words: tuple[str, ...], timeout: float | None, as_json: bool) -> int:
    """Wait for a session.

    Says on standard error that it waits, and prints what came true. The exit code is 0 for the --until named first,
    else 5 asking, 6 idle, 7 exited, 9 change; 7 also when the session ends before what was waited for, 8 after the
    timeout.
    """
    wanted = tuple(Until(word) for word in words)

    async def work() -> int:
        came = await wait_for(session, wanted, timeout)
        if as_json:
            print_json({"until": came.until.value, "session": session_json(came.node, came.session)})
        else:
            print(came.until.value)
        return code_of(came.until, wanted)

    return run_async(work())


class Came(NamedTuple):
    """What a wait ended with, and the session as it then was."""

    until: Until
    node: str
    session: SessionInfo


def code_of(until: Until, wanted: Sequence[Until]) -> int:
    """The exit code of a wait for `wanted` that `until` ended."""
    return Exit.OK if until is wanted[0] else CODES[until]


async def wait_for(word: str | None, wanted: Sequence[Until], timeout: float | None) -> Came:
    """Wait until one of `wanted` is true of the session `word` means, it has ended, or `timeout` seconds are over.

    Raises UnknownId and AmbiguousId, and the LinkError of the first try to reach the node.
    """
    deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
    watch: _Watch | None = None
    while True:
        try:
            async with target(word, watch=True) as found:
                if watch is None:
                    watch = _Watch(found, wanted)
                    watch.narrate()
                else:
                    watch = watch.again(found)
                word = str(found.key)
                try:
                    async with asyncio.timeout_at(deadline):
                        until = await watch.come()
                except TimeoutError:
                    until = Until.TIMEOUT
                return Came(until, found.key.node, watch.session)
        except LinkError as error:
            if watch is None or error.needs_operator:
                raise
            if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                return Came(Until.TIMEOUT, watch.node, watch.session)
            narrate(f"{error}; trying again")
            await asyncio.sleep(_RETRY)


class _Watch:
    """Follows one session through its node's notices."""

    def __init__(self, found: Target, wanted: Sequence[Until], first: tuple[Attention, AskId | None] | None = None):
        self.session = found.session
        self.node = found.key.node
        self._client = found.client
        self._wanted = wanted
        self._first = first or _state(found.session)
        self._news = asyncio.Event()
        self._is_gone = False
        found.client.deliver(self._on_notice, lambda event: None)
        found.client.closed.add_done_callback(lambda _: self._news.set())

    def again(self, found: Target) -> _Watch:
        """The same wait over a new link."""
        return _Watch(found, self._wanted, self._first)

    def narrate(self) -> None:
        """Say what is waited for, unless it is there: what happens from then on is seen."""
        if self._now() is None:
            wanted = " or ".join(until.value for until in self._wanted)
            narrate(f"waiting for {self.node}/{self.session.id} until {wanted}; now: {self.session.attention.value}")

    async def come(self) -> Until:
        """What comes true first. Raises LinkError when the link ends."""
        while (until := self._now()) is None:
            if self._client.is_closed:
                raise self._client.closed.result()
            self._news.clear()
            await self._news.wait()
        return until

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, SessionChanged) and notice.session.id == self.session.id:
            self.session = notice.session
            self._news.set()
        elif isinstance(notice, SessionGone) and notice.session == self.session.id:
            self._is_gone = True
            self._news.set()

    def _now(self) -> Until | None:
        session = self.session
        has_ended = self._is_gone or session.attention is Attention.EXITED or session.state is SessionState.LOST
        holds = {
            Until.ASKING: session.attention is Attention.ASKING,
            Until.IDLE: session.attention is Attention.IDLE,
            Until.EXITED: has_ended,
            Until.CHANGE: _state(session) != self._first,
        }
        came = next((until for until in self._wanted if holds[until]), None)
        return came or (Until.EXITED if has_ended else None)


def _state(session: SessionInfo) -> tuple[Attention, AskId | None]:
    """What `change` compares: the attention, and which ask it is."""
    return session.attention, session.ask.id if session.ask else None
