"""The event store: commits in groups, numbers without gaps, one writer, files of other versions."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from node_agent.core.event_log import NewEvent
from node_agent.core.moment import Moment
from node_agent.io import records
from node_agent.io.store import FencedError, Store, StoreError
from node_agent.io.store_schema import SCHEMA_VERSION
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import EventKind

NOW = Moment("boot", 50.0, 5000.0)


def event(key: str, session: str = "s1", at: Moment = NOW) -> NewEvent:
    return NewEvent(key, EventKind.SESSION_STARTED, at, SessionId(session), {"key": key})


async def open_store(path: Path) -> Store:
    store = Store(path)
    await store.open()
    return store


async def test_the_same_event_is_recorded_once_and_numbers_have_no_gap(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "db")
    for key in ("a", "b", "a", "a", "c"):
        await store.write(lambda connection, key=key: records.insert_event(connection, event(key)))  # type: ignore[misc]  # bound now
    found = await store.read(lambda connection: records.select_events(connection, 0, 10))
    assert [(e.n, e.data["key"]) for e in found] == [(1, "a"), (2, "b"), (3, "c")]
    assert await store.read(records.event_range) == (1, 3)
    await store.close()


async def test_identities_stay_and_the_epoch_grows_with_each_agent(tmp_path: Path) -> None:
    first = await open_store(tmp_path / "db")
    await first.close()
    second = await open_store(tmp_path / "db")
    assert (first.uuid, first.store_id) == (second.uuid, second.store_id)
    assert (first.epoch, second.epoch) == (1, 2)
    await second.close()


async def test_an_older_agent_is_fenced_off(tmp_path: Path) -> None:
    old = await open_store(tmp_path / "db")
    new = await open_store(tmp_path / "db")
    with pytest.raises(FencedError):
        await old.write(lambda connection: records.insert_event(connection, event("late")))
    assert await new.read(records.event_range) == (1, 0)
    await old.close()
    await new.close()


async def test_a_write_that_fails_leaves_its_group_alone(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "db")

    def bad(connection: sqlite3.Connection) -> None:
        records.insert_event(connection, event("half"))
        raise ValueError("no")

    good = [store.write(lambda c, k=key: records.insert_event(c, event(k))) for key in ("a", "b")]  # type: ignore[misc]  # bound
    outcomes = await asyncio.gather(good[0], store.write(bad), good[1], return_exceptions=True)
    assert isinstance(outcomes[1], ValueError)
    found = await store.read(lambda connection: records.select_events(connection, 0, 10))
    assert [e.data["key"] for e in found] == ["a", "b"]
    await store.close()


async def test_a_store_of_a_newer_agent_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "db") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = (tmp_path / "db").read_bytes()
    store = Store(tmp_path / "db")
    with pytest.raises(StoreError, match="newer"):
        await store.open()
    assert (tmp_path / "db").read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"hello" * 1000)
    store = Store(tmp_path / "db")
    with pytest.raises(StoreError) as caught:
        await store.open()
    assert "\n" not in str(caught.value)


async def test_old_events_are_dropped_but_not_those_of_an_open_ask(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "db")
    old = Moment("boot", 0.0, NOW.wall - records.KEPT_SECONDS - 1)

    def fill(connection: sqlite3.Connection) -> None:
        records.insert_events(connection, [event("a", at=old), event("b", "s2", old), event("c")])
        connection.execute("INSERT INTO asks VALUES ('s2.1', 's2', 'x', 'boot', 0, 0, '{}', 1, '{}')")

    await store.write(fill)
    assert await store.write(lambda connection: records.drop_old_events(connection, NOW)) == 2
    found = await store.read(lambda connection: records.select_events(connection, 0, 10))
    assert [e.data["key"] for e in found] == ["b", "c"]
    await store.close()
