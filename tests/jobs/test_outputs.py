"""What attempts printed stays in the queue, whatever becomes of their sessions and nodes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relaytui.hub.jobs.outputs import MOST_BYTES, kept_output
from relaytui.hub.jobs.states import JobState
from tests.home import Home
from tests.jobs.test_dispatcher import open_place

pytestmark = pytest.mark.timeout(120)


async def test_the_output_of_each_attempt_is_kept_however_it_ended(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        tried = place.submit("sh", "-c", f"echo try; echo x >>{tmp_path}/tries; exit 3", retries=1, backoff=0.01)
        silent = place.submit("true")
        overdue = place.submit("sh", "-c", "echo begun; sleep 600", run_limit=0.5)
        cancelled = place.submit("sh", "-c", f"echo begun; touch {tmp_path}/begun; sleep 600")
        await place.until(cancelled, lambda found: found.state is JobState.RUNNING and (tmp_path / "begun").exists())
        place.queue.cancel(cancelled, time.time())
        jobs = {job.id: job for job in await place.ended(tried, silent, overdue, cancelled)}
        kept = {
            name: [kept_output(place.queue, name, each.token) for each in place.queue.attempts(name)] for name in jobs
        }
        assert kept == {tried: [["try"], ["try"]], silent: [[]], overdue: [["begun"]], cancelled: [["begun"]]}


async def test_of_much_output_the_end_is_kept(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        line = "\N{MATHEMATICAL BOLD SMALL X}" * 70  # four bytes each
        script = f"i=0; while [ $i -lt 2000 ]; do echo $i {line}; i=$((i + 1)); done"
        (done,) = await place.ended(place.submit("sh", "-c", script))
        kept = kept_output(place.queue, done.id, done.token)
        assert kept is not None
        assert kept[-1] == f"1999 {line}"
        assert all(each.split()[1] == line for each in kept)
        assert MOST_BYTES - 1000 < sum(len(each.encode()) + 1 for each in kept) <= MOST_BYTES


def test_logs_are_there_after_the_session_and_the_node_are_gone(home: Home) -> None:
    home.configure(home.node("build"))
    script = 'echo "try $(cat tries 2>/dev/null)"; echo once >>tries; test "$(wc -l <tries)" -gt 1'
    options = ("--retries", "1", "--backoff", "0.1", "--cwd", str(home.directory), "--node", "build")
    name = home.ok("job", "submit", *options, "--wait", "--", "sh", "-c", script).strip()
    assert home.run("job", "logs", name).stderr == ""
    shown = home.json("job", "show", name)
    first, second = (f"build/{each['session']}" for each in shown["attempts"])
    assert shown["files"] == []
    home.ok("rm", first)
    home.ok("rm", second)
    gone = home.run("job", "logs", name)
    assert (gone.returncode, gone.stdout) == (0, "try once\n")
    assert "this is what the queue kept" in gone.stderr
    assert home.ok("job", "logs", name, "--attempt", "1") == "try\n"
    assert home.ok("job", "logs", name, "--attempt", "2", "--tail", "1") == "try once\n"
    none = home.run("job", "logs", name, "--attempt", "3")
    assert (none.returncode, none.stderr.count("\n")) == (11, 1)
    assert "has had 2 attempts" in none.stderr
    home.configure()
    assert home.ok("job", "logs", name) == "try once\n"
