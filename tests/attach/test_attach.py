"""`relaytui attach` on a real terminal against a real node."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node_agent.terminal.attach_filter import RESET_SEQUENCE
from tests.home import Home
from tests.pty_program import PtyProgram

PREFIX = b"\x1d"
PREFIX_FORMS = {"legacy": PREFIX, "kitty": b"\x1b[93;5u", "modifyOtherKeys": b"\x1b[27;5;93~"}


@contextmanager
def attached(home: Home, key: str, *options: str, columns: int = 80, rows: int = 24) -> Iterator[PtyProgram]:
    """`relaytui attach` once it has painted the session."""
    with home.terminal("attach", key, *options, columns=columns, rows=rows) as program:
        program.wait_for(rb"(?:attached to|watching) " + key.encode())
        yield program


def leave(program: PtyProgram, prefix: bytes = PREFIX) -> None:
    """Leave by the prefix and check that the terminal is given back."""
    program.type(prefix + b"d")
    assert program.wait() == 0
    assert RESET_SEQUENCE in program.output
    assert re.search(rb"left local/\w+; it runs on", program.output)


def test_typing_reaches_the_session_and_its_output_the_terminal(home: Home) -> None:
    key = home.start("cat")
    with attached(home, key) as program:
        program.type(b"hello\r")
        program.wait_for(rb"hello\r\nhello\r\n")
        leave(program)
    assert home.session(key)["exited"] is None
    home.ok("kill", key)


def test_what_was_printed_before_is_shown_history_first(home: Home) -> None:
    key = home.start("sh", "-c", "seq 1 200; exec cat")
    home.wait_printed(key, "200")
    with attached(home, key) as program:
        shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"\n", program.output)
        assert [int(word) for word in re.findall(rb"(?m)^(\d+)\r?$", shown)] == list(range(1, 201))
        leave(program)
    home.ok("kill", key)


@pytest.mark.parametrize(("form", "switch"), [("kitty", r"\033[>1u"), ("modifyOtherKeys", r"\033[>4;2m")])
def test_the_prefix_leaves_whatever_keys_a_program_switched_on(home: Home, form: str, switch: str) -> None:
    key = home.start("sh", "-c", rf"printf '{switch}on'; exec cat")
    home.wait_printed(key, "on")
    with attached(home, key) as program:
        assert switch.encode().replace(rb"\033", b"\x1b") in program.output
        leave(program, PREFIX_FORMS[form])
    home.ok("kill", key)


def test_the_prefix_twice_is_typed_once_and_one_split_across_reads_is_seen(home: Home) -> None:
    key = home.start("sh", "-c", "stty raw -echo; echo ready; exec od -An -v -tx1 -w1")
    home.wait_printed(key, "ready")
    with attached(home, key) as program:
        start = len(program.output)
        program.type(PREFIX + PREFIX)
        program.wait_for(rb"1d", start=start)
        program.type(b"\x1b[93")
        program.type(b";5ud")
        assert program.wait() == 0
        assert program.output[start:].count(b"1d") == 1
    home.ok("kill", key)


def test_a_paste_is_never_searched_for_the_prefix(home: Home) -> None:
    key = home.start("sh", "-c", r"stty raw -echo; printf '\033[?2004hready'; exec od -An -v -tx1 -w1")
    home.wait_printed(key, "ready")
    with attached(home, key) as program:
        start = len(program.output)
        program.type(b"\x1b[200~\x1dd\x1b[201~")
        program.wait_for(rb"1d\s+64\s+1b", start=start)
        leave(program)
    home.ok("kill", key)


def test_the_session_takes_the_size_of_the_terminal(home: Home) -> None:
    key = home.start("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done")
    home.wait_printed(key, "ready")
    with attached(home, key, columns=101, rows=31) as program:
        program.wait_for(rb"31 101")
        program.resize(90, 20)
        program.wait_for(rb"20 90")
        leave(program)
    assert home.session(key)["size"] == [90, 20]
    home.ok("kill", key)


def test_a_reader_changes_nothing(home: Home) -> None:
    key = home.start("cat", options=["--size", "77x19"])
    with attached(home, key, "--read-only") as program:
        start = len(program.output)
        program.type(b"x")
        program.wait_for(rb"\x07", start=start)
        home.ok("send", key, "from elsewhere", "key:enter")
        program.wait_for(rb"from elsewhere")
        leave(program)
    assert home.session(key)["size"] == [77, 19]
    assert "x" not in home.ok("logs", key)
    home.ok("kill", key)


def test_one_types_and_another_takes_over(home: Home) -> None:
    key = home.start("cat")
    with attached(home, key) as first, attached(home, key) as second:
        assert b"somebody else types" in second.output
        start = len(second.output)
        second.type(b"ignored")
        second.wait_for(rb"\x07", start=start)
        second.type(PREFIX + b"t")
        second.wait_for(rb"attached to", start=start)
        second.type(b"taken over\r")
        second.wait_for(rb"taken over\r\ntaken over")
        first.wait_for(rb"taken over\r\ntaken over")
        start = len(first.output)
        first.type(b"y")
        first.wait_for(rb"somebody else types", start=start)
        leave(second)
        leave(first)
    assert "ignored" not in home.ok("logs", key)
    home.ok("kill", key)


def test_the_end_of_the_session_is_the_end_of_attach(home: Home) -> None:
    key = home.start("sh")
    with attached(home, key) as program:
        program.type(b"exit 4\r")
        program.wait_for(rb"has ended")
        assert program.wait() == 0
    assert home.wait_for(key, lambda item: item["exited"] is not None)["exited"]["code"] == 4


def test_a_killed_agent_is_a_cut_that_heals_without_gap_or_double(home: Home) -> None:
    script = "import sys\nfor line in sys.stdin: print('got', line.strip(), flush=True)"
    key = home.start(sys.executable, "-u", "-c", script)
    with attached(home, key) as program:
        program.type(b"one\r")
        program.wait_for(rb"got one\r\n")
        (node,) = home.json("node", "ls")
        os.kill(node["agent"]["pid"], signal.SIGKILL)
        start = len(program.output)
        program.wait_for(rb"attached to", start=start)
        program.type(b"two\r")
        program.wait_for(rb"got two\r\n", start=start)
        leave(program)
    assert home.ok("logs", key).splitlines() == ["one", "got one", "two", "got two"]
    home.ok("kill", key)


def _type_until_taken(program: PtyProgram, keys: bytes, echo: bytes) -> None:
    """Type as an operator does whose node is just coming back: again after each bell."""
    while True:
        start = len(program.output)
        program.type(keys)
        if program.wait_for(echo + rb"|\x07", start=start)[0] != b"\x07":
            return


def test_a_silent_node_is_said_and_keys_meanwhile_are_not_sent(home: Home) -> None:
    key = home.start("cat")
    (node,) = home.json("node", "ls")
    with attached(home, key) as program:
        program.type(b"before\r")
        program.wait_for(rb"before\r\nbefore")
        os.kill(node["agent"]["pid"], signal.SIGSTOP)
        try:
            start = len(program.output)
            program.wait_for(rb"stale .* keys are not sent", start=start)
            start = len(program.output)
            program.type(b"meanwhile")
            program.wait_for(rb"\x07", start=start)
        finally:
            os.kill(node["agent"]["pid"], signal.SIGCONT)
        start = len(program.output)
        program.wait_for(rb"before\r\nbefore", start=start)  # the notice is painted over
        _type_until_taken(program, b"after\r", rb"after\r\nafter")
        leave(program)
    assert home.ok("logs", key).splitlines() == ["before", "before", "after", "after"]
    home.ok("kill", key)


def test_a_file_edited_in_vim_through_attach_is_saved(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    key = home.start("vim", "-n", "-u", "NONE", str(path))
    with attached(home, key) as program:
        program.type(b"ihello, vim\x1b")
        program.type(b":wq\r")
        program.wait_for(rb"has ended")
        assert program.wait() == 0
    assert path.read_text() == "hello, vim\n"


def test_a_terminal_that_is_closed_leaves_the_session_alone(home: Home) -> None:
    key = home.start("cat")
    with attached(home, key) as program:
        os.kill(program.pid, signal.SIGHUP)
        program.wait_until(lambda: RESET_SEQUENCE in program.output)
        assert program.wait() == 130
    assert home.session(key)["exited"] is None
    home.ok("kill", key)


def test_start_attaches_unless_told_otherwise(home: Home) -> None:
    with home.terminal("start", "--", "cat") as program:
        key = program.wait_for(rb"local/\w+").group().decode()
        program.wait_for(rb"attached to " + key.encode())
        leave(program)
    home.ok("kill", key)


def test_queries_of_a_session_are_not_put_to_the_operators_terminal(home: Home) -> None:
    key = home.start("sh", "-c", r"read x; printf 'a\033[6n\033[c\033]52;c;aGk=\007\033]11;?\007b'; exec cat")
    with attached(home, key) as program:
        start = len(program.output)
        program.type(b"\r")
        program.wait_for(rb"ab", start=start)
        leave(program)
    home.ok("kill", key)
