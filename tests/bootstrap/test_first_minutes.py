"""README's second section, driven on a real terminal: a machine is added, used, left, slept over and found again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from tests.bootstrap.machine import Machine, fresh_machine, needs_machine, run
from tests.pty_program import NotSeenError, PtyProgram

PREFIX = b"\x1d"
README = Path(__file__).parents[2] / "README.md"


def first_minutes(machine: Machine, asleep: float) -> None:
    """What the operator does, each step waited for on the screen."""
    with machine.operator.terminal("node", "add", "box") as program:
        program.wait_for(rb"host key of .* is unknown")
        program.wait_for(rb"Is it the right one\?")
        program.type(b"y\r")
        program.wait_for(rb"added box", 30)
        assert program.wait() == 0
    with machine.operator.terminal("start", "--node", "box", "--", "cat") as program:
        program.wait_for(rb"attached to box/\w+", 30)
        program.type(b"hello\r")
        program.wait_for(rb"hello\r\nhello\r\n")
        program.type(PREFIX + b"d")
        program.wait_for(rb"left (box/\w+); it runs on")
        assert program.wait() == 0
        found = re.search(rb"left (box/\w+);", program.output)
        assert found is not None
    with machine.operator.terminal("attach", found[1].decode()) as program:
        program.wait_for(rb"attached to box/\w+", 30)
        sleep(program, asleep)
        type_until_it_arrives(program)
        program.type(PREFIX + b"d")
        assert program.wait() == 0


def type_until_it_arrives(program: PtyProgram) -> None:
    """Until the link is resumed keys are dropped, and that is said: the operator types again."""
    for _ in range(15):
        program.type(b"awake\r")
        try:
            program.wait_for(rb"awake\r\nawake\r\n", 2)
        except NotSeenError:
            continue
        return
    raise AssertionError("the link was not resumed")


def sleep(program: PtyProgram, seconds: float) -> None:
    """The laptop's lid is closed: the program does not run, and the network goes on without it."""
    os.kill(program.pid, signal.SIGSTOP)
    try:
        signal.sigtimedwait([], seconds)
    finally:
        os.kill(program.pid, signal.SIGCONT)


@needs_machine
@pytest.mark.parametrize("asleep", [2.0, pytest.param(60.0, marks=[pytest.mark.full, pytest.mark.timeout(300)])])
async def test_the_first_minutes(asleep: float) -> None:
    async with fresh_machine() as machine:
        await machine.start()
        machine.server.known_hosts.write_text("")
        await asyncio.to_thread(first_minutes, machine, asleep)
        assert (await run(machine, "ls", "--node", "box")).returncode == 0


def test_readme_names_the_commands_in_this_order() -> None:
    section = README.read_text("utf-8").partition("## Use it")[2].partition("##")[0]
    steps = ["relaytui node add gpu-box", "relaytui start --node gpu-box", "relaytui ls", "relaytui logs"]
    places = [section.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
