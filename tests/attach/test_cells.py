"""Cells painted for terminals that the session's own output is not for: of another size, or no xterm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
import pytest

from node_agent.terminal.delta import ScreenModel, apply_delta
from relaytui.attach.cells import frame, is_xterm_like
from tests.attach.test_attach import PREFIX, attached, leave
from tests.home import Home
from tests.pty_program import PtyProgram

WIDE = 'for n in $(seq 1 30); do printf "row %02d %0100d\\n" $n 0; done; printf "prompt> "; exec cat'


def model(*lines: str, columns: int = 40, cursor: tuple[int, int] = (0, 0)) -> ScreenModel:
    rows = [[y, [[line, ""]] if line else []] for y, line in enumerate(lines)]
    delta = {"size": [columns, len(lines)], "rows": rows, "cursor": [*cursor, True, 0]}
    return apply_delta(ScreenModel(), delta)


class Shown:
    """A terminal that frames are painted on."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)

    def feed(self, data: bytes) -> list[str]:
        self._stream.feed(data)
        return [line.rstrip() for line in self.screen.display]


def test_a_screen_is_cropped_to_where_it_is_alive() -> None:
    shown = Shown(10, 3)
    screen = model("first", "second", "a line that is too long", "last> ", "", cursor=(3, 6))
    data, _ = frame(screen, None, 10, 3, is_plain=False)
    assert shown.feed(data) == ["second", "a line tha", "last>"]
    assert (shown.screen.cursor.y, shown.screen.cursor.x) == (2, 6)


def test_a_terminal_larger_than_the_session_has_blanks_around_it() -> None:
    shown = Shown(20, 4)
    shown.feed(b"left over\r\nleft over\r\nleft over\r\nleft over")
    data, rows = frame(model("one", "two", columns=5), None, 20, 4, is_plain=False)
    assert shown.feed(data) == ["one", "two", "", ""]
    assert len(rows) == 4


def test_only_rows_that_changed_are_sent() -> None:
    first, rows = frame(model("one", "two", "three"), None, 20, 3, is_plain=False)
    shown = Shown(20, 3)
    shown.feed(first)
    second, _ = frame(model("one", "TWO", "three"), rows, 20, 3, is_plain=False)
    assert b"TWO" in second
    assert b"one" not in second
    assert b"three" not in second
    assert shown.feed(second) == ["one", "TWO", "three"]


def test_half_a_wide_character_at_the_edge_is_a_blank() -> None:
    wide = apply_delta(ScreenModel(), {"size": [6, 1], "rows": [[0, [["日本語", "", 2]]]], "cursor": [0, 0, True, 0]})
    data, _ = frame(wide, None, 5, 1, is_plain=False)
    assert "日本\x1b".encode() in data
    assert "語".encode() not in data


def test_a_plain_terminal_gets_no_colours() -> None:
    pens = ["1;31", "38;5;4", "7", ""]
    rows = [[y, [["text", pen]]] for y, pen in enumerate(pens)]
    screen = apply_delta(ScreenModel(), {"size": [9, 4], "rows": rows, "cursor": [0, 0, True, 0]})
    data, _ = frame(screen, None, 9, 4, is_plain=True)
    assert b"\x1b[0;1mtext" in data
    assert b"\x1b[0;7mtext" in data
    assert data.count(b"\x1b[0mtext") == 2
    assert b"31" not in data


@pytest.mark.parametrize(
    ("term", "is_one"),
    [("xterm-256color", True), ("tmux-256color", True), ("st-256color", True), ("vt100", False), ("", False)],
)
def test_terminals_are_told_apart_by_their_name(term: str, is_one: bool) -> None:
    assert is_xterm_like(term) is is_one


def display(program: PtyProgram, columns: int, rows: int) -> list[str]:
    return Shown(columns, rows).feed(program.output)


@contextmanager
def lasting(home: Home, *command: str, size: str) -> Iterator[str]:
    key = home.start(*command, options=["--size", size])
    try:
        yield key
    finally:
        home.ok("kill", key)


def test_whoever_watches_from_a_smaller_terminal_sees_the_live_part_in_place(home: Home) -> None:
    with lasting(home, "sh", "-c", WIDE, size="120x40") as key:
        home.wait_printed(key, "prompt>")
        with attached(home, key, "--read-only", columns=50, rows=10) as program:
            program.wait_until(lambda: display(program, 50, 10)[-1].startswith("prompt>"))
            assert display(program, 50, 10)[0] == f"row 22 {0:043d}"
            home.ok("send", key, "hello", "key:enter")
            program.wait_until(lambda: display(program, 50, 10)[-3:-1] == ["prompt> hello", "hello"])
            leave(program)
        assert home.session(key)["size"] == [120, 40]


def test_another_size_of_the_watchers_terminal_is_painted_anew(home: Home) -> None:
    with lasting(home, "sh", "-c", WIDE, size="120x40") as key:
        home.wait_printed(key, "prompt>")
        with attached(home, key, "--read-only", columns=50, rows=10) as program:
            program.wait_until(lambda: display(program, 50, 10)[-1].startswith("prompt>"))
            start = len(program.output)
            program.resize(70, 6)
            os.kill(program.pid, signal.SIGWINCH)
            program.wait_for(rb"prompt>", start=start)
            program.wait_until(lambda: Shown(70, 6).feed(program.output[start:])[-1].startswith("prompt>"))
            assert Shown(70, 6).feed(program.output[start:])[0] == f"row 26 {0:063d}"
            leave(program)


def test_taking_over_gives_the_output_itself_at_the_terminals_size(home: Home) -> None:
    with lasting(home, "cat", size="80x24") as key, attached(home, key, columns=80, rows=24) as first:
        with attached(home, key, columns=60, rows=12) as second:
            start = len(second.output)
            second.type(PREFIX + b"t")
            second.wait_for(rb"attached to", start=start)
            second.type(b"taken over\r")
            second.wait_for(rb"taken over\r\ntaken over")
            leave(second)
        assert home.session(key)["size"] == [60, 12]
        leave(first)


def test_a_terminal_that_is_no_xterm_is_painted_and_can_type(home: Home) -> None:
    term, home.env["TERM"] = home.env["TERM"], "vt100"
    try:
        with lasting(home, "bash", "--norc", size="100x30") as key, attached(home, key, columns=60, rows=10) as program:
            program.type(b"printf '\\033[31mred\\033[0m\\n'; tput cols\r")
            program.wait_until(lambda: any(line == "60" for line in display(program, 60, 10)))
            assert "red" in display(program, 60, 10)
            assert b"\x1b[0;31m" not in program.output
            leave(program)
    finally:
        home.env["TERM"] = term
