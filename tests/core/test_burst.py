"""A burst is far behind, still printing, and young."""

from __future__ import annotations

from node_agent.core.burst import FAR, LONGEST, Burst


def test_a_session_that_keeps_up_has_no_burst() -> None:
    burst = Burst()
    for now in range(10):
        burst.note(1000 * now * FAR, 1000 * now * FAR - FAR + 1, now)
        assert not burst.is_on(now)


def test_a_burst_ends_when_nothing_more_is_printed_and_when_it_goes_on() -> None:
    burst = Burst()
    burst.note(2 * FAR, 0, 10.0)
    assert burst.is_on(10.0)
    burst.note(2 * FAR, 0, 10.1)
    assert not burst.is_on(10.1)
    burst.note(3 * FAR, 0, 10.2)
    assert burst.is_on(10.2)
    assert not burst.is_on(10.0 + LONGEST)


def test_one_that_was_caught_up_with_is_another() -> None:
    burst = Burst()
    burst.note(2 * FAR, 0, 0.0)
    burst.note(3 * FAR, 3 * FAR, LONGEST)
    burst.note(5 * FAR, 3 * FAR, 2 * LONGEST)
    assert burst.is_on(2 * LONGEST)
