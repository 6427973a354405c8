"""Whoever sits at the terminal when a login asks."""

from __future__ import annotations

from relaytui.link.prompts import Prompt


class Operator:
    """Answers from a list, then declines."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[Prompt] = []

    async def __call__(self, prompt: Prompt) -> str | None:
        self.asked.append(prompt)
        return self._answers.pop(0) if self._answers else None
