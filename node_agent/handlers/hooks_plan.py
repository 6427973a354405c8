"""`hooks.plan`: what installing or removing a coding agent's hooks would change."""

from __future__ import annotations

import asyncio

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.hook_files import hook_file
from node_agent.protocol.hooks import HookPlan, PlanHooks


async def handle(context: Context, client: Connection, request: PlanHooks) -> HookPlan:
    file = await hook_file(context.agent, request.program)
    return await asyncio.to_thread(file.plan, request.remove)
