"""After a detach the operator's terminal is as it was, whatever the program had switched on."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.attach_filter import RESET_SEQUENCE, AttachFilter
from node_agent.terminal.engine import DEFAULT_PEN, Modes
from node_agent.terminal.pyte_engine import PyteEngine

DIRT = [
    *(b"\x1b[?1049h", b"\x1b[?47h", b"\x1b[?1002h", b"\x1b[?1003h", b"\x1b[?1006h", b"\x1b[?1004h", b"\x1b[?2004h"),
    *(
        b"\x1b[?1h",
        b"\x1b=",
        b"\x1b[?7l",
        b"\x1b[?25l",
        b"\x1b[?6h",
        b"\x1b[?5h",
        b"\x1b[?2026h",
        b"\x1b[4h",
        b"\x1b[20h",
    ),
    *(b"\x1b[5;9r", b"\x1b(0", b"\x1b)0\x0e", b"\x1b[4 q", b"\x1b[1;31;4:3m", b'\x1b[1"q', b"\x1b]8;;http://x\x07"),
    *(b"\x1b[>1u", b"\x1b[>31u", b"\x1b[=5;1u", b"\x1b[>4;2m", b"\x1b[9;9H", b"text", b"\x1b]0;unfinished", b"\x1b[12"),
]


@given(st.lists(st.sampled_from(DIRT), max_size=20).map(b"".join))
def test_every_mode_is_as_after_power_on(stream: bytes) -> None:
    filter_ = AttachFilter()
    terminal = PyteEngine(40, 10)
    terminal.feed(filter_.feed(stream))
    terminal.feed(filter_.reset_sequence())
    assert terminal.modes == Modes()
    assert terminal.cursor == (9, 0, True, 0, False)
    state = terminal.checkpoint()
    assert state["modes"] == [7, 25]
    assert state["ansi_modes"] == []
    assert state["margins"] == [0, 9, 0, 39]
    assert state["main"]["keyboard"] == state["alternate"]["keyboard"] == []
    terminal.feed(b"q")
    assert terminal.cells(9)[0] == ("q", DEFAULT_PEN)


def run_tmux(socket: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["tmux", "-f", "/dev/null", "-S", str(socket), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip()


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "the terminal did not get there"
        time.sleep(0.02)


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "s"
    yield path
    subprocess.run(["tmux", "-S", str(path), "kill-server"], capture_output=True, timeout=20, check=False)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux, the terminal of this test, is not installed")
def test_a_real_terminal_is_clean(socket: Path, tmp_path: Path) -> None:
    dirt, reset = tmp_path / "dirt", tmp_path / "reset"
    filter_ = AttachFilter()
    dirt.write_bytes(filter_.feed(b"".join(DIRT[:-2])))
    reset.write_bytes(filter_.reset_sequence())
    script = f"cat {shlex.quote(str(dirt))}; read -r _; cat {shlex.quote(str(reset))}; printf here; exec cat"
    run_tmux(socket, "new-session", "-d", "-x", "60", "-y", "12", "sh", "-c", script)
    flags = (
        "#{alternate_on}#{mouse_any_flag}#{keypad_cursor_flag}#{keypad_flag}#{insert_flag}#{origin_flag}"
        "#{cursor_flag}#{wrap_flag} #{scroll_region_upper} #{scroll_region_lower} #{cursor_x},#{cursor_y}"
    )

    def told() -> str:
        return run_tmux(socket, "display-message", "-p", flags)

    wait_for(lambda: told().startswith("111111"))
    run_tmux(socket, "send-keys", "Enter")
    wait_for(lambda: told() == "00000011 0 11 4,11")
    assert run_tmux(socket, "capture-pane", "-p", "-e").splitlines()[-1] == "here"


def test_the_reset_does_not_depend_on_what_was_seen() -> None:
    terminal = PyteEngine(40, 10)
    terminal.feed(b"".join(DIRT[:-2]) + RESET_SEQUENCE)
    assert terminal.modes == Modes()
