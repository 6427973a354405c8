"""Why a session is taken to be what it is: the node's evidence, strongest first."""

from __future__ import annotations

from textual.strip import Strip

from node_agent.protocol.explain import Explanation
from node_agent.terminal.sanitise import sanitise
from relaytui.fleet.status import span
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap

_SOURCE = 14
_LIMIT = 400


class ExplainScreen(PanelScreen[None]):
    widest = 92

    def __init__(self, context: Context, key: str, explanation: Explanation) -> None:
        super().__init__(context)
        self._key = key
        self._explanation = explanation

    @property
    def heading(self) -> str:
        return f"Why {self._explanation.session.attention.value}?"

    @property
    def aside(self) -> str:
        return f"{sanitise(self._key, _LIMIT)}, for {span(self._explanation.session.attention_age)}"

    def body(self, width: int) -> list[Strip]:
        lines: list[Strip] = []
        for evidence in self._explanation.evidence:
            text = f"{sanitise(evidence.text, _LIMIT)}, {span(evidence.age)} ago"
            lines += self._entry(sanitise(evidence.source, _SOURCE), text, width)
        if self._explanation.rule:
            lines += self._entry("rule", sanitise(self._explanation.rule, _LIMIT), width)
        if self._explanation.note:
            lines += self._entry("note", sanitise(self._explanation.note, _LIMIT), width)
        return lines or self._entry("", "there is no evidence yet: the state is not known", width)

    def _entry(self, source: str, text: str, width: int) -> list[Strip]:
        parts = wrap(text, max(8, width - _SOURCE - 1))
        return [
            self.line(width)
            .add(f"{source if not index else '':<{_SOURCE}} ", self.look.muted)
            .add(part, self.look.text)
            .strip()
            for index, part in enumerate(parts)
        ]
