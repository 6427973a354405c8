"""Questions a link may have to put to the operator, and who puts them."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relaytui.link.errors import AnswerNeeded, PassphraseNeeded


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


Prompter = Callable[[Prompt], Awaitable[str | None]]
"""Puts a prompt to the operator; None when they declined."""


class Desk:
    """Where one node's link brings its questions; it knows whether one is open, so that time limits can wait."""

    def __init__(self, node: str, prompter: Prompter | None) -> None:
        self._node = node
        self._prompter = prompter
        self._open = 0
        self.has_asked = False  # a second connection would have to ask again
        self.on_open: Callable[[], None] = lambda: None
        self.on_answered: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        return self._open > 0

    async def ask(self, kind: PromptKind, text: str, *, echo: bool = False) -> str:
        """The operator's answer; raises PassphraseNeeded or AnswerNeeded when there is none."""
        answer = None
        if self._prompter is not None:
            self.has_asked = True
            self._open += 1
            self.on_open()
            try:
                answer = await self._prompter(Prompt(self._node, kind, text, echo))
            finally:
                self._open -= 1
                self.on_answered()
        if answer is not None:
            return answer
        if kind is PromptKind.PASSPHRASE:
            raise PassphraseNeeded(
                f"{self._node}: {text}: the key is encrypted; add it to ssh-agent or answer when asked"
            )
        raise AnswerNeeded(f"{self._node}: the server asked {text!r} and got no answer; connect from a terminal")
