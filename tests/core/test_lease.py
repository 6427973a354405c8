"""The lease as scripts of who takes, leaves and steals it."""

from __future__ import annotations

from node_agent.core.lease import GRACE, Holder, Lease
from node_agent.core.moment import Moment

ANN, ANN_AGAIN, BOB = Holder("1.1", "ann"), Holder("1.2", "ann"), Holder("1.3", "bob")


def at(seconds: float) -> Moment:
    return Moment("boot", seconds, 1e9 + seconds)


def test_a_free_session_is_anybodys() -> None:
    lease = Lease()
    assert lease.allows("1.1")
    assert lease.info(at(0)) is None


def test_one_holds_it_and_others_do_not_type() -> None:
    lease = Lease()
    assert lease.take(ANN, at(0))
    assert lease.take(ANN, at(5))
    assert not lease.take(BOB, at(6))
    assert not lease.take(ANN_AGAIN, at(6))
    assert (lease.allows("1.1"), lease.allows("1.3")) == (True, False)
    info = lease.info(at(10))
    assert info is not None
    assert (info.holder, info.age) == ("ann", 10.0)


def test_it_can_be_stolen() -> None:
    lease = Lease()
    lease.take(ANN, at(0))
    assert lease.take(BOB, at(1), steal=True)
    assert lease.holder == BOB
    assert not lease.release("1.1")
    assert lease.release("1.3")
    assert lease.holder is None


def test_a_cut_keeps_it_for_its_operator_for_a_while() -> None:
    lease = Lease()
    lease.take(ANN, at(0))
    lease.disconnect("1.1", at(10))
    assert not lease.take(BOB, at(11))
    assert lease.take(ANN_AGAIN, at(12))
    assert lease.expires is None
    lease.disconnect("1.1", at(13))  # the old connection has nothing to keep any more
    assert lease.expires is None


def test_an_attach_goes_on_over_another_connection_before_the_old_one_has_ended() -> None:
    lease = Lease()
    first, again = (Holder(client, "ann", "attach-1") for client in ("1.1", "1.2"))
    lease.take(first, at(0))
    assert not lease.take(Holder("1.3", "bob", "attach-1"), at(1))
    assert not lease.take(Holder("1.3", "ann", "attach-2"), at(1))
    assert lease.take(again, at(2))
    lease.disconnect("1.1", at(3))
    assert lease.expires is None
    assert (lease.allows("1.1"), lease.allows("1.2")) == (False, True)
    info = lease.info(at(10))
    assert info is not None
    assert info.age == 10.0


def test_a_kept_lease_is_freed_when_nobody_comes_back() -> None:
    lease = Lease()
    lease.take(ANN, at(0))
    assert lease.disconnect("1.1", at(10))
    assert not lease.disconnect("1.1", at(11)), "it is kept from the connection's end on"
    assert not lease.expire(at(10 + GRACE - 0.1))
    assert lease.expire(at(10 + GRACE))
    assert lease.take(BOB, at(30))
