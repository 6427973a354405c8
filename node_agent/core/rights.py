"""What a client may ask of the node. Pure.

Whoever reaches the agent's socket may do everything. Whoever reaches only the deploy socket, which is where a key
restricted to deploys leads, may start listed deploys and follow them: what is not named here is refused, so a request
that is added to the protocol is refused until somebody decides otherwise.
"""

from __future__ import annotations

import enum
from typing import Callable, Dict, Optional, Sequence, Type

from node_agent.core.deploys import TAG
from node_agent.protocol.events import Subscribe
from node_agent.protocol.hello import Hello
from node_agent.protocol.jobs import FenceJob, ReadJobOutput
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.message import Request
from node_agent.protocol.sessions import ListSessions, StartSession, StopSession


class Rights(enum.Enum):
    """Everything, or listed deploys alone."""

    ALL = "all"
    DEPLOYS = "deploys"


class _Scope(enum.Enum):
    ANY = "any"  # the reply shows nothing but deploys
    SESSION = "session"  # a deploy's session alone
    JOB = "job"  # a deploy's job alone
    NEW_JOB = "new job"  # a deploy's job, or one that was not started here


_DEPLOYS: Dict[Type[Request], _Scope] = {
    Hello: _Scope.ANY,
    Subscribe: _Scope.ANY,
    ListSessions: _Scope.ANY,
    StartSession: _Scope.NEW_JOB,
    StopSession: _Scope.SESSION,
    ReadLogs: _Scope.SESSION,
    FenceJob: _Scope.NEW_JOB,
    ReadJobOutput: _Scope.JOB,
}

Tags = Sequence[str]


def is_deploy(tags: Tags) -> bool:
    """Whether tags are those of a deploy's session."""
    return any(tag.startswith(TAG) for tag in tags)


def sees(rights: Rights, tags: Tags) -> bool:
    """Whether a client may know of a session with these tags."""
    return rights is Rights.ALL or is_deploy(tags)


def forbidden(
    rights: Rights,
    request: Request,
    tags_of_session: Callable[[str], Optional[Tags]],
    tags_of_job: Callable[[str], Optional[Tags]],
) -> str:
    """Why a client must not ask this, in one line, or "" where it may. What does not exist has the tags None."""
    if rights is Rights.ALL:
        return ""
    scope = _DEPLOYS.get(type(request))
    if scope is None:
        return f"this key is for deploys; {request.op} is not among what it may do"
    if isinstance(request, StartSession) and not (request.deploy and request.job):
        return "this key starts listed deploys and nothing else"
    if scope is _Scope.SESSION:
        tags = tags_of_session(str(getattr(request, "session", "")))
        return "" if tags is not None and is_deploy(tags) else "this key is for deploys; that session is none"
    if scope is not _Scope.ANY:
        tags = tags_of_job(str(getattr(request, "job", "")))
        known = scope is _Scope.NEW_JOB if tags is None else is_deploy(tags)
        return "" if known else "this key is for deploys; that job is none"
    return ""
