"""The drop order and expiry, as stated in the module."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node_agent.journal.retention import EXPIRY, SMALLEST_CUT, Drop, Holding, Step, expired, next_drop

MIB = 1024 * 1024


def test_segments_go_in_the_stated_order() -> None:
    holdings = {
        h.session: h
        for h in (
            Holding("old", closed=2 * MIB, active=MIB, ended=100.0),
            Holding("new", closed=0, active=MIB, ended=200.0),
            Holding("failed", closed=MIB, active=MIB, ended=50.0, unseen_failure=True),
            Holding("small", closed=MIB, active=9 * MIB),
            Holding("large", closed=2 * MIB, active=9 * MIB),
            Holding("tiny", closed=0, active=SMALLEST_CUT - 1),
        )
    }
    order: list[Drop] = []
    while True:
        drop = next_drop(holdings.values())
        if drop is None:
            break
        order.append(drop)
        before = holdings[drop.session]
        if drop.step is Step.DROP_OLDEST:
            holdings[drop.session] = before._replace(closed=before.closed - MIB)
        elif drop.step is Step.DROP_LAST:
            holdings[drop.session] = before._replace(active=0)
        else:
            holdings[drop.session] = before._replace(active=0)
    assert order == [
        Drop("old", Step.DROP_OLDEST),
        Drop("old", Step.DROP_OLDEST),
        Drop("old", Step.DROP_LAST),
        Drop("new", Step.DROP_LAST),
        Drop("large", Step.DROP_OLDEST),
        Drop("small", Step.DROP_OLDEST),
        Drop("large", Step.DROP_OLDEST),
        Drop("small", Step.CUT),
        Drop("large", Step.CUT),
        Drop("failed", Step.DROP_OLDEST),
    ]


def test_an_unseen_failure_never_expires() -> None:
    now = 10 * EXPIRY
    assert expired(
        [
            Holding("running", 1, 1),
            Holding("fresh", 1, 1, ended=now - EXPIRY + 1),
            Holding("over", 1, 1, ended=now - EXPIRY - 1),
            Holding("failed", 1, 1, ended=1.0, unseen_failure=True),
        ],
        now,
    ) == ["over"]


@given(
    st.lists(
        st.builds(
            Holding,
            st.text(max_size=2),
            st.integers(0, 3 * MIB),
            st.integers(0, 3 * MIB),
            st.none() | st.floats(0, 1e9),
            st.booleans(),
        )
    )
)
def test_what_is_dropped_takes_space_and_a_running_screen_keeps_its_last_bytes(holdings: list[Holding]) -> None:
    drop = next_drop(holdings)
    if drop is None:
        return
    candidates = [h for h in holdings if h.session == drop.session]
    if drop.step is Step.DROP_OLDEST:
        assert any(h.closed for h in candidates)
    elif drop.step is Step.DROP_LAST:
        assert any(h.ended is not None and h.active and not h.unseen_failure for h in candidates)
    else:
        assert any(h.ended is None and h.active >= SMALLEST_CUT for h in candidates)
