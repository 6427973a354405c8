"""How long a command that asks several nodes waits for each: for an agent that starts, and for a silent one."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relaytui.config import NodeConfig, Transport
from tests.home import Home, open_home

LONGER_THAN_A_NODE_HAS = 3  # seconds


@pytest.fixture
def own_home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="relaytui-test-") as directory, open_home(Path(directory)) as opened:
        yield opened


@pytest.mark.parametrize("command", ["ls --node slow", "node ls"])
def test_an_agent_that_is_slow_to_start_is_waited_for(own_home: Home, command: str) -> None:
    starter = own_home.directory / "slow-agent"
    starter.write_text(f'#!/bin/sh\nsleep {LONGER_THAN_A_NODE_HAS}\nexec {sys.executable} -m node_agent "$@"\n')
    starter.chmod(0o755)
    own_home.configure(replace(own_home.node("slow"), agent=str(starter)))
    listed = own_home.run(*command.split())
    assert (listed.returncode, listed.stderr) == (0, "")


def test_one_that_takes_the_call_and_says_nothing_is_given_up(own_home: Home) -> None:
    place = own_home.directory / "silent"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        own_home.configure(NodeConfig("silent", transport=Transport.UNIX, socket=str(place)))
        listed = own_home.run("ls", "--node", "silent")
    assert listed.returncode == 3
    assert listed.stderr == "silent: no answer within 2 s; check that it is up\n"


def test_one_whose_agent_cannot_be_started_fails_at_once(own_home: Home) -> None:
    own_home.configure(replace(own_home.node("broken"), agent="/no/such/agent"))
    listed = own_home.run("ls", "--node", "broken")
    assert listed.returncode == 3
    assert "cannot run /no/such/agent" in listed.stderr
