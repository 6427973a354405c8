"""What can be done about an open ask but answering it. Each is said by the node, and then seen everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node_agent.protocol.asks import AckAsk, ClaimAsk, SnoozeAsk
from node_agent.protocol.settings import Mute, MuteScope, NodeSettings
from node_agent.terminal.sanitise import sanitise
from relaytui.actions.action import Situation
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import AskView
from relaytui.notify.switches import muting
from relaytui.screens.answer import SNOOZE
from relaytui.screens.performer import NAME_LIMIT
from relaytui.screens.picker import Entry, PickerScreen
from relaytui.screens.requests import change_nodes
from relaytui.screens.session_actions import SessionActions

CLAIM_SECONDS = 600.0

_SNOOZES = (
    ("until it changes", 0.0),
    ("5 minutes", 300.0),
    ("15 minutes", 900.0),
    ("1 hour", 3600.0),
    ("8 hours", 8 * 3600.0),
)


class AskActions(SessionActions):
    @property
    def selected_ask(self) -> AskView | None:
        """The open ask that actions are about: the selected session's."""
        return None if self.selected is None else self._desk.ask_of(self.selected)

    def situation(self) -> Situation:
        return self._desk.situation(self.selected, self.selected_ask)

    def _ask(self) -> AskView:
        view = self.selected_ask
        assert view is not None  # the action's reason has been asked
        return view

    async def do_ask_claim(self) -> None:
        view = self._ask()
        if view.ask.claimed_by and view.ask.claimed_by == self._context.operator:
            await self._request(view.node, ClaimAsk(view.ask.id, 0.0), "given back")
        else:
            words = f"yours for {CLAIM_SECONDS / 60:.0f} minutes, for everybody to see"
            await self._request(view.node, ClaimAsk(view.ask.id, CLAIM_SECONDS), words)

    async def do_ask_ack(self) -> None:
        view = self._ask()
        await self._request(view.node, AckAsk(view.ask.id), "seen: it stays open, no channel tells of it again")

    def do_ask_snooze(self) -> None:
        self._snooze(self._ask())

    def _go_on(self, key: SessionKey, wish: str | None) -> None:
        super()._go_on(key, wish)
        view = self._desk.ask_of(key) if wish == SNOOZE else None
        if view is not None:
            self._snooze(view)

    def _snooze(self, view: AskView) -> None:
        entries = [Entry(str(seconds), words) for words, seconds in _SNOOZES]
        if view.ask.snoozed:
            entries.insert(0, Entry("-1", "no more", "let channels tell of it again"))

        def chosen(values: list[str] | None) -> None:
            if values:
                seconds = float(values[0])
                words = "snoozed" if seconds >= 0 else "not snoozed any more"
                request = SnoozeAsk(view.ask.id, seconds)
                self._console.run_worker(self._request(view.node, request, words), group="snooze")

        self._console.push_screen(PickerScreen(self._context, f"Snooze {_name(view)}", entries), chosen)

    def do_ask_mute(self) -> None:
        """Of a session that does not ask, the session and its node can be muted, but no kind."""
        key, view = self.selected, self.selected_ask
        node = view.node if view is not None else self._session().key.node
        settings = self._desk.fleet.nodes[node].settings
        if settings is None:
            self._host.say(f"{node} has not said its settings yet")
            return
        switches = []
        if key is not None:
            switches.append(_Switch([node], MuteScope.SESSION, key.id, f"session {key}"))
        if view is not None:
            kind = view.ask.kind.value
            switches.append(_Switch([node], MuteScope.KIND, kind, f"{kind} asks of {node}"))
            switches.append(_Switch(self._desk.live_nodes(), MuteScope.KIND, kind, f"{kind} asks everywhere"))
        switches.append(_Switch([node], MuteScope.NODE, "", f"everything of {node}"))

        def chosen(values: list[str] | None) -> None:
            if values:
                self._console.run_worker(self._turn(switches[int(values[0])], settings), group="mute")

        entries = [switch.entry(str(place), settings) for place, switch in enumerate(switches)]
        self._console.push_screen(PickerScreen(self._context, "Mute, for every console and channel", entries), chosen)

    async def _turn(self, switch: _Switch, settings: NodeSettings) -> None:
        is_muted = switch.mute_in(settings) is None
        change = muting(switch.scope, switch.value, self._context.operator, is_muted=is_muted)
        failures = await change_nodes(self._context.source, switch.nodes, change)
        done = f"{'muted' if is_muted else 'not muted any more'}: {switch.what}"
        self._host.say("; ".join(failures) or done, "failed" if failures else "text")


@dataclass(frozen=True)
class _Switch:
    """One thing that can be muted on some nodes."""

    nodes: Sequence[str]
    scope: MuteScope
    value: str
    what: str

    def mute_in(self, settings: NodeSettings) -> Mute | None:
        return next((mute for mute in settings.mutes if (mute.scope, mute.value) == (self.scope, self.value)), None)

    def entry(self, value: str, settings: NodeSettings) -> Entry:
        """A line to pick; what picking it would do is its label."""
        mute = self.mute_in(settings)
        by = f"muted by {sanitise(mute.by, NAME_LIMIT)}" if mute is not None and mute.by else ""
        return Entry(value, f"{'mute' if mute is None else 'unmute'} {self.what}", by)


def _name(view: AskView) -> str:
    return sanitise(str(view.key or view.node), NAME_LIMIT)
