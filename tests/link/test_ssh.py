"""Links over a real sshd on loopback: login, host keys, the probe, forwarding and its refusals."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node_agent.protocol.sessions import ListSessions, SessionList
from node_agent.protocol.streams import OpenBytes
from relaytui.config import NodeConfig
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates, open_node
from relaytui.link.errors import (
    AgentFailed,
    AgentMissing,
    AgentUnreachable,
    AuthenticationFailed,
    ConnectionRefused,
    ForwardingForbidden,
    HostKeyChanged,
    HostKeyRevoked,
    HostKeyUnknown,
    PassphraseNeeded,
    SshConfigInvalid,
    UnknownHost,
)
from relaytui.link.hostkeys import accept
from relaytui.link.prompts import Desk, Prompt, Prompter, PromptKind
from relaytui.link.ssh import SshConnector
from tests.link.scripted import SESSION, ScriptedAgent, session, write_agent_command
from tests.sshd import Sshd, free_port, make_key, needs_sshd
from tests.waiting import eventually

pytestmark = needs_sshd


@asynccontextmanager
async def connected(node: NodeConfig, prompter: Prompter | None = None) -> AsyncIterator[NodeClient]:
    async with open_node(node, operator="ann", prompter=prompter, timeout=30) as client:
        yield client


async def check(node: NodeConfig, prompter: Prompter | None = None) -> str:
    """Connect, make a request, and tell the way it went."""
    async with connected(node, prompter) as client:
        assert await client.request(ListSessions()) == SessionList((session(),))
        return client.note


async def test_a_channel_to_the_agents_socket(sshd: Sshd, command: str) -> None:
    assert await check(sshd.node(agent=command)) == ""


async def test_the_agent_is_found_in_the_users_own_programs(sshd: Sshd, agent: ScriptedAgent, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_agent_command(home / ".local/bin/node-agent", agent.socket)
    await sshd.stop()
    await sshd.start(f"SetEnv HOME={home}")
    assert await check(sshd.node()) == ""


async def test_a_noisy_login_shell_does_no_harm(sshd: Sshd, command: str, tmp_path: Path) -> None:
    shell = tmp_path / "noisy"
    shell.write_text('#!/bin/sh\necho "Welcome! RELAYTUI-PROBE is great"\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    await sshd.stop()
    await sshd.start(f'ForceCommand {shell} -c "$SSH_ORIGINAL_COMMAND"', "Banner /etc/hostname")
    assert await check(sshd.node(agent=command)) == ""


async def test_the_bridge_stands_in_where_forwarding_is_forbidden(sshd: Sshd, command: str) -> None:
    await sshd.stop()
    await sshd.start("AllowStreamLocalForwarding no")
    assert await check(sshd.node(agent=command)) == "through the exec bridge"


async def test_a_key_restricted_to_the_bridge(sshd: Sshd, command: str) -> None:
    sshd.allow(f'restrict,command="{command} bridge"')
    assert await check(sshd.node(agent=command)) == "through a restricted key"


async def test_neither_forwarding_nor_bridge(sshd: Sshd, agent: ScriptedAgent, tmp_path: Path) -> None:
    command = write_agent_command(tmp_path / "bin" / "node-agent", agent.socket)
    command.write_text(command.read_text().replace('"bridge"', '"no bridge"'))
    await sshd.stop()
    await sshd.start("AllowStreamLocalForwarding no")
    with pytest.raises(ForwardingForbidden, match="AllowStreamLocalForwarding"):
        await check(sshd.node(agent=str(command)))


async def test_an_agent_that_ends_again_and_again_is_no_reason_to_wait_for_the_operator(
    sshd: Sshd, agent: ScriptedAgent, tmp_path: Path
) -> None:
    """Each report is of another agent, each channel and bridge comes too late for it."""
    command = write_agent_command(tmp_path / "bin" / "node-agent", tmp_path / "nobody", pid="os.getpid()")
    with pytest.raises(AgentUnreachable, match="just ending or starting") as caught:
        await check(sshd.node(agent=str(command)))
    assert not caught.value.needs_operator


async def test_an_agent_that_comes_back_meanwhile_is_reached_as_ever(
    sshd: Sshd, agent: ScriptedAgent, tmp_path: Path
) -> None:
    """The first bridge finds nobody; the report after it is of an agent that is there."""
    away = agent.socket.with_suffix(".away")
    command = write_agent_command(tmp_path / "bin" / "node-agent", agent.socket)
    shell = tmp_path / "late"
    shell.write_text(
        "#!/bin/sh\n"
        f'case "$1" in bridge) mv {away} {agent.socket}; exit 0;; esac\n'  # it is there when this one is over
        f'exec {command} "$@"\n'
    )
    shell.chmod(0o755)
    agent.socket.rename(away)
    assert await check(sshd.node(agent=str(shell))) == ""


async def test_bulk_goes_over_a_login_of_its_own(sshd: Sshd, agent: ScriptedAgent, command: str) -> None:
    agent.append(b"x" * 300_000)
    connector = SshConnector(sshd.node(agent=command), Desk("box", None), Gates())
    first, second = await connector.open(), await connector.open(bulk=True)
    assert len(sshd.connections()) == 2
    client = await NodeClient.connect(second, node="box", client="cli", operator="ann")
    stream = await client.open_bytes(OpenBytes(SESSION, "download", window=1 << 18))
    async for _ in stream:
        if stream.offset == 300_000:
            break
    await client.close()
    await first.close()


# Host keys ----------------------------------------------------------------------------------------------------------


async def test_an_unknown_host_key_is_shown_and_stored_only_when_accepted(sshd: Sshd, command: str) -> None:
    sshd.known_hosts.write_text("# kept\nother.example ssh-ed25519 AAAA broken line\n[127.0.0.1]:1 nonsense")
    before = sshd.known_hosts.read_text()
    node = sshd.node(agent=command)
    with pytest.raises(HostKeyUnknown, match="SHA256:") as caught:
        await check(node)
    assert sshd.known_hosts.read_text() == before
    await asyncio.to_thread(accept, caught.value)
    assert sshd.known_hosts.read_text().startswith(before + "\n[127.0.0.1]:")
    assert await check(node) == ""


async def test_an_accepted_host_is_hidden_where_ssh_would_hide_it(sshd: Sshd, command: str) -> None:
    sshd.known_hosts.unlink()
    node = sshd.node(agent=command, options={"HashKnownHosts": "yes"})
    with pytest.raises(HostKeyUnknown) as caught:
        await check(node)
    await asyncio.to_thread(accept, caught.value)
    assert sshd.known_hosts.read_text().startswith("|1|")
    assert sshd.known_hosts.stat().st_mode & 0o777 == 0o600
    assert await check(node) == ""


async def test_a_changed_host_key_is_refused(sshd: Sshd, command: str, tmp_path: Path) -> None:
    sshd.trust(make_key(tmp_path / "other"))
    before = sshd.known_hosts.read_text()
    with pytest.raises(HostKeyChanged, match=r"SHA256:.* on record is SHA256:.*ssh-keygen -R"):
        await check(sshd.node(agent=command))
    assert sshd.known_hosts.read_text() == before


async def test_a_host_key_of_another_kind_than_the_one_on_record_is_a_changed_one(
    sshd: Sshd, command: str, tmp_path: Path
) -> None:
    sshd.trust(make_key(tmp_path / "other", kind="ecdsa"))
    with pytest.raises(HostKeyChanged):
        await check(sshd.node(agent=command))


async def test_another_sshd_of_the_same_host_is_unknown_not_changed(sshd: Sshd, command: str, tmp_path: Path) -> None:
    kind, data = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[:2]
    sshd.known_hosts.write_text(f"127.0.0.1 {kind} {data}\n")
    with pytest.raises(HostKeyUnknown):
        await check(sshd.node(agent=command))


async def test_a_revoked_host_key_is_refused(sshd: Sshd, command: str) -> None:
    with sshd.known_hosts.open("a") as file:
        file.write("@revoked * " + sshd.host_key.with_suffix(".pub").read_text())
    with pytest.raises(HostKeyRevoked):
        await check(sshd.node(agent=command))


async def test_a_host_certificate_of_a_known_authority_is_trusted(sshd: Sshd, command: str, tmp_path: Path) -> None:
    authority = make_key(tmp_path / "ca")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "host", "-h", "-n", "127.0.0.1", f"{sshd.host_key}.pub"]
    process = await asyncio.create_subprocess_exec(*sign)
    assert await process.wait() == 0
    sshd.known_hosts.write_text("@cert-authority * " + authority.with_suffix(".pub").read_text())
    await sshd.stop()
    await sshd.start(f"HostCertificate {sshd.host_key}-cert.pub")
    assert await check(sshd.node(agent=command)) == ""


# Logging in ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_key_fails_with_what_to_check(sshd: Sshd, command: str, tmp_path: Path) -> None:
    sshd.allow(key=make_key(tmp_path / "other"))
    with pytest.raises(AuthenticationFailed, match="ssh-add -l"):
        await check(sshd.node(agent=command))


async def test_a_server_that_has_seen_enough_keys_is_not_tried_again(sshd: Sshd, command: str, tmp_path: Path) -> None:
    sshd.allow(key=make_key(tmp_path / "other"))
    await sshd.stop()
    await sshd.start("MaxAuthTries 1")
    with pytest.raises(AuthenticationFailed, match="name the right one"):
        await check(sshd.node(agent=command))


async def test_an_encrypted_key_asks_for_its_passphrase_again_after_a_typing_error(sshd: Sshd, command: str) -> None:
    make_key(sshd.identity, passphrase="sesame")
    sshd.allow()
    asked: list[Prompt] = []

    async def operator(prompt: Prompt) -> str | None:
        asked.append(prompt)
        return "sesam" if len(asked) == 1 else "sesame"

    assert await check(sshd.node(agent=command), operator) == ""
    assert [prompt.kind for prompt in asked] == [PromptKind.PASSPHRASE] * 2
    assert not asked[0].echo


@pytest.mark.parametrize("is_there", [True, False], ids=["declined", "nobody to ask"])
async def test_an_encrypted_key_without_an_answer(sshd: Sshd, command: str, is_there: bool) -> None:
    make_key(sshd.identity, passphrase="sesame")
    sshd.allow()

    async def operator(prompt: Prompt) -> str | None:
        return None

    with pytest.raises(PassphraseNeeded, match="ssh-agent"):
        await check(sshd.node(agent=command), operator if is_there else None)


async def test_a_user_certificate(sshd: Sshd, command: str, tmp_path: Path) -> None:
    authority = make_key(tmp_path / "ca")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "ann", "-n", sshd.node().user, f"{sshd.identity}.pub"]
    process = await asyncio.create_subprocess_exec(*sign)
    assert await process.wait() == 0
    sshd.authorized.write_text("")
    await sshd.stop()
    await sshd.start(f"TrustedUserCAKeys {authority}.pub")
    assert await check(sshd.node(agent=command)) == ""


async def test_a_jump_host_is_checked_like_any_other(sshd: Sshd, command: str, tmp_path: Path) -> None:
    config = sshd.write_config("jump", "target", extra="ProxyJump jump")
    node = NodeConfig("box", host="target", agent=command, ssh_config=str(config))
    assert await check(node) == ""
    await eventually(lambda: not sshd.connections())
    sshd.trust(make_key(tmp_path / "other"))
    with pytest.raises(HostKeyChanged):
        await check(node)


async def test_a_proxy_command(sshd: Sshd, command: str, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import asyncio, sys\n"
        "async def main():\n"
        "    reader, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))\n"
        "    loop = asyncio.get_running_loop()\n"
        "    source = asyncio.StreamReader()\n"
        "    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)\n"
        "    async def up():\n"
        "        while data := await source.read(65536):\n"
        "            writer.write(data)\n"
        "    asyncio.ensure_future(up())\n"
        "    while data := await reader.read(65536):\n"
        "        sys.stdout.buffer.write(data)\n"
        "        sys.stdout.buffer.flush()\n"
        "asyncio.run(main())\n"
    )
    node = sshd.node(agent=command, options={"ProxyCommand": f"{sys.executable} {relay} %h %p"})
    assert await check(node) == ""


# What the operator has to mend ---------------------------------------------------------------------------------------


async def test_a_refused_connection(sshd: Sshd) -> None:
    with pytest.raises(ConnectionRefused, match="check that sshd runs"):
        await check(sshd.node(port=free_port()))


async def test_an_unknown_host(sshd: Sshd) -> None:
    with pytest.raises(UnknownHost, match="check the name"):
        await check(sshd.node(host="no-such-host.invalid"))


async def test_an_ssh_config_that_ssh_refuses(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  Port nonsense\n")
    with pytest.raises(SshConfigInvalid, match="correct the file"):
        await check(NodeConfig("box", host="there", ssh_config=str(config)))


async def test_no_agent_on_the_node(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(AgentMissing, match=r"\(\w+ \w+\); "):
        await check(sshd.node(agent=str(tmp_path / "nowhere/node-agent")))


async def test_an_agent_that_does_not_start_gives_its_reason(sshd: Sshd, tmp_path: Path) -> None:
    broken = tmp_path / "node-agent"
    broken.write_text("#!/bin/sh\necho 'the state directory is on NFS; use --state' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(AgentFailed, match="is on NFS; use --state"):
        await check(sshd.node(agent=str(broken)))


async def test_a_state_directory_that_no_shell_can_take(sshd: Sshd, command: str) -> None:
    with pytest.raises(SshConfigInvalid, match="rename"):
        await check(sshd.node(agent=command, state="/tmp/$(reboot)"))


async def test_the_agent_is_looked_for_again_only_when_nobody_listens_any_more(
    sshd: Sshd, agent: ScriptedAgent, command: str, tmp_path: Path
) -> None:
    program = Path(command)
    looked = tmp_path / "looked"
    program.write_text(
        program.read_text().replace("import json", f"open({str(looked)!r}, 'a').write('x')\nimport json")
    )
    connector = SshConnector(sshd.node(agent=command), Desk("box", None), Gates())
    for _ in range(2):
        await (await connector.open()).close()
    assert looked.read_text() == "x"
    moved = tmp_path / "moved.sock"
    agent.socket.rename(moved)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(agent.socket))  # there, but nobody listens
    program.write_text(program.read_text().replace(str(agent.socket), str(moved)))
    await (await connector.open()).close()
    assert looked.read_text() == "xx"


async def test_keys_held_by_an_ssh_agent(sshd: Sshd, command: str, tmp_path: Path) -> None:
    holder = tmp_path / "holder.sock"
    process = await asyncio.create_subprocess_exec(
        "ssh-agent", "-D", "-a", str(holder), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(10):
            while not holder.exists():  # noqa: ASYNC110 - another program makes it
                await asyncio.sleep(0.01)
        add = await asyncio.create_subprocess_exec(
            "ssh-add", "-q", str(sshd.identity), env={"SSH_AUTH_SOCK": str(holder), "PATH": os.environ["PATH"]}
        )
        assert await add.wait() == 0
        sshd.identity.unlink()  # only its public half is left
        assert await check(sshd.node(agent=command, options={"IdentityAgent": str(holder)})) == ""
    finally:
        process.terminate()
        await process.wait()
