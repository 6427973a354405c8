"""The painter puts snapshots at the offset they stand for and gives the terminal back as it was."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
import time
from collections.abc import Iterator

import pytest

from node_agent.terminal.attach_filter import ClipboardPolicy
from relaytui.attach import terminal as terminal_module
from relaytui.attach.painter import Painter
from relaytui.attach.terminal import OperatorTerminal
from relaytui.link.streams import Output, Snapshot

END = b"<end>"


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other side of a terminal of 20 columns and 5 rows, which `OperatorTerminal` opens as the operator's."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (5, 20))
    path = os.ttyname(theirs)

    def open_it() -> int:
        return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    monkeypatch.setattr(terminal_module, "_open_terminal", open_it)
    os.set_blocking(ours, False)
    yield ours
    os.close(theirs)
    os.close(ours)


def read_some(master: int) -> bytes:
    """What has arrived at the other side; the kernel takes its time to bring it there."""
    try:
        return os.read(master, 1 << 16)
    except BlockingIOError:
        return b""


def written(terminal: OperatorTerminal, master: int) -> bytes:
    """What the terminal has been sent since the last call."""
    terminal.write(END)
    deadline = time.monotonic() + 10
    received = b""
    while not received.endswith(END):
        assert time.monotonic() < deadline, received
        received += read_some(master)
    return received.removesuffix(END)


def ignore(*_: object) -> None:
    """For callbacks a test does not look at."""


async def test_a_snapshot_waits_for_its_offset(master: int) -> None:
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        painter = Painter(terminal, ClipboardPolicy.DENY)
        await painter.show(Snapshot(10, b"screen"))
        written(terminal, master)
        assert painter.paint_in_place(Snapshot(13, b"repainted"))
        assert written(terminal, master) == b""
        await painter.show(Output(10, b"abcdef"))
        shown = written(terminal, master)
        assert shown.startswith(b"abc\x1b")
        assert shown.endswith(b"def")
        assert b"repainted" in shown
        assert painter.offset == 16


async def test_a_snapshot_that_output_has_overtaken_is_refused(master: int) -> None:
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        painter = Painter(terminal, ClipboardPolicy.DENY)
        await painter.show(Output(0, b"abc"))
        written(terminal, master)
        assert not painter.paint_in_place(Snapshot(2, b"old"))
        assert written(terminal, master) == b""


async def test_queries_do_not_reach_the_terminal(master: int) -> None:
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        painter = Painter(terminal, ClipboardPolicy.DENY)
        await painter.show(Output(0, b"a\x1b[6n\x1b]52;c;aGk=\x07b"))
        assert written(terminal, master) == b"ab"


async def test_a_clipboard_write_waits_for_a_yes(master: int) -> None:
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        painter = Painter(terminal, ClipboardPolicy.ASK)
        await painter.show(Output(0, b"\x1b]52;c;aGk=\x07"))
        assert written(terminal, master) == b""
        (request,) = painter.clipboard_requests()
        painter.allow(request)
        assert written(terminal, master) == b"\x1b]52;c;aGk=\x07"


async def test_the_terminal_gets_its_modes_back(master: int) -> None:
    before = termios.tcgetattr(master)
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        assert not termios.tcgetattr(master)[3] & termios.ECHO
    assert termios.tcgetattr(master) == before


async def test_input_and_size_reach_the_callbacks(master: int) -> None:
    typed: list[bytes] = []
    arrived = asyncio.Event()

    def on_input(data: bytes) -> None:
        typed.append(data)
        arrived.set()

    terminal = OperatorTerminal()
    with terminal.raw(on_input, ignore):
        os.write(master, b"\x03\x1d")
        await asyncio.wait_for(arrived.wait(), 5)
        assert terminal.size() == (20, 5)
    assert b"".join(typed) == b"\x03\x1d"


async def test_a_terminal_that_does_not_read_holds_back_only_its_writer(master: int) -> None:
    terminal = OperatorTerminal()
    with terminal.raw(ignore, ignore):
        painter = Painter(terminal, ClipboardPolicy.DENY)
        showing = asyncio.ensure_future(painter.show(Output(0, b"x" * 500_000)))
        await asyncio.sleep(0)
        assert not showing.done()
        received = 0
        async with asyncio.timeout(10):
            while received < 500_000:
                received += len(read_some(master))
                await asyncio.sleep(0)
            await showing
    assert received == 500_000
