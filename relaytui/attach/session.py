"""Joins the operator's terminal to a session until they leave or it ends; survives cuts of the link.

Theory. Raw journal bytes go through the filter to the terminal, and an offset counts as taken in only when the
terminal has taken it, so a slow terminal holds back the node and nobody else. While the link is silent or down the
terminal stays attached: a notice stands over the bottom row, keys are refused with a bell, and the stream resumes at
the offset taken in last. A notice is undone by a snapshot of the screen, painted at the very offset it stands for.
"""

from __future__ import annotations

import asyncio
import enum
import os
import re
import secrets
import time
from dataclasses import dataclass

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sessions import ResizeSession
from node_agent.protocol.streams import OpenBytes
from node_agent.terminal.attach_filter import ClipboardPolicy, ClipboardRequest
from node_agent.terminal.prefix import DEFAULT_PREFIX, Command, Forward, PrefixReader
from relaytui.attach.cells import CellView, is_xterm_like
from relaytui.attach.painter import Painter
from relaytui.attach.terminal import OperatorTerminal
from relaytui.fleet.keys import SessionKey
from relaytui.link.errors import LinkError
from relaytui.link.streams import ByteItem, ByteStream, Snapshot
from relaytui.link.supervisor import NodeLink
from relaytui.link.tasks import cancel, spawn

ESCAPE_PATIENCE = 0.05
"""Seconds an unfinished escape sequence from the keyboard is held back."""
NOTICE_SECONDS = 1.5
_LEAVE_SECONDS = 1.0  # the terminal gets to take the reset before it is given up
_SNAPSHOT_SECONDS = 5.0
_REPAINT_TRIES = 10
_REPAINT_PAUSE = 0.3
_LOOK_EVERY = 0.1
_REPORT = re.compile(rb"\x1b\[(?:[IO]|<[0-9;]*[Mm]|M...)", re.DOTALL)
"""Focus and mouse reports, which nobody typed."""


class Leaving(enum.Enum):
    """Why attach ended."""

    DETACHED = "detached"
    ENDED = "ended"  # the session did
    TERMINAL_GONE = "terminal gone"


@dataclass(frozen=True)
class Outcome:
    """How attach ended; `reason` is the node's word where the session ended."""

    leaving: Leaving
    reason: str = ""


@dataclass(frozen=True)
class AttachOptions:
    """What the operator chose."""

    prefix: str = DEFAULT_PREFIX
    clipboard: ClipboardPolicy = ClipboardPolicy.DENY
    read_only: bool = False
    steal: bool = False
    history: int = 1000  # rows printed above the screen


async def attach(link: NodeLink, key: SessionKey, options: AttachOptions) -> Outcome:
    """Attach the operator's terminal to a session of `link`'s node until they leave or the session ends.

    The console suspends its screen first. Raises NoTerminalError, and LinkError or RequestError when the session
    cannot be joined in the first place.
    """
    return await _Attachment(link, key, options).run()


class _Attachment:
    """One attach: `run` owns it; callbacks of the terminal only type, resize or leave."""

    def __init__(self, link: NodeLink, key: SessionKey, options: AttachOptions) -> None:
        self._link = link
        self._key = key
        self._options = options
        self._terminal = OperatorTerminal()
        self._painter = Painter(self._terminal, options.clipboard)
        self._prefix = PrefixReader(options.prefix)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._stream: ByteStream | None = None
        self._name = secrets.token_hex(8)  # over every cut, so that the right to type goes on with it
        self._has_lease = False
        self._wants_lease = options.steal
        self._unconfirmed = 0
        self._left: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._repainting: asyncio.Task[None] | None = None
        self._resizing: asyncio.Task[None] | None = None
        self._clipboard_request: ClipboardRequest | None = None
        self._view: CellView | None = None  # paints, where the output itself is not for this terminal

    async def run(self) -> Outcome:
        with self._terminal.raw(self._on_input, self._on_resize):
            following = spawn(self._follow(), name=f"attach {self._key}")
            watching = spawn(self._watch_link(), name=f"attach {self._key} link")
            try:
                await asyncio.wait({following, self._left}, return_when=asyncio.FIRST_COMPLETED)
                return self._left.result() if self._left.done() else following.result()
            finally:
                if self._flush_timer is not None:
                    self._flush_timer.cancel()
                await cancel(following, watching, self._repainting, self._resizing)
                await self._leave_in_order()

    # Output -----------------------------------------------------------------------------------------------------------

    async def _follow(self) -> Outcome:
        """Show the session's output over as many streams as it takes."""
        stream = await self._open()
        greeting = self._greeting()
        while True:
            stream.offer_to(self._print_at_once)
            try:
                async for item in stream:
                    if self._view is None:
                        await self._painter.show(item)
                        self._offer_clipboard()
                    if greeting and (self._painter.is_painted or self._view is not None):
                        self._notice(greeting)
                        greeting = ""
                if not self._wants_lease:
                    return Outcome(Leaving.ENDED, stream.end_reason or "")
            except LinkError:
                pass
            self._stream = None
            stream = await self._reopen()

    def _print_at_once(self, item: ByteItem) -> bool:
        """Show a key's echo without waiting for this task's turn."""
        if self._view is not None or not self._painter.print_at_once(item):
            return False
        self._offer_clipboard()
        return True

    async def _open(self) -> ByteStream:
        """Open the stream where the terminal stands, or with a snapshot."""
        columns, rows = self._terminal.size()
        stream = await self._link.open_bytes(
            OpenBytes(
                session=self._key.id,
                mode="attach",
                offset=self._painter.offset if self._painter.is_painted else None,
                columns=columns,
                rows=rows,
                read_only=self._options.read_only,
                steal=self._wants_lease,
                history=self._options.history,
                attach=self._name,
            )
        )
        self._has_lease = stream.opened.lease and not self._options.read_only
        self._wants_lease = False
        self._stream = stream
        await self._settle_view()
        return stream

    async def _settle_view(self) -> None:
        """Paint cells where the output itself is not for this terminal, and only there."""
        if self._view is not None:
            await self._view.close()
            self._view = None
        is_plain = not is_xterm_like(os.environ.get("TERM", ""))
        if is_plain or (not self._has_lease and self._misfit()):
            self._painter.set_aside()
            view = CellView(self._terminal, is_plain=is_plain)
            try:
                await view.open(self._link, self._key)
            except RequestError:
                return  # it has ended: what it printed last is all there is to come
            self._view = view

    async def _reopen(self) -> ByteStream:
        """Open the stream again as soon as there is a link."""
        while True:
            try:
                stream = await self._open()
            except LinkError:
                await asyncio.sleep(_LOOK_EVERY)
                continue
            text = self._greeting()
            if self._unconfirmed:
                text = f"{self._unconfirmed} inputs before the cut may not have arrived · {text}"
            self._unconfirmed = 0
            self._notice(text)
            return stream

    async def _watch_link(self) -> None:
        """While the link is silent or down say so over the bottom row, and undo that afterwards."""
        shown = ""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if self._is_live():
                if shown:
                    self._schedule_repaint(0)
                shown = ""
                continue
            words = self._link.status.words(time.monotonic())
            if words != shown:
                self._painter.notice(f"{self._key.node} {words} · keys are not sent · {self._options.prefix} d leaves")
                shown = words

    def _is_live(self) -> bool:
        return self._link.status.is_live

    # Notices ----------------------------------------------------------------------------------------------------------

    def _greeting(self) -> str:
        leaves = f"{self._options.prefix} d leaves"
        if self._has_lease:
            return f"attached to {self._key} · {leaves}"
        watching = f"watching {self._key}{self._misfit()}"
        if self._options.read_only:
            return f"{watching}, read-only · {leaves}"
        return f"{watching}: somebody else types · {self._options.prefix} t takes over · {leaves}"

    def _misfit(self) -> str:
        """The session's size, where whoever watches has a terminal of another: they see a part of it."""
        if self._stream is None:
            return ""
        size = (self._stream.opened.columns, self._stream.opened.rows)
        return "" if size == self._terminal.size() else f" ({size[0]}×{size[1]}, not this terminal's size)"

    def _notice(self, text: str) -> None:
        """Draw a notice for a moment."""
        self._painter.notice(text)
        self._schedule_repaint(NOTICE_SECONDS)

    def _schedule_repaint(self, delay: float) -> None:
        if self._repainting is not None:
            self._repainting.cancel()
        self._repainting = spawn(self._repaint_after(delay), name=f"repaint {self._key}")

    async def _repaint_after(self, delay: float) -> None:
        """Fetch the screen and have it painted at its offset; one that output has overtaken is fetched again."""
        for _ in range(_REPAINT_TRIES):
            await asyncio.sleep(delay)
            if self._view is not None:
                self._view.repaint()
                return
            try:
                async with asyncio.timeout(_SNAPSHOT_SECONDS):
                    snapshot = await self._fetch_snapshot()
            except (LinkError, RequestError, TimeoutError):
                return  # the end of a cut brings its own repaint
            if snapshot is not None and self._painter.paint_in_place(snapshot):
                return
            delay = _REPAINT_PAUSE

    async def _fetch_snapshot(self) -> Snapshot | None:
        request = OpenBytes(self._key.id, mode="attach", read_only=True, history=0)
        stream = await self._link.open_bytes(request)
        try:
            async for item in stream:
                if isinstance(item, Snapshot):
                    return item
            return None
        finally:
            await stream.close()

    def _offer_clipboard(self) -> None:
        for request in self._painter.clipboard_requests():
            self._clipboard_request = request
            size = len(request.base64) * 3 // 4
            self._notice(f"the session wants to set your clipboard ({size} bytes) · {self._options.prefix} y allows it")

    # Input ------------------------------------------------------------------------------------------------------------

    def _on_input(self, data: bytes) -> None:
        if not data:
            self._leave(Outcome(Leaving.TERMINAL_GONE))
            return
        self._link.nudge()
        self._act(self._prefix.feed(data))

    def _flush_input(self) -> None:
        self._flush_timer = None
        self._act(self._prefix.flush())

    def _act(self, typed: list[Forward | Command]) -> None:
        for item in typed:
            if isinstance(item, Forward):
                self._type(item.data)
            else:
                self._command(item.key)
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._prefix.holds_bytes:
            self._flush_timer = asyncio.get_running_loop().call_later(ESCAPE_PATIENCE, self._flush_input)

    def _type(self, data: bytes) -> None:
        if self._stream is None or not self._has_lease or not self._is_live():
            if _REPORT.sub(b"", data):
                self._painter.bell()
            return
        try:
            self._stream.send(data).add_done_callback(self._typed)
        except (LinkError, RequestError):
            self._painter.bell()

    def _typed(self, done: asyncio.Future[None]) -> None:
        """Say what became of keys that were not written."""
        error = None if done.cancelled() else done.exception()
        if isinstance(error, LinkError):
            self._unconfirmed += 1
        elif isinstance(error, RequestError) and not self._left.done():
            self._painter.bell()
            if error.code is ErrorCode.LEASE_HELD:
                self._has_lease = False
                self._notice(self._greeting())
            else:
                self._notice(f"not sent: {error.message}")

    def _command(self, key: str) -> None:
        """Act on the key after the prefix."""
        match key:
            case "d":
                self._leave(Outcome(Leaving.DETACHED))
            case "r":
                self._schedule_repaint(0)
            case "t" if self._stream is not None and not self._has_lease and not self._options.read_only:
                self._take_over(self._stream)
            case "y" if self._clipboard_request is not None:
                self._painter.allow(self._clipboard_request)
                self._clipboard_request = None
            case "?":
                prefix = self._options.prefix
                self._notice(f"{prefix} then: d leave · t take over typing · r redraw · {prefix} send it · ? this")
            case _:
                self._painter.bell()

    def _take_over(self, stream: ByteStream) -> None:
        """End the stream, which has it opened anew with the right to type."""
        self._wants_lease = True
        spawn(stream.close(), name=f"take over {self._key}")

    # Size -------------------------------------------------------------------------------------------------------------

    def _on_resize(self) -> None:
        if self._view is not None:
            self._view.repaint()
        if self._has_lease and (self._resizing is None or self._resizing.done()):
            self._resizing = spawn(self._resize(), name=f"resize {self._key}")

    async def _resize(self) -> None:
        """Bring the session to the terminal's size, however often that changes meanwhile."""
        told: tuple[int, int] | None = None
        while told != (size := self._terminal.size()):
            told = size
            try:
                await self._link.request(ResizeSession(self._key.id, *size))
            except (LinkError, RequestError):
                return  # the next stream is opened with the size of that moment

    # Leaving ----------------------------------------------------------------------------------------------------------

    def _leave(self, outcome: Outcome) -> None:
        if not self._left.done():
            self._left.set_result(outcome)

    async def _leave_in_order(self) -> None:
        """Give back the terminal as it was, and the lease."""
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                if self._view is not None:
                    await self._view.close()
                await self._painter.give_back()
                if self._stream is not None and self._stream.end_reason is None:
                    await self._stream.close()
        except (LinkError, TimeoutError):
            pass
