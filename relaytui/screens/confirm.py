"""Asks before what is hard to undo."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint


class ConfirmScreen(PanelScreen[bool]):
    """True only for `y`: neither enter nor space says yes to what cannot be undone."""

    widest = 72
    role = "failed"

    def __init__(self, context: Context, question: str, consequence: str) -> None:
        super().__init__(context)
        self._question = question
        self._consequence = consequence

    @property
    def heading(self) -> str:
        return self._question

    @property
    def hints(self) -> Sequence[Hint]:
        return (Hint("y", "yes"), Hint("n", "no"))

    def body(self, width: int) -> list[Strip]:
        return [self.line(width).add(part).strip() for part in wrap(self._consequence, width)]

    async def press(self, key: str) -> bool:
        if key in ("y", "n"):
            self.dismiss(key == "y")
        return key in ("y", "n")
