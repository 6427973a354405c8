"""One file a request: `handle(agent, client, request)` returns the reply or raises RequestError.

A handler must not know how a request arrived. `dispatch` finds the handler and turns what nobody foresaw into a
refusal, so that one bad request costs one refusal.
"""

from __future__ import annotations

import logging
from typing import Any, Awaitable, Callable, Dict, Type

from node_agent.handlers import (
    alert_claim,
    alert_list,
    alert_raise,
    alert_report,
    ask_ack,
    ask_answer,
    ask_claim,
    ask_snooze,
    bytes_open,
    events_list,
    events_subscribe,
    file_get,
    file_put,
    hello,
    hooks_apply,
    hooks_plan,
    job_fence,
    job_output,
    lease_release,
    lease_take,
    screen_tune,
    screen_watch,
    session_explain,
    session_kill,
    session_list,
    session_logs,
    session_remove,
    session_resize,
    session_send,
    session_signal,
    session_start,
    session_stop,
    session_update,
    settings_get,
    settings_set,
    stream_close,
)
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.keeper_client import KeeperError
from node_agent.io.keyboard import request_error
from node_agent.io.store import StoreError
from node_agent.protocol.alerts import ClaimAlert, ListAlerts, RaiseAlert, ReportAlert
from node_agent.protocol.asks import AckAsk, AnswerAsk, ClaimAsk, SnoozeAsk
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.events import ListEvents, Subscribe
from node_agent.protocol.explain import ExplainSession
from node_agent.protocol.files import GetFile, PutFile
from node_agent.protocol.hello import Hello
from node_agent.protocol.hooks import ApplyHooks, PlanHooks
from node_agent.protocol.jobs import FenceJob, ReadJobOutput
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.message import Request
from node_agent.protocol.sending import ReleaseLease, SendInput, TakeLease
from node_agent.protocol.sessions import (
    KillSession,
    ListSessions,
    RemoveSession,
    ResizeSession,
    SignalSession,
    StartSession,
    StopSession,
    UpdateSession,
)
from node_agent.protocol.settings import GetSettings, SetSettings
from node_agent.protocol.streams import CloseStream, OpenBytes, TuneScreen, WatchScreen

log = logging.getLogger(__name__)

Handler = Callable[[Context, Connection, Any], Awaitable[object]]

HANDLERS: Dict[Type[Request], Handler] = {
    Hello: hello.handle,
    Subscribe: events_subscribe.handle,
    ListEvents: events_list.handle,
    ListSessions: session_list.handle,
    StartSession: session_start.handle,
    UpdateSession: session_update.handle,
    StopSession: session_stop.handle,
    KillSession: session_kill.handle,
    RemoveSession: session_remove.handle,
    ResizeSession: session_resize.handle,
    SendInput: session_send.handle,
    TakeLease: lease_take.handle,
    ReleaseLease: lease_release.handle,
    WatchScreen: screen_watch.handle,
    TuneScreen: screen_tune.handle,
    OpenBytes: bytes_open.handle,
    CloseStream: stream_close.handle,
    ReadLogs: session_logs.handle,
    ExplainSession: session_explain.handle,
    SignalSession: session_signal.handle,
    AnswerAsk: ask_answer.handle,
    ClaimAsk: ask_claim.handle,
    AckAsk: ask_ack.handle,
    SnoozeAsk: ask_snooze.handle,
    GetSettings: settings_get.handle,
    SetSettings: settings_set.handle,
    ListAlerts: alert_list.handle,
    ClaimAlert: alert_claim.handle,
    ReportAlert: alert_report.handle,
    RaiseAlert: alert_raise.handle,
    PlanHooks: hooks_plan.handle,
    ApplyHooks: hooks_apply.handle,
    FenceJob: job_fence.handle,
    ReadJobOutput: job_output.handle,
    PutFile: file_put.handle,
    GetFile: file_get.handle,
}


async def dispatch(context: Context, client: Connection, request: Request) -> object:
    """The reply to `request`; raises RequestError and nothing else."""
    try:
        await context.deploys.check_rights(client, request)
        return await HANDLERS[type(request)](context, client, request)
    except RequestError:
        raise
    except KeeperError as error:
        raise request_error(error.code, error.message) from error
    except StoreError as error:
        raise RequestError(ErrorCode.DISK_FULL, str(error)) from error
    except Exception as error:  # handler dispatch: the others must not suffer from it
        log.exception("%s failed", request.op)
        raise RequestError(ErrorCode.INTERNAL, f"the node agent failed at {request.op}; its log says how") from error
