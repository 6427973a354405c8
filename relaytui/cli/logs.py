"""`relaytui logs`: what a session printed, as lines or as bytes."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable
from typing import Any

import click

from node_agent.protocol.logs import LogLines, ReadLogs
from node_agent.protocol.notices import Notice, SessionChanged
from node_agent.protocol.streams import OpenBytes
from node_agent.terminal.sanitise import mask_hidden
from relaytui.cli.exits import Exit
from relaytui.cli.output import narrate, print_json
from relaytui.cli.reach import Target, run_async, target
from relaytui.cli.wait import Until, code_of, wait_for
from relaytui.link.streams import Gap, Output, Snapshot

_PEN = re.compile(r"[0-9;:]*")
_QUIET = 0.3
"""Seconds after which an unfinished line is shown."""
_BULK_WINDOW = 1024 * 1024
_PROMPT = (Until.ASKING, Until.IDLE)


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is printed until the session ends.")
@click.option("--color", is_flag=True, help="Keep colours and attributes.")
@click.option("--raw", is_flag=True, help="The bytes as they came, from the oldest kept.")
@click.option("--offset", type=click.IntRange(0), help="With --raw: start at this byte.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the lines and the offset they stand for.")
@click.option("--wait-for-prompt", is_flag=True, help="Print once the session asks or rests; see `wait` for the code.")
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="With --wait-for-prompt: wait no longer.")
def logs(
    session: str | None,
    tail: int | None,
    follow: bool,
    color: bool,
    raw: bool,
    offset: int | None,
    as_json: bool,
    wait_for_prompt: bool,
    timeout: float | None,
) -> int:
    """Print what a session has printed.

    History and screen as a terminal shows them; of a full-screen program its last screen.
    --raw prints the recorded bytes instead.
    """
    if offset is not None and not raw:
        raise click.UsageError("--offset counts bytes: it needs --raw")
    if raw and (color or as_json or tail is not None):
        raise click.UsageError("--raw prints bytes as they are: leave out --tail, --color and --json")
    if follow and as_json:
        raise click.UsageError("--json is one object: leave out --follow")
    if follow and wait_for_prompt:
        raise click.UsageError("--wait-for-prompt prints once: leave out --follow")
    if timeout is not None and not wait_for_prompt:
        raise click.UsageError("--timeout is of --wait-for-prompt")

    async def work() -> int:
        code, name = int(Exit.OK), session
        if wait_for_prompt:
            came = await wait_for(session, _PROMPT, timeout)
            code, name = code_of(came.until, _PROMPT), f"{came.node}/{came.session.id}"
        async with target(name, watch=follow) as found:
            if raw:
                await _print_raw(found, offset, follow=follow)
            elif follow:
                await _follow(found, tail, color=color)
            else:
                await _print(found, tail, color=color, as_json=as_json)
        return code

    return run_async(work())


async def _print(found: Target, tail: int | None, *, color: bool, as_json: bool) -> None:
    reply: LogLines = await found.client.request(ReadLogs(found.key.id, tail, color))
    if reply.catching_up:
        narrate(f"{found.key}: the node is still reading; this is how far it got")
    if as_json:
        lines = list(reply.lines)
        print_json({"lines": lines, "offset": reply.offset, "alternate": reply.alternate})
        return
    for index, line in enumerate(reply.lines):
        print(_painted(reply.spans[index]) if color and index < len(reply.spans) else mask_hidden(line))


def _painted(spans: Iterable[Any]) -> str:
    """A line's wire spans as text with SGR sequences; nothing else a node wrote gets through."""
    parts = []
    for text, pen, *_ in spans:
        text = mask_hidden(str(text))
        parts.append(f"\x1b[{pen}m{text}\x1b[m" if pen and _PEN.fullmatch(str(pen)) else text)
    return "".join(parts)


# Following ------------------------------------------------------------------------------------------------------------


class _Printer:
    """Prints lines; an unfinished one is shown when nothing comes for a while, and completed later."""

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._shown = ""

    def line(self, spans: list[Any]) -> None:
        plain = mask_hidden("".join(str(span[0]) for span in spans))
        if self._shown and plain.startswith(self._shown):
            print(plain[len(self._shown) :])
        else:
            if self._shown:
                print()
            print(_painted(spans) if self._color else plain)
        self._shown = ""

    def unfinished(self, text: str) -> None:
        text = mask_hidden(text)
        if text != self._shown and text.startswith(self._shown):
            print(text[len(self._shown) :], end="")
            self._shown = text
        sys.stdout.flush()

    def end(self) -> None:
        if self._shown:
            print()
        sys.stdout.flush()


async def _follow(found: Target, tail: int | None, *, color: bool) -> None:
    """The lines there are, then each as it is finished, until the session ends."""
    from relaytui.cli.lines import LineFollower  # the terminal engine, which nothing else here needs

    session = found.session
    follower = LineFollower(session.columns, session.rows)
    printer = _Printer(color=color)
    snapshot = await _snapshot(found)
    lines = list(follower.feed(snapshot.data))
    for line in lines[max(0, len(lines) - tail) :] if tail is not None else lines:
        printer.line(line)
    printer.unfinished(follower.unfinished())

    def on_notice(notice: Notice) -> None:
        if isinstance(notice, SessionChanged) and notice.session.id == session.id:
            follower.resize(notice.session.columns, notice.session.rows)

    found.client.deliver(on_notice, lambda event: None)
    stream = await found.client.open_bytes(OpenBytes(session.id, mode="follow", offset=snapshot.offset))
    items = aiter(stream)
    while True:
        arriving = asyncio.ensure_future(anext(items))
        if not (await asyncio.wait({arriving}, timeout=_QUIET))[0]:
            printer.unfinished(follower.unfinished())
        try:
            item = await arriving
        except StopAsyncIteration:
            break
        if isinstance(item, Output):
            for line in follower.feed(item.data):
                printer.line(line)
        elif isinstance(item, Gap):
            _narrate_gap(found, item)
    for line in follower.rest():
        printer.line(line)
    printer.end()


async def _snapshot(found: Target) -> Snapshot:
    """The session's history and screen as the bytes that paint them."""
    stream = await found.client.open_bytes(OpenBytes(found.key.id, mode="attach", read_only=True))
    try:
        async for item in stream:
            if isinstance(item, Snapshot):
                return item
        return Snapshot(0, b"")
    finally:
        await stream.close()


# Bytes ----------------------------------------------------------------------------------------------------------------


async def _print_raw(found: Target, offset: int | None, *, follow: bool) -> None:
    """Bytes on stdout; a terminal gets them through the filter, since they were written by who knows whom."""
    from node_agent.terminal.attach_filter import AttachFilter

    request = OpenBytes(found.key.id, mode="follow" if follow else "download", offset=offset, window=_BULK_WINDOW)
    terminal = AttachFilter() if sys.stdout.isatty() else None
    out = sys.stdout.buffer
    try:
        async for item in await found.client.open_bytes(request):
            if isinstance(item, Output):
                out.write(terminal.feed(item.data) if terminal else item.data)
                out.flush()
            elif isinstance(item, Gap):
                _narrate_gap(found, item)
    finally:
        if terminal:
            out.write(terminal.reset_sequence() + b"\r\n")


def _narrate_gap(found: Target, gap: Gap) -> None:
    narrate(f"{found.key}: bytes {gap.start} to {gap.end} are not kept any more")
