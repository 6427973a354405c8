"""Deploys on this node: what its owner listed may be started; whatever else is asked for is refused and recorded."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections import deque
from pathlib import Path
from typing import Any, Deque, Optional, Sequence

from node_agent.core.deploys import TAG, AllowListError, NotListed
from node_agent.core.event_log import NewEvent
from node_agent.core.rights import forbidden
from node_agent.io.agent import Agent
from node_agent.io.allow_list import read_allow_list
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import EventKind

log = logging.getLogger(__name__)

MOST_RECORDED = 60
"""Refusals recorded in a minute; who holds a restricted key must not be able to push other events out of the store."""

_WORDS_LIMIT = 1000


class Deploys:
    """Judges by the list as it is on disk at that moment."""

    def __init__(self, agent: Agent, path: Path) -> None:
        self._agent = agent
        self._path = path
        self._recorded: Deque[float] = deque(maxlen=MOST_RECORDED)

    async def check_rights(self, client: Connection, request: Request) -> None:
        """Raise RequestError for what a client that may only deploy must not ask."""
        why = forbidden(client.rights, request, self._tags_of_session, self._tags_of_job)
        if why:
            await self._refuse(client, getattr(request, "deploy", ""), [request.op], why)

    async def checked(self, client: Connection, request: StartSession) -> StartSession:
        """The start as the owner's list has it; raises RequestError for what it does not allow."""
        if any(tag.startswith(TAG) for tag in request.tags):
            raise RequestError(ErrorCode.BAD_REQUEST, f"a tag that begins with {TAG!r} is for deploys")
        if not request.deploy:
            return request
        if not request.job:
            raise RequestError(ErrorCode.BAD_REQUEST, "a deploy is started as a job; use `relaytui deploy`")
        if request.cwd or request.env or request.base_env is not None or request.bare:
            why = "a deploy runs in the directory and environment that its owner lists"
            await self._refuse(client, request.deploy, request.command, why)
        try:
            listed = await asyncio.get_running_loop().run_in_executor(None, read_allow_list, self._path)
            deploy = listed.check(request.deploy, request.command)
        except (AllowListError, NotListed) as error:
            await self._refuse(client, request.deploy, request.command, str(error))
        log.info("deploy %s: %r for %s", request.deploy, request.command, client.operator)
        tags = (*request.tags, f"{TAG}{deploy.name}")
        return dataclasses.replace(request, cwd=deploy.cwd, env=dict(deploy.env), tags=tags)

    async def _refuse(self, client: Connection, deploy: str, words: Sequence[str], why: str) -> Any:
        asked = " ".join(words)[:_WORDS_LIMIT]
        log.warning("refused %r of deploy %r for %s: %s", asked, deploy, client.operator, why)
        now = self._agent.clock.now()
        if len(self._recorded) < MOST_RECORDED or now.boot - self._recorded[0] > 60.0:
            self._recorded.append(now.boot)
            data = {"deploy": deploy[:64], "asked": asked, "why": why[:_WORDS_LIMIT], "by": client.operator}
            event = NewEvent(f"refused {secrets.token_hex(8)}", EventKind.DEPLOY_REFUSED, now, data=data)
            await self._agent.record([event])
        raise RequestError(ErrorCode.FORBIDDEN, f"not allowed here: {why}")

    def _tags_of_session(self, name: str) -> Optional[Sequence[str]]:
        session = self._agent.sessions.get(SessionId(name))
        return session.model.tags if session is not None else None

    def _tags_of_job(self, job: str) -> Optional[Sequence[str]]:
        models = (session.model for session in self._agent.sessions.values())
        return next((model.tags for model in models if model.job == job), None)
