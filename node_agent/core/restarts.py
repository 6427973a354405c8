"""Whether and how a lost session is started again. Sans-IO.

    lost ── never ──> stays lost
         ── ask ────> an ask of the lost session ── yes ──> started again;  no ──> stays lost
         ── auto ───> started again, and asked about instead where that would be a guess or a loop

A session's plan is kept from its start on, because its environment is known only then. What has become of it is part
of the plan, so that every agent after a reboot does the same thing once.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Dict, Iterable, Optional, Tuple

from node_agent.core.moment import Moment
from node_agent.core.resume import program_of, resume_command
from node_agent.core.session import RESTART, OpenAsk, Session
from node_agent.protocol.colors import Colors
from node_agent.protocol.entities import AskInfo, AskOption
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import AskKind, Restart, SessionState

HASTY = 600.0
"""Seconds a restarted session must have been there for to be started again without a question when it is lost too."""

YES, NO = "Yes, start it again", "No, leave it"
_OPTIONS = (AskOption(YES, "y"), AskOption(NO, "n"))


@dataclass(frozen=True)
class Plan:
    """What becomes of one session when it is lost. `outcome` says what has, "" while nothing is decided.

    Its colours are kept here too, whatever becomes of it: each agent that takes it over answers with the same.
    """

    restart: Restart
    env: Dict[str, str] = field(default_factory=dict)
    base_env: Optional[Dict[str, str]] = None
    bare: bool = False
    after: str = ""  # the lost session in whose place this one was started
    outcome: str = ""
    colors: Optional[Colors] = None


def plan_of(request: StartSession, after: str = "") -> Plan:
    """The plan of a session that is started by `request`."""
    return Plan(request.restart, dict(request.env), request.base_env, request.bare, after, colors=request.colors)


def restart_command(lost: Session, others: Iterable[Session]) -> Optional[Tuple[str, ...]]:
    """The command that starts `lost` again, beside `others`; None where it can only be started anew as it was."""
    program = program_of(lost.command)
    rivals = (
        other
        for other in others
        if other.id != lost.id and other.cwd == lost.cwd and program_of(other.command) == program
    )
    is_ambiguous = bool(program) and any(_may_hold_a_conversation(other) for other in rivals)
    return resume_command(lost.command, is_ambiguous)


def _may_hold_a_conversation(session: Session) -> bool:
    return not session.has_ended or session.state is SessionState.LOST


def needs_question(plan: Plan, lost: Session, command: Optional[Tuple[str, ...]], now: Moment) -> bool:
    """Whether the operator decides: by the plan, for want of a sure command, or because it was lost again at once."""
    is_hasty = bool(plan.after) and lost.started.age_at(now) < HASTY
    return plan.restart is Restart.ASK or command is None or is_hasty


def restart_request(plan: Plan, lost: Session, command: Optional[Tuple[str, ...]]) -> StartSession:
    """The start that takes the place of `lost`: the same request each time, so that it starts once."""
    return StartSession(
        request=f"restart:{lost.id}",
        command=command or lost.command,
        cwd=lost.cwd,
        env=plan.env,
        base_env=plan.base_env,
        bare=plan.bare,
        columns=lost.columns,
        rows=lost.rows,
        title=lost.given_title,
        tags=lost.tags,
        restart=plan.restart,
        colors=plan.colors,
    )


def restart_ask(lost: Session, command: Optional[Tuple[str, ...]], reason: str, problem: str, now: Moment) -> OpenAsk:
    """The ask whether to start it again; `problem` is why it could not be, "" where nobody has tried."""
    words = shlex.join(command or lost.command)
    lines = [f"lost: {reason or 'its keeper is gone'}", problem, f"Start it again? {words}"]
    info = AskInfo(
        id=ask_id(lost.id),
        kind=AskKind.CONFIRM,
        excerpt="\n".join(line for line in lines if line),
        age=0.0,
        session=lost.id,
        options=_OPTIONS,
        program="relaytui",
        command=words,
        cwd=lost.cwd,
        rule=RESTART,
    )
    return OpenAsk(info, now, RESTART)


def ask_id(session: SessionId) -> AskId:
    """The id of a lost session's one ask; those of its programs end in a number."""
    return AskId(f"{session}.{RESTART}")
