"""Sends one message out of the operator's machine: as an HTTP POST, or to a command.

What a program printed reaches a command through its standard input and environment alone, never through a shell. A node
sends by code of its own, `node_agent.io.sending`, for a console knows nodes by the wire alone; one set of tests holds
both.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from node_agent.protocol.delivery import SECONDS_TO_SEND, Post, Sent, command_variables, exit_result, http_result
from node_agent.terminal.sanitise import sanitise

_MOST_SAID = 200


class _StayThere(HTTPRedirectHandler):
    """Follows no redirect: the alert would go, with its token, to somebody the operator never named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = build_opener(_StayThere)


def send_post(post: Post) -> Sent:
    """Send it within `SECONDS_TO_SEND`, blocking; never raises."""
    try:
        request = Request(post.url, post.body, post.headers)  # noqa: S310 - the config allows http(s) alone
        with _OPENER.open(request, timeout=SECONDS_TO_SEND) as response:
            return http_result(response.status)
    except HTTPError as refusal:
        with refusal:
            return http_result(refusal.code)
    except (OSError, ValueError, HTTPException) as error:
        return _fit_to_show(Sent(False, str(getattr(error, "reason", error)) or type(error).__name__))


async def run_command(words: Sequence[str], told: Mapping[str, Any]) -> Sent:
    """Run a command that is told in its environment and, as JSON, on its standard input; never raises.

    After `SECONDS_TO_SEND`, and when the caller is cancelled, it is killed with all it has started.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **command_variables(told)},
            start_new_session=True,
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # it may run already, and have started others
        await asyncio.wait([starting])
        if starting.exception() is None:
            await _kill(starting.result())
        raise
    except OSError as error:
        return _fit_to_show(Sent(False, f"{error.strerror}: {words[0]}"))
    except ValueError as error:  # what it is told cannot stand in an environment
        return _fit_to_show(Sent(False, f"{error}: {words[0]}"))
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            _, errors = await process.communicate(json.dumps(told).encode())
    except TimeoutError:
        return Sent(False, f"it took over {SECONDS_TO_SEND:.0f} s")
    finally:
        if process.returncode is None:
            await _kill(process)
    return _fit_to_show(exit_result(process.returncode or 0, errors))


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a command with all it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _fit_to_show(sent: Sent) -> Sent:
    return Sent(sent.is_sent, sanitise(sent.detail, _MOST_SAID))
