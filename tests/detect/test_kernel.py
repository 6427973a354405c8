"""Decoding of kernel evidence: against tables made by hand, and against real processes on a real terminal."""

from __future__ import annotations

import os
import pty
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from node_agent.detect.evidence import KernelEvidence, Program, Wait
from node_agent.detect.kernel import examine, parse_program, parse_stat, tty_path
from node_agent.detect.looks import Look, Op, Seen, Unseen
from node_agent.io.probe import DirectReader, Prober, RefusingReader, inner_termios, read_termios

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel evidence is Linux's /proc")


class Machine:
    """A /proc made by hand: one process, the leader of a terminal's foreground group."""

    def __init__(self, syscall: str, memory: dict[int, bytes] | None = None, **files: str) -> None:
        tty_device = 136 << 8 | 7
        self.files = {
            "stat": f"10 (pro (g)) S 1 10 10 {tty_device} 10 0 0 0 0 0 30 20 0 0",
            "cmdline": "prog\0",
            "task": "10",
            "fd": "0\n1\n2",
            "task/10/syscall": syscall,
            "task/10/children": "",
            "fd/0": "/dev/pts/7",
            "fd/1": "/dev/pts/7",
            "fd/2": "/dev/null",
            "fd/5": "anon_inode:[eventpoll]",
            "fdinfo/5": "pos: 0\ntfd:        0 events:       19 data: 0\n",
            **{name.replace("__", "/"): text for name, text in files.items()},
        }
        self.memory = memory or {}
        self.refused: Callable[[Look], bool] = lambda look: False

    def look(self, look: Look) -> Seen:
        if self.refused(look):
            return Unseen.REFUSED
        if look.op is Op.MEMORY:
            data = self.memory.get(look.address)
            return Unseen.GONE if data is None else data[: look.length]
        text = self.files.get(look.name) if look.pid == 10 else None
        return Unseen.GONE if text is None else text.encode()

    def examine(self, machine: str = "x86_64") -> KernelEvidence:
        steps = examine(10, machine)
        seen: Seen | None = None
        try:
            while True:
                seen = self.look(next(steps) if seen is None else steps.send(seen))
        except StopIteration as done:
            evidence: KernelEvidence = done.value
            return evidence


def syscall(number: int, *arguments: int) -> str:
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    return " ".join([str(number), *(hex(value) for value in padded), "0x7ffe", "0x7fff"])


POLLFD = struct.pack("=ihhihh", 3, 1, 0, 0, 1, 0)
TIMESPEC = struct.pack("=qq", 2, 500_000_000)
TIMEVAL = struct.pack("=qq", 2, 500_000)
FDSET = struct.pack("=Q", 0b1001)
MEMORY = {0x100: POLLFD, 0x200: TIMESPEC, 0x300: FDSET, 0x400: TIMEVAL}
FOREVER = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("machine", "line", "wait", "timeout"),
    [
        ("x86_64", syscall(0, 0), Wait.READING, None),
        ("x86_64", syscall(19, 1), Wait.READING, None),
        ("x86_64", syscall(0, 2), Wait.NOBODY, None),
        ("x86_64", syscall(7, 0x100, 2, 1500), Wait.POLLING, 1.5),
        ("x86_64", syscall(7, 0x100, 2, FOREVER), Wait.POLLING, None),
        ("x86_64", syscall(7, 0x100, 1, FOREVER), Wait.NOBODY, None),
        ("x86_64", syscall(271, 0x100, 2, 0x200), Wait.POLLING, 2.5),
        ("x86_64", syscall(271, 0x100, 2, 0), Wait.POLLING, None),
        ("x86_64", syscall(23, 4, 0x300, 0, 0, 0x400), Wait.POLLING, 2.5),
        ("x86_64", syscall(270, 4, 0x300, 0, 0, 0x200), Wait.POLLING, 2.5),
        ("x86_64", syscall(270, 4, 0, 0, 0, 0x200), Wait.NOBODY, None),
        ("x86_64", syscall(232, 5, 0x100, 64, 300), Wait.EVENT_LOOP, 0.3),
        ("x86_64", syscall(281, 5, 0x100, 64, FOREVER), Wait.EVENT_LOOP, None),
        ("aarch64", syscall(63, 0), Wait.READING, None),
        ("aarch64", syscall(73, 0x100, 2, 0x200), Wait.POLLING, 2.5),
        ("aarch64", syscall(72, 4, 0x300, 0, 0, 0x200), Wait.POLLING, 2.5),
        ("aarch64", syscall(22, 5, 0x100, 64, 300), Wait.EVENT_LOOP, 0.3),
        ("riscv64", syscall(63, 0), Wait.UNREADABLE, None),
        ("x86_64", "running", Wait.NOBODY, None),
    ],
)
def test_what_a_thread_waits_for(machine: str, line: str, wait: Wait, timeout: float | None) -> None:
    evidence = Machine(line, MEMORY).examine(machine)
    assert evidence.wait is wait
    assert evidence.timeout == timeout


@pytest.mark.parametrize("line", [syscall(202, 0, 0), "running"])
def test_an_event_loop_caught_elsewhere_still_watches_the_terminal(line: str) -> None:
    assert Machine(line, fd="0\n5").examine().wait is Wait.EVENT_LOOP


def test_a_sleeper_reads_nothing() -> None:
    evidence = Machine(syscall(230, 0, 0), fd="0\n5").examine()
    assert evidence == KernelEvidence(Wait.NOBODY, None, (Program(10, "pro (g)"),), 0.5, tty="/dev/pts/7")


@pytest.mark.parametrize(("told", "is_taken"), [("812 40 3\n", True), ("0 0 0\n", False)])
def test_a_pulse_is_taken_where_the_kernel_counts(told: str, is_taken: bool) -> None:
    evidence = Machine(syscall(0, 0), task__10__schedstat=told).examine()
    assert evidence.pulse == (((10, "10", told.encode()),) if is_taken else ())


@pytest.mark.parametrize("name", ["stat", "task/10/syscall", "task", "fd/0"])
def test_what_is_gone_meanwhile_is_no_error(name: str) -> None:
    machine = Machine(syscall(0, 0))
    del machine.files[name]
    assert machine.examine().wait in (Wait.UNREADABLE, Wait.NOBODY, Wait.EVENT_LOOP, Wait.READING)


@pytest.mark.parametrize("line", [syscall(0, 0), syscall(7, 0x100, 2, FOREVER), syscall(232, 5, 0, 0, 0)])
def test_what_may_not_be_traced_is_unreadable_not_working(line: str) -> None:
    machine = Machine(line, MEMORY)
    machine.refused = lambda look: look.op in (Op.MEMORY, Op.LINK) or look.name.endswith("syscall")
    evidence = machine.examine()
    assert evidence.wait is Wait.UNREADABLE
    assert evidence.programs == (Program(10, "pro (g)"),)


def test_stat_with_blanks_and_parentheses_in_the_name() -> None:
    process = parse_stat(7, b"7 (a) b (c) S 1 2 3 34823 5 0 0 0 0 0 11 22 0")
    assert process is not None
    assert (process.name, process.parent, process.group, process.foreground, process.ticks) == ("a) b (c", 1, 2, 5, 33)
    assert parse_stat(7, b"garbage") is None


def test_tty_paths() -> None:
    assert tty_path(136 << 8) == "/dev/pts/0"
    assert tty_path(136 << 8 | 0xFF) == "/dev/pts/255"
    assert tty_path(1 << 20 | 136 << 8 | 2) == "/dev/pts/258"
    assert tty_path(4 << 8 | 1) == ""


@pytest.mark.parametrize(
    ("name", "command", "script"),
    [
        ("bash", "bash --norc -i", ""),
        ("bash", "-bash", ""),
        ("bash", "bash -lc make", "-c"),
        ("bash", "bash --rcfile rc -i", ""),
        ("sh", "/bin/sh ./configure --prefix=/usr", "configure"),
        ("python3", "python3 -X dev -u tools/train.py -c x", "train.py"),
        ("python3", "python3 -m http.server", "http.server"),
        ("node", "node --require ts-node /usr/lib/cli.js", "cli.js"),
        ("vim", "vim notes.py", ""),
    ],
)
def test_what_an_interpreter_was_given(name: str, command: str, script: str) -> None:
    assert parse_program(1, name, command.replace(" ", "\0").encode()) == Program(1, name, script)


@contextmanager
def on_a_terminal(command: str) -> Iterator[tuple[int, int]]:
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "-c", command])
    try:
        yield pid, master
    finally:
        _kill(pid)
        os.close(master)
        os.waitpid(pid, 0)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:  # it ended by itself
        pass


def probe_until(prober: Prober, wait: Wait, name: str = "") -> KernelEvidence:
    """Probe until the program is where it is going, which on a busy machine takes a moment."""
    end = time.monotonic() + 20
    while True:
        evidence = prober.probe()
        is_there = evidence.wait is wait and name in [program.name for program in evidence.programs[:1]] + [""]
        if is_there or time.monotonic() > end:
            return evidence
        time.sleep(0.01)


@linux
@pytest.mark.parametrize(
    ("command", "wait", "name"),
    [
        ("read line", Wait.READING, "bash"),
        ("cat", Wait.READING, "cat"),
        ("exec sleep 60", Wait.NOBODY, "sleep"),
        ("exec bash --norc -i", Wait.POLLING, "bash"),
        ("true | (read line </dev/tty)", Wait.READING, "bash"),
    ],
)
def test_real_processes(command: str, wait: Wait, name: str) -> None:
    with on_a_terminal(command) as (pid, _):
        evidence = probe_until(Prober(pid), wait, name)
        assert evidence.wait is wait
        assert evidence.reader is not None
        assert evidence.reader.name == name


@linux
def test_a_thread_that_reads_beside_one_that_sleeps() -> None:
    code = "import threading,time,sys; threading.Thread(target=sys.stdin.readline,daemon=True).start(); time.sleep(60)"
    with on_a_terminal(f'exec python3 -c "{code}"') as (pid, _):
        assert probe_until(Prober(pid), Wait.READING).wait is Wait.READING


@linux
def test_an_inner_terminal_is_looked_through() -> None:
    code = "import pty; pty.spawn(['bash','-c','stty -echo; read line'])"
    with on_a_terminal(f'exec python3 -c "{code}"') as (pid, master):
        evidence = probe_until(Prober(pid), Wait.READING)
        assert evidence.nested
        end = time.monotonic() + 20
        while (modes := inner_termios(evidence)) is None or modes.echo:
            assert time.monotonic() < end
        assert modes.is_hidden
        outer = read_termios(master)
        assert outer is not None
        assert not outer.icanon


@linux
def test_refusal_leaves_the_name() -> None:
    with on_a_terminal("exec sleep 60") as (pid, _):
        end = time.monotonic() + 20
        while (evidence := Prober(pid, RefusingReader()).probe()).programs[:1] != (Program(pid, "sleep"),):
            assert time.monotonic() < end
        assert evidence.wait is Wait.UNREADABLE


@linux
async def test_what_is_refused_is_asked_of_the_keeper() -> None:
    asked: list[Look] = []

    async def keeper(look: Look) -> Seen:
        asked.append(look)
        return DirectReader().look(look)

    with on_a_terminal("exec cat") as (pid, _):
        probe_until(Prober(pid), Wait.READING)
        evidence = await Prober(pid, RefusingReader(), keeper).probe_with_keeper()
        assert evidence.wait is Wait.READING
        assert {look.name for look in asked} == {f"task/{pid}/syscall", "fd/0"}


@linux
def test_a_process_that_is_gone() -> None:
    with on_a_terminal("exit") as (pid, _):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert Prober(pid).probe().wait in (Wait.UNREADABLE, Wait.NOBODY)
