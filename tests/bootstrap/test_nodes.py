"""What can be done with a node once it is there: shown, renamed, examined, taken away."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from node_agent.io.login import login_policy
from relaytui.cli.doctor import judge_machine, look_here
from relaytui.config import Config, NodeConfig
from tests.bootstrap.machine import Machine, add_node, fresh_machine, needs_machine, pushed, run
from tests.home import open_home
from tests.waiting import eventually

BOX = NodeConfig("box", host="box")


async def ok(machine: Machine, *words: str) -> str:
    done = await run(machine, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_machine
async def test_a_node_is_shown_renamed_and_taken_away() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        assert (await add_node(machine, "--tag", "gpu")).returncode == 0
        shown = json.loads(await ok(machine, "node", "show", "box", "--json"))
        assert (shown["host"], shown["tags"], shown["user"]) == ("box", ["gpu"], machine.name)
        await ok(machine, "node", "rename", "box", "lab")
        key = (await ok(machine, "start", "--node", "lab", "--detach", "--", "cat")).strip()
        assert key.startswith("lab/")
        await ok(machine, "node", "rm", "lab", "--purge")
        await eventually(lambda: not machine.processes())
        assert not pushed(machine)
        assert not list((machine.home / ".local/state/relaytui").iterdir())
        await ok(machine, "node", "show", "local")  # starts its agent, so that the list need not wait for it
        assert "lab" not in await ok(machine, "node", "ls")


@needs_machine
async def test_a_start_with_the_machine_is_taken_back_with_the_node() -> None:
    async with fresh_machine() as machine:
        table = machine.home / "crontab"
        script = f'#!/bin/sh\n[ "$1" = -l ] && exec cat {table}\ncat > {table}.new && mv {table}.new {table}\n'
        machine.write(".local/bin/crontab", script, 0o755)
        await machine.start()
        assert "its start with the machine: a crontab line" in (await add_node(machine, "--boot")).stderr
        assert "probe --start" in table.read_text()
        removed = await run(machine, "node", "rm", "box", "--stop")
        assert "removed a crontab line" in removed.stderr
        assert table.read_text() == ""
        assert (await add_node(machine)).returncode == 0
        upgraded = await run(machine, "node", "upgrade", "box", "--boot")
        assert "its start with the machine: a crontab line" in upgraded.stderr
        assert "probe --start" in table.read_text()


@pytest.mark.parametrize("words", [("--system",), ("--agent", "node-agent"), ("--later",)])
def test_a_start_with_the_machine_that_nobody_would_arrange_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        refused = home.run("node", "add", "box", "--boot", *words)
        assert refused.returncode == 2
        assert "--boot is for an agent that is pushed now" in refused.stderr
        via = home.run("node", "add", "box", "--boot", "--via", "unix:/s")
        assert (via.returncode, home.config_file.exists()) == (2, False)


@needs_machine
async def test_an_unknown_host_key_is_trusted_by_its_fingerprint_alone() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        machine.server.known_hosts.write_text("")
        refused = await add_node(machine)
        assert refused.returncode == 25
        fingerprint = next(word for word in refused.stderr.split() if word.startswith("SHA256:")).rstrip(";")
        assert (await add_node(machine, "--accept-key", "SHA256:somethingelse")).returncode == 25
        assert machine.server.known_hosts.read_text() == ""
        assert (await add_node(machine, "--accept-key", fingerprint)).returncode == 0
        assert "on record" in (await run(machine, "node", "trust", "box")).stderr


def remedies(report: Mapping[str, object]) -> list[str]:
    return [finding.remedy for finding in judge_machine(BOX, report, time.time())]


@pytest.mark.parametrize(
    ("report", "remedy"),
    [
        ({"kills_processes": True, "lingers": False, "user": "ann"}, "loginctl enable-linger ann"),
        ({"systemd": True, "lingers": False}, "relaytui node upgrade box --boot"),
        ({"network_file_system": "nfs4"}, "--state"),
        ({"noexec": True}, "sh $RELAY_AGENT"),
        ({"disk_free": 5 << 20}, "make room"),
        ({"time": 1.0}, "set-ntp"),
    ],
)
def test_what_will_hurt_is_said_with_its_remedy(report: dict[str, object], remedy: str) -> None:
    (found,) = remedies(report)
    assert remedy in found


def test_an_agent_that_is_not_ours_is_told_there_to_start_with_the_machine() -> None:
    (found,) = judge_machine(
        NodeConfig("box", host="box", agent="node-agent"), {"systemd": True, "lingers": False}, time.time()
    )
    assert found.remedy == "there: node-agent probe --start --boot"


def test_a_sound_machine_needs_nothing() -> None:
    report = {"kills_processes": True, "lingers": True, "systemd": True, "disk_free": 1 << 40, "time": time.time()}
    assert remedies(report) == []


@pytest.mark.parametrize(
    ("env", "remedy"),
    [
        ({"TERM": "dumb", "LANG": "C.UTF-8"}, "export TERM"),
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, "export COLORTERM"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "LANG": "de_DE"}, "export LC_CTYPE"),
    ],
)
def test_a_terminal_that_lacks_something(env: dict[str, str], remedy: str) -> None:
    found = [finding.remedy for finding in look_here(Config(), env) if finding.remedy]
    assert len(found) == 1
    assert remedy in found[0]


def test_what_logind_is_told(tmp_path: Path) -> None:
    assert login_policy("ann", tmp_path) == {"systemd": False, "kills_processes": False, "lingers": False}
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger/ann").touch()
    (tmp_path / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf").write_text("[Login]\nKillUserProcesses=no\n")
    (tmp_path / "etc/systemd/logind.conf.d/10-kill.conf").write_text("[Login]\nKillUserProcesses=yes\n")
    assert login_policy("ann", tmp_path) == {"systemd": True, "kills_processes": True, "lingers": True}
