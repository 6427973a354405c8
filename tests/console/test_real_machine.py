"""A machine with nothing but sshd and Python becomes a node from the console, a yes to its host key included."""

from __future__ import annotations

import asyncio

from relaytui.config import load_config
from tests.bootstrap.machine import Machine, fresh_machine, needs_machine

pytestmark = needs_machine

LIMIT = 60.0
"""Seconds a step may take on a busy machine."""


async def test_a_machine_is_added_from_the_console_and_a_session_started_there() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        machine.server.known_hosts.write_text("")
        await asyncio.to_thread(_add_and_use, machine)


def _add_and_use(machine: Machine) -> None:
    machine.operator.configure()
    with machine.operator.terminal(columns=110, rows=34) as program:
        program.wait_for(rb"No sessions yet", LIMIT)
        program.type(b"A")
        program.wait_for(rb"Add a machine", LIMIT)
        program.type(b"box\t\tgpu\r")
        program.wait_for(rb"Is it the right one", LIMIT)
        program.wait_for(rb"SHA256:", LIMIT)
        program.type(b"y")
        program.wait_for(rb"box is a node now", LIMIT)
        program.type(b"\r")
        program.wait_for(rb"2 nodes", LIMIT)
        program.type(b"c")
        program.wait_for(rb"New session", LIMIT)
        program.type(b"\x1b[Zbox\tcat\r")  # the node is the field before the command
        program.wait_for(rb"started box/", LIMIT)
        program.wait_for(rb"box/s1", LIMIT)
        program.type(b"q")
        program.wait(LIMIT)
    assert load_config(machine.operator.config_file).node("box").tags == ("gpu",)
