"""Links that a program opens: each target told once, and never so many that they push out what else it says."""

from __future__ import annotations

import pytest

from node_agent.terminal.engine import Engine, EventKind
from node_agent.terminal.engines import PYTE, VT, create_engine
from node_agent.terminal.links import EVENTS_WAITING, TARGETS_REMEMBERED


def link(target: object) -> bytes:
    return f"\x1b]8;;http://x/{target}\x1b\\text\x1b]8;;\x1b\\".encode()


def told(engine: Engine) -> list[str]:
    return [event.text.removeprefix("http://x/") for event in engine.drain_events()]


@pytest.fixture(params=[VT, PYTE])
def engine(request: pytest.FixtureRequest) -> Engine:
    return create_engine(request.param, 80, 24)


def test_a_target_is_told_once_while_it_is_remembered(engine: Engine) -> None:
    engine.feed((link(1) + link(2)) * 3)
    assert told(engine) == ["1", "2"]
    engine.feed(link(1))
    assert told(engine) == []
    for number in range(3, TARGETS_REMEMBERED + 2):
        engine.feed(link(number))
        assert told(engine) == [str(number)]
    engine.feed(link(1) + link(2))  # 2 was met before 1 and is forgotten
    assert told(engine) == ["2"]


def test_a_flood_of_links_pushes_nothing_out(engine: Engine) -> None:
    engine.feed(b"\x1b]9;done\a" + b"".join(map(link, range(1000))))
    events = engine.drain_events()
    assert events[0].kind is EventKind.NOTIFICATION
    assert [event.kind for event in events[1:]] == [EventKind.HYPERLINK] * EVENTS_WAITING
