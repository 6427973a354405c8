"""What asyncssh calls while it logs in: checks the host's key, puts questions to the operator, keeps the time limit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from node_agent.terminal.sanitise import sanitise
from relaytui.link.errors import LinkError
from relaytui.link.prompts import Desk, PromptKind
from relaytui.link.sshlib import asyncssh

CONNECT_TIMEOUT = 10.0
"""Seconds until the host must have answered."""

LOGIN_TIMEOUT = 20.0
"""Seconds a login may take, not counting what the operator takes to answer."""

_TRIES = 3


class Login(asyncssh.SSHClient):
    """One login. `failure` is why an answer is missing, `offered` the host key that was not on record."""

    def __init__(self, desk: Desk, limit: asyncio.Timeout) -> None:
        self.failure: LinkError | None = None
        self.offered: asyncssh.SSHKey | None = None
        self._desk = desk
        self._limit = limit
        self._passwords = 0

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._give_time(LOGIN_TIMEOUT)

    # The host's key ---------------------------------------------------------------------------------------------------

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Never trust here: asyncssh asks this for changed keys as it does for unknown ones."""
        self.offered = key
        return False

    # Questions --------------------------------------------------------------------------------------------------------

    async def ask(self, kind: PromptKind, text: str, *, echo: bool = False) -> str | None:
        """The operator's answer, or None with `failure` set; the time limit stands still meanwhile."""
        self._give_time(None)
        try:
            return await self._desk.ask(kind, sanitise(text, 300).strip(), echo=echo)
        except LinkError as error:
            self.failure = error
            return None
        finally:
            self._give_time(LOGIN_TIMEOUT)

    def _give_time(self, seconds: float | None) -> None:
        try:
            self._limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
        except RuntimeError:
            pass  # the login has been given up meanwhile

    async def password_auth_requested(self) -> str | None:
        if self._passwords == _TRIES or self.failure is not None:
            return None
        self._passwords += 1
        return await self.ask(PromptKind.PASSWORD, "Password" if self._passwords == 1 else "Wrong. Password again")

    def kbdint_auth_requested(self) -> str | None:
        return None if self.failure is not None else ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        answers = []
        for text, echo in prompts:
            words = " ".join(part for part in (name, instructions, text) if part.strip())
            answer = await self.ask(PromptKind.CHALLENGE, words, echo=echo)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    async def passphrase(self, path: str) -> str:
        """The passphrase of a key file, tried here first so that a typing error is asked again."""
        data = await asyncio.to_thread(Path(path).read_bytes)
        text = f"Passphrase of {os.path.basename(path)}"
        for _ in range(_TRIES):
            answer = await self.ask(PromptKind.PASSPHRASE, text)
            if answer is None:
                break
            try:
                await asyncio.to_thread(asyncssh.import_private_key, data, answer)
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
                text = f"Wrong. Passphrase of {os.path.basename(path)} again"
                continue
            return answer
        return ""  # refused by the key itself: the next way to log in is tried
