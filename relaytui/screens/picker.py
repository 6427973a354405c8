"""Finds something by typing: commands and sessions in the palette, sessions for a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.events import Paste
from textual.strip import Strip

from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import Line
from relaytui.widgets.view import Hint

_LABEL = 26
_LIST = 16


@dataclass(frozen=True)
class Entry:
    """One line to pick. `value` is what comes back; `reason` says why it cannot be picked now."""

    value: str
    label: str
    detail: str = ""
    key: str = ""
    reason: str = ""


def match_rank(query: str, entry: Entry) -> int | None:
    """How well an entry fits what was typed, 0 the best; None where it does not.

    The words must all be in it; one that starts the label beats one that starts a word, which beats one inside.
    """
    text = f"{entry.label} {entry.detail} {entry.value}".lower()
    label = entry.label.lower()
    rank = 0
    for word in query.lower().split():
        if word not in text:
            return None
        if not label.startswith(word):
            rank += 1 if f" {word}" in f" {label}" else 2
    return rank


class PickerScreen(PanelScreen[list[str]]):
    """Dismissed with the values picked, or None. `most` above 1 lets space mark several."""

    widest = 104

    def __init__(
        self, context: Context, title: str, entries: Sequence[Entry], *, most: int = 1, marked: Sequence[str] = ()
    ) -> None:
        super().__init__(context)
        self._title = title
        self._entries = entries
        self._most = most
        self._marked = list(marked)
        self._query = ""
        self._chosen = 0
        self._said = ""

    @property
    def heading(self) -> str:
        return self._title

    @property
    def aside(self) -> str:
        return f"{len(self._marked)} of {self._most}" if self._most > 1 else ""

    @property
    def hints(self) -> Sequence[Hint]:
        enter = Hint(self.look.symbols.enter, "open" if self._most > 1 else "run")
        return (Hint("space", "mark"), enter, Hint("esc", "close")) if self._most > 1 else (enter, Hint("esc", "close"))

    @property
    def _found(self) -> list[Entry]:
        ranked = [(rank, entry) for entry in self._entries if (rank := match_rank(self._query, entry)) is not None]
        return [entry for _, entry in sorted(ranked, key=lambda pair: (pair[0], bool(pair[1].reason)))]

    def body(self, width: int) -> list[Strip]:
        look, found = self.look, self._found
        self._chosen = max(0, min(self._chosen, len(found) - 1))
        field = self.line(width).add(f"{look.symbols.pointer} ", look.key).add(look.symbols.fold(self._query))
        field.add(" ", look.filled("focus"))
        if not self._query:
            field.add(" type to find", look.muted)
        first = max(0, self._chosen - _LIST + 1)
        lines = [field.strip(), self.line(width).strip()]
        shown = found[first : first + _LIST]
        lines += [self._entry(entry, first + at == self._chosen, width) for at, entry in enumerate(shown)]
        if not found:
            lines.append(self.line(width).add("  nothing fits", look.muted).strip())
        blank = self.line(width).strip()
        lines += [blank] * (min(_LIST, len(self._entries)) + 2 - len(lines))
        return [*lines, self.line(width).add(self._said, look.muted).strip()]

    def _entry(self, entry: Entry, is_chosen: bool, width: int) -> Strip:
        look = self.look
        style = look.filled("focus") if is_chosen else None
        line = self.line(width)
        if style:
            line.style = style
        mark = "x " if entry.value in self._marked else "  "
        line.add(mark if self._most > 1 else " ", style or look.key)
        label = look.symbols.fold(entry.label)
        muted = look.muted if entry.reason else look.text
        line.add(f"{label:<{_LABEL}.{_LABEL}} ", style or muted)
        key = f" {entry.key} " if entry.key else ""
        detail = Line(max(0, line.room - len(key)), ellipsis=look.symbols.ellipsis)
        detail.add(look.symbols.fold(entry.reason or entry.detail))
        line.add(detail.strip().text, style or look.muted)
        return line.add(key, style or look.key).strip()

    async def press(self, key: str) -> bool:
        if key == "escape":
            return False
        found = self._found
        chosen = found[self._chosen] if found else None
        match key:
            case "up" | "ctrl+p":
                self._chosen -= 1
            case "down" | "ctrl+n" | "tab":
                self._chosen += 1
            case "pageup":
                self._chosen -= _LIST
            case "pagedown":
                self._chosen += _LIST
            case "backspace":
                self._query = self._query[:-1]
            case "ctrl+u":
                self._query = ""
            case "space" if self._most > 1 and chosen is not None:
                self._mark(chosen.value)
            case "enter" if chosen is not None:
                self._finish(chosen)
                return True
            case _:
                if key == "space" or len(key) == 1:
                    self._query += " " if key == "space" else key
                    self._chosen = 0
        self.rebuild()
        return True

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._query += event.text.partition("\n")[0]
        self.rebuild()

    def _mark(self, value: str) -> None:
        if value in self._marked:
            self._marked.remove(value)
        elif len(self._marked) < self._most:
            self._marked.append(value)
        else:
            self._said = f"at most {self._most}"

    def _finish(self, chosen: Entry) -> None:
        if chosen.reason:
            self._said = chosen.reason
            self.rebuild()
        elif self._most == 1:
            self.dismiss([chosen.value])
        else:
            values = self._marked if chosen.value in self._marked else [*self._marked, chosen.value][-self._most :]
            self.dismiss(values)
