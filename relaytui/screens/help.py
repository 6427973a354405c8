"""Every key, from the action registry; what cannot be done now says why."""

from __future__ import annotations

from textual.strip import Strip

from relaytui.actions.action import Action, Group, Scope, Situation, key_label
from relaytui.actions.sheet import grouped
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen

_KEYS = 16
_TITLE = 18
_TWO_COLUMNS_FROM = 64


class HelpScreen(PanelScreen[None]):
    widest = 118

    def __init__(self, context: Context, scope: Scope, situation: Situation) -> None:
        super().__init__(context)
        self._scope = scope
        self._situation = situation

    @property
    def heading(self) -> str:
        return "Keys" if self._scope is Scope.GRID else f"Keys of the {self._scope.value}"

    @property
    def aside(self) -> str:
        return f"prefix {self.context.prefix}"

    def body(self, width: int) -> list[Strip]:
        lines: list[Strip] = []
        for group, members in grouped().items():
            actions = [action for action in members if self._counts(action)]
            if not actions:
                continue
            if lines:
                lines.append(self.line(width).strip())
            lines.append(self.line(width).add(group.value, self.look.strong).strip())
            lines += [self._action(action, group, width) for action in actions]
        return lines

    def _counts(self, action: Action) -> bool:
        return action.counts_in(self._scope) or (self._scope is Scope.GRID and action.scope is Scope.TYPING)

    def _action(self, action: Action, group: Group, width: int) -> Strip:
        look = self.look
        keys = "  ".join(key_label(key, ascii_only=self.context.is_ascii) for key in action.keys)
        reason = action.reason(self._situation) if group is not Group.TYPING else ""
        line = self.line(width).add(f"  {keys:<{_KEYS}}", look.muted if reason else look.key)
        line.add(f"{action.title:<{_TITLE}}", look.muted if reason else look.text)
        if width >= _TWO_COLUMNS_FROM:
            line.add(f"not now: {reason}" if reason else action.help, look.muted)
        return line.strip()
