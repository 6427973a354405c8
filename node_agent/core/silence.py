"""Why no channel tells of something: mutes and quiet hours of a node's settings, as functions of values."""

from __future__ import annotations

import re
from typing import Optional, Set, Tuple

from node_agent.protocol.ids import SessionId
from node_agent.protocol.settings import Mute, MuteScope, NodeSettings
from node_agent.protocol.states import AlertKind, AskKind, Severity

_QUIET = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
_DAY = 24 * 60


def is_muted(
    settings: NodeSettings, session: SessionId, ask_kind: Optional[AskKind], alert_kind: Optional[AlertKind] = None
) -> bool:
    """Whether a mute of the node, of the session or of the kind covers it."""
    kinds = {kind.value for kind in (ask_kind, alert_kind) if kind is not None}
    return any(_covers(mute, session, kinds) for mute in settings.mutes)


def _covers(mute: Mute, session: SessionId, kinds: Set[str]) -> bool:
    if mute.scope is MuteScope.NODE:
        return True
    if mute.scope is MuteScope.SESSION:
        return bool(session) and mute.value == session
    return mute.value in kinds


def parse_quiet(text: str) -> Optional[Tuple[int, int]]:
    """`22:00-07:00` as minutes of the day, "" as None; raises ValueError."""
    if not text:
        return None
    match = _QUIET.fullmatch(text)
    if match is None:
        raise ValueError(f"quiet hours are written as 22:00-07:00, not {text!r}")
    start, end = (int(match[hour]) * 60 + int(match[minute]) for hour, minute in ((1, 2), (3, 4)))
    if max(start, end) > _DAY or int(match[2]) > 59 or int(match[4]) > 59:
        raise ValueError(f"there is no such time of day in {text!r}")
    return start, end


def is_quiet(text: str, minute: int) -> bool:
    """Whether `minute` of the day lies in the quiet hours, which may go over midnight."""
    hours = parse_quiet(text)
    if hours is None:
        return False
    start, end = hours
    return start <= minute < end if start <= end else minute >= start or minute < end


def why_silent(
    settings: NodeSettings,
    minute: int,
    session: SessionId,
    ask_kind: Optional[AskKind],
    alert_kind: AlertKind,
    severity: Severity,
) -> str:
    """Why the settings silence an alert now, "" when they do not. Quiet hours let what is of high severity through.

    An alert raised by hand is a test or the operator's own wish: nothing silences it.
    """
    if alert_kind is AlertKind.MANUAL:
        return ""
    if is_muted(settings, session, ask_kind, alert_kind):
        return "muted"
    if severity is not Severity.HIGH and is_quiet(settings.quiet, minute):
        return "quiet hours"
    return ""
