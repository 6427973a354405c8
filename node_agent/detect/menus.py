"""Prompts drawn over several rows: menus with a marked option, rows of buttons, composers.

A menu counts only at the bottom of what is on screen, and not above a composer: a dialog quoted in prose, or left
behind by an earlier question, has text under it.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from node_agent.detect.prompts import Prompt, Shape
from node_agent.detect.view import ScreenView, is_rule, unframed
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind
from node_agent.terminal.engine import Flag

_POINTERS = "❯›>▸►▶→➜»⏵"
_CHOSEN = "●◉⦿◼☑"
_FREE = "○◯◻☐"
_SQUARE = "◻◼☐☑["
_OPEN = ("○", "◯", "◻", "( )", "[ ]")
"""Boxes that show a choice without a pointer beside them; a row of ● is prose, one of ☐ a list of things to do."""

_ITEM = re.compile(
    rf"^(?P<lead>\s*)(?:(?P<pointer>[{_POINTERS}*])(?:\s+|(?=[{_CHOSEN}{_FREE}])))?"
    rf"(?P<box>[{_CHOSEN}{_FREE}]|\((?:[ *xX•])\)|\[(?:[ *xX✓✔])\])?\s*"
    r"(?:(?P<number>\d{1,2})[.)]\s+)?(?P<label>\S.*)$"
)
_SHOWN_KEY = re.compile(r"\s\((?P<key>[a-z]|esc|tab|enter|shift\+tab)\)\s*$", re.I)
_YES_LABEL = re.compile(r"^(?:yes|allow|approve|accept|proceed|trust|ok|continue|run)\b|\btrust\b", re.I)
_NO_LABEL = re.compile(r"^(?:no|deny|reject|cancel|decline|abort|exit|quit|don'?t|skip)\b", re.I)
_BUTTON = re.compile(r"<\s*(?P<label>[A-Z][\w' -]{0,24}?)\s*>|\[\s(?P<label2>[A-Z][\w' -]{0,24}?)\s\]")
_FIELD = re.compile(r"_{6,}")
_COMPOSER = re.compile(r"^\s*[❯›>»→]\s*(?P<rest>.*)$")
_WRAPPED = re.compile(r"\?\s+\([^)]*$")
"""A remark behind the question that goes on in the next row."""
_KEY_HINT = re.compile(r"\s*\((?:use|move|press|type)\b[^)]*\)\s*$", re.I)
"""Prompt libraries take their hint away at the first key: it is no part of the question."""

_MENU_DEPTH = 12
"""Rows with text that may stand below a menu: key hints and a status bar, no more."""
_MAX_OPTIONS = 40


class Item(NamedTuple):
    """One row read as an option."""

    row: int
    column: int  # where the label, or its number, starts
    pointer: str
    box: str
    number: str
    label: str


def find_menu(view: ScreenView) -> Optional[Prompt]:
    """The menu at the bottom of the screen."""
    visible = view.visible
    for row in reversed(visible[-_MENU_DEPTH - _MAX_OPTIONS :]):
        item = _item(row, view.lines[row])
        if item is not None and (item.pointer or item.box):
            block = _block(view.lines, item)
            if block is not None:
                return _menu_prompt(view, block)
    return None


def _item(row: int, line: str) -> Optional[Item]:
    match = _ITEM.match(unframed(line))
    if match is None:
        return None
    start = match.start("number") if match["number"] else match.start("label")
    pointer, box = match["pointer"] or "", match["box"] or ""
    return Item(row, start, pointer, box, match["number"] or "", match["label"].rstrip())


def _block(lines: Sequence[str], seed: Item) -> Optional[List[Item]]:
    """The options around a marked one: same column, one pointer, no other text between."""
    items = sorted([*_neighbours(lines, seed, -1), seed, *_neighbours(lines, seed, 1)])
    numbers = [int(item.number) for item in items if item.number]
    pointers = [item.pointer for item in items if item.pointer]
    boxed = sum(bool(item.box) for item in items)
    if len(items) < 2 or len(pointers) > 1:
        return None
    if numbers:
        return items if numbers == list(range(numbers[0], numbers[0] + len(items))) else None
    if boxed:
        is_marked = bool(pointers) or any(item.box in _OPEN for item in items)
        return items if boxed == len(items) and is_marked else None
    # A bare list under one pointer: bullets and quotes look like this too, so it must be short lines in a column.
    return items if pointers != ["*"] and all(len(item.label) < 70 for item in items) else None


def _neighbours(lines: Sequence[str], seed: Item, step: int) -> Iterator[Item]:
    blanks = 0
    row = seed.row + step
    while 0 <= row < len(lines) and abs(row - seed.row) < _MAX_OPTIONS:
        item = _item(row, lines[row])
        if item is None or is_rule(lines[row]):
            blanks += 1
            if blanks > 1 or not seed.number or is_rule(lines[row]):
                return
        elif item.column == seed.column and bool(item.number) == bool(seed.number):
            blanks = 0
            yield item
        elif not (seed.number and item.column > seed.column):  # the rest of a long label is indented under it
            return
        row += step


def _menu_prompt(view: ScreenView, items: List[Item]) -> Optional[Prompt]:
    last = items[-1].row
    below = [row for row in view.visible if row > last]
    if len(below) > _MENU_DEPTH or any(_is_composer(view, row) for row in below):
        return None
    has_letters = all(_SHOWN_KEY.search(item.label) for item in items)
    options = tuple(_option(item, has_letters) for item in items)
    question = question_above(view.lines, items[0].row)
    boxed = [item for item in items if item.box and item.box not in _CHOSEN + _FREE]
    kind = AskKind.CHOICE if boxed else kind_of_options(options)
    is_multiple = any(item.box and (item.pointer or item.box[0] in _SQUARE) for item in items)
    return Prompt(Shape.MENU, kind, question, options, rule="menu", is_multiple=is_multiple)


def _option(item: Item, has_letters: bool) -> AskOption:
    """`has_letters`: every option shows a key; "(x)" behind one alone is a word of its label, unless a key's name."""
    shown = _SHOWN_KEY.search(item.label)
    if shown is not None and len(shown["key"]) == 1 and not has_letters:
        shown = None
    key = shown["key"].lower() if shown else item.number
    label = item.label[: shown.start()] if shown else item.label
    chosen = item.box[:1] in _CHOSEN if item.box else False
    return AskOption(" ".join(label.split()), key, selected=bool(item.pointer) or chosen)


def kind_of_options(options: Sequence[AskOption]) -> AskKind:
    """A yes with a no is a confirmation however many ways of yes there are; anything else is a choice."""
    yes = any(_YES_LABEL.search(option.label) for option in options)
    no = any(_NO_LABEL.search(option.label) for option in options)
    return AskKind.CONFIRM if yes and no and len(options) <= 6 else AskKind.CHOICE


def question_above(lines: Sequence[str], row: int) -> str:
    """The text a menu belongs to: the nearest line above that asks, else the nearest line."""
    nearest = ""
    seen = 0
    for above in range(row - 1, max(-1, row - 12), -1):
        text = unframed(lines[above]).strip()
        if is_rule(lines[above]):
            if nearest:
                break
            continue
        if not text:
            continue
        text = _KEY_HINT.sub("", re.sub(r"^[?◆◇▲■│✔*△⚠]\s+", "", text))
        nearest = nearest or text
        if re.search(r"[?:](?:\s*[\[(›…].*)?$", text) and len(text) > 3:
            return " ".join(_WRAPPED.sub("?", text).split())[:400]
        seen += 1
        if seen >= 6:
            break
    return " ".join(nearest.split())[:400]


def find_buttons(view: ScreenView) -> Optional[Prompt]:
    """A dialog box with buttons, as whiptail, dialog and debconf draw it."""
    for row in reversed(view.visible[-12:]):
        matches = list(_BUTTON.finditer(view.lines[row]))
        if not matches or re.sub(r"[│┃|\s]", "", _BUTTON.sub("", view.lines[row])):
            continue
        box = _box_above(view.lines, row)
        if not any(box):
            continue
        selected = _highlighted(view, row, [match.span() for match in matches])
        labels = [match["label"] or match["label2"] for match in matches]
        options = tuple(AskOption(label, selected=index == selected) for index, label in enumerate(labels))
        return _dialog_prompt(view, box, row, options)
    return None


def _box_above(lines: Sequence[str], row: int) -> List[str]:
    """The text rows of the box the buttons stand in."""
    rows: List[str] = []
    for line in reversed(lines[max(0, row - 30) : row]):
        if re.match(r"\s*[┌╭╔+][─━═-]", line):
            break
        rows.append(re.sub(r"[│┃|├┤└┘┌┐]", " ", line).strip())
    rows.reverse()
    return ["" if is_rule(text) else text for text in rows]


def _dialog_prompt(view: ScreenView, box: List[str], row: int, buttons: Tuple[AskOption, ...]) -> Prompt:
    question = " ".join(text for text in box if text and not _FIELD.search(text))[:400]
    labels = {button.label.lower() for button in buttons}
    listed = _last_group(box)
    has_field = any(_FIELD.search(text) for text in box) or (not listed and row - len(box) <= view.row < row)
    items = [text for text in box if re.match(r"(?:\((?: |\*)\)|\[(?: |\*)\])\s", text)]
    if items:
        options = tuple(AskOption(re.sub(r"^\S\s?\S?\S?\s+", "", text), selected=text[1:2] == "*") for text in items)
        return Prompt(Shape.BUTTONS, AskKind.CHOICE, question, options, rule="dialog list", is_multiple=True)
    if {"yes", "no"} <= labels:
        return Prompt(Shape.BUTTONS, AskKind.CONFIRM, question, buttons, rule="dialog yes or no", is_across=True)
    if has_field:
        secret = re.search(r"pass(?:word|phrase)|secret|\bpin\b", question, re.I)
        kind = AskKind.PASSWORD if secret else AskKind.TEXT
        return Prompt(Shape.BUTTONS, kind, question, buttons, rule="dialog field", is_across=True)
    if listed:
        rows = range(row - len(box) + _start_of(box, listed), row)
        at = _marked_row(view, [place for place, _ in zip(rows, listed)], listed)
        options = tuple(AskOption(" ".join(text.split()), selected=place == at) for place, text in enumerate(listed))
        question = question[: question.rfind(listed[0])].strip()
        return Prompt(Shape.BUTTONS, AskKind.CHOICE, question, options, rule="dialog menu")
    if len(buttons) == 1:
        return Prompt(Shape.BUTTONS, AskKind.KEY, question, buttons, rule="dialog message", is_across=True)
    return Prompt(Shape.BUTTONS, AskKind.CHOICE, question, buttons, rule="dialog", is_across=True)


def _last_group(box: List[str]) -> List[str]:
    """The rows after the last blank row within the text of a box: a list, when something stands before it."""
    rows = box[:]
    while rows and not rows[-1]:
        rows.pop()
    start = max((index for index, text in enumerate(rows) if not text), default=-1) + 1
    return rows[start:] if len(rows) - start >= 2 and any(rows[:start]) else []


def _start_of(box: Sequence[str], listed: Sequence[str]) -> int:
    """Where in the box its list starts."""
    return max(start for start in range(len(box)) if list(box[start : start + len(listed)]) == list(listed))


def _marked_row(view: ScreenView, rows: Sequence[int], texts: Sequence[str]) -> int:
    """Which of the rows the cursor stands in, or is drawn unlike the others; -1 when neither tells."""
    if view.row in rows:
        return rows.index(view.row)
    looks = []
    for row, text in zip(rows, texts):
        pen = view.cells(row)[view.lines[row].find(text)].pen
        looks.append((pen.background, bool(pen.flags & Flag.INVERSE)))
    unlike = [place for place, look in enumerate(looks) if looks.count(look) == 1]
    return unlike[0] if len(unlike) == 1 else -1


def _highlighted(view: ScreenView, row: int, spans: Sequence[Tuple[int, int]]) -> int:
    """Which span of the row the cursor stands in, or is drawn unlike the others; -1 when neither tells."""
    if row == view.row:
        for index, (start, end) in enumerate(spans):
            if start <= len(view.before) < end:
                return index
    cells = view.cells(row)
    pens = [cells[start].pen if start < len(cells) else None for start, _ in spans]
    looks = [(pen.background, bool(pen.flags & Flag.INVERSE)) if pen else None for pen in pens]
    for index, look in enumerate(looks):
        if len(looks) > 1 and looks.count(look) == 1 and (len(looks) > 2 or look != (None, False)):
            return index
    return -1


def find_labels(view: ScreenView, labels: Sequence[str]) -> Tuple[AskOption, ...]:
    """Options whose labels a rule knows: side by side on one row, or one a row with anything between."""
    side_by_side = re.compile(r"\s{2,}".join(f"({re.escape(label)})" for label in labels))
    for row in reversed(view.visible):
        match = side_by_side.search(view.lines[row])
        if match is not None:
            spans = [(match.start(place), match.start(place) + 1) for place in range(1, len(labels) + 1)]
            selected = _highlighted(view, row, spans)
            return tuple(AskOption(label, selected=index == selected) for index, label in enumerate(labels))
    texts = {line: unframed(line).strip().lstrip(_POINTERS).lstrip() for line in view.lines}
    rows = [next((line for line, text in texts.items() if text.startswith(label)), "") for label in labels]
    if not all(rows):
        return ()
    pointers = [unframed(line).strip()[:1] in _POINTERS for line in rows]
    return tuple(AskOption(label, selected=pointer) for label, pointer in zip(labels, pointers))


def find_composer(view: ScreenView) -> Optional[Prompt]:
    """An input line of a full-screen program with nothing asked: the marker, and around it rules or a box."""
    for row in reversed(view.visible[-10:]):
        if _is_composer(view, row):
            return Prompt(Shape.COMPOSER, rule="composer")
    return None


def _is_composer(view: ScreenView, row: int) -> bool:
    line = view.lines[row]
    match = _COMPOSER.match(unframed(line))
    if match is None or re.match(r"\d{1,2}[.)]\s", match["rest"]):
        return False
    above = next((text for text in reversed(view.lines[:row]) if text.strip()), "")
    below = next((text for text in view.lines[row + 1 :] if text.strip()), "")
    boxed = line.lstrip()[:1] in "│┃|" or is_rule(above) or is_rule(below)
    # A greyed hint may stand behind the cursor of an empty one.
    return boxed or (row == view.row and len(unframed(view.before).strip()) == 1)
