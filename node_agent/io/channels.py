"""The channels a node has of its own: a webhook, ntfy, a command. Which can send, and how each is told."""

from __future__ import annotations

import asyncio
import shlex
from typing import List
from urllib.parse import urlsplit

from node_agent.core.alert_text import Message
from node_agent.io.sending import run_command, send_post
from node_agent.protocol.delivery import SECONDS_TO_SEND, Sent, ntfy_post, payload, webhook_post
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.settings import NodeChannel


def check_channel(channel: NodeChannel) -> None:
    """Raise RequestError for a channel that could never send."""
    if channel.kind == "command":
        if not _words(channel):
            raise _bad(channel, "it needs a setting `command`")
    elif channel.kind in ("webhook", "ntfy"):
        try:
            scheme = urlsplit(channel.settings.get("url", "")).scheme
        except ValueError as error:
            raise _bad(channel, f"its url is none ({error})") from error
        if scheme not in ("http", "https"):
            raise _bad(channel, "it needs a setting `url` that begins with http:// or https://")
    else:
        raise _bad(channel, f"a node sends through webhook, ntfy and command, not through {channel.kind!r}")


def _bad(channel: NodeChannel, why: str) -> RequestError:
    return RequestError(ErrorCode.BAD_REQUEST, f"the channel {channel.name!r} cannot be used: {why}")


async def send(channel: NodeChannel, message: Message, node: str) -> Sent:
    """Send `message` through `channel` within `SECONDS_TO_SEND`; never raises."""
    told = payload(
        keys=[alert.key for alert in message.alerts],
        kind=message.kind,
        severity=message.severity,
        title=message.title,
        body=message.body,
        node=node,
        session=message.session,
        ask=message.ask,
    )
    if channel.kind == "command":
        return await run_command(_words(channel), told)
    make = ntfy_post if channel.kind == "ntfy" else webhook_post
    posting = asyncio.get_running_loop().run_in_executor(None, send_post, make(channel.settings, told))
    try:  # its own limit is that of each wait, and looking up a name has none
        return await asyncio.wait_for(posting, SECONDS_TO_SEND)
    except asyncio.TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")


def _words(channel: NodeChannel) -> List[str]:
    try:
        return shlex.split(channel.settings.get("command", ""))
    except ValueError as error:
        raise _bad(channel, f"its command cannot be split into words ({error})") from error
