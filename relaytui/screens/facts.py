"""A panel of facts, each behind a word for what it is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Fact


class FactsScreen(PanelScreen[None]):
    widest = 100

    def __init__(self, context: Context, heading: str, aside: str, facts: Sequence[Fact]) -> None:
        super().__init__(context)
        self._heading = heading
        self._aside = aside
        self._facts = facts

    @property
    def heading(self) -> str:
        return self._heading

    @property
    def aside(self) -> str:
        return self._aside

    def body(self, width: int) -> list[Strip]:
        column = max((len(fact.label) for fact in self._facts), default=0) + 2
        lines = []
        for fact in self._facts:
            for index, part in enumerate(wrap(self.look.symbols.fold(fact.text), max(8, width - column))):
                line = self.line(width).add(f"{'' if index else fact.label:<{column}}", self.look.muted)
                lines.append(line.add(part, self.look.theme.style(fact.role, bold=fact.is_strong)).strip())
        return lines
