"""The rows of the event store: every statement there is. Functions run inside a transaction of `Store`."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from node_agent.core.event_log import NewEvent, StoredEvent
from node_agent.core.marks import AskMarks
from node_agent.core.moment import Moment
from node_agent.core.session import OpenAsk
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.states import EventKind

KEPT_EVENTS = 100_000
KEPT_SECONDS = 30 * 86400.0


class CursorRow(NamedTuple):
    """How far a session's journal has been turned into events, and the detector's state there."""

    offset: int
    detector: Dict[str, Any]


class DeathRow(NamedTuple):
    """An agent died while it fed this session's output at `offset`; after a second death there it is quarantined."""

    offset: int
    is_quarantined: bool


def insert_event(connection: sqlite3.Connection, event: NewEvent) -> Optional[StoredEvent]:
    """Record `event`, or None when its key is recorded already."""
    # Not INSERT OR IGNORE: an ignored row uses up a number, and numbers without a gap show consumers they have all.
    if connection.execute("SELECT 1 FROM events WHERE key = ?", (event.key,)).fetchone():
        return None
    cursor = connection.execute(
        "INSERT INTO events (key, kind, session, boot_id, boot, wall, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event.key, event.kind.value, event.session, *event.at, dump_json(event.data)),
    )
    assert cursor.lastrowid is not None
    return StoredEvent(cursor.lastrowid, event.kind, event.at, event.session, event.data)


def insert_events(connection: sqlite3.Connection, events: Iterable[NewEvent]) -> List[StoredEvent]:
    stored = (insert_event(connection, event) for event in events)
    return [event for event in stored if event is not None]


def select_events(
    connection: sqlite3.Connection,
    after: int,
    limit: int,
    session: Optional[SessionId] = None,
    kind: Optional[EventKind] = None,
) -> List[StoredEvent]:
    """Up to `limit` events after number `after`, oldest first, of one session or kind where named."""
    rows = connection.execute(
        "SELECT n, kind, boot_id, boot, wall, session, data FROM events"
        " WHERE n > ? AND (? IS NULL OR session = ?) AND (? IS NULL OR kind = ?) ORDER BY n LIMIT ?",
        (after, session, session, kind and kind.value, kind and kind.value, limit),
    )
    return [
        StoredEvent(n, EventKind(kind), Moment(boot_id, boot, wall), SessionId(owner), json.loads(data))
        for n, kind, boot_id, boot, wall, owner, data in rows
    ]


def event_range(connection: sqlite3.Connection) -> Tuple[int, int]:
    """The number of the oldest event kept and of the last one ever recorded."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    last = int(row[0]) if row else 0
    (oldest,) = connection.execute("SELECT MIN(n) FROM events").fetchone()
    return (last + 1 if oldest is None else int(oldest)), last


def drop_old_events(connection: sqlite3.Connection, now: Moment) -> int:
    """Drop events beyond the retention, but for those from an open ask's on; the number of the oldest one left."""
    _, last = event_range(connection)
    connection.execute(
        "DELETE FROM events WHERE (wall < ? OR n <= ?) AND session NOT IN (SELECT session FROM asks WHERE is_open)",
        (now.wall - KEPT_SECONDS, last - KEPT_EVENTS),
    )
    return event_range(connection)[0]


def forget_session(connection: sqlite3.Connection, session: SessionId) -> None:
    """Drop everything but the events of a removed session."""
    for table in ("cursors", "deaths", "asks", "restarts"):
        connection.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608 - names of our tables


def save_cursor(connection: sqlite3.Connection, session: SessionId, cursor: CursorRow) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (session, cursor.offset, dump_json(cursor.detector))
    )


def load_cursor(connection: sqlite3.Connection, session: SessionId) -> Optional[CursorRow]:
    row = connection.execute("SELECT journal_offset, detector FROM cursors WHERE session = ?", (session,)).fetchone()
    return CursorRow(row[0], json.loads(row[1])) if row else None


def open_ask(connection: sqlite3.Connection, ask: OpenAsk) -> None:
    connection.execute(
        "INSERT INTO asks (id, session, identity, boot_id, boot, wall, info, is_open, marks)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)"
        " ON CONFLICT (id) DO UPDATE SET identity = excluded.identity, info = excluded.info",
        (
            ask.info.id,
            ask.info.session,
            ask.identity,
            *ask.opened,
            dump_json(to_wire(ask.info)),
            dump_json(ask.marks.to_json()),
        ),
    )


def save_marks(connection: sqlite3.Connection, ask: AskId, marks: AskMarks) -> None:
    connection.execute("UPDATE asks SET marks = ? WHERE id = ?", (dump_json(marks.to_json()), ask))


def close_ask(connection: sqlite3.Connection, ask: AskId) -> None:
    connection.execute("UPDATE asks SET is_open = 0 WHERE id = ?", (ask,))


def load_open_asks(connection: sqlite3.Connection) -> List[OpenAsk]:
    rows = connection.execute("SELECT info, boot_id, boot, wall, identity, marks FROM asks WHERE is_open ORDER BY wall")
    return [
        OpenAsk(
            from_wire(AskInfo, json.loads(info)),
            Moment(boot_id, boot, wall),
            identity,
            AskMarks.from_json(json.loads(marks)),
        )
        for info, boot_id, boot, wall, identity, marks in rows
    ]


def count_asks(connection: sqlite3.Connection, session: SessionId) -> int:
    """How many asks the session has had; the next one's id follows from it."""
    (count,) = connection.execute("SELECT COUNT(*) FROM asks WHERE session = ?", (session,)).fetchone()
    return int(count)


def load_death(connection: sqlite3.Connection, session: SessionId) -> Optional[DeathRow]:
    row = connection.execute(
        "SELECT journal_offset, is_quarantined FROM deaths WHERE session = ?", (session,)
    ).fetchone()
    return DeathRow(row[0], bool(row[1])) if row else None


def save_death(connection: sqlite3.Connection, session: SessionId, death: Optional[DeathRow]) -> None:
    """Remember where an agent died in this session, or with None that the place was passed."""
    if death is None:
        connection.execute("DELETE FROM deaths WHERE session = ?", (session,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO deaths VALUES (?, ?, ?)", (session, death.offset, int(death.is_quarantined))
    )


def dump_json(value: Any) -> str:
    """A value as it stands in a column."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
