"""`hooks.apply`: install or remove a coding agent's hooks as they were shown."""

from __future__ import annotations

import asyncio

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.hook_files import hook_file
from node_agent.protocol.hooks import ApplyHooks, HooksApplied


async def handle(context: Context, client: Connection, request: ApplyHooks) -> HooksApplied:
    file = await hook_file(context.agent, request.program)
    return await asyncio.to_thread(file.apply, request.remove, request.digest)
