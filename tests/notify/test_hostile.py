"""A notifier and a node that sends it what it likes, or a library that raises what it likes: channels go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.alerts import AlertClaim, AlertList, ClaimAlert, ReportAlert
from node_agent.protocol.entities import Alert
from node_agent.protocol.message import Request
from node_agent.protocol.settings import GetSettings, NodeSettings
from node_agent.protocol.states import AlertKind, Severity
from relaytui.config import ChannelConfig, ChannelKind
from relaytui.fleet.changes import AlertReported, Change
from relaytui.notify import channels
from relaytui.notify.message import Message, Raised
from relaytui.notify.notifier import Notifier
from tests.fleet.build import fleet, hello
from tests.waiting import eventually

ODD = "a\0b\x1b[2J\ud800"


def alert(key: str, title: str, **fields: Any) -> Alert:
    return Alert(key, AlertKind.MANUAL, Severity.NORMAL, title, title, 0.0, 1, **fields)


class Node:
    """Gives every claim it is asked for, and keeps what came of it."""

    def __init__(self) -> None:
        self.fleet = fleet(time.monotonic(), evil=hello())
        self.reports: list[ReportAlert] = []
        self.tell: Callable[[list[Change]], None] = lambda changes: None

    def now(self) -> float:
        return time.monotonic()

    def subscribe(self, callback: Callable[[list[Change]], None]) -> Callable[[], None]:
        self.tell = callback
        return lambda: None

    async def request(self, node: str, request: Request, timeout: float = 10.0) -> Any:
        if isinstance(request, ClaimAlert):
            return AlertClaim(1, 15.0)
        if isinstance(request, GetSettings):
            return NodeSettings()
        if isinstance(request, ReportAlert):
            self.reports.append(request)
        return AlertList(())


async def test_what_a_hostile_node_writes_is_told_as_marks_and_ends_no_channel(tmp_path: Path) -> None:
    node = Node()
    told = tmp_path / "told"
    notifier = Notifier(node, [ChannelConfig("hook", ChannelKind.COMMAND, {"command": f"sh -c 'cat >> {told}'"})])
    notifier.start()
    try:
        node.tell([AlertReported("evil", alert(f"first {ODD}", ODD, session=ODD, ask=ODD))])
        await eventually(lambda: len(node.reports) == 1)
        node.tell([AlertReported("evil", alert("second", "well"))])
        await eventually(lambda: len(node.reports) == 2)
    finally:
        await notifier.stop()
    assert [report.sent for report in node.reports] == [True, True]
    first, second = [json.loads(line + "}") for line in told.read_text().split("}")[:-1]]
    shown = "a␀b␛[2J\N{REPLACEMENT CHARACTER}"
    assert [first[name] for name in ("key", "title", "body", "session", "ask")] == [f"first {shown}", *[shown] * 4]
    assert second["title"] == "well"


async def test_whatever_a_library_raises_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AttributeError("no bus")

    monkeypatch.setattr(channels, "_desktop_notifier", fail)
    message = Message("t", "b", Severity.NORMAL, (Raised("box", alert("k", "t")),))
    sent = await channels.send(ChannelConfig("desk", ChannelKind.DESKTOP), message)
    assert sent == (False, "AttributeError: no bus")
