"""A fresh user's machine becomes a node with one command, or it is said exactly what to do."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import node_agent
from node_agent.bundle import Bundle, read_bundle
from relaytui.config import Transport
from relaytui.link.bootstrap import bootstrap
from relaytui.link.client import NodeClient
from relaytui.link.prompts import Desk
from tests.bootstrap.machine import Machine, add_node, fresh_machine, needs_machine, pushed, run
from tests.interpreters import interpreters
from tests.link.operator import Operator
from tests.waiting import eventually

pytestmark = needs_machine

PYTHONS = {
    version: path
    for version, path in interpreters().items()
    if not Path(f"/usr/bin/python{version[0]}.{version[1]}").exists()  # that one is found first, and hidden
}
SHELLS = ("fish", "csh", "zsh", "dash")


async def works(machine: Machine, *words: str) -> str:
    """What `node add` says where it must work; a session then runs there as the user."""
    added = await add_node(machine, *words)
    assert added.returncode == 0, added.stderr
    started = await run(machine, "start", "--node", "box", "--detach", "--", "sh", "-c", "echo I am $(id -un); cat")
    assert started.returncode == 0, started.stderr
    key = started.stdout.strip()
    await wait_for_line(machine, key, f"I am {machine.name}")
    return added.stderr


async def wait_for_line(machine: Machine, key: str, line: str) -> None:
    for _ in range(40):
        logs = await run(machine, "logs", key)
        if line in logs.stdout:
            return
    raise AssertionError(f"{key} has not printed {line!r}: {logs.stdout!r} {logs.stderr!r}")


async def nothing_is_left(machine: Machine) -> None:
    """Wait until nothing of the user runs; no node is in the config and nothing is half unpacked."""
    await eventually(lambda: not machine.processes())
    assert not machine.operator.config_file.exists()
    assert not [name for name in pushed(machine) if name.endswith(".part")]


def the_first_of(items: Iterable[Any], count: int = 1) -> list[Any]:
    """The first ones in every run, the others in full ones: each takes seconds."""
    return [pytest.param(item, marks=[pytest.mark.full] if index >= count else []) for index, item in enumerate(items)]


def name_of(item: object) -> str:
    return ".".join(map(str, item)) if isinstance(item, tuple) else str(item)


@pytest.mark.parametrize("version", the_first_of(PYTHONS), ids=name_of)
async def test_any_python_will_do(version: tuple[int, int]) -> None:
    async with fresh_machine() as machine:
        machine.only_python(PYTHONS[version])
        await machine.start()
        said = await works(machine)
        assert f"found Python {version[0]}.{version[1]}" in said
        assert len(pushed(machine)) == 1


@pytest.mark.parametrize("shell", the_first_of(SHELLS, 2))
async def test_any_login_shell_will_do(shell: str) -> None:
    if (path := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed")
    async with fresh_machine(path) as machine:
        await machine.start()
        await works(machine)


async def test_a_noisy_login_shell() -> None:
    async with fresh_machine() as machine:
        noise = "printf 'Welcome\\nRELAYTUI-INSTALL no\\033[2J\\377 '; echo 'quota: ok' >&2\n"
        machine.write(".bashrc", noise)
        machine.write(".profile", noise)
        await machine.start()
        await works(machine)


class Trouble(NamedTuple):
    """`spoil` brings it about; `code` and `says` are what `node add` must end with, `then` the words that help."""

    name: str
    spoil: Callable[[Machine], tuple[str, ...]]
    code: int
    says: str
    then: Callable[[Machine], tuple[str, ...]] | None = None


def full_home(machine: Machine) -> tuple[str, ...]:
    machine.mount("-t", "tmpfs", "-o", f"size=64k,mode=700,uid={machine.user.pw_uid}", "tmpfs", str(machine.home))
    return ()


def read_only_home(machine: Machine) -> tuple[str, ...]:
    machine.mount("--bind", "-o", "ro", str(machine.home), str(machine.home))
    machine.mount("-o", "remount,bind,ro", str(machine.home))
    return ()


def old_python(machine: Machine) -> tuple[str, ...]:
    machine.hide_python()
    return ()


def network_home(machine: Machine) -> tuple[str, ...]:
    table = machine.directory / "mountinfo"
    table.write_text(f"30 1 0:1 / / rw - ext4 /dev/sda rw\n31 30 0:2 / {machine.home} rw - nfs4 srv:/home rw\n")
    return (f"SetEnv RELAY_MOUNTINFO={table}",)


def no_shell(machine: Machine) -> tuple[str, ...]:
    subprocess.run(["usermod", "-s", "/usr/sbin/nologin", machine.name], check=True, capture_output=True)
    return ()


def elsewhere(machine: Machine) -> tuple[str, ...]:
    place = machine.directory / "scratch"
    place.mkdir()
    shutil.chown(place, machine.name)
    return ("--state", str(place / "relaytui"))


TROUBLES = [
    Trouble(
        "full disk", full_home, 44, r"disk of .* is full; make room there; or name a directory .* --state", elsewhere
    ),
    Trouble("read-only home", read_only_home, 43, r"cannot write to .*: Read-only .*; name .* with --state", elsewhere),
    Trouble("network home", network_home, 42, r"nfs4.* network file system.*; name one with --state", elsewhere),
    Trouble("old Python", old_python, 45, r"no Python 3\.9 .*Python 3\.6\.8 as python3\b.*\); install one, or name"),
    Trouble("no shell", no_shell, 34, r"account is .*not available"),
]


@pytest.mark.parametrize("trouble", the_first_of(TROUBLES), ids=lambda trouble: trouble.name)
async def test_trouble_is_said_with_what_to_do(trouble: Trouble) -> None:
    async with fresh_machine() as machine:
        lines = trouble.spoil(machine)
        await machine.start(*lines)
        added = await add_node(machine)
        assert added.returncode == trouble.code, added.stderr
        assert re.search(trouble.says, added.stderr.splitlines()[-1])
        await nothing_is_left(machine)
        if trouble.then is not None:
            await works(machine, *trouble.then(machine))


@pytest.mark.full
async def test_a_home_that_runs_no_programs() -> None:
    async with fresh_machine() as machine:
        machine.mount("-t", "tmpfs", "-o", f"noexec,mode=700,uid={machine.user.pw_uid}", "tmpfs", str(machine.home))
        await machine.start()
        assert "noexec" in await works(machine)


@pytest.mark.full
async def test_an_sshd_that_forwards_no_sockets() -> None:
    async with fresh_machine() as machine:
        await machine.start("AllowStreamLocalForwarding no")
        await works(machine)


async def test_an_interrupted_push_leaves_nothing_and_the_next_one_works() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        node = machine.server.node("box", user=machine.name)

        def interrupt(text: str, share: float | None) -> None:
            if share is not None and share > 0.5:
                raise ConnectionResetError(text)

        with pytest.raises(ConnectionResetError):
            await bootstrap(node, Desk("box", None), interrupt)
        await nothing_is_left(machine)
        assert pushed(machine) == ()
        await works(machine)


async def test_two_consoles_at_once_and_then_one_more() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        node = machine.server.node("box", user=machine.name)
        both = [bootstrap(node, Desk("box", None), lambda *_: None) for _ in range(2)]
        arrivals = [*await asyncio.gather(*both), await bootstrap(node, Desk("box", None), lambda *_: None)]
        clients = [
            await NodeClient.connect(arrival.stream, node="box", client="cli", operator="ann") for arrival in arrivals
        ]
        assert len({client.node.agent.pid for client in clients}) == 1
        assert len(pushed(machine)) == 1
        assert not arrivals[-1].pushed
        for client in clients:
            await client.close()


async def test_an_older_console_leaves_a_newer_agent_and_its_command_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = read_bundle()
    here, later = f'__version__ = "{node_agent.__version__}"'.encode(), b'__version__ = "99.0"'
    files = tuple((name, content.replace(here, later)) for name, content in ours.files)
    async with fresh_machine() as machine:
        await machine.start()
        node = machine.server.node("box", user=machine.name)
        with monkeypatch.context() as newer:
            newer.setattr("relaytui.link.bootstrap.read_bundle", lambda: Bundle(files, "f" * 64))
            await (await bootstrap(node, Desk("box", None), lambda *_: None)).stream.close()
        command = machine.home / ".local/share/relaytui/node-agent"
        text = command.read_text()
        said = await works(machine)
        assert f"its agent 99.0 is newer than this relaytui {node_agent.__version__}; upgrade relaytui here" in said
        refused = await run(machine, "node", "upgrade", "box")
        assert refused.returncode == 33
        assert "99.0 is newer" in refused.stderr.splitlines()[-1]
        assert command.read_text() == text
        shown = await run(machine, "node", "show", "box", "--json")
        assert json.loads(shown.stdout)["agent"]["version"] == "99.0"


def install_agent(machine: Machine) -> None:
    """Have `node-agent` installed there, as one file beside a command of the user's."""
    program = machine.directory / "node-agent.pyz"
    program.write_bytes(read_bundle().pack())
    program.chmod(0o644)
    machine.write(".local/bin/node-agent", f'#!/bin/sh\nexec python3 {program} "$@"\n', 0o755)


@pytest.mark.parametrize("transport", the_first_of([Transport.ASYNCSSH, Transport.OPENSSH]))
async def test_an_installed_agent_is_used_and_nothing_pushed(transport: Transport) -> None:
    async with fresh_machine() as machine:
        install_agent(machine)
        await machine.start()
        await works(machine, "--system", "--transport", transport.value)
        assert pushed(machine) == ()
        refused = await run(machine, "node", "upgrade", "box")
        assert refused.returncode == 10
        assert "node-agent, which is not relaytui's to replace" in refused.stderr


async def test_an_agent_that_is_not_installed_is_missing() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        added = await add_node(machine, "--system")
        assert added.returncode == 31
        assert "no 'node-agent' there; install it, or name none" in added.stderr
        await nothing_is_left(machine)


@pytest.mark.parametrize("transport", [Transport.ASYNCSSH, Transport.OPENSSH])
async def test_one_login_with_a_password_is_enough(transport: Transport) -> None:
    async with fresh_machine() as machine:
        secret = secrets.token_hex(8)
        subprocess.run(["chpasswd"], input=f"{machine.name}:{secret}", text=True, check=True)
        await machine.start("PasswordAuthentication yes", "PubkeyAuthentication no")
        node = machine.server.node("box", user=machine.name, transport=transport)
        operator = Operator(secret)
        arrival = await bootstrap(node, Desk("box", operator), lambda *_: None)
        client = await NodeClient.connect(arrival.stream, node="box", client="cli", operator="ann")
        assert client.node.user == machine.name
        assert len(operator.asked) == 1
        await client.close()
