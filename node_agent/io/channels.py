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
from typing import Any, Dict, List, NamedTuple
from urllib.parse import urlsplit

from node_agent.core.alert_text import Message
from node_agent.protocol.asks import NodeChannel, Severity
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.terminal.sanitise import sanitise

SECONDS_TO_SEND = 10.0
DETAIL_LIMIT = 200
_PRIORITIES = {Severity.LOW: 2, Severity.NORMAL: 3, Severity.HIGH: 5}


class Sent(NamedTuple):
    """What came of one sending."""

    is_sent: bool
    detail: str


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
    body = payload(message, node)
    if channel.kind == "command":
        return await _run(channel, body)
    request = _ntfy(channel, message) if channel.kind == "ntfy" else _webhook(channel, body)
    return await asyncio.get_running_loop().run_in_executor(None, _post, request)


def payload(message: Message, node: str) -> Dict[str, Any]:
    """What webhooks and commands get; `keys` names every alert it stands for."""
    return {
        "key": message.key,
        "keys": [alert.key for alert in message.alerts],
        "kind": message.kind.value,
        "severity": message.severity.value,
        "title": message.title,
        "body": message.body,
        "node": node,
        "session": message.session,
        "ask": message.ask,
    }


def _webhook(channel: NodeChannel, body: Dict[str, Any]) -> urllib.request.Request:
    headers = {"Content-Type": "application/json", **_headers(channel)}
    data = json.dumps(body).encode()
    return urllib.request.Request(channel.settings["url"], data, headers)  # noqa: S310 - check_channel saw http(s)


def _ntfy(channel: NodeChannel, message: Message) -> urllib.request.Request:
    """Published as JSON to the server's root (ntfy, "publish as JSON"): headers carry no text beyond Latin-1."""
    server, _, topic = channel.settings["url"].rpartition("/")
    body = {
        "topic": topic,
        "title": message.title,
        "message": message.body or message.title,
        "priority": _PRIORITIES[message.severity],
    }
    headers = {"Content-Type": "application/json", **_headers(channel)}
    return urllib.request.Request(server + "/", json.dumps(body).encode(), headers)  # noqa: S310 - see _webhook


def _headers(channel: NodeChannel) -> Dict[str, str]:
    token = channel.settings.get("token", "")
    return {"Authorization": f"Bearer {token}"} if token else {}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected alert would go, with its token, to somebody the operator never named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(request: urllib.request.Request) -> Sent:
    try:
        with _OPENER.open(request, timeout=SECONDS_TO_SEND) as response:
            return Sent(True, f"HTTP {response.status}")
    except urllib.error.HTTPError as error:
        error.close()
        return Sent(False, f"HTTP {error.code}")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Sent(False, sanitise(str(reason), DETAIL_LIMIT))


def _words(channel: NodeChannel) -> List[str]:
    try:
        return shlex.split(channel.settings.get("command", ""))
    except ValueError as error:
        raise _bad(channel, f"its command cannot be split into words ({error})") from error


async def _run(channel: NodeChannel, body: Dict[str, Any]) -> Sent:
    variables = {f"RELAY_ALERT_{name.upper()}": str(value) for name, value in body.items() if name != "keys"}
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *_words(channel),
            stdin=pipe,
            stdout=null,
            stderr=pipe,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except OSError as error:
        return Sent(False, sanitise(f"{error.strerror}: {channel.settings['command']}", DETAIL_LIMIT))
    try:
        _, errors = await asyncio.wait_for(process.communicate(json.dumps(body).encode()), SECONDS_TO_SEND)
    except asyncio.TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")
    finally:
        if process.returncode is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            await process.wait()
    if process.returncode == 0:
        return Sent(True, "exit status 0")
    words = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
    return Sent(False, sanitise(": ".join([f"exit status {process.returncode}", *words]), DETAIL_LIMIT))
