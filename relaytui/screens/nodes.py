"""Every node: its link, what is wrong with it and when it is tried again, what it said of itself."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from node_agent.terminal.sanitise import sanitise
from relaytui.link.errors import HostKeyUnknown
from relaytui.screens.confirm import ConfirmScreen
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.screens.requests import describe_failure
from relaytui.screens.views import node_view
from relaytui.widgets.status_line import plural
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint, NodeView, Status

_LIMIT = 200
_NAME = 14
_WORD = 14


class NodesScreen(PanelScreen[None]):
    widest = 110

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._chosen = 0
        self._chosen_line = 0
        self._said = ""

    @property
    def heading(self) -> str:
        return "Nodes"

    @property
    def hints(self) -> Sequence[Hint]:
        trust = (Hint("t", "trust its host key"),) if self._question() is not None else ()
        return (*trust, Hint("r", "retry now"), Hint("a", "retry all"), Hint("esc", "close"))

    @property
    def chosen_line(self) -> int:
        return self._chosen_line

    @property
    def _alias(self) -> str:
        """The chosen node, "" where there is none."""
        names = list(self.context.desk.fleet.nodes)
        return names[min(self._chosen, len(names) - 1)] if names else ""

    def _question(self) -> HostKeyUnknown | None:
        return self.context.source.host_key_question(self._alias) if self._alias else None

    def _views(self) -> list[NodeView]:
        fleet, now = self.context.desk.fleet, self.context.now()
        return [node_view(node, fleet, now) for node in fleet.nodes.values()]

    def body(self, width: int) -> list[Strip]:
        lines: list[Strip] = []
        for index, view in enumerate(self._views()):
            if index == self._chosen:
                self._chosen_line = len(lines)
            lines += self._node(view, index == self._chosen, width)
        if self._said:
            lines.append(self.line(width).strip())
            lines += [
                self.line(width).add(part, self.look.status(Status.FAILED)).strip() for part in wrap(self._said, width)
            ]
        return lines or [self.line(width).add("No node is configured.", self.look.muted).strip()]

    def _node(self, view: NodeView, is_chosen: bool, width: int) -> list[Strip]:
        look = self.look
        pointer = look.symbols.pointer if is_chosen else " "
        line = self.line(width).add(f"{pointer} ", look.key)
        line.add(f"{look.symbols.status[view.status]} ", look.status(view.status))
        line.add(f"{view.name:<{_NAME}} ", look.strong)
        line.add(f"{view.word:<{_WORD}} ", look.status(view.status))
        facts = [plural(view.sessions, "session"), view.facts, f"tags {view.tags}" if view.tags else ""]
        line.add("  ".join(filter(None, facts)), look.muted)
        detail = wrap(view.detail, max(8, width - 6)) if view.detail else []
        return [line.strip(), *(self.line(width).add(f"      {part}", look.muted).strip() for part in detail)]

    def tick(self) -> None:
        self.rebuild()

    def _ask_trust(self, alias: str, question: HostKeyUnknown) -> None:
        async def accept(is_yes: bool | None) -> None:
            if is_yes:
                failure = await describe_failure(self.context.source.accept_host_key(alias))
                self._said = f"{alias}: {failure.text}" if failure else ""
                self.rebuild()

        fingerprint = sanitise(question.fingerprint, _LIMIT)
        consequence = f"{sanitise(question.host, _LIMIT)} shows the key {fingerprint}.\nSay yes only where it is known."
        self.app.push_screen(ConfirmScreen(self.context, f"Trust the host key of {alias}?", consequence), accept)

    async def press(self, key: str) -> bool:
        names = list(self.context.desk.fleet.nodes)
        match key:
            case "up" | "k":
                self._chosen = max(0, self._chosen - 1)
            case "down" | "j":
                self._chosen = max(0, min(len(names) - 1, self._chosen + 1))
            case "r" if names:
                self.context.source.retry(self._alias)
            case "t" if (question := self._question()) is not None:
                self._ask_trust(self._alias, question)
            case "a":
                for name in names:
                    self.context.source.retry(name)
            case _:
                return False
        self.rebuild()
        return True
