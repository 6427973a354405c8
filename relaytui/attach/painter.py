"""What the attached terminal shows: filtered output, snapshots in their place, notices over the bottom row.

It knows offsets and the terminal, and nothing of links.
"""

from __future__ import annotations

from node_agent.terminal.attach_filter import AttachFilter, ClipboardPolicy, ClipboardRequest
from relaytui.attach.overlay import BELL, line_over, make_room, repaint
from relaytui.attach.terminal import OperatorTerminal
from relaytui.link.streams import ByteItem, Gap, Output, Snapshot

_LITTLE = 4096
"""Bytes of output that a terminal takes without being waited for, as the echo of a key."""


class Painter:
    """Writes one session to one terminal. `offset` is the journal offset the terminal stands for."""

    def __init__(self, terminal: OperatorTerminal, clipboard: ClipboardPolicy) -> None:
        self.offset = 0
        self.is_painted = False
        self._terminal = terminal
        self._clipboard = clipboard
        self._filter = AttachFilter(clipboard)
        self._waiting: Snapshot | None = None

    async def show(self, item: ByteItem) -> None:
        """Write an item and wait until the terminal has taken it."""
        match item:
            case Snapshot():
                self._paint(item)
            case Output():
                self._print(item)
            case Gap():
                pass  # the snapshot that follows says all there is
        self.offset = item.end
        await self._terminal.drain()

    def print_at_once(self, item: ByteItem) -> bool:
        """Write a little output if the terminal has taken everything before it; False where `show` has to."""
        if not isinstance(item, Output) or len(item.data) > _LITTLE or self._terminal.is_busy:
            return False
        self._print(item)
        self.offset = item.end
        return True

    def paint_in_place(self, snapshot: Snapshot) -> bool:
        """Paint a snapshot now or when the output has got as far; False where output has overtaken it.

        Nothing is lost from the terminal's scrollback that way, and nothing printed twice.
        """
        if snapshot.offset < self.offset:
            return False
        if snapshot.offset == self.offset:
            self._paint(snapshot)
        else:
            self._waiting = snapshot
        return True

    def notice(self, text: str) -> None:
        """Draw a line over the bottom row; a repaint has to follow."""
        self._terminal.write(line_over(text, *self._terminal.size()))

    def bell(self) -> None:
        self._terminal.write(BELL)

    def clipboard_requests(self) -> list[ClipboardRequest]:
        """Clipboard writes the filter held back since the last call."""
        return self._filter.drain_clipboard_requests()

    def allow(self, request: ClipboardRequest) -> None:
        """Let a clipboard write through."""
        self._terminal.write(request.sequence())

    def set_aside(self) -> None:
        """Undo what the program has switched on: somebody else paints from here on, until the next snapshot."""
        self._terminal.write(self._filter.reset_sequence())
        self._filter = AttachFilter(self._clipboard)
        self.is_painted = False
        self._waiting = None

    async def give_back(self) -> None:
        """Undo everything the program switched on, the cursor on a fresh row."""
        self._terminal.write(self._filter.reset_sequence() + b"\r\n")
        await self._terminal.drain()

    def _print(self, output: Output) -> None:
        data = output.data
        waiting = self._waiting
        if waiting is not None and output.offset <= waiting.offset <= output.end:
            cut = waiting.offset - output.offset
            self._terminal.write(self._filter.feed(data[:cut]))
            self._paint(waiting)
            data = data[cut:]
        self._terminal.write(self._filter.feed(data))

    def _paint(self, snapshot: Snapshot) -> None:
        """Replace the screen; what the program has switched on until now is undone before."""
        reset = self._filter.reset_sequence()
        if not self.is_painted:
            reset += make_room(self._terminal.size()[1])
        self._filter = AttachFilter(self._clipboard)
        self._terminal.write(repaint(reset, self._filter.feed(snapshot.data)))
        self.is_painted = True
        self._waiting = None
