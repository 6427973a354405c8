"""Links through the system's ssh, whose questions become prompts."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.streams import OpenBytes
from relaytui.config import NodeConfig, Transport
from relaytui.link.connect import open_node
from relaytui.link.errors import (
    AgentMissing,
    AnswerNeeded,
    AuthenticationFailed,
    ConnectionRefused,
    HostKeyChanged,
    LinkError,
    LinkLost,
)
from relaytui.link.openssh import OpenSshConnector
from relaytui.link.prompts import Desk
from tests.link.operator import Operator
from tests.link.own_server import Account, open_server
from tests.link.scripted import SESSION, ScriptedAgent, write_agent_command
from tests.sshd import Sshd, free_port, make_key, needs_sshd

pytestmark = needs_sshd


@pytest.fixture
def node(sshd: Sshd, command: str) -> NodeConfig:
    return sshd.node(agent=command, transport=Transport.OPENSSH)


async def test_bytes_pass_unchanged_both_ways(node: NodeConfig, agent: ScriptedAgent) -> None:
    every = bytes(range(256)) * 300
    agent.append(every)
    async with open_node(node, operator="ann") as client:
        assert client.note == "through ssh"
        stream = await client.open_bytes(OpenBytes(SESSION, "attach", offset=0))
        got = b""
        while len(got) < len(every):
            item = await anext(stream)
            got += getattr(item, "data", b"")
        assert got == every
        await stream.send(every)
        assert agent.received == every


async def test_what_ssh_says_of_a_cut_does_not_come_out_of_the_stream(node: NodeConfig, sshd: Sshd) -> None:
    connector = OpenSshConnector(node, Desk("box", None))
    duplex = await connector.command(
        "echo a word on stderr >&2; echo BEGIN here; printf frame; exec sleep 100", b"BEGIN"
    )
    got = b""
    while not got.endswith(b"frame"):
        got += await duplex.reader.read(100)
    for pid in sshd.connections():
        os.kill(pid, signal.SIGKILL)
    while data := await duplex.reader.read(100):
        got += data
    await duplex.close()
    assert got == b"BEGIN here\nframe"


async def test_a_passphrase_is_asked_in_sshs_own_words(node: NodeConfig, sshd: Sshd) -> None:
    make_key(sshd.identity, passphrase="sesame")
    sshd.allow()
    operator = Operator("sesam", "sesame")
    async with open_node(node, operator="ann", prompter=operator):
        pass
    assert len(operator.asked) == 2
    assert all(prompt.text.endswith(f"Enter passphrase for key '{sshd.identity}':") for prompt in operator.asked)


async def test_an_unknown_host_is_the_operators_to_accept(node: NodeConfig, sshd: Sshd) -> None:
    sshd.known_hosts.unlink()
    operator = Operator("yes")
    async with open_node(node, operator="ann", prompter=operator):
        pass
    assert "SHA256:" in operator.asked[0].text
    assert sshd.known_hosts.exists()


async def test_nobody_to_ask(node: NodeConfig, sshd: Sshd) -> None:
    sshd.known_hosts.unlink()
    with pytest.raises(AnswerNeeded, match="fingerprint"):
        async with open_node(node, operator="ann"):
            pass
    assert not sshd.known_hosts.exists()


@pytest.mark.parametrize("case", ["changed", "refused", "denied", "exceeded", "missing", "broken"])
async def test_sshs_failures_are_told_apart(node: NodeConfig, sshd: Sshd, tmp_path: Path, case: str) -> None:
    fields: dict[str, Any] = {"transport": Transport.OPENSSH, "agent": node.agent}
    expected: type[LinkError]
    match case:
        case "changed":
            expected = HostKeyChanged
            sshd.trust(make_key(tmp_path / "other"))
            bad = node
        case "refused":
            expected = ConnectionRefused
            bad = sshd.node(port=free_port(), **fields)
        case "denied":
            expected = AuthenticationFailed
            sshd.allow(key=make_key(tmp_path / "other"))
            bad = node
        case "exceeded":
            expected = AuthenticationFailed
            sshd.allow(key=make_key(tmp_path / "other"))
            await sshd.stop()
            await sshd.start("MaxAuthTries 1")
            bad = node
        case "broken":  # its words sound like those of a login that failed
            expected = LinkLost
            command = tmp_path / "broken"
            command.write_text("#!/bin/sh\necho 'sh: /opt/python: Permission denied' >&2; exit 126\n")
            command.chmod(0o755)
            bad = sshd.node(**(fields | {"agent": str(command)}))
        case _:
            expected = AgentMissing
            bad = sshd.node(**(fields | {"agent": os.fspath(tmp_path / "none")}))
    with pytest.raises(expected):
        async with open_node(bad, operator="ann"):
            pass


def through_ssh(node: NodeConfig, agent: ScriptedAgent, directory: Path) -> NodeConfig:
    command = write_agent_command(directory / "bin" / "node-agent", agent.socket)
    return replace(node, transport=Transport.OPENSSH, agent=str(command))


async def test_each_question_of_a_login_reaches_the_operator(agent: ScriptedAgent, tmp_path: Path) -> None:
    account = Account(questions=[("Password:", "sesame"), ("One-time code:", "123456")])
    operator = Operator("sesame", "123456")
    async with open_server(tmp_path, account) as node:
        async with open_node(through_ssh(node, agent, tmp_path), operator="ann", prompter=operator) as client:
            assert client.note == "through ssh"
        assert account.tried == ["sesame", "123456"]
    assert ["Password:" in operator.asked[0].text, "One-time code:" in operator.asked[1].text] == [True, True]


async def test_a_wrong_password_is_asked_for_again(agent: ScriptedAgent, tmp_path: Path) -> None:
    account = Account(password="sesame")
    operator = Operator("sesam", "sesame")
    async with open_server(tmp_path, account) as node:
        async with open_node(through_ssh(node, agent, tmp_path), operator="ann", prompter=operator):
            pass
        assert account.tried == ["sesam", "sesame"]


async def test_a_code_that_nobody_gives_ends_the_login(agent: ScriptedAgent, tmp_path: Path) -> None:
    account = Account(questions=[("One-time code:", "123456")])
    async with open_server(tmp_path, account) as node:
        with pytest.raises(AnswerNeeded, match="One-time code"):
            async with open_node(through_ssh(node, agent, tmp_path), operator="ann", prompter=Operator()):
                pass
        assert account.tried == []
