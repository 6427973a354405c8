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
        loop.watch(reader, READ, lambda _, reader=reader, other=other: ready(reader, other))  # type: ignore[misc]  # bound now
        os.write(writer, b"x")
    loop.run()
    loop.close()
    for pair in pipes:
        os.close(pair[0])
        os.close(pair[1])
    assert len(called) == 1


def test_bulk_takes_turns_and_waits_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node_agent.keeper.loop.BULK_SECONDS", 0.0)  # one call a round
    loop = Loop(lambda: None)
    pipes = [os.pipe() for _ in range(3)]
    called: list[str] = []

    def key(events: int) -> None:
        called.append("key")
        loop.forget(pipes[2][0])

    def bulk(name: str) -> None:
        called.append(name)
        loop.stopped = called.count(name) == 2

    loop.watch(pipes[0][0], READ, lambda _: bulk("a"), bulk=True)
    loop.watch(pipes[1][0], READ, lambda _: bulk("b"), bulk=True)
    loop.watch(pipes[2][0], READ, key)
    for _, writer in pipes:
        os.write(writer, b"x")
    loop.run()
    loop.close()
    for pipe in pipes:
        for end in pipe:
            os.close(end)
    assert called[0] == "key"
    assert sorted(called[1:3]) == ["a", "b"]


def test_what_must_not_wait_ends_the_rounds_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node_agent.keeper.loop.BULK_SECONDS", 60.0)
    rounds: list[int] = []
    called: list[int] = []

    def end_of_round() -> None:
        rounds.append(len(called))
        loop.stopped = len(rounds) == 3

    loop = Loop(end_of_round)
    pipes = [os.pipe() for _ in range(3)]

    def bulk(reader: int) -> None:
        called.append(reader)
        if len(called) == 1:
            loop.hurry()

    for reader, writer in pipes:
        loop.watch(reader, READ, lambda _, reader=reader: bulk(reader), bulk=True)  # type: ignore[misc]  # bound now
        os.write(writer, b"x")
    loop.run()
    loop.close()
    for pipe in pipes:
        for end in pipe:
            os.close(end)
    assert rounds == [1, 4, 7]  # the others had their turns in the next rounds
