"""How alerts stand in the event store. Each function runs inside a transaction of `Store`."""

from __future__ import annotations

import json
import sqlite3
from typing import List, Optional

from node_agent.core.alerts import AlertState, alert_from_json
from node_agent.io.records import dump_json
from node_agent.protocol.ids import AskId, SessionId

KEPT_SECONDS = 30 * 86400.0
KEPT = 20_000


def insert(connection: sqlite3.Connection, alert: AlertState) -> bool:
    """Record a new alert; False when its key is recorded already."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            alert.key,
            alert.n,
            alert.session,
            alert.ask or "",
            alert.raised.wall,
            int(alert.is_open),
            dump_json(alert.to_json()),
        ),
    )
    return cursor.rowcount == 1


def save(connection: sqlite3.Connection, alert: AlertState) -> None:
    """Record what has become of a known alert. One that was closed stays so: a claim may be saved a moment too late."""
    connection.execute(
        "UPDATE alerts SET is_open = is_open AND ?, body = ? WHERE key = ?",
        (int(alert.is_open), dump_json(alert.to_json()), alert.key),
    )


def close_of_ask(connection: sqlite3.Connection, ask: AskId) -> None:
    """The ask has ended or was seen: nothing about it is worth telling any more."""
    connection.execute("UPDATE alerts SET is_open = 0 WHERE ask = ? AND is_open", (ask,))


def close_of_session(connection: sqlite3.Connection, session: SessionId) -> None:
    connection.execute("UPDATE alerts SET is_open = 0 WHERE session = ? AND is_open", (session,))


def select(connection: sqlite3.Connection, after: int, limit: int, only_open: bool) -> List[AlertState]:
    """Up to `limit` alerts with a number over `after`, oldest first."""
    rows = connection.execute(
        "SELECT body, n, is_open FROM alerts WHERE n > ? AND (is_open OR NOT ?) ORDER BY n LIMIT ?",
        (after, int(only_open), limit),
    )
    return [alert_from_json(json.loads(body), n, bool(is_open)) for body, n, is_open in rows]


def find(connection: sqlite3.Connection, key: str) -> Optional[AlertState]:
    row = connection.execute("SELECT body, n, is_open FROM alerts WHERE key = ?", (key,)).fetchone()
    return alert_from_json(json.loads(row[0]), row[1], bool(row[2])) if row else None


def last_number(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT COALESCE(MAX(n), 0) FROM alerts").fetchone()
    return int(number)


def drop_old(connection: sqlite3.Connection, wall: float) -> None:
    """Drop what is no longer open and older than the retention, or beyond its number."""
    connection.execute(
        "DELETE FROM alerts WHERE NOT is_open AND (wall < ? OR n <= ?)",
        (wall - KEPT_SECONDS, last_number(connection) - KEPT),
    )
