"""Questions a link may have to put to the operator, and who puts them."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from relaytui.link.errors import AnswerNeeded, PassphraseNeeded
from relaytui.link.tasks import spawn


class PromptKind(enum.StrEnum):
    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a secret
    PASSPHRASE = "passphrase"  # noqa: S105 - likewise
    CHALLENGE = "challenge"  # keyboard-interactive: one-time codes and whatever a server invents
    SSH = "ssh"  # the system's ssh asked for something, in its own words


@dataclass(frozen=True)
class Prompt:
    """One question. `text` comes from a server and is sanitised; `echo` tells whether the answer may be shown."""

    node: str
    kind: PromptKind
    text: str
    echo: bool = False


Prompter = Callable[[Prompt], Coroutine[Any, Any, str | None]]
"""Puts a prompt to the operator; None when they declined."""


class Desk:
    """Where one node's link brings its questions; it knows whether one is open, so that time limits can wait."""

    def __init__(self, node: str, prompter: Prompter | None) -> None:
        self._node = node
        self._prompter = prompter
        self._open: set[asyncio.Task[str | None]] = set()
        self.has_asked = False  # a second connection would have to ask again

    @property
    def is_open(self) -> bool:
        """Whether a question waits for its answer."""
        return bool(self._open)

    def withdraw(self) -> None:
        """Take back what is asked: nobody needs the answer any more."""
        for question in self._open:
            question.cancel()

    async def ask(self, kind: PromptKind, text: str, *, echo: bool = False) -> str:
        """The operator's answer; raises PassphraseNeeded or AnswerNeeded when there is none."""
        answer = await self._put(self._prompter, Prompt(self._node, kind, text, echo)) if self._prompter else None
        if answer is not None:
            return answer
        if kind is PromptKind.PASSPHRASE:
            raise PassphraseNeeded(
                f"{self._node}: {text}: the key is encrypted; add it to ssh-agent or answer when asked"
            )
        raise AnswerNeeded(f"{self._node}: the server asked {text!r} and got no answer; connect from a terminal")

    async def _put(self, prompter: Prompter, prompt: Prompt) -> str | None:
        """The answer, None when declined or withdrawn."""
        self.has_asked = True
        question = spawn(prompter(prompt), name=f"{self._node} prompt")
        self._open.add(question)
        try:
            await asyncio.wait([question])
        finally:
            self._open.discard(question)
            question.cancel()
        return None if question.cancelled() else question.result()
