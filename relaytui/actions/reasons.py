"""Why an action cannot be run now, as functions of the situation; each says what to do where something can be done."""

from __future__ import annotations

from relaytui.actions.action import Situation


def needs_session(now: Situation) -> str:
    if now.session:
        return ""
    if now.job:
        return f"job {now.job} has no session"
    return "no session is selected" if now.sessions else "there is no session yet; c starts one"


def needs_link(now: Situation) -> str:
    return needs_session(now) or _needs_node(now)


def needs_running(now: Situation) -> str:
    return needs_link(now) or ("" if now.is_running else f"{now.session} has ended")


def needs_ended(now: Situation) -> str:
    return needs_link(now) or (f"{now.session} still runs; x stops it" if now.is_running else "")


def needs_question(now: Situation) -> str:
    """A session that asks, so that it can be answered."""
    return needs_link(now) or ("" if now.is_asking else f"{now.session} is not asking")


def needs_ask(now: Situation) -> str:
    """An open ask, of a session or reported from outside any."""
    if now.has_ask:
        return _needs_node(now)
    return f"{now.session} is not asking" if now.session else "nothing is asked here"


def needs_asking(now: Situation) -> str:
    return "" if now.asking else "no session is asking"


def needs_several(now: Situation) -> str:
    return needs_session(now) or ("" if now.shown > 1 else "there is only one session")


def needs_shown(now: Situation) -> str:
    return "" if now.shown else needs_session(now) or "no session passes the filter"


def needs_filter(now: Situation) -> str:
    return "" if now.filter else "there is no filter to clear"


def needs_trouble(now: Situation) -> str:
    return "" if now.troubles else "every node is connected"


def needs_job(now: Situation) -> str:
    return "" if now.job else "no job is selected"


def needs_ended_job(now: Situation) -> str:
    return needs_job(now) or ("" if now.has_job_ended else f"job {now.job} has not ended; x cancels it")


def needs_open_job(now: Situation) -> str:
    return needs_job(now) or (f"job {now.job} has ended; R queues it again" if now.has_job_ended else "")


def _needs_node(now: Situation) -> str:
    node = now.node or now.session.partition("/")[0]
    return "" if now.is_reachable else f"{node} cannot be reached just now; v shows why"
