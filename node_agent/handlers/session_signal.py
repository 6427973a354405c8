"""`session.signal`: a program's own word on its state."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.origin import Origin
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Done
from node_agent.protocol.sessions import SignalSession
from node_agent.terminal.sanitise import sanitise

STATES = ("asking", "working", "idle", "done")
TEXT_LIMIT = 500


async def handle(context: Context, client: Connection, request: SignalSession) -> Done:
    if request.state not in STATES:
        raise RequestError(ErrorCode.BAD_REQUEST, f"the state is one of {', '.join(STATES)}, not {request.state!r}")
    text = sanitise(request.text, TEXT_LIMIT, multiline=True)
    source = sanitise(request.source, TEXT_LIMIT) or client.operator
    if not request.session:
        origin = Origin(request.pid, request.started) if request.pid else None
        await context.outside.report(request.state, text, source, origin)
        return Done()
    session = context.agent.running_session(request.session)
    if session.detection is not None:
        session.detection.on_report(request.state, text, source)
    return Done()
