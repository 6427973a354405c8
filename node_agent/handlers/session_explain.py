"""`session.explain`: why a session's attention is what it is."""

from __future__ import annotations

from typing import Tuple

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.explain import Evidence, ExplainSession, Explanation
from node_agent.terminal.sanitise import sanitise

TEXT_LIMIT = 500


async def handle(context: Context, client: Connection, request: ExplainSession) -> Explanation:
    agent = context.agent
    session = agent.session(request.session)
    now = agent.clock.now()
    evidence: Tuple[Evidence, ...] = ()
    rule = ""
    if session.detection is not None:
        evidence = tuple(
            Evidence(fact.source, sanitise(fact.text, TEXT_LIMIT), max(0.0, now.boot - fact.at))
            for fact in session.detection.explain()
        )
        rule = sanitise(session.detection.detector.verdict.rule, TEXT_LIMIT)
    return Explanation(session.model.info(now), evidence, rule, session.model.note)
