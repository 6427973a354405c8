"""Changes of a node's settings: mutes, channel switches, the suspension of automatic answers.

The settings live on the node under a version. A change is a function of what they are, so that it can be made anew
where somebody else's came first, and nothing of theirs is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Request
from node_agent.protocol.settings import GetSettings, Mute, MuteScope, NodeSettings, SetSettings

_TRIES = 5
"""How often a change is made anew when somebody else's came first."""

Change = Callable[[NodeSettings], NodeSettings]
Ask = Callable[[Request], Awaitable[Any]]
"""Puts a request to the node whose settings are meant."""


def muting(scope: MuteScope, value: str, by: str, *, is_muted: bool) -> Change:
    """Mute a session, a kind or, without a value, the node; or take that back."""

    def change(settings: NodeSettings) -> NodeSettings:
        others = tuple(mute for mute in settings.mutes if (mute.scope, mute.value) != (scope, value))
        return replace(settings, mutes=(*others, Mute(scope, value, by)) if is_muted else others)

    return change


def switching(channel: str, *, is_on: bool) -> Change:
    """Switch a channel on or off for the node."""

    def change(settings: NodeSettings) -> NodeSettings:
        others = tuple(name for name in settings.disabled if name != channel)
        return replace(settings, disabled=others if is_on else (*others, channel))

    return change


def suspending(*, is_suspended: bool) -> Change:
    """Suspend automatic answers, or let rules answer again."""
    return lambda settings: replace(settings, policy_suspended=is_suspended)


def quieting(hours: str) -> Change:
    """Have quiet hours, written as 22:00-07:00 in the node's time; "" for none."""
    return lambda settings: replace(settings, quiet=hours)


def escalating(seconds: float) -> Change:
    """Tell an ask that nobody has seen for so long again, louder; 0 for never."""
    return lambda settings: replace(settings, escalate_after=seconds)


async def change_settings(ask: Ask, change: Change) -> NodeSettings:
    """Apply `change` to the node's settings and return them. Raises RequestError or a LinkError."""
    for left in reversed(range(_TRIES)):
        settings: NodeSettings = await ask(GetSettings())
        try:
            reply: NodeSettings = await ask(SetSettings(change(settings)))
        except RequestError as error:
            if error.code is not ErrorCode.STALE_VERSION or not left:
                raise
        else:
            return reply
    raise AssertionError("the last try returns or raises")
