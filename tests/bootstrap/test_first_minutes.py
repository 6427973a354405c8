"""README's second section, driven on a real terminal: a machine is added, used, left, slept over and found again."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.bootstrap.machine import Machine, fresh_machine, needs_machine, run
from tests.pty_program import NotSeenError, PtyProgram

PREFIX = b"\x1d"
README = Path(__file__).parents[2] / "README.md"


TRAIN = """
import sys
print("epoch 1", flush=True)
for line in sys.stdin:
    print("read", line.strip(), flush=True)
"""


def commands() -> tuple[list[str], ...]:
    """The first three commands of README's section, each as the words after `relaytui`."""
    section = README.read_text("utf-8").partition("## Use it")[2].partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    relaytui ")]
    return tuple(shlex.split(re.split(r"\s{2,}", line)[0])[1:] for line in lines[:3])


def first_minutes(machine: Machine, asleep: float) -> None:
    """What the operator does, each step waited for on the screen."""
    add, start, attach = commands()
    with machine.operator.terminal(*add) as program:
        program.wait_for(rb"host key of .* is unknown")
        program.wait_for(rb"Is it the right one\?")
        program.type(b"y\r")
        program.wait_for(rb"added gpu-box", 30)
        assert program.wait() == 0
    with machine.operator.terminal(*start) as program:
        program.wait_for(rb"attached to gpu-box/\w+", 30)
        program.wait_for(rb"epoch 1", 30)
        program.type(b"hello\r")
        program.wait_for(rb"read hello")
        program.type(PREFIX + b"d")
        program.wait_for(rb"left gpu-box/\w+; it runs on")
        assert program.wait() == 0
    with machine.operator.terminal(*attach) as program:
        program.wait_for(rb"attached to gpu-box/\w+", 30)
        sleep(program, asleep)
        type_until_it_arrives(program)
        program.type(PREFIX + b"d")
        assert program.wait() == 0


def type_until_it_arrives(program: PtyProgram) -> None:
    """Until the link is resumed keys are dropped, and that is said: the operator types again."""
    for _ in range(15):
        program.type(b"awake\r")
        try:
            program.wait_for(rb"read awake", 2)
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
        machine.write("train.py", TRAIN)
        await machine.start()
        machine.server.known_hosts.write_text("")
        await asyncio.to_thread(first_minutes, machine, asleep)
        assert (await run(machine, "node", "show", "gpu-box")).returncode == 0
