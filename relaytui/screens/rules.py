"""Rules that answer by themselves: what they are, what they answered on any node, what they would have."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

from textual.strip import Strip

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.events import EventList, ListEvents
from node_agent.protocol.states import EventKind
from node_agent.terminal.sanitise import sanitise
from relaytui.actions.catalog import ACTIONS
from relaytui.fleet.changes import Change, EventRecorded
from relaytui.fleet.status import span
from relaytui.hub.ledger import Entry
from relaytui.hub.policy import Rule
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.screens.requests import Failure, outcome
from relaytui.screens.rules_switch import RulesSwitch
from relaytui.screens.views import suspended_words
from relaytui.widgets.view import Hint, Status

_PAGE = 1000
_MOST_PAGES = 5
_SHOWN = 100
_LIMIT = 200
_WHERE = ("program", "command", "node", "tag", "kind", "cap", "window")
_SUSPEND = "rules.suspend"


class RulesScreen(PanelScreen[None]):
    """Answers are the nodes' own events, so those of every hub are here; decisions are of this machine alone."""

    widest = 120

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._switch = RulesSwitch(self)
        self._answers: list[tuple[str, EventRecord, float]] = []  # node, event, and when its age was told
        self._decisions: Sequence[Entry] = ()
        self._said = ""
        self._unsubscribe = context.source.subscribe(self._note)

    @property
    def heading(self) -> str:
        return "Rules"

    @property
    def aside(self) -> str:
        return suspended_words(self.context.desk.fleet) or "answering"

    @property
    def hints(self) -> Sequence[Hint]:
        is_suspended = bool(suspended_words(self.context.desk.fleet))
        return (Hint("!", "let rules answer" if is_suspended else "suspend all"), Hint("esc", "close"))

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._load(), group="rules")

    def on_unmount(self) -> None:
        self._unsubscribe()

    async def _load(self) -> None:
        """Read what was answered on every node that can be reached, and what was decided here."""
        for alias in self.context.desk.live_nodes():
            await self._load_node(alias)
        if self.context.services.decisions is not None:
            found = await outcome(self.context.services.decisions())
            self._decisions = () if isinstance(found, Failure) else [entry for entry in found if not entry.outcome]
        self._answers.sort(key=lambda item: item[1].age - item[2])
        self.rebuild()

    async def _load_node(self, alias: str) -> None:
        after = 0
        for _ in range(_MOST_PAGES):
            request = ListEvents(after, _PAGE, kind=EventKind.ASK_ANSWERED)
            reply: EventList | Failure = await outcome(self.context.source.request(alias, request))
            if isinstance(reply, Failure) or not reply.events:
                return
            now = self.context.now()
            self._answers += [(alias, event, now) for event in reply.events if _is_by_rule(event)]
            after = reply.events[-1].n

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, EventRecorded) and _is_by_rule(change.record):
                self._answers.insert(0, (change.node, change.record, self.context.now()))

    def tick(self) -> None:
        self.rebuild()

    def say(self, message: str, role: str = "text") -> None:
        self._said = message
        self.rebuild()

    def arrange_sessions(self) -> None:
        self.rebuild()

    async def press(self, key: str) -> bool:
        if key not in ACTIONS[_SUSPEND].keys:
            return False
        await self._switch.perform(ACTIONS[_SUSPEND])
        return True

    # What is shown ----------------------------------------------------------------------------------------------------

    def body(self, width: int) -> list[Strip]:
        rules = self.context.services.rules
        lines = [self._rule(rule, width) for rule in rules]
        if not rules:
            lines.append(self._plain("No rules: every ask is yours. The config's [rules] add some.", width))
        lines += [*self._headed("Answered", width), *(self._answer(*item, width) for item in self._answers[:_SHOWN])]
        if not self._answers:
            lines.append(self._plain("  nothing yet", width))
        if self._decisions:
            lines += self._headed("Left to you, or on a dry run", width)
            lines += [self._decision(entry, width) for entry in reversed(self._decisions[-_SHOWN:])]
        if self._said:
            lines += [self.line(width).strip(), self.line(width).add(self._said, self.look.text).strip()]
        return lines

    def _headed(self, heading: str, width: int) -> list[Strip]:
        return [self.line(width).strip(), self.line(width).add(heading, self.look.strong).strip()]

    def _plain(self, text: str, width: int) -> Strip:
        return self.line(width).add(text, self.look.muted).strip()

    def _rule(self, rule: Rule, width: int) -> Strip:
        where = ", ".join(f"{name} {value}" for name, value in asdict(rule).items() if value and name in _WHERE)
        line = self.line(width).add(f"{rule.name:<18.18} ", self.look.strong)
        line.add(f"{rule.action.value:<6} {rule.answer or '-':<12.12} ", self.look.text)
        line.add("dry run  " if rule.dry_run else "", self.look.theme.style("unknown"))
        return line.add(self.look.symbols.fold(sanitise(where, _LIMIT)) or "everything", self.look.muted).strip()

    def _answer(self, alias: str, event: EventRecord, seen: float, width: int) -> Strip:
        look, data = self.look, {name: sanitise(str(value), _LIMIT) for name, value in event.data.items()}
        status = Status.DONE if data.get("outcome") == "accepted" else Status.FAILED
        line = self.line(width).add(f"{look.symbols.status[status]} ", look.status(status))
        line.add(f"{span(event.age + self.context.now() - seen):>5}  ", look.muted)
        line.add(f"{alias}/{event.session}  ", look.strong)
        line.add(f"{data['policy']} chose {data.get('chosen', '')!r}  ", look.text)
        why = f": {data['why']}" if data.get("why") else ""
        return line.add(f"{data.get('outcome', '')}{why}", look.muted).strip()

    def _decision(self, entry: Entry, width: int) -> Strip:
        line = self.line(width).add(f"  {span(time.time() - entry.at):>5}  ", self.look.muted)
        line.add(f"{sanitise(entry.node, _LIMIT)}/{sanitise(entry.session, _LIMIT)}  ", self.look.strong)
        return line.add(self.look.symbols.fold(sanitise(entry.reason, _LIMIT)), self.look.muted).strip()


def _is_by_rule(event: EventRecord) -> bool:
    return event.kind is EventKind.ASK_ANSWERED and bool(event.data.get("policy"))
