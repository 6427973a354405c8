"""Sends one message through one channel. Libraries are extras and imported when a channel needs them.

What a program printed reaches a command through its environment and standard input alone, never through a shell.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

from node_agent.protocol.asks import Severity
from node_agent.terminal.sanitise import sanitise
from relaytui.config.models import ChannelConfig, ChannelKind
from relaytui.notify.message import Message
from relaytui.notify.terminal import notification, wrapped

SECONDS_TO_SEND = 10.0
_DETAIL_LIMIT = 200
_PRIORITIES = {Severity.LOW: 2, Severity.NORMAL: 3, Severity.HIGH: 5}

TERMINAL_KINDS = (ChannelKind.BELL, ChannelKind.OSC9, ChannelKind.OSC777, ChannelKind.OSC99)

TerminalWrite = Callable[[str], bool]
"""Writes to the operator's terminal; False where that is not possible just now."""


class Sent(NamedTuple):
    """What came of one sending."""

    is_sent: bool
    detail: str


def can_send(channel: ChannelConfig, *, has_terminal: bool) -> bool:
    """Whether this process can use the channel at all: a hub has no terminal to ring."""
    return has_terminal or channel.kind not in TERMINAL_KINDS


async def send(channel: ChannelConfig, message: Message, write: TerminalWrite | None = None) -> Sent:
    """Send within `SECONDS_TO_SEND`; never raises. `write` reaches the operator's terminal, where there is one."""
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            return await _send(channel, message, write)
    except TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")
    except ImportError as error:
        return Sent(False, f"{error.name} is not installed: pip install 'relaytui[notify]'")


async def _send(channel: ChannelConfig, message: Message, write: TerminalWrite | None) -> Sent:
    match channel.kind:
        case ChannelKind.BELL | ChannelKind.OSC9 | ChannelKind.OSC777 | ChannelKind.OSC99:
            if write is None:
                return Sent(False, "there is no terminal")
            sequence = wrapped(notification(channel.kind.value, message.title, message.body), os.environ)
            is_written = write(sequence)
            return Sent(is_written, "written to the terminal" if is_written else "a session has the terminal")
        case ChannelKind.COMMAND:
            return await _run(channel, message)
        case ChannelKind.WEBHOOK:
            return await asyncio.to_thread(_post, _webhook(channel, message))
        case ChannelKind.NTFY:
            return await asyncio.to_thread(_post, _ntfy(channel, message))
        case ChannelKind.DESKTOP:
            return await _desktop(message)
        case ChannelKind.APPRISE:
            return await _apprise(channel, message)


def _webhook(channel: ChannelConfig, message: Message) -> urllib.request.Request:
    headers = {"Content-Type": "application/json", **_authorization(channel)}
    data = json.dumps(message.payload()).encode()
    return urllib.request.Request(channel.settings["url"], data, headers)  # noqa: S310 - the config allows http(s) alone


def _ntfy(channel: ChannelConfig, message: Message) -> urllib.request.Request:
    """Published as JSON to the server's root (ntfy, "publish as JSON"): headers carry no text beyond Latin-1."""
    server, _, topic = channel.settings["url"].rpartition("/")
    body = {
        "topic": topic,
        "title": message.title,
        "message": message.body or message.title,
        "priority": _PRIORITIES[message.severity],
    }
    headers = {"Content-Type": "application/json", **_authorization(channel)}
    return urllib.request.Request(f"{server}/", json.dumps(body).encode(), headers)  # noqa: S310 - see _webhook


def _authorization(channel: ChannelConfig) -> dict[str, str]:
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
        return Sent(False, sanitise(str(getattr(error, "reason", error)), _DETAIL_LIMIT))


async def _run(channel: ChannelConfig, message: Message) -> Sent:
    payload = message.payload()
    variables = {f"RELAY_ALERT_{name.upper()}": str(value) for name, value in payload.items() if name != "keys"}
    command = shlex.split(channel.settings["command"])
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except OSError as error:
        return Sent(False, f"{error.strerror}: {command[0]}")
    try:
        _, errors = await process.communicate(json.dumps(payload).encode())
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
    return Sent(False, sanitise(": ".join([f"exit status {process.returncode}", *words]), _DETAIL_LIMIT))


async def _desktop(message: Message) -> Sent:
    from desktop_notifier import DesktopNotifier  # an extra

    await DesktopNotifier(app_name="relaytui").send(title=message.title, message=message.body)
    return Sent(True, "shown on the desktop")


async def _apprise(channel: ChannelConfig, message: Message) -> Sent:
    from apprise import Apprise  # an extra

    sender = Apprise()
    if not sender.add(channel.settings["url"]):
        return Sent(False, "apprise does not know this kind of URL")
    is_sent = await sender.async_notify(title=message.title, body=message.body or message.title)
    return Sent(bool(is_sent), "apprise sent it" if is_sent else "apprise could not send it")
