"""`session.start`: a command on a new terminal."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import Dict, Tuple

from node_agent.core.environment import session_environment
from node_agent.core.job_starts import attempt_of, is_job_id, request_of
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.environment import directory_named, login_shell
from node_agent.io.live_session import LiveSession
from node_agent.io.ssh_agent import ssh_agent_variables
from node_agent.keeper.control import SpawnRequest
from node_agent.protocol.colors import parse_color
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import SessionReply, StartSession

MOST_CELLS = 1000
MOST_TAGS = 50
CWD_LIMIT = 5.0
"""Seconds a directory may take to be looked at: on a dead file server it would be for ever."""


async def handle(context: Context, client: Connection, request: StartSession) -> SessionReply:
    _check(request)
    request = await context.deploys.checked(client, request)
    return await (_start_attempt(context, request) if request.job else _start(context, request))


async def _start_attempt(context: Context, request: StartSession) -> SessionReply:
    """Start a job's attempt, unless it was started before; raises RequestError for one that is outdated."""
    jobs, job, token = context.jobs, request.job, request.token
    async with jobs.turn(job):
        session = await jobs.admit(job, token)
        if session is not None:
            return SessionReply(session.model.info(context.agent.clock.now()))
        if request.own_directory and not request.deploy:
            request = dataclasses.replace(request, cwd=str(jobs.own_directory(job, token)))
        env = {**request.env, "RELAY_JOB": job, "RELAY_OUTPUT": str(jobs.output_file(job, token))}
        session = await begin(context, dataclasses.replace(request, request=request_of(job, token), env=env))
        await jobs.started(job, token, session.model.id)
        return SessionReply(session.model.info(context.agent.clock.now()))


async def _start(context: Context, request: StartSession) -> SessionReply:
    session = await begin(context, request)
    return SessionReply(session.model.info(context.agent.clock.now()))


async def begin(context: Context, request: StartSession) -> LiveSession:
    """Start a session. Raises RequestError and KeeperError."""
    agent = context.agent
    cwd = directory_named(request.cwd)
    await _check_directory(cwd)
    command: Tuple[str, ...] = request.command or (login_shell(),)
    env = await _environment(context, request)
    spawned = await agent.keeper.spawn(
        SpawnRequest(
            request=request.request,
            command=command,
            cwd=cwd,
            env=env,
            columns=request.columns,
            rows=request.rows,
            title=request.title,
            tags=request.tags,
        )
    )
    found = [record for record in await agent.keeper.list() if record.id == spawned.session]
    if not found:
        raise RequestError(ErrorCode.NO_SESSION, "the session this request started has been removed")
    await context.restarts.note(SessionId(spawned.session), request)
    return await context.adoption.adopt(found[0])


def _check(request: StartSession) -> None:
    if request.job and not (is_job_id(request.job) and request.token > 0):
        raise RequestError(ErrorCode.BAD_REQUEST, f"job {request.job!r} with token {request.token} is no attempt")
    if not request.job and (not request.request or attempt_of(request.request)[0]):
        raise RequestError(ErrorCode.BAD_REQUEST, "a start needs a request id of its own")
    if not (1 <= request.columns <= MOST_CELLS and 1 <= request.rows <= MOST_CELLS):
        raise RequestError(
            ErrorCode.BAD_SIZE, f"{request.columns}x{request.rows} is no size: both must be 1 to {MOST_CELLS}"
        )
    if len(request.tags) > MOST_TAGS:
        raise RequestError(ErrorCode.BAD_REQUEST, f"at most {MOST_TAGS} tags")
    for name, color in vars(request.colors).items() if request.colors is not None else ():
        if color and parse_color(color) is None:
            raise RequestError(ErrorCode.BAD_REQUEST, f"the {name} colour {color!r} is not #rrggbb")
    words = (*request.command, request.cwd, *request.env, *request.env.values())
    if any("\0" in word for word in words) or any(not name or "=" in name for name in request.env):
        raise RequestError(ErrorCode.BAD_REQUEST, "a command, directory or variable holds what none can")


async def _check_directory(cwd: str) -> None:
    """Refuse a directory that is missing or does not answer."""
    loop = asyncio.get_running_loop()
    try:
        is_there = await asyncio.wait_for(loop.run_in_executor(None, os.path.isdir, cwd), CWD_LIMIT)
    except asyncio.TimeoutError:
        raise RequestError(
            ErrorCode.CWD_HANGS, f"the directory {cwd} does not answer: is its file server there?"
        ) from None
    if not is_there:
        raise RequestError(ErrorCode.CWD_MISSING, f"there is no directory {cwd} on this node")


async def _environment(context: Context, request: StartSession) -> Dict[str, str]:
    agent = context.agent
    if request.base_env is not None:
        base = request.base_env
    elif request.bare:
        base = dict(os.environ)
    else:
        base = {**await agent.environment.read(), **ssh_agent_variables(agent.paths.ssh_agent)}
    return session_environment(base, request.env, agent.store.uuid, str(agent.paths.wrapper), request.bare)
