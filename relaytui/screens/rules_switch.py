"""The one key that suspends all automatic answers."""

from __future__ import annotations

from relaytui.notify.switches import suspending
from relaytui.screens.performer import Performer
from relaytui.screens.requests import change_nodes

_DONE = {True: "automatic answers are suspended", False: "rules answer again"}


class RulesSwitch(Performer):
    async def do_rules_suspend(self) -> None:
        """Suspend on every node; only where all that can be reached are suspended, let rules answer again."""
        nodes = self._desk.live_nodes()
        if not nodes:
            self._host.say("no node can be reached just now; v shows why", "failed")
            return
        is_suspended = not all(self._is_suspended(alias) for alias in nodes)
        failures = await change_nodes(self._context.source, nodes, suspending(is_suspended=is_suspended))
        missing = [alias for alias, node in self._desk.fleet.nodes.items() if not node.status.is_live]
        words = [] if len(failures) == len(nodes) else [_DONE[is_suspended]]
        if missing:
            failures.append(f"{', '.join(missing)} not reached, as before there")
        self._host.say("; ".join([*words, *failures]), "failed" if failures else "text")
        self._host.arrange_sessions()

    def _is_suspended(self, alias: str) -> bool:
        settings = self._desk.fleet.nodes[alias].settings
        return settings is not None and settings.policy_suspended
