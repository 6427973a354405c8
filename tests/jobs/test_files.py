"""Files of jobs: from the operator's directory to the node and back, whatever dies on the way."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relaytui.hub.jobs import staging
from relaytui.hub.jobs.model import Direction, JobSpec, KeptFile, Transfer
from relaytui.hub.jobs.queue import PIECE, ContentGone, JobQueue
from relaytui.hub.jobs.staging import FileError, staged, write_out
from relaytui.hub.jobs.states import JobState
from tests.home import Home
from tests.jobs.test_dispatcher import open_place

pytestmark = pytest.mark.timeout(120)

DAY = 86400.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("files"))
    home.configure(replace(home.node("build"), tags=("fast",)), replace(home.node("train"), tags=("big",)))
    yield home
    home.close()


# The queue -----------------------------------------------------------------------------------------------------------


def send(queue: JobQueue, path: Path, remote: str = "in") -> JobSpec:
    return staged(queue, JobSpec(command=("x",), send=(Transfer(str(path), remote),)))


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE - 1])
def test_a_content_comes_out_as_it_went_in(queue: JobQueue, tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    source.chmod(0o755)
    job = queue.submit(send(queue, source), 1.0)
    (file,) = job.spec.send
    assert (file.sha256, file.size, file.executable) == (hashlib.sha256(data).hexdigest(), size, True)
    assert queue.files(job.id) == [KeptFile(Direction.SEND, file, 0, is_kept=True)]
    write_out(queue, queue.files(job.id)[0], target)
    assert target.read_bytes() == data
    assert os.access(target, os.X_OK)
    assert not queue.begin_content(file.sha256, size, 2.0)  # the same content is stored once
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


def test_what_was_left_unfinished_is_begun_again(queue: JobQueue) -> None:
    name = hashlib.sha256(b"ab").hexdigest()
    assert queue.begin_content(name, 2, 1.0)
    queue.add_piece(name, 0, b"ab")  # and then its writer was killed
    with pytest.raises(ContentGone):
        queue.piece(name, 0)
    assert queue.begin_content(name, 2, 2.0)
    queue.add_piece(name, 0, b"ab")
    queue.finish_content(name)
    assert (queue.piece(name, 0), queue.piece(name, 1)) == (b"ab", b"")


def test_contents_are_kept_as_long_as_a_job_may_need_them_and_then_some(queue: JobQueue, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"some")
    spec = send(queue, path)
    now = 1e10  # far beyond the real time at which it was stored
    first, second = queue.submit(spec, now), queue.submit(spec, now)
    queue.cancel(first.id, now)
    assert queue.drop_contents(now + 15 * DAY, now + 15 * DAY) == 0  # the second is still queued
    queue.cancel(second.id, now + DAY)
    assert queue.drop_contents(now + DAY / 2, now + 15 * DAY) == 0
    assert queue.drop_contents(now + 2 * DAY, now + 16 * DAY) == 1
    assert [kept.is_kept for kept in queue.files(second.id)] == [False]
    with pytest.raises(ContentGone):
        write_out(queue, queue.files(second.id)[0], tmp_path / "out")
    with pytest.raises(ContentGone, match="submit the job anew"):
        queue.retry(second.id, now)


def test_a_job_whose_file_was_not_stored_is_not_taken(queue: JobQueue) -> None:
    with pytest.raises(ContentGone):
        queue.submit(JobSpec(command=("x",), send=(Transfer("a", "b", "0" * 64, 1),)), 1.0)
    assert queue.jobs() == []


def test_what_cannot_be_sent_is_one_line(queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr(staging, "MOST_BYTES", 4)
    for name, words in (
        ("none", "No such file"),
        ("pipe", "no regular file"),
        ("large", "4 at most"),
        (".", "regular"),
    ):
        with pytest.raises(FileError, match=words) as caught:
            send(queue, tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_damaged_content_is_not_written(queue: JobQueue, tmp_path: Path) -> None:
    name = "0" * 64
    queue.begin_content(name, 1, 1.0)
    queue.add_piece(name, 0, b"x")
    queue.finish_content(name)
    with pytest.raises(FileError, match="damaged"):
        write_out(queue, KeptFile(Direction.FETCH, Transfer("", "r", name, 1), 1, is_kept=True), tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


# Through nodes -------------------------------------------------------------------------------------------------------


async def test_an_agent_that_dies_while_files_go_there_costs_nothing(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place:
        data = random.Random(1).randbytes(24 * PIECE)
        (tmp_path / "in").write_bytes(data)
        spec = JobSpec(
            script="sha256sum in >sum; cp in back",
            send=(Transfer(str(tmp_path / "in"), "in"),),
            fetch=(Transfer("", "back"), Transfer("", "sum")),
        )
        job = place.queue.submit(staged(place.queue, spec), 1.0).id
        async with place.dispatcher():
            await place.until(job, lambda found: found.state is JobState.STARTING)
            await place.nodes["one"].kill_agent()
            await place.until(job, lambda found: bool(found.session))
            await place.nodes["one"].kill_agent()
        async with place.dispatcher():  # the first may have been ended while it brought files back
            (done,) = await place.ended(job)
        assert (done.state, done.attempt) == (JobState.DONE, 1), done
        back, total = (kept for kept in place.queue.files(job) if kept.direction is Direction.FETCH)
        assert back.file.sha256 == hashlib.sha256(data).hexdigest()
        write_out(place.queue, total, tmp_path / "total")
        assert back.file.sha256 in (tmp_path / "total").read_text()


async def test_a_job_that_ended_well_without_its_files_has_failed_and_one_that_failed_brings_what_it_left(
    tmp_path: Path,
) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        fetch = (Transfer("", "there"), Transfer("", "missing"))
        well = place.queue.submit(JobSpec(script="echo 1 >there", fetch=fetch), 1.0).id
        badly = place.queue.submit(JobSpec(script="echo 1 >there; exit 4", fetch=fetch), 1.0).id
        outside = place.queue.submit(JobSpec(script="true", fetch=(Transfer("", "../../x"),)), 1.0).id
        jobs = await place.ended(well, badly, outside)
        assert [(job.state, job.code) for job in jobs] == [
            (JobState.FAILED, 0),
            (JobState.FAILED, 4),
            (JobState.FAILED, 0),
        ]
        assert jobs[0].reason.startswith("it ended well, but there is no file")
        assert jobs[1].reason == "exit code 4"
        assert "leads out of the job's directory" in jobs[2].reason
        for job in jobs[:2]:
            assert [kept.file.remote for kept in place.queue.files(job.id)] == ["there"]


async def test_each_attempt_has_a_directory_of_its_own_and_its_last_ones_files_count(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        script = f'test ! -e left; echo "$RELAY_JOB" >left; mkdir {tmp_path}/first && exit 1; echo again >left'
        spec = JobSpec(script=script, fetch=(Transfer("", "left"),), retries=1, backoff=0.01)
        (job,) = await place.ended(place.queue.submit(spec, 1.0).id)
        assert (job.state, job.attempt) == (JobState.DONE, 2)
        (left,) = place.queue.files(job.id)
        assert (left.token, left.file.size) == (job.token, len("again\n"))


# The operator's way --------------------------------------------------------------------------------------------------

RUN = """#!/bin/sh
mkdir out
tr a-z A-Z <data/words >out/loud
: >out/empty
"""


def test_files_go_with_a_job_and_come_back(home: Home) -> None:
    here = home.directory
    (here / "words").write_text("hello\n")
    (here / "run.sh").write_text(RUN)
    (here / "run.sh").chmod(0o755)
    sending = ("--send", "words:data/words", "--send", str(here / "run.sh"))
    fetching = ("--fetch", "out/loud:back", "--fetch", "out/empty")
    done = home.run("job", "submit", *sending, *fetching, "--wait", "--", "./run.sh")
    assert done.returncode == 0, done.stderr
    name, *written = done.stdout.split()
    assert sorted(written) == [str(here / "back"), str(here / "empty")]
    assert ((here / "back").read_text(), (here / "empty").read_text()) == ("HELLO\n", "")
    files = home.json("job", "show", name)["files"]
    assert [(each["direction"], each["path"], each["size"], each["kept"]) for each in files] == [
        ("send", "data/words", 6, True),
        ("send", "run.sh", len(RUN), True),
        ("fetch", "out/empty", 0, True),
        ("fetch", "out/loud", 6, True),
    ]
    assert "brought back: out/loud, 6 bytes" in home.ok("job", "show", name)
    (here / "elsewhere").mkdir()
    assert home.ok("job", "get", name, "out/loud", "--to", "elsewhere").strip() == "elsewhere/loud"
    assert (here / "elsewhere" / "loud").read_text() == "HELLO\n"
    (here / "back").unlink()
    home.ok("job", "get", name)
    assert (here / "back").read_text() == "HELLO\n"
    assert home.run("job", "get", name, "nothing").returncode == 11


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--send", "nowhere"), 10, "nowhere cannot be read: No such file"),
        (("--send", ":x"), 2, "names no file"),
        (("--send", "words:x", "--send", "words:x"), 2, "named twice"),
    ],
)
def test_what_cannot_be_carried_is_refused_at_once(home: Home, words: tuple[str, ...], code: int, text: str) -> None:
    (home.directory / "words").write_text("hello\n")
    before = home.json("job", "ls")
    done = home.run("job", "submit", *words, "--", "true")
    assert (done.returncode, text in done.stderr, done.stderr.count("\n")) == (code, True, 1), done.stderr
    assert home.json("job", "ls") == before


WORKFLOW = """
name = "carry"
[[step]]
name = "build"
requires = "fast"
outputs = ["dist/app", "notes"]
script = 'mkdir dist; printf "#!/bin/sh\\necho built\\n" >dist/app; chmod +x dist/app; echo fine >notes'
[[step]]
name = "check"
needs = ["build"]
requires = "big"
inputs = ["build:dist/app"]
outputs = ["report"]
script = 'test ! -e notes && dist/app >report'
"""


def test_a_steps_outputs_are_the_inputs_of_another_on_another_node(home: Home) -> None:
    path = home.directory / "carry.toml"
    path.write_text(WORKFLOW)
    build, check = home.json("workflow", "run", str(path), "--wait")
    assert [(job["node"], job["state"]) for job in (build, check)] == [("build", "done"), ("train", "done")], check
    home.ok("job", "get", check["id"], "--to", ".")
    assert (home.directory / "report").read_text() == "built\n"
