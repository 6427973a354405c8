"""`relaytui job` and its kin as processes, with the dispatcher they start on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relaytui.config import LOCAL, NodeConfig, Transport
from tests.home import Home, open_home

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Three nodes of different tags behind one operator."""
    home = Home(tmp_path_factory.mktemp("jobs"))
    home.configure(
        NodeConfig(LOCAL, transport=Transport.UNIX, tags=("plain",)),
        replace(home.node("build"), tags=("fast",)),
        replace(home.node("train"), tags=("gpu", "big")),
    )
    yield home
    home.close()


def test_a_job_is_submitted_waited_for_shown_and_its_output_read(home: Home) -> None:
    done = home.run("job", "submit", "--requires", "fast", "--wait", "--", "sh", "-c", "echo it went well")
    assert done.returncode == 0, done.stderr
    name = done.stdout.strip()
    assert home.ok("job", "logs", name).strip() == "it went well"
    shown = home.json("job", "show", name[:6])
    assert (shown["state"], shown["node"], shown["code"]) == ("done", "build", 0)
    assert [event["state"] for event in shown["events"]] == ["queued", "placed", "starting", "running", "done"]
    assert name in home.ok("job", "ls", "--state", "done")


def test_a_failed_jobs_wait_says_so(home: Home) -> None:
    done = home.run("job", "submit", "--wait", "--", "sh", "-c", "exit 9")
    assert done.returncode == 3
    assert "exit code 9" in done.stderr


def test_why_says_for_each_node_why_not_and_a_waiting_job_is_cancelled(home: Home) -> None:
    name = home.ok("job", "submit", "--requires", "fast, gpu", "--", "true").strip()
    why = home.json("job", "why", name)
    reasons = {node["node"]: "; ".join(node["reasons"]) for node in why["nodes"]}
    assert reasons["build"] == "needs gpu"
    assert "needs fast" in reasons["train"]
    assert "no GPU was found" in reasons["train"]
    assert reasons[LOCAL] == "needs fast; needs gpu"
    home.ok("job", "cancel", name)
    assert home.json("job", "show", name)["state"] == "cancelled"
    again = home.ok("job", "retry", name).strip()
    assert again != name
    home.ok("job", "cancel", again)


def test_a_running_job_is_cancelled(home: Home) -> None:
    name = home.ok("job", "submit", "--", "sleep", "600").strip()
    deadline = time.monotonic() + 30
    while home.json("job", "show", name)["state"] != "running":
        assert time.monotonic() < deadline
    home.ok("job", "cancel", name)
    assert home.run("job", "wait", name, "--timeout", "30").returncode == 3
    assert home.json("job", "show", name)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("job", "show", "nothing"), 11, "there is no job 'nothing'"),
        (("job", "submit", "--requires", "gpu and", "--", "x"), 2, "character 8"),
        (("job", "submit", "--node", "nowhere", "--", "x"), 10, "no node 'nowhere'"),
        (("job", "wait", "nothing"), 11, "relaytui job ls"),
    ],
)
def test_what_cannot_be_is_refused_with_one_line(home: Home, words: tuple[str, ...], code: int, text: str) -> None:
    done = home.run(*words)
    assert (done.returncode, text in done.stderr, done.stderr.count("\n")) == (code, True, 1), done.stderr


def test_smoke_goes_through_every_node_and_names_the_one_that_fails(home: Home) -> None:
    passed = home.json("smoke")
    assert [(each["node"], each["passed"]) for each in passed] == [(LOCAL, True), ("build", True), ("train", True)]
    assert all(each["host"] and 0 < each["latency"] < 30 for each in passed)
    dead = NodeConfig("dead", transport=Transport.UNIX, socket=str(home.directory / "nobody.sock"))
    nodes = home.nodes
    home.configure(*nodes, dead)
    try:
        done = home.run("smoke", "--timeout", "3")
    finally:
        home.configure(*nodes)
    assert done.returncode == 3
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["passed", "passed", "passed", "failed"]
    assert "not placed within 3 s" in done.stdout or "no result within 3 s" in done.stdout


WORKFLOW = """
name = "chain"
[[step]]
name = "build"
requires = "fast"
script = 'echo "version=1 2" >"$RELAY_OUTPUT"'
[[step]]
name = "check"
needs = ["build"]
requires = "big"
script = 'test ${build.version} = "1 2"'
[[step]]
name = "report"
needs = ["check", "build"]
requires = "plain"
command = ["test", "${build.version}", "=", "1 2"]
"""


def test_each_step_of_a_workflow_runs_where_it_can_and_gets_what_it_needs(home: Home) -> None:
    path = home.directory / "chain.toml"
    path.write_text(WORKFLOW)
    assert "3 steps" in home.run("workflow", "check", str(path)).stderr
    jobs = home.json("workflow", "run", str(path), "--wait")
    assert [(job["step"], job["node"], job["state"]) for job in jobs] == [
        ("build", "build", "done"),
        ("check", "train", "done"),
        ("report", LOCAL, "done"),
    ]
    assert home.json("workflow", "show", jobs[0]["run"]) == jobs


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name = 'x'\n[[step]]\nname = 'a'\nneeds = ['b']\ncommand = ['true']\n", "'b', which is no step"),
        ("name = 'x'\n[[step]]\nname = 'a'\noutputs = ['../f']\ncommand = ['true']\n", "inside the step's directory"),
        ("name = ", "not TOML"),
    ],
)
def test_a_faulty_workflow_is_refused_whole(home: Home, text: str, fault: str) -> None:
    path = home.directory / "faulty.toml"
    path.write_text(text)
    before = home.json("job", "ls")
    for verb in ("check", "run"):
        done = home.run("workflow", verb, str(path))
        assert (done.returncode, fault in done.stderr, done.stderr.count("\n")) == (10, True, 1), done.stderr
    assert home.json("job", "ls") == before


def test_a_session_is_started_where_its_requirement_holds(home: Home) -> None:
    key = home.ok("start", "--detach", "--requires", "big", "--", "sleep", "600").strip()
    assert key.startswith("train/")
    home.ok("kill", key)
    done = home.run("start", "--detach", "--requires", "fast and big", "--", "true")
    assert done.returncode == 3
    assert "build: needs big" in done.stderr
    assert home.run("start", "--requires", "a (", "--", "true").returncode == 2


def test_a_hub_dispatches_jobs_and_no_second_process_is_started(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        home.ok("hub", "start")
        wait_for_lock(home)
        done = home.run("job", "submit", "--wait", "--", "true")
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "console" / "jobs" / "dispatcher.log").exists()
        home.ok("hub", "stop")


def wait_for_lock(home: Home) -> None:
    """Wait until somebody dispatches."""
    path = home.directory / "console" / "jobs" / "dispatcher.lock"
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
