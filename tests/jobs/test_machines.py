"""Jobs over real SSH: three machines of different tags, hosts and agents behind one operator."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relaytui.cli.output import age
from relaytui.config import LOCAL
from tests.jobs.machines import Machines, open_machines
from tests.sshd import needs_sshd

pytestmark = [needs_sshd, pytest.mark.timeout(180)]

TAGS = {"forge": ("fast",), "vault": ("big", "archive"), "bench": ("quiet",)}

PIPELINE = """
name = "pipeline"
[[step]]
name = "build"
requires = "fast"
script = 'echo "built_on=$(uname -n)" >"$RELAY_OUTPUT"'
[[step]]
name = "measure"
needs = ["build"]
requires = "quiet, mem>=1M"
script = 'echo "measured_on=$(uname -n)" >"$RELAY_OUTPUT"'
[[step]]
name = "keep"
needs = ["build", "measure"]
requires = "archive or gpus>=64"
script = 'echo "path=${build.built_on}/${measure.measured_on}/$(uname -n)" >"$RELAY_OUTPUT"'
[[step]]
name = "check"
needs = ["keep"]
requires = "!fast, !quiet, big"
command = ["test", "${keep.path}", "=", "PATH_WANTED"]
"""

BLOCKED = """
name = "blocked"
[[step]]
name = "first"
requires = "fast"
command = ["true"]
[[step]]
name = "nowhere"
needs = ["first"]
requires = "fast, archive"
command = ["true"]
[[step]]
name = "last"
needs = ["nowhere"]
command = ["true"]
"""


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with (
        tempfile.TemporaryDirectory(prefix="rt-jobs-", dir="/tmp") as directory,
        open_machines(Path(directory), TAGS) as opened,
    ):
        yield opened


def test_smoke_goes_through_three_machines_and_shows_three_hosts(machines: Machines) -> None:
    passed = {each["node"]: each for each in machines.home.json("smoke", "--timeout", "60")}
    assert all(each["passed"] for each in passed.values()), passed
    assert {alias: passed[alias]["host"] for alias in TAGS} == machines.hosts
    nodes = {alias: machines.home.json("node", "show", alias)["uuid"] for alias in (LOCAL, *TAGS)}
    assert len(set(nodes.values())) == len(nodes)


def test_four_steps_of_different_requirements_run_each_where_it_is_met(machines: Machines) -> None:
    wanted = "/".join(machines.hosts[alias] for alias in ("forge", "bench", "vault"))
    jobs = _run(machines, PIPELINE.replace("PATH_WANTED", wanted))
    assert [(job["step"], job["node"], job["state"]) for job in jobs] == [
        ("build", "forge", "done"),
        ("measure", "bench", "done"),
        ("keep", "vault", "done"),
        ("check", "vault", "done"),
    ]


def test_a_step_that_no_machine_can_run_waits_and_says_why(machines: Machines) -> None:
    first, nowhere, last = _run(machines, BLOCKED, wait=False)
    machines.home.ok("job", "wait", first["id"])
    why = _why_of_all(machines, nowhere["id"])
    assert (why["state"], why["reasons"]) == ("queued", [])
    assert {each["node"]: each["reasons"] for each in why["nodes"]} == {
        LOCAL: ["needs fast", "needs archive"],
        "forge": ["needs archive"],
        "vault": ["needs fast"],
        "bench": ["needs fast", "needs archive"],
    }
    waiting = machines.home.json("job", "why", last["id"])
    assert waiting["reasons"] == [f"needs job {nowhere['id']}, which is queued"]
    machines.home.ok("job", "cancel", nowhere["id"])
    assert machines.home.run("job", "wait", last["id"]).returncode == 3
    failed = machines.home.json("job", "show", last["id"])
    assert (failed["state"], failed["reason"]) == ("failed", f"needs job {nowhere['id']}, which is cancelled")


def test_a_question_reaches_the_inbox_and_the_answered_jobs_result_says_how_long_it_waited(machines: Machines) -> None:
    home = machines.home
    script = 'printf "Overwrite the archive? [y/n] "; read -r answer; test "$answer" = y'
    name = home.ok("job", "submit", "--requires", "archive", "--", "sh", "-c", script).strip()
    deadline = time.monotonic() + 60
    while not (found := _asks(machines)):
        assert time.monotonic() < deadline, home.json("job", "show", name)
    shown = home.json("job", "show", name)
    assert (shown["node"], shown["session"]) == ("vault", f"vault/{found[0]['session'].rpartition('/')[2]}")
    home.ok("answer", shown["session"], "yes", "--expect", found[0]["id"])
    home.ok("job", "wait", name)
    done = home.json("job", "show", name)
    assert (done["state"], done["code"]) == ("done", 0)
    assert 0 < done["waited"] <= done["ended"] - done["started"]
    states = [event["state"] for event in done["events"]]
    assert states[states.index("asking") :] in (["asking", "done"], ["asking", "running", "done"])
    assert f"waited {age(done['waited'])} for an answer" in home.ok("job", "show", name)
    while _asks(machines):
        assert time.monotonic() < deadline


def _asks(machines: Machines) -> list[dict[str, Any]]:
    """The question's entries in the inbox; a busy machine may be missing for once."""
    inbox: list[dict[str, Any]] = json.loads(machines.home.run("inbox", "--json").stdout)
    return [ask for ask in inbox if "Overwrite" in ask["excerpt"]]


def _why_of_all(machines: Machines, job: str) -> dict[str, Any]:
    """Why a job waits, once every machine could be asked."""
    deadline = time.monotonic() + 60
    while True:
        why: dict[str, Any] = machines.home.json("job", "why", job)
        if not any("connect" in reason for each in why["nodes"] for reason in each["reasons"]):
            return why
        assert time.monotonic() < deadline, why


def _run(machines: Machines, workflow: str, *, wait: bool = True) -> list[dict[str, Any]]:
    """The jobs of a run, ended where they are waited for."""
    path = machines.home.directory / "workflow.toml"
    path.write_text(workflow)
    done = machines.home.run("workflow", "run", str(path), "--json", *(["--wait"] if wait else []), timeout=120)
    jobs: list[dict[str, Any]] = json.loads(done.stdout)
    return jobs
