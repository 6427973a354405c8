"""Prompts that a program's own rules know, and what must stand beside their words to make them a question.

The words alone are none: a log, an answer or a message on its way quotes them too. Something is drawn to answer with,
or the cursor's line is open, or the rule is about a whole screen and the screen is one.
"""

from __future__ import annotations

import re
from typing import FrozenSet, List, Optional, Sequence, Tuple

from node_agent.detect.lines import ends_like_prompt, parse_line
from node_agent.detect.menus import find_buttons, find_composer, find_labels, find_menu, kind_of_options
from node_agent.detect.prompts import NO_PROMPT, Prompt, Shape
from node_agent.detect.rules import ProgramRules, Role, Rule, Where
from node_agent.detect.view import ScreenView, is_rule, unframed
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind, Attention

_SIDES = re.compile(r"^\s*[│┃║].*[│┃║]\s*$")
_BELOW_A_BOX = 3
"""Rows of key hints that may stand under the box at the bottom."""

_KEY_BAR = 4
"""A rule that looks at no more rows than this is about the row of keys under a dialog."""


def find_ruled(
    view: ScreenView, known: Sequence[ProgramRules], roles: FrozenSet[Role], above: Sequence[str], is_taken: bool
) -> Optional[Prompt]:
    """What the first rule that counts asks. `is_taken`: the program shows that it is at work or at rest."""
    found = [
        (rule, program)
        for program in known
        for rule in program.rules
        if rule.state is Attention.ASKING and rule.where is not Where.NOTIFICATION and rule.matches(view)
    ]
    if not found:
        return None
    drawn = find_menu(view) or find_buttons(view)
    line = parse_line(view.before, above)
    is_taken = is_taken or find_composer(view) is not None
    for rule, program in found:
        options = find_labels(view, rule.options) if rule.options else ()
        is_across = bool(options) and any(all(label in text for label in rule.options) for text in view.lines)
        if _counts(rule, program, view, roles, drawn is not None or is_across, line, bool(options), is_taken):
            return _prompt(rule, view, drawn or line, options, is_across)
    return None


def _counts(
    rule: Rule,
    program: ProgramRules,
    view: ScreenView,
    roles: FrozenSet[Role],
    is_drawn: bool,
    line: Optional[Prompt],
    is_labelled: bool,
    is_taken: bool,
) -> bool:
    is_shell = line is not None and line.shape is Shape.SHELL
    if rule.where is Where.TITLE:  # a program that died left its title behind
        return is_drawn or not is_shell or Role.AGENT in roles
    if rule.where is Where.LINE:
        return True
    spans = rule.spans(view)
    if program.is_nameless:
        if any(first <= view.row <= last for first, last in spans):
            return True
        return view.alternate and not (is_shell and view.row > max(last for _, last in spans))
    if is_drawn:
        return True
    if is_taken:
        return False
    if not program.anywhere or _is_open(view, spans, line, Role.AGENT in roles):
        return True
    if is_shell:
        return False
    is_bar = rule.rows <= _KEY_BAR and (view.alternate or Role.AGENT in roles)
    box = _last_box(view)
    return is_labelled or is_bar or any(first <= row <= last for first, last in spans for row in box)


def _is_open(view: ScreenView, spans: Sequence[Tuple[int, int]], line: Optional[Prompt], is_seen: bool) -> bool:
    """Whether the cursor's line takes an answer, and the rule's words are in it.

    A coding agent that is seen may ask above its line, or leave the cursor under all it has drawn.
    """
    text, row = view.before, view.row
    if is_seen and not text.strip() and view.visible:
        row = view.visible[-1]
        text = unframed(view.lines[row])
        line = None
    if not ends_like_prompt(text):
        return False
    is_asked = is_seen and line is not None and line.kind is not None
    return is_asked or any(first <= row <= last for first, last in spans)


def _last_box(view: ScreenView) -> List[int]:
    """The rows with text of the box at the bottom of the screen."""
    rows: List[int] = []
    below = 0
    for row in reversed(view.visible):
        if _SIDES.match(view.lines[row]):
            rows.append(row)
        elif not is_rule(view.lines[row]):
            below += 1
            if rows or below > _BELOW_A_BOX:
                break
    return rows


def _prompt(
    rule: Rule, view: ScreenView, seen: Optional[Prompt], labelled: Tuple[AskOption, ...], is_across: bool
) -> Prompt:
    found = seen if seen is not None and seen.kind is not None else NO_PROMPT
    options = labelled if rule.options else found.options
    shape = found.shape if found.shape is not Shape.NONE else Shape.MENU if options else Shape.LINE
    line_of_rule = _matched_line(rule, view)
    asking_line = line_of_rule if line_of_rule.endswith("?") else ""
    question = rule.question or asking_line or found.question or line_of_rule
    command = rule.command.search("\n".join(unframed(text) for text in view.lines)) if rule.command else None
    kind = rule.kind or found.kind or (kind_of_options(options) if options else AskKind.TEXT)
    return Prompt(
        shape,
        kind,
        question,
        options,
        _joined(command.group(1)) if command else "",
        rule.name,
        is_ruled=True,
        is_across=is_across if rule.options else found.is_across,
        is_multiple=found.is_multiple,
    )


def _matched_line(rule: Rule, view: ScreenView) -> str:
    """The line the rule found, where it looks for one among others."""
    if rule.where in (Where.TITLE, Where.LINE):
        return ""
    text = "\n".join(unframed(line) for line in view.lines)
    match = rule.pattern.search(text)
    if match is None:
        return ""
    start = match.start() + len(match.group(0)) - len(match.group(0).lstrip())
    line = text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0]
    return _joined(re.sub(r"^\W+", "", line))


def _joined(text: str) -> str:
    return " ".join(text.split())[:400]
