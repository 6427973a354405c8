"""asyncssh's own server in the test's process: logs in by password or by questions, and stands in where no sshd is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.auth import KbdIntChallenge, KbdIntResponse

from relaytui.config import NodeConfig
from tests.sshd import make_key


@dataclass
class Account:
    """How the one user may log in. `questions` are asked one a round, each with its right answer."""

    password: str = ""
    questions: list[tuple[str, str]] = field(default_factory=list)
    key: Path | None = None
    tried: list[str] = field(default_factory=list)


class _Server(asyncssh.SSHServer):
    def __init__(self, account: Account) -> None:
        self._account = account
        self._round = 0

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return self._account.key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        assert self._account.key is not None
        return key == asyncssh.read_public_key(self._account.key.with_suffix(".pub"))

    def password_auth_supported(self) -> bool:
        return bool(self._account.password)

    def validate_password(self, username: str, password: str) -> bool:
        self._account.tried.append(password)
        return password == self._account.password

    def kbdint_auth_supported(self) -> bool:
        return bool(self._account.questions)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        self._round = 0
        return "Two steps", "", "en", [(self._account.questions[0][0], False)]

    def validate_kbdint_response(self, username: str, responses: KbdIntResponse) -> KbdIntChallenge:
        self._account.tried += responses
        if list(responses) != [self._account.questions[self._round][1]]:
            return False
        self._round += 1
        if self._round == len(self._account.questions):
            return True
        return "", "", "en", [(self._account.questions[self._round][0], True)]

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run a command as sshd would, its streams joined to the channel."""
    child = await asyncio.create_subprocess_shell(
        process.command or "true",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    feeding = asyncio.create_task(_copy(process.stdin, child.stdin))
    try:
        await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
        process.exit(await child.wait())
    finally:
        feeding.cancel()
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _copy(source: Any, target: Any) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.write_eof()
    except (OSError, asyncssh.Error):
        pass  # the other side has gone


@asynccontextmanager
async def open_server(directory: Path, account: Account) -> AsyncIterator[NodeConfig]:
    """A server for `account`, its host key on record; gives the node that reaches it."""
    host_key = await asyncio.to_thread(make_key, directory / "own_host_key")
    running: set[asyncio.Task[None]] = set()

    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.current_task()
        assert task
        running.add(task)
        await _run(process)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Server(account),
        server_host_keys=[str(host_key)],
        process_factory=run,
        encoding=None,
    )
    port = server.get_port()
    kind, data = host_key.with_suffix(".pub").read_text().split()[:2]
    known_hosts = directory / "own_known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {kind} {data}\n")
    options = {
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
    }
    identity = str(account.key or directory / "no_key")
    try:
        yield NodeConfig("box", host="127.0.0.1", port=port, user="ann", identity=identity, options=options)
    finally:
        server.close()
        await server.wait_closed()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
