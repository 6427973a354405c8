"""Sends one message through one channel. Libraries are extras and imported when a channel needs them."""

from __future__ import annotations

import asyncio
import functools
import os
import shlex
from collections.abc import Callable
from typing import Any

from node_agent.protocol.delivery import SECONDS_TO_SEND, Sent, ntfy_post, webhook_post
from node_agent.terminal.sanitise import sanitise
from relaytui.config.models import ChannelConfig, ChannelKind
from relaytui.notify.message import Message
from relaytui.notify.sending import run_command, send_post
from relaytui.notify.terminal import notification, wrapped

TERMINAL_KINDS = (ChannelKind.BELL, ChannelKind.OSC9, ChannelKind.OSC777, ChannelKind.OSC99)

_MOST_SAID = 200

TerminalWrite = Callable[[str], bool]
"""Writes to the operator's terminal; False where that is not possible just now."""


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
    except Exception as error:  # noqa: BLE001 - the libraries' boundary: whatever one raises, the channel goes on
        return Sent(False, sanitise(f"{type(error).__name__}: {error}", _MOST_SAID))


async def _send(channel: ChannelConfig, message: Message, write: TerminalWrite | None) -> Sent:
    match channel.kind:
        case ChannelKind.BELL | ChannelKind.OSC9 | ChannelKind.OSC777 | ChannelKind.OSC99:
            if write is None:
                return Sent(False, "there is no terminal")
            sequence = notification(channel.kind.value, message.key, message.title, message.body)
            is_written = write(wrapped(sequence, os.environ))
            return Sent(is_written, "written to the terminal" if is_written else "a session has the terminal")
        case ChannelKind.COMMAND:
            return await run_command(shlex.split(channel.settings["command"]), message.payload())
        case ChannelKind.WEBHOOK:
            return await asyncio.to_thread(send_post, webhook_post(channel.settings, message.payload()))
        case ChannelKind.NTFY:
            return await asyncio.to_thread(send_post, ntfy_post(channel.settings, message.payload()))
        case ChannelKind.DESKTOP:
            return await _desktop(message)
        case ChannelKind.APPRISE:
            return await _apprise(channel, message)


@functools.cache
def _desktop_notifier() -> Any:
    """One for the process: each keeps a connection to the desktop."""
    from desktop_notifier import DesktopNotifier  # an extra

    return DesktopNotifier(app_name="relaytui")


async def _desktop(message: Message) -> Sent:
    shown: list[bool] = []  # the library raises nothing where there is no desktop; it says what it has handed over
    await _desktop_notifier().send(message.title, message.body, on_dispatched=lambda: shown.append(True))
    if shown:
        return Sent(True, "shown on the desktop")
    _desktop_notifier.cache_clear()  # its connection may be to a desktop that has gone
    return Sent(False, "no desktop takes notifications here")


async def _apprise(channel: ChannelConfig, message: Message) -> Sent:
    from apprise import Apprise  # an extra

    sender = Apprise()
    if not sender.add(channel.settings["url"]):
        return Sent(False, "apprise does not know this kind of URL")
    is_sent = await sender.async_notify(title=message.title, body=message.body or message.title)
    return Sent(bool(is_sent), "apprise sent it" if is_sent else "apprise could not send it")
