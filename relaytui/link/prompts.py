"""Questions a link may have to put to the operator, and who puts them."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


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
