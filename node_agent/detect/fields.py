"""Prompts of libraries that mark the open one with a diamond and draw what belongs to it beside a line (clack).

They hide the terminal's cursor and draw their own, so that no line tells by its end that it is a prompt.
"""

from __future__ import annotations

import re
from typing import Optional, Sequence, Tuple

from node_agent.detect.menus import kind_of_options
from node_agent.detect.prompts import Prompt, Shape
from node_agent.detect.view import ScreenView
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind

_OPEN = re.compile(r"^\s*[◆▲]\s+(?P<question>\S.*)$")
"""A diamond while it asks, a triangle once the answer was found wanting; one that was answered is hollow."""

_BESIDE = re.compile(r"^\s*[│┃]")
_END = re.compile(r"^\s*└")
_CHOICE = re.compile(r"(?P<box>[●○])\s*(?P<label>[^/●○]+?)\s*(?:/|$)")
_MASK = re.compile(r"^[\s│]*[▪•*]+[_█\s]*$")
_SECRET = re.compile(r"password|passphrase|secret|\btoken\b|api[ _-]?key|\bpin\b", re.I)


def find_field(view: ScreenView) -> Optional[Prompt]:
    """The open prompt at the bottom of the screen."""
    rows = view.visible
    if not rows or not _END.match(view.lines[rows[-1]]):
        return None
    for place in range(len(rows) - 2, -1, -1):
        opened = _OPEN.match(view.lines[rows[place]])
        if opened is not None:
            beside = [view.lines[row] for row in rows[place + 1 : -1]]
            return _field(" ".join(opened["question"].split()), beside)
        if not _BESIDE.match(view.lines[rows[place]]):
            return None
    return None


def field_text(view: ScreenView) -> str:
    """What stands in the open prompt's field, without the cursor the library draws; wrapped rows are joined."""
    rows = view.visible
    beside = []
    for row in reversed(rows[:-1]):
        if not _BESIDE.match(view.lines[row]):
            break
        beside.append(_BESIDE.sub("", view.lines[row]).strip().strip("█"))
    return "".join(reversed(beside))


def _field(question: str, beside: Sequence[str]) -> Prompt:
    options = _options(beside)
    if options:
        kind = kind_of_options(options)
        return Prompt(Shape.MENU, kind, question, options, rule="choices side by side", is_across=True)
    is_secret = bool(_SECRET.search(question)) or any(_MASK.match(text) for text in beside)
    kind = AskKind.PASSWORD if is_secret else AskKind.TEXT
    return Prompt(Shape.FIELD, kind, question, rule="field beside a line")


def _options(beside: Sequence[str]) -> Tuple[AskOption, ...]:
    """Options that stand on one row."""
    for text in beside:
        found = list(_CHOICE.finditer(text))
        if len(found) >= 2:
            return tuple(AskOption(match["label"], selected=match["box"] == "●") for match in found)
    return ()
