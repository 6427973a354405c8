"""Instances of asks: what makes two looks the same ask, and what ends one.

An instance ends when its reader leaves, its question changes, or a submit is followed by output. Arrow keys, typed
characters, redraws, clocks and spinners neither end nor repeat it, and it survives a restart of the agent: it is
recognised by its kind, its normalised question and its reader.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple, Optional, Tuple

from node_agent.detect.evidence import KernelEvidence
from node_agent.detect.prompts import Prompt, Shape, normalised
from node_agent.detect.view import ScreenView
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind

_PASTE = re.compile(rb"\x1b\[200~.*?(?:\x1b\[201~|$)", re.S)
_SUBMIT = re.compile(rb"(?<!\x1b)[\r\n\x03\x04]|\x1b\[13(?:;1)?u|\x1bOM")
REPORT = "report: "
"""Begins the rule of an ask that a program's own word opened."""

_FULL_SCREEN_KINDS = (AskKind.EDITOR, AskKind.PAGER)


class Ask(NamedTuple):
    """One instance. `serial` counts the session's asks; `anchor` is the text the prompt began its line with.

    `is_alone`: the program that asks was seen, and no other stands in the foreground that could be waiting for it.

    Everything in it can be stored as JSON and handed to the next agent's detector as `open_ask`.
    """

    serial: int
    kind: AskKind
    question: str
    options: Tuple[AskOption, ...]
    command: str
    rule: str
    confidence: float
    program: str
    pid: int
    anchor: str
    opened: float
    is_alone: bool = False

    @property
    def is_reported(self) -> bool:
        """Whether only the program's own word tells of it: what is on screen has not been read yet."""
        return self.rule.startswith(REPORT)

    @property
    def is_full_screen(self) -> bool:
        """Whether it is an editor or a pager, in which newlines and repaints are everyday."""
        return self.kind in _FULL_SCREEN_KINDS

    @property
    def identity(self) -> str:
        """Equal for two looks at one ask, before and after a restart."""
        key = "\0".join((self.kind.value, normalised(self.question), str(self.pid)))
        return hashlib.sha256(key.encode()).hexdigest()[:16]


def make_ask(
    serial: int,
    kind: AskKind,
    prompt: Prompt,
    kernel: KernelEvidence,
    view: Optional[ScreenView],
    rule: str,
    confidence: float,
    at: float,
) -> Ask:
    """Open an instance for what is on screen now."""
    reader = kernel.reader
    question = prompt.question or (view.last_words if view is not None else "")
    is_line = prompt.shape in (Shape.LINE, Shape.SHELL, Shape.KEY)
    anchor = normalised(view.before) if view is not None and is_line else ""
    return Ask(
        serial,
        kind,
        question,
        prompt.options,
        prompt.command,
        f"{rule}; {prompt.rule}" if prompt.rule else rule,
        confidence,
        reader.label if reader else "",
        reader.pid if reader else 0,
        anchor,
        at,
        len(kernel.programs) == 1 and not prompt.is_ruled,
    )


def refined(
    ask: Ask,
    kind: Optional[AskKind],
    prompt: Prompt,
    kernel: KernelEvidence,
    view: Optional[ScreenView],
    rule: str,
    confidence: float,
) -> Ask:
    """The ask that a report told of, now that its question is on screen: the same one, better known."""
    seen = make_ask(ask.serial, kind or ask.kind, prompt, kernel, view, rule, confidence, ask.opened)
    return seen._replace(command=seen.command or ask.question)


def is_same(ask: Ask, kind: Optional[AskKind], prompt: Prompt, kernel: KernelEvidence, view: ScreenView) -> bool:
    """Whether what is on screen now is still this ask."""
    pid = kernel.reader.pid if kernel.reader else 0
    if pid and ask.pid and pid != ask.pid:
        return False
    if ask.is_full_screen:
        return kind is ask.kind
    if ask.anchor and normalised(view.before).startswith(ask.anchor):
        return True
    if ask.command and prompt.command and ask.command != prompt.command:
        return False  # the same words about another command are another question
    question = prompt.question or view.last_words
    return kind is ask.kind and normalised(question) == normalised(ask.question)


def is_submit(data: bytes) -> bool:
    """Whether keys hand something in: Enter, ctrl+C or ctrl+D; not a newline inside a paste, not alt+Enter."""
    return bool(_SUBMIT.search(_PASTE.sub(b"", data)))
