"""What the screen asks: one `Prompt` from a screen, whatever shape the program gave it.

Text alone proves nothing (a log quotes `[y/n]` too); it names what the other evidence found. Shapes say how
it is drawn: a line that ends at the cursor, a menu with a marked option, buttons, a composer, a shell's prompt.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple, Optional, Tuple

from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind


class Shape(enum.Enum):
    """How a prompt is drawn."""

    NONE = "none"
    LINE = "line"  # a line of text that ends at the cursor
    MENU = "menu"  # options, one marked
    BUTTONS = "buttons"
    KEY = "key"  # "press any key"
    FIELD = "field"  # an input field that a library draws, cursor and all
    PAGER = "pager"
    COMPOSER = "composer"  # an empty input line of a coding agent or chat: at rest
    SHELL = "shell"  # a shell's or REPL's prompt before the cursor: at rest


class Prompt(NamedTuple):
    """What is asked. `kind` is None where nothing is: a shell or a composer at rest, or no prompt at all."""

    shape: Shape
    kind: Optional[AskKind] = None
    question: str = ""
    options: Tuple[AskOption, ...] = ()
    command: str = ""
    rule: str = ""
    is_ruled: bool = False  # a rule of the program recognised it, not its shape alone
    is_across: bool = False  # the options stand side by side
    is_multiple: bool = False  # options are marked one by one before they are handed in

    @property
    def is_rest(self) -> bool:
        """Whether this is a place to type anything, with nothing asked."""
        return self.shape in (Shape.COMPOSER, Shape.SHELL)


NO_PROMPT = Prompt(Shape.NONE)

_CHANGING = re.compile(
    r"\d{1,2}:\d{2}(?::\d{2})?"  # clocks
    r"|\d+(?:\.\d+)?\s?(?:%|(?:ms|s|secs?|seconds?|m|mins?|minutes?|h)\b)"  # durations, percentages
    r"|[\u2800-\u28ff\u25d0-\u25d3\u25f4-\u25f7·✢✳✶✻✽]|[|/\\-](?=\s|$)"  # spinners
)


def normalised(question: str) -> str:
    """The question without what changes while it stays the same question: clocks, countdowns, spinners, blanks."""
    return " ".join(_CHANGING.sub(" ", question).split()).lower()
