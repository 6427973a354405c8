"""What a session is started with that takes the place of a lost one."""

from __future__ import annotations

from node_agent.core.moment import Moment
from node_agent.core.restarts import plan_of, restart_request
from node_agent.core.session import Session
from node_agent.protocol.colors import Colors
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import Restart


def test_it_is_started_as_the_lost_one_was() -> None:
    first = StartSession(
        "r1", ("cat",), "/src", {"A": "b"}, {"C": "d"}, True, 90, 30, "t", ("x",), restart=Restart.AUTO,
        colors=Colors(background="#fafaf0"),
    )  # fmt: skip
    lost = Session(SessionId("s1"), ("cat",), "/src", 90, 30, Moment("", 0.0, 1000.0), 1)
    lost.given_title, lost.tags = "t", ("x",)
    again = restart_request(plan_of(first), lost, None)
    assert again == StartSession(**{**vars(first), "request": "restart:s1"})
