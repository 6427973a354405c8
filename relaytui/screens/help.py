"""Every key, from the action registry; what cannot be done now says why."""

from __future__ import annotations

from textual.strip import Strip

from relaytui.actions.action import Action, Group, Situation, key_label
from relaytui.actions.sheet import grouped
from relaytui.screens.panel import PanelScreen

_KEYS = 16
_TITLE = 18
_TWO_COLUMNS_FROM = 64


class HelpScreen(PanelScreen[None]):
    widest = 108

    @property
    def heading(self) -> str:
        return "Keys"

    @property
    def aside(self) -> str:
        return f"prefix {self.context.prefix}"

    def body(self, width: int) -> list[Strip]:
        situation = self.context.desk.situation()
        lines: list[Strip] = []
        for group, actions in grouped().items():
            if lines:
                lines.append(self.line(width).strip())
            lines.append(self.line(width).add(group.value, self.look.strong).strip())
            lines += [self._action(action, group, situation, width) for action in actions]
        return lines

    def _action(self, action: Action, group: Group, situation: Situation, width: int) -> Strip:
        look = self.look
        keys = "  ".join(key_label(key, ascii_only=self.context.is_ascii) for key in action.keys)
        reason = action.reason(situation) if group is not Group.TYPING else ""
        line = self.line(width).add(f"  {keys:<{_KEYS}}", look.muted if reason else look.key)
        line.add(f"{action.title:<{_TITLE}}", look.muted if reason else look.text)
        if width >= _TWO_COLUMNS_FROM:
            line.add(f"not now: {reason}" if reason else action.help, look.muted)
        return line.strip()
