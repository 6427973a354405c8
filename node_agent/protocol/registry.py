"""Every request there is, by its name on the wire."""

from __future__ import annotations

from typing import Any, Dict, Type

from node_agent.protocol import (
    alerts,
    asks,
    events,
    explain,
    files,
    hello,
    hooks,
    jobs,
    logs,
    sending,
    sessions,
    settings,
    streams,
)
from node_agent.protocol.codec import from_wire
from node_agent.protocol.errors import ErrorCode, RemoteProtocolError, RequestError
from node_agent.protocol.message import Request

REQUESTS: Dict[str, Type[Request]] = {
    kind.op: kind
    for kind in (
        hello.Hello,
        events.Subscribe,
        events.ListEvents,
        sessions.ListSessions,
        sessions.StartSession,
        sessions.UpdateSession,
        sessions.StopSession,
        sessions.KillSession,
        sessions.RemoveSession,
        sessions.ResizeSession,
        sending.SendInput,
        sending.TakeLease,
        sending.ReleaseLease,
        streams.WatchScreen,
        streams.TuneScreen,
        streams.OpenBytes,
        streams.CloseStream,
        logs.ReadLogs,
        explain.ExplainSession,
        sessions.SignalSession,
        asks.AnswerAsk,
        asks.ClaimAsk,
        asks.AckAsk,
        asks.SnoozeAsk,
        settings.GetSettings,
        settings.SetSettings,
        alerts.ListAlerts,
        alerts.ClaimAlert,
        alerts.ReportAlert,
        alerts.RaiseAlert,
        hooks.PlanHooks,
        hooks.ApplyHooks,
        jobs.FenceJob,
        jobs.ReadJobOutput,
        files.PutFile,
        files.GetFile,
    )
}


def parse_request(data: Dict[str, Any]) -> Request:
    """The request a REQUEST frame holds; raises RequestError when it is unknown or malformed."""
    op = data.get("op")
    kind = REQUESTS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise RequestError(ErrorCode.UNKNOWN_OP, f"this node agent does not know the request {op!r}; upgrade it")
    try:
        return from_wire(kind, data)
    except RemoteProtocolError as error:
        raise RequestError(ErrorCode.BAD_REQUEST, str(error)) from error
