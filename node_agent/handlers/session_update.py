"""`session.update`: the operator's title and tags, and what becomes of the session when it is lost."""

from __future__ import annotations

from node_agent.core.deploys import TAG
from node_agent.core.session import TITLE_LIMIT
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sessions import SessionReply, UpdateSession
from node_agent.terminal.sanitise import sanitise

TAG_LIMIT = 60


async def handle(context: Context, client: Connection, request: UpdateSession) -> SessionReply:
    agent = context.agent
    session = agent.session(request.session)
    model = session.model
    title = model.given_title if request.title is None else sanitise(request.title, TITLE_LIMIT).strip()
    tags = model.tags if request.tags is None else tuple(sanitise(tag, TAG_LIMIT) for tag in request.tags)
    if [tag for tag in tags if tag.startswith(TAG)] != [tag for tag in model.tags if tag.startswith(TAG)]:
        raise RequestError(ErrorCode.BAD_REQUEST, f"a tag that begins with {TAG!r} is the node's to give")
    await agent.keeper.annotate(model.id, title=title, tags=tags)
    model.given_title, model.tags = title, tags
    if request.restart is not None:
        await context.restarts.change(session, request.restart)
    agent.changed(session, at_once=True)
    return SessionReply(model.info(agent.clock.now()))
