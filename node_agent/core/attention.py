"""The one function that says what a session is to the operator; grid, lists, alerts and JSON all show its value."""

from __future__ import annotations

from node_agent.protocol.states import Attention, SessionState

_ENDED = (SessionState.EXITED, SessionState.CLOSED, SessionState.LOST)


def has_ended(state: SessionState) -> bool:
    """Whether the session's leader is gone, however it went."""
    return state in _ENDED


def attention_of(
    state: SessionState, is_screen_current: bool, verdict: Attention, is_restart_asked: bool = False
) -> Attention:
    """A session's attention from its state and the detector's verdict.

    One that has ended asks only whether it is to be started again, where that is the operator's to say.

    What a screen asks that lags behind the journal, or that cannot be drawn, is a guess: it is `unknown`. That it works
    is none, for that is judged by the output itself.
    """
    if has_ended(state):
        return Attention.ASKING if is_restart_asked else Attention.EXITED
    if not is_screen_current and verdict is not Attention.WORKING:
        return Attention.UNKNOWN
    return verdict
