"""Reads one prompt off a screen: the rules of its programs, then menus, buttons and the line at the cursor."""

from __future__ import annotations

import re
from typing import FrozenSet, NamedTuple, Optional, Sequence, Tuple

from node_agent.detect.fields import find_field
from node_agent.detect.lines import asks_for_key, is_repl_prompt, numbered_options, parse_line
from node_agent.detect.menus import find_buttons, find_composer, find_menu
from node_agent.detect.prompts import NO_PROMPT, Prompt, Shape
from node_agent.detect.ruled import find_ruled
from node_agent.detect.rules import ProgramRules, Role, Rule, Where
from node_agent.detect.view import ScreenView, is_rule, unframed
from node_agent.protocol.states import AskKind, Attention

_PAGER_LINE = re.compile(r"^\s*(?::\s*$|\(END\)|lines \d+-\d+|--\s*more\s*--|.*\(END\)\s*$)", re.I)


class Reading(NamedTuple):
    """What the screen says: the prompt, and whether the program shows that it is at work or at rest."""

    prompt: Prompt
    busy: str = ""  # the rule that says so
    rest: str = ""


def read_prompt(
    view: ScreenView, known: Sequence[ProgramRules], roles: FrozenSet[Role], is_cooked: bool, is_hidden: bool
) -> Reading:
    """What `view` asks. `known` are the rules that count; `is_cooked` says the kernel edits the line."""
    busy = _first(known, view, Attention.WORKING)
    rest = _first(known, view, Attention.IDLE)
    is_taken = busy is not None or (rest is not None and rest.where is not Where.LINE)
    prompt = _prompt(view, known, roles, is_cooked, is_hidden, is_taken)
    if rest is not None and prompt.shape is Shape.LINE and not prompt.is_ruled and not is_cooked:
        prompt = Prompt(Shape.COMPOSER, rule=rest.name)  # what ends at the cursor was typed there
    return Reading(prompt, busy.name if busy else "", rest.name if rest else "")


def _first(known: Sequence[ProgramRules], view: ScreenView, state: Attention) -> Optional[Rule]:
    for program in known:
        for rule in program.rules:
            if rule.state is state and rule.where is not Where.NOTIFICATION and rule.matches(view):
                return rule
    return None


def _prompt(
    view: ScreenView,
    known: Sequence[ProgramRules],
    roles: FrozenSet[Role],
    is_cooked: bool,
    is_hidden: bool,
    is_taken: bool,
) -> Prompt:
    above = _above(view)
    line = parse_line(view.before, above)
    if is_hidden and not view.alternate:
        question = line.question if line else _nearest(above)
        return Prompt(Shape.LINE, AskKind.PASSWORD, question, rule="no echo")
    ruled = find_ruled(view, known, roles, above, is_taken)
    if ruled is not None:
        return ruled
    if is_cooked:
        return line or _question_above(above)
    if (
        line is not None
        and line.shape is Shape.SHELL
        and (is_repl_prompt(view.before) or roles & {Role.SHELL, Role.REPL})
    ):
        return line
    drawn = find_menu(view) or find_buttons(view) or find_field(view)
    if drawn is not None:
        return drawn
    if Role.PICKER in roles:  # what is typed filters the list: nothing on its screen names the question
        return Prompt(Shape.MENU, AskKind.CHOICE, "pick from the list", rule="picker")
    if asks_for_key(view.bottom):
        return Prompt(Shape.KEY, AskKind.KEY, _heading(view) or view.bottom.strip(), rule="press a key")
    composer = find_composer(view)
    if composer is not None and (line is None or line.kind in (None, AskKind.TEXT) or Role.AGENT in roles):
        return composer
    if _PAGER_LINE.match(view.bottom):
        return Prompt(Shape.PAGER, AskKind.PAGER, view.bottom.strip(), rule="pager line")
    return _masked(view) or _with_list_below(line, view) or NO_PROMPT


def _with_list_below(line: Optional[Prompt], view: ScreenView) -> Optional[Prompt]:
    """A line that takes the number of something listed under it."""
    if line is None or line.kind is not AskKind.TEXT:
        return line
    options = numbered_options([text for text in view.lines[view.row + 1 :] if text.strip()])
    return line._replace(kind=AskKind.CHOICE, options=tuple(options)) if options else line


def _masked(view: ScreenView) -> Optional[Prompt]:
    """A secret a program in raw mode masks itself; the label may stand a row above its stars."""
    before = re.sub(r"[*•▪●\s]+$", "", unframed(view.before))
    rows = [before] if before.strip(" │┃|?◆") else [unframed(text) for text in _above(view)[-1:]]
    label = rows[0].strip(" ?◆◇│┃") if rows else ""
    if (
        re.search(r"(?:password|passphrase|passcode|secret|token|api[ _-]?key)\b[^\n]{0,30}[:?]?$", label, re.I)
        and len(label) < 80
    ):
        return Prompt(Shape.LINE, AskKind.PASSWORD, label, rule="masked field")
    return None


def _above(view: ScreenView) -> Tuple[str, ...]:
    return tuple(text for text in view.lines[max(0, view.row - 40) : view.row] if text.strip())


def _heading(view: ScreenView) -> str:
    """How a notice over the last row begins, where a horizontal rule is drawn above it."""
    rows = view.visible
    edge = next((row for row in reversed(rows) if is_rule(view.lines[row]) and row != rows[-1]), None)
    return _joined(view.lines[min(row for row in rows if row > edge)]) if edge is not None else ""


def _nearest(above: Sequence[str]) -> str:
    return " ".join(above[-1].split())[:400] if above else ""


def _question_above(above: Sequence[str]) -> Prompt:
    """A program that ends its question with a newline and then reads."""
    found = parse_line(above[-1] + " ", above[:-1]) if above else None
    if found is None or found.kind is None:
        return NO_PROMPT
    return found if re.search(r"[:?\])>]\s*$", above[-1]) or found.shape is Shape.KEY else NO_PROMPT


def _joined(text: str) -> str:
    return " ".join(text.split())[:400]
