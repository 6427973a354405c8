"""`relaytui doctor` as the operator runs it: what is found, with what mends it, and the exit code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relaytui.cli import doctor
from relaytui.config import Clipboard, Config, NodeConfig, Transport, UiConfig, save_config
from relaytui.link.errors import AgentFailed, LinkLost, PythonMissing
from relaytui.link.openssh import OpenSshConnector
from relaytui.link.probe import MARKER, ReportReader
from relaytui.link.prompts import Desk
from tests.bootstrap.machine import Machine, add_node, fresh_machine, needs_machine, run
from tests.home import Home, open_home

GOOD = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path) as home:
        home.env |= GOOD
        yield home


async def examined(machine: Machine, code: int) -> tuple[list[Any], list[str]]:
    """What doctor finds on the node, as objects and as lines."""
    as_json, as_text = await run(machine, "doctor", "box", "--json"), await run(machine, "doctor", "box")
    assert (as_json.returncode, as_text.returncode) == (code, code), as_text.stderr
    return json.loads(as_json.stdout), as_text.stdout.splitlines()


@needs_machine
async def test_an_sshd_that_forwards_no_sockets_is_found() -> None:
    async with fresh_machine() as machine:
        await machine.start("AllowStreamLocalForwarding no")
        assert (await add_node(machine)).returncode == 0
        found, lines = await examined(machine, 3)
        what = "its sshd forwards no unix sockets; every link starts a process there"
        remedy = "AllowStreamLocalForwarding yes, in its sshd_config"
        assert {"where": "box", "what": what, "remedy": remedy} in found
        assert lines[lines.index(f"! box: {what}") + 1] == f"    {remedy}"


@needs_machine
async def test_a_machine_that_lost_its_python_is_found() -> None:
    async with fresh_machine() as machine:
        await machine.start()
        assert (await add_node(machine)).returncode == 0
        await machine.server.stop()
        machine.hide_python()
        await machine.start()
        found, lines = await examined(machine, 3)
        assert found == [
            {"where": "box", "what": "there is no Python 3.9 or newer there any more", "remedy": "install one"}
        ]
        assert lines == ["! box: there is no Python 3.9 or newer there any more", "    install one"]
        assert (await run(machine, "node", "show", "box")).returncode == PythonMissing.exit_code


def test_any_transport_hears_that_there_is_no_python() -> None:
    said = "node-agent: there is no Python 3.9 or newer on this machine any more"
    reader = ReportReader("box")
    reader.feed(f"\n{MARKER}\n".encode())
    with pytest.raises(PythonMissing):
        reader.outcome(f"{said}\n")
    node = NodeConfig("box", host="box", transport=Transport.OPENSSH)
    assert isinstance(OpenSshConnector(node, Desk("box", None))._failure(said.encode()), PythonMissing)


def fake_tmux(directory: Path, script: str) -> str:
    """The PATH on which that is `tmux`, and no other is."""
    programs = directory / "bin"
    programs.mkdir()
    for name in ("ssh", "sleep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    tmux = programs / "tmux"
    tmux.write_text(f"#!/bin/sh\n{script}\n")
    tmux.chmod(0o755)
    return str(programs)


def options(passthrough: str, clipboard: str) -> str:
    return f'case "$3" in allow-passthrough) {passthrough};; set-clipboard) {clipboard};; *) exit 1;; esac'


PASS = "! here: tmux has allow-passthrough off: notifications do not pass tmux"
CLIP = "! here: tmux has set-clipboard {}: sessions cannot write the clipboard through tmux"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (options("echo off", "echo external"), [PASS, CLIP.format("external")]),
        (options("echo all", "echo off"), [CLIP.format("off")]),
        (options("echo on", "echo on"), []),
        (options("echo invalid option: $3 >&2; exit 1", "echo on"), []),
    ],
)
def test_what_tmux_holds_back_is_found(script: str, found: list[str], home: Home) -> None:
    save_config(Config(ui=UiConfig(clipboard=Clipboard.ASK)), home.config_file)
    done = home.run("doctor", env={"TMUX": "/tmp/tmux,1,0", "PATH": fake_tmux(home.directory, script)})
    lines = done.stdout.splitlines()
    assert [line for line in lines if "tmux has" in line] == found
    for line in found:
        option = line.split()[4]
        assert lines[lines.index(line) + 1] == f"    tmux set -g {option} on"
    if found:
        assert done.returncode == 3


def test_a_clipboard_nobody_may_write_is_not_asked_of_tmux(tmp_path: Path) -> None:
    env = {**GOOD, "TMUX": "x", "PATH": fake_tmux(tmp_path, options("echo on", "echo off"))}
    denied, asked = (Config(ui=UiConfig(clipboard=choice)) for choice in (Clipboard.DENY, Clipboard.ASK))
    assert not [finding for finding in doctor.look_here(denied, env) if finding.remedy]
    assert [finding for finding in doctor.look_here(asked, env) if finding.remedy]


def test_a_tmux_that_is_not_there_is_found(home: Home) -> None:
    path = fake_tmux(home.directory, "")
    os.unlink(home.directory / "bin/tmux")
    done = home.run("doctor", "--json", env={"TMUX": "/tmp/tmux,1,0", "PATH": path})
    assert done.returncode == 3, done.stderr
    (found,) = [item for item in json.loads(done.stdout) if item["where"] == "here" and item["remedy"]]
    assert "tmux cannot be asked what it lets through: [Errno 2]" in found["what"]
    assert "unset TMUX" in found["remedy"]


@pytest.mark.parametrize(
    ("script", "reason"), [("exec sleep 60", "timed out"), ("echo no server running >&2; exit 1", "no server running")]
)
def test_a_tmux_that_does_not_answer_is_found(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_TMUX_PATIENCE", 0.5)
    env = {**GOOD, "TMUX": "x", "PATH": fake_tmux(tmp_path, script)}
    (found,) = [finding for finding in doctor.look_here(Config(), env) if finding.remedy]
    assert reason in found.what


@pytest.mark.parametrize(
    ("error", "what", "remedy"),
    [
        (LinkLost("box: the link broke: reset"), "the link broke: reset", "try again"),
        (AgentFailed("box: it hangs; end it there; or wait"), "it hangs; end it there", "or wait"),
    ],
)
async def test_an_error_is_said_once(error: Exception, what: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(doctor, "open_node", fail)
    (found,) = await doctor._look_at(Config(), NodeConfig("box", host="box"))
    assert (found.what, found.remedy) == (what, remedy)


def test_a_node_that_is_not_there_is_found_beside_local(home: Home) -> None:
    home.configure(NodeConfig("box", transport=Transport.UNIX, socket=str(home.directory / "none")))
    done = home.run("doctor", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert {item["where"] for item in found} == {"here", "local", "box"}
    (box,) = [item for item in found if item["where"] == "box"]
    assert box["remedy"] == "start it"
