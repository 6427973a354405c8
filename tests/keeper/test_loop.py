"""The event loop: order, timers, and that one failure does not end it."""

from __future__ import annotations

import os

import pytest

from node_agent.keeper.loop import READ, Loop


def test_timers_fire_in_order_and_not_when_cancelled() -> None:
    loop = Loop(lambda: None)
    fired: list[str] = []
    loop.call_after(0.02, lambda: fired.append("late"))
    loop.call_after(0.01, lambda: fired.append("early"))
    loop.call_after(0.015, lambda: fired.append("never")).cancel()

    def end() -> None:
        loop.stopped = True

    loop.call_after(0.03, end)
    loop.run()
    loop.close()
    assert fired == ["early", "late"]


def test_a_call_that_fails_is_logged_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("node_agent.keeper.loop.PAUSE_AFTER_FAILURE", 0.01)
    loop = Loop(lambda: None)
    reader, writer = os.pipe()
    calls: list[int] = []

    def ready(events: int) -> None:
        calls.append(events)
        if len(calls) < 3:
            raise OSError(5, "Input/output error")
        loop.stopped = True

    loop.watch(reader, READ, ready)
    os.write(writer, b"x")
    loop.run()
    loop.close()
    os.close(reader)
    os.close(writer)
    assert calls == [READ] * 3
    assert capfd.readouterr().err.count("OSError in the loop") == 2


def test_a_descriptor_closed_earlier_in_the_round_is_not_called() -> None:
    loop = Loop(lambda: None)
    pipes = [os.pipe() for _ in range(2)]
    called: list[int] = []

    def ready(reader: int, other: int) -> None:
        called.append(reader)
        loop.forget(other)
        loop.stopped = True

    for at, (reader, writer) in enumerate(pipes):
        other = pipes[1 - at][0]
        loop.watch(reader, READ, lambda _, reader=reader, other=other: ready(reader, other))  # type: ignore[misc]
        os.write(writer, b"x")
    loop.run()
    loop.close()
    for pair in pipes:
        os.close(pair[0])
        os.close(pair[1])
    assert len(called) == 1
