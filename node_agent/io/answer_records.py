"""How answers stand in the event store, so that a retry of one is carried out once, whatever died in between.

Each function runs inside a transaction of `Store`.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Optional

from node_agent.io.records import dump_json
from node_agent.protocol.asks import Answered
from node_agent.protocol.codec import from_wire, to_wire

KEPT_SECONDS = 86400.0


def find(connection: sqlite3.Connection, request: str) -> Optional[Answered]:
    """What became of an answer, as far as it was recorded."""
    row = connection.execute("SELECT body FROM answers WHERE request = ?", (request,)).fetchone()
    return from_wire(Answered, json.loads(row[0])) if row else None


def save(connection: sqlite3.Connection, request: str, wall: float, answered: Answered) -> None:
    connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (request, wall, dump_json(to_wire(answered))))


def drop_old(connection: sqlite3.Connection, wall: float) -> None:
    connection.execute("DELETE FROM answers WHERE wall < ?", (wall - KEPT_SECONDS,))
