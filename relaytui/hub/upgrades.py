"""Replaces older agents when their link comes up, where the node's configuration says so, each once.

What goes wrong is logged: the node's status and `relaytui doctor` still say what is to be done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from relaytui.config import NodeConfig
from relaytui.link.errors import LinkError
from relaytui.link.prompts import Prompter
from relaytui.link.tasks import cancel, spawn
from relaytui.link.versions import is_replaced_unasked

_log = logging.getLogger(__name__)


class Upgrades:
    """Those of one program's links."""

    def __init__(self, operator: str, prompter: Prompter | None) -> None:
        self._operator = operator
        self._prompter = prompter
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def found_older(self, node: NodeConfig, then: Callable[[], None]) -> None:
        """The node's agent is older than this program: replace it if that is wanted, and call `then`."""
        if node.alias not in self._tasks and is_replaced_unasked(node):
            self._tasks[node.alias] = spawn(self._upgrade(node, then), name=f"{node.alias} upgrade")

    async def stop(self) -> None:
        await cancel(*self._tasks.values())

    async def _upgrade(self, node: NodeConfig, then: Callable[[], None]) -> None:
        from relaytui.link.joining import Attendant, upgrade_node  # with the bundle builder, which is seldom needed

        def tell(text: str, share: float | None) -> None:
            if share is None:
                _log.info("%s: %s", node.alias, text)

        try:
            await upgrade_node(node, Attendant(self._operator, tell, self._prompter))
        except LinkError as error:
            _log.warning("not upgraded: %s", error)
        else:
            then()
