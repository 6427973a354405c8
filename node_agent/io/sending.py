"""Sends one message out of this machine: as an HTTP POST, or to a command. Standard library only.

What a program printed reaches a command through its standard input and environment alone, never through a shell. What
a message says, and when it is due, is decided elsewhere. Hub and console, which know a node by the wire alone, send by
`relaytui.notify.sending`; one set of tests holds both.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import urllib.error
import urllib.request
from typing import Any, Mapping, Sequence

from node_agent.protocol.delivery import SECONDS_TO_SEND, Post, Sent, command_variables, exit_result, http_result
from node_agent.terminal.sanitise import sanitise

_DETAIL_LIMIT = 200


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected alert would go, with its token, to somebody the operator never named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def send_post(post: Post) -> Sent:
    """Send it within `SECONDS_TO_SEND`, blocking; never raises."""
    try:
        request = urllib.request.Request(post.url, post.body, post.headers)  # noqa: S310 - configs name http(s) alone
        with _OPENER.open(request, timeout=SECONDS_TO_SEND) as response:
            return http_result(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return http_result(error.code)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _cleaned(Sent(False, str(getattr(error, "reason", error)) or type(error).__name__))


async def run_command(words: Sequence[str], told: Mapping[str, Any]) -> Sent:
    """Run a command that is told in its environment and, as JSON, on its standard input; never raises.

    After `SECONDS_TO_SEND`, and when the caller is cancelled, it is killed with all it has started.
    """
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    env = {**os.environ, **command_variables(told)}
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=null, stderr=pipe, env=env, start_new_session=True)
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # it may run already, and have started others
        await asyncio.wait([starting])
        if starting.exception() is None:
            await _kill(starting.result())
        raise
    except OSError as error:
        return _cleaned(Sent(False, f"{error.strerror}: {words[0]}"))
    except ValueError as error:  # what it is told cannot stand in an environment
        return _cleaned(Sent(False, f"{error}: {words[0]}"))
    try:
        _, errors = await asyncio.wait_for(process.communicate(json.dumps(told).encode()), SECONDS_TO_SEND)
    except asyncio.TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")
    finally:
        if process.returncode is None:
            await _kill(process)
    return _cleaned(exit_result(process.returncode or 0, errors))


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a command with all it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    await process.wait()


def _cleaned(sent: Sent) -> Sent:
    """What a server or a command says of itself, fit to be shown."""
    return Sent(sent.is_sent, sanitise(sent.detail, _DETAIL_LIMIT))
