"""How alerts stand in the store, whatever order their changes are saved in."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from node_agent.core.alerts import AlertState
from node_agent.core.moment import Moment
from node_agent.io import alert_records
from node_agent.io.store_schema import migrate
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.states import AlertKind, Severity


def test_a_claim_that_is_saved_after_its_ask_has_ended_does_not_open_the_alert_again() -> None:
    now = Moment("boot", 1.0, 1001.0)
    alert = AlertState("k", AlertKind.ASK, Severity.NORMAL, "t", "b", now, 1, SessionId("a"), AskId("a.1"))
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        alert_records.insert(connection, alert)
        alert.claim("phone", "hub", 7, now)
        alert_records.close_of_ask(connection, AskId("a.1"))
        alert_records.save(connection, alert)  # it does not know yet
        (stored,) = alert_records.select(connection, 0, 10, only_open=False)
        assert not stored.is_open
        assert stored.tries["phone"].sender == "hub"
        assert alert_records.select(connection, 0, 10, only_open=True) == []
