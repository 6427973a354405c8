"""Attempts whose node is renamed, removed or given another's alias while they run and no dispatcher looks."""

from __future__ import annotations

import os
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from node_agent.protocol.sessions import StopSession
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.jobs.test_dispatcher import Place, open_place

pytestmark = pytest.mark.timeout(90)


async def started(place: Place, **options: object) -> str:
    """A job on `one` that has been running for three hours, as far as the queue knows, and whose dispatcher is gone."""
    script = f"echo run >>{place.root}/runs; read -r line <{place.root}/go"
    os.mkfifo(place.root / "go")
    async with place.dispatcher(holder="hub"):
        job = place.submit("sh", "-c", script, node="one", **options)
        await place.until(job, lambda found: found.state is JobState.RUNNING)
    with sqlite3.connect(place.root / "queue.db") as database:
        database.execute("UPDATE jobs SET changed = changed - 10800")
    database.close()
    return job


def let_go(place: Place) -> None:
    (place.root / "go").write_text("\n")


def runs(place: Place) -> int:
    return (place.root / "runs").read_text().count("run")


@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize("knows_uuid", [False, True])
async def test_a_renamed_nodes_job_goes_on_and_is_told_under_the_new_name(
    repeatable: bool, knows_uuid: bool, tmp_path: Path
) -> None:
    async with open_place(tmp_path, one=()) as place:
        job = await started(place, repeatable=repeatable)
        if not knows_uuid:  # as of a version that did not keep it
            assert isinstance(place.queue, SqliteQueue)
            place.queue._db.execute("UPDATE jobs SET node_uuid = ''")
        place.configure(replace(place.config.nodes[0], alias="first"))
        async with place.dispatcher(holder="hub", slots={"first": 1}):
            await place.until(job, lambda found: found.node == "first")
            let_go(place)
            (done,) = await place.ended(job)
        assert (done.state, done.node, runs(place)) == (JobState.DONE, "first", 1)
        assert [attempt.node for attempt in place.queue.attempts(job)] == ["first"]


async def test_silence_of_a_removed_node_is_counted_from_when_it_was_missed(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place:
        job = await started(place)
        (removed,) = place.config.nodes
        place.configure()
        async with place.dispatcher(holder="hub", lost_after=1.0):
            (lost,) = await place.ended(job)
        assert lost.state is JobState.LOST
        seconds = re.search(r"one not heard for (\d+) s: it is not in the config", lost.reason)
        assert seconds is not None
        assert int(seconds[1]) < 3600
        place.configure(removed)
        let_go(place)


async def test_another_machine_under_the_alias_says_nothing_of_the_job(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=(), two=()) as place:
        job = await started(place, repeatable=True)
        one, two = place.config.nodes
        place.configure(replace(two, alias="one"))
        async with place.dispatcher(holder="hub"):
            await place.ended(place.submit("true"), place.submit("true"))
            assert place.queue.get(job).state is JobState.RUNNING
        place.configure(replace(two, alias="one"), replace(one, alias="two"))
        async with place.dispatcher(holder="hub"):
            found = await place.until(job, lambda found: found.node == "two")
            await place.cores[-1].request("two", StopSession(found.session))  # type: ignore[arg-type]  # a session's id
            await place.ended(job)
        assert runs(place) == 1
