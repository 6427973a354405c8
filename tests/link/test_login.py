"""Logins that ask: passwords, one-time codes, and nobody there to answer. Against asyncssh's own server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from node_agent.protocol.streams import OpenBytes
from relaytui.config import NodeConfig
from relaytui.link.connect import Gates, open_node
from relaytui.link.errors import AnswerNeeded, AuthenticationFailed
from relaytui.link.prompts import Desk, Prompt, PromptKind
from relaytui.link.ssh import SshConnector
from relaytui.link.supervisor import LinkOptions, NodeLink
from tests.link.operator import Operator
from tests.link.own_server import Account, open_server
from tests.link.scripted import SESSION
from tests.link.test_supervisor import Recorder
from tests.sshd import make_key


async def log_in(node: NodeConfig, command: str, operator: Operator | None) -> None:
    async with open_node(replace(node, agent=command), operator="ann", prompter=operator, timeout=30) as client:
        assert client.node.uuid == "uuid-1"


async def test_a_key_reaches_the_agent_through_this_server_too(command: str, tmp_path: Path) -> None:
    account = Account(key=make_key(tmp_path / "key"))
    async with open_server(tmp_path, account) as node:
        await log_in(node, command, None)


async def test_a_password_is_asked_again_after_a_typing_error(command: str, tmp_path: Path) -> None:
    account = Account(password="sesame")
    operator = Operator("sesam", "sesame")
    async with open_server(tmp_path, account) as node:
        await log_in(node, command, operator)
    assert [(prompt.kind, prompt.text) for prompt in operator.asked] == [
        (PromptKind.PASSWORD, "Password"),
        (PromptKind.PASSWORD, "Wrong. Password again"),
    ]


async def test_wrong_passwords_end_after_three(command: str, tmp_path: Path) -> None:
    account = Account(password="sesame")
    async with open_server(tmp_path, account) as node:
        with pytest.raises(AuthenticationFailed):
            await log_in(node, command, Operator("a", "b", "c", "d"))
    assert account.tried == ["a", "b", "c"]


async def test_password_and_code_in_two_rounds(command: str, tmp_path: Path) -> None:
    account = Account(questions=[("Password: ", "sesame"), ("Code \x1b]52;c;AAAA\x07: ", "424242")])
    operator = Operator("sesame", "424242")
    async with open_server(tmp_path, account) as node:
        await log_in(node, command, operator)
    assert operator.asked[0] == Prompt("box", PromptKind.CHALLENGE, "Two steps Password:")
    assert operator.asked[1].echo
    assert "\x1b" not in operator.asked[1].text


@pytest.mark.parametrize("is_there", [True, False], ids=["declined", "nobody to ask"])
async def test_no_answer_is_said_and_not_tried_again(command: str, tmp_path: Path, is_there: bool) -> None:
    account = Account(questions=[("Code: ", "424242")])
    operator = Operator() if is_there else None
    async with open_server(tmp_path, account) as node:
        with pytest.raises(AnswerNeeded, match="Code") as caught:
            await log_in(node, command, operator)
    assert caught.value.needs_operator
    assert account.tried == []


async def test_bulk_never_asks_a_second_time(command: str, tmp_path: Path) -> None:
    account = Account(questions=[("Code: ", "424242")])
    operator = Operator("424242")
    async with open_server(tmp_path, account) as node:
        desk = Desk("box", operator)
        connector = SshConnector(replace(node, agent=command), desk, Gates())
        link = NodeLink("box", connector, Recorder(), LinkOptions(operator="ann"), desk=desk)
        link.start()
        try:
            async with asyncio.timeout(10):
                await link.wait_up()
                stream = await link.open_bytes(OpenBytes(SESSION, "follow"))
            await stream.close()
        finally:
            await link.stop()
    assert len(operator.asked) == 1


async def test_a_login_that_is_given_up_takes_its_question_back(command: str, tmp_path: Path) -> None:
    withdrawn = asyncio.Event()
    asked = asyncio.Event()

    async def operator(prompt: Prompt) -> str | None:
        asked.set()
        try:
            await asyncio.get_running_loop().create_future()
            return None
        finally:
            withdrawn.set()

    account = Account(key=make_key(tmp_path / "key", passphrase="sesame"))
    async with open_server(tmp_path, account) as node:
        connector = SshConnector(replace(node, agent=command), Desk("box", operator), Gates())
        opening = asyncio.create_task(connector.open())
        async with asyncio.timeout(20):
            await asked.wait()
            opening.cancel()
            await withdrawn.wait()
            with pytest.raises(asyncio.CancelledError):
                await opening
