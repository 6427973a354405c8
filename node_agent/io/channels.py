"""Sends messages through the channels a node has of its own: a webhook, ntfy, a command. Standard library only.

What a program printed reaches a command through its standard input and environment alone, never through a shell.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import urllib.error
import urllib.request
from typing import Any, Dict, List
from urllib.parse import urlsplit

from node_agent.core.alert_text import Message
from node_agent.protocol.asks import NodeChannel
from node_agent.protocol.delivery import (
    SECONDS_TO_SEND,
    Post,
    Sent,
    command_variables,
    exit_result,
    http_result,
    ntfy_post,
    payload,
    webhook_post,
)
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.terminal.sanitise import sanitise

DETAIL_LIMIT = 200


def check_channel(channel: NodeChannel) -> None:
    """Raise RequestError for a channel that could never send."""
    if channel.kind == "command":
        if not _words(channel):
            raise _bad(channel, "it needs a setting `command`")
    elif channel.kind in ("webhook", "ntfy"):
        url = channel.settings.get("url", "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise _bad(channel, "it needs a setting `url` that begins with http:// or https://")
    else:
        raise _bad(channel, f"a node sends through webhook, ntfy and command, not through {channel.kind!r}")


def _bad(channel: NodeChannel, why: str) -> RequestError:
    return RequestError(ErrorCode.BAD_REQUEST, f"the channel {channel.name!r} cannot be used: {why}")


async def send(channel: NodeChannel, message: Message, node: str) -> Sent:
    """Send `message` through `channel`; never raises."""
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
        return await _run(channel, told)
    make = ntfy_post if channel.kind == "ntfy" else webhook_post
    return await asyncio.get_running_loop().run_in_executor(None, _post, make(channel.settings, told))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected alert would go, with its token, to somebody the operator never named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(post: Post) -> Sent:
    request = urllib.request.Request(post.url, post.body, post.headers)  # noqa: S310 - check_channel saw http(s)
    try:
        with _OPENER.open(request, timeout=SECONDS_TO_SEND) as response:
            return http_result(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return http_result(error.code)
    except (OSError, ValueError) as error:
        return _failed(str(getattr(error, "reason", error)))


def _words(channel: NodeChannel) -> List[str]:
    try:
        return shlex.split(channel.settings.get("command", ""))
    except ValueError as error:
        raise _bad(channel, f"its command cannot be split into words ({error})") from error


async def _run(channel: NodeChannel, told: Dict[str, Any]) -> Sent:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *_words(channel),
            stdin=pipe,
            stdout=null,
            stderr=pipe,
            env={**os.environ, **command_variables(told)},
            start_new_session=True,
        )
    except OSError as error:
        return _failed(f"{error.strerror}: {channel.settings['command']}")
    try:
        _, errors = await asyncio.wait_for(process.communicate(json.dumps(told).encode()), SECONDS_TO_SEND)
    except asyncio.TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")
    finally:
        if process.returncode is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            await process.wait()
    return _cleaned(exit_result(process.returncode or 0, errors))


def _failed(why: str) -> Sent:
    return _cleaned(Sent(False, why))


def _cleaned(sent: Sent) -> Sent:
    return Sent(sent.is_sent, sanitise(sent.detail, DETAIL_LIMIT))
