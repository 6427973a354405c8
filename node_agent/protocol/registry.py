"""Every request there is, by its name on the wire."""

from __future__ import annotations

from typing import Any, Dict, Type

from node_agent.protocol import asks, files, hooks, jobs, requests
from node_agent.protocol.codec import from_wire
from node_agent.protocol.errors import ErrorCode, RemoteProtocolError, RequestError
from node_agent.protocol.requests import Request

REQUESTS: Dict[str, Type[Request]] = {
    kind.op: kind
    for kind in (
        requests.Hello,
        requests.Subscribe,
        requests.ListEvents,
        requests.ListSessions,
        requests.StartSession,
        requests.UpdateSession,
        requests.StopSession,
        requests.KillSession,
        requests.RemoveSession,
        requests.ResizeSession,
        requests.SendInput,
        requests.TakeLease,
        requests.ReleaseLease,
        requests.WatchScreen,
        requests.TuneScreen,
        requests.OpenBytes,
        requests.CloseStream,
        requests.ReadLogs,
        requests.ExplainSession,
        requests.SignalSession,
        asks.AnswerAsk,
        asks.ClaimAsk,
        asks.AckAsk,
        asks.SnoozeAsk,
        asks.GetSettings,
        asks.SetSettings,
        asks.ListAlerts,
        asks.ClaimAlert,
        asks.ReportAlert,
        asks.RaiseAlert,
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
