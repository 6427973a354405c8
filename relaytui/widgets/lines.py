"""A few lines of text beside a list: what is known of the chosen one. As high as its text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line, wrap
from relaytui.widgets.view import Fact

_INDENT = 1


class Lines(Canvas):
    """Facts one below the other: those with a label in a column beside the labels, those without from the left."""

    DEFAULT_CSS = "Lines { width: 1fr; height: auto; }"

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(look, id=id)
        self._facts: Sequence[Fact] = ()

    def show(self, facts: Sequence[Fact], most: int) -> None:
        """Show these, cut to `most` lines; nothing takes no room."""
        columns = self.size.width or self.container_size.width
        height = min(most, len(self._wrapped(facts, columns)))
        self.display = height > 0
        if facts != self._facts or self.styles.height is None or self.styles.height.value != height:
            self._facts = facts
            self.styles.height = height
            self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        look = self.look
        wrapped = self._wrapped(self._facts, width)
        shown = wrapped[:height]
        if len(wrapped) > height and shown:
            label, text, style = shown[-1]
            shown[-1] = (label, f"{text} {look.symbols.ellipsis}", style)
        return [
            Line(width, look.base, look.symbols.ellipsis)
            .add(" " * _INDENT)
            .add(label, look.muted)
            .add(look.symbols.fold(text), style)
            .strip()
            for label, text, style in shown
        ]

    def _wrapped(self, facts: Sequence[Fact], width: int) -> list[tuple[str, str, Style]]:
        column = max((len(fact.label) for fact in facts if fact.label), default=0) + 2
        lines = []
        for fact in facts:
            style = self.look.theme.style(fact.role, bold=fact.is_strong)
            indent = column if fact.label else 0
            for index, part in enumerate(wrap(fact.text, max(8, width - indent - _INDENT))):
                label = "" if index else fact.label
                lines.append((f"{label:<{indent}}", part, style))
        return lines
