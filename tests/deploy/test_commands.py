"""`relaytui deploy` over a real sshd with a key that it made: listed steps run, and the key opens nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.version import MAGIC
from tests.home import Home
from tests.sshd import Sshd, needs_sshd

pytestmark = [needs_sshd, pytest.mark.timeout(120)]

LIST = """
[api]
cwd = "/tmp"
env = { STAGE = "live" }
steps = [
  ["sh", "-c", 'echo "built=$STAGE" >"$RELAY_OUTPUT"; pwd'],
  ["test", "{stage}", "=", "live"],
  ["echo", "released", "{version}"],
]
values = { stage = "[a-z]+", version = 'v[0-9]+' }
"""

API = """
name = "api"
kind = "deploy"
[[step]]
name = "build"
node = "web"
command = ["sh", "-c", 'echo "built=$STAGE" >"$RELAY_OUTPUT"; pwd']
[[step]]
name = "verify"
node = "web"
needs = ["build"]
command = ["test", "${build.built}", "=", "live"]
[[step]]
name = "release"
node = "web"
needs = ["verify"]
command = ["echo", "released", "${deploy.version}"]
"""


class Web:
    """The node `web`, which is reached with a key for deploys and no other."""

    def __init__(self, home: Home, server: Sshd) -> None:
        self.home = home
        self.server = server
        self.allow_list = home.directory / "home" / ".config" / "relaytui" / "deploy.toml"
        self.key = home.directory / "config" / "keys" / "deploy-api"

    def workflow(self, text: str, name: str = "api") -> None:
        path = self.home.directory / "config" / "workflows" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def deploy(self, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the jobs by step."""
        done = self.home.run("deploy", *words, "--json", timeout=60)
        assert done.stdout, done.stderr
        return done.returncode, {job["step"]: job for job in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with tempfile.TemporaryDirectory(prefix="rt-dep-", dir="/tmp") as directory, asyncio.Runner() as runner:
        home, server = Home(Path(directory)), Sshd(Path(directory) / "sshd")
        server.prepare()
        runner.run(server.start())
        try:
            opened = Web(home, server)
            state = str(home.directory / "web")
            node = server.node("web", agent=str(home.agent_command("web")), state=state, identity=str(opened.key))
            home.configure(node)
            server.authorized.write_text(home.ok("deploy", "key", "api", "--node", "web"))
            opened.allow_list.parent.mkdir(parents=True)
            opened.allow_list.write_text(LIST)
            opened.allow_list.chmod(0o600)
            opened.workflow(API)
            yield opened
        finally:
            home.close()
            runner.run(server.stop())


def test_a_deploy_runs_its_listed_steps_one_after_the_other(web: Web) -> None:
    code, jobs = web.deploy("api", "--set", "version=v7")
    assert code == 0, jobs
    assert {step: (job["state"], job["node"]) for step, job in jobs.items()} == dict.fromkeys(
        ("build", "verify", "release"), ("done", "web")
    )
    assert jobs["build"]["outputs"] == {"built": "live"}
    assert web.home.ok("job", "logs", jobs["build"]["id"]).strip() == "/tmp"
    assert web.home.ok("job", "logs", jobs["release"]["id"]).strip() == "released v7"
    assert web.home.session(jobs["build"]["session"])["tags"] == ["deploy:api"]


@pytest.mark.parametrize("version", ["latest", "v7; id", "--help", "v7\nv8"])
def test_a_value_its_owner_did_not_mean_fails_that_step_and_those_after_it(web: Web, version: str) -> None:
    code, jobs = web.deploy("run", "api", "--set", f"version={version}")
    assert code == 3
    assert {step: job["state"] for step, job in jobs.items()} == {
        "build": "done",
        "verify": "done",
        "release": "failed",
    }
    assert "not allowed here: the deploy 'api' has no step" in jobs["release"]["reason"]


def test_a_step_that_is_not_listed_fails_at_once_and_nothing_after_it_runs(web: Web) -> None:
    web.workflow(API.replace('name = "api"', 'name = "other"'), "other")
    code, jobs = web.deploy("other", "--set", "version=v7")
    assert code == 3
    assert {job["state"] for job in jobs.values()} == {"failed"}
    assert "lists no deploy 'other'" in jobs["build"]["reason"]
    assert f"needs job {jobs['build']['id']}, which is failed" in jobs["verify"]["reason"]


def test_the_key_opens_nothing_else(web: Web) -> None:
    home = web.home
    for words in (["start", "--node", "web", "--detach", "--", "id"], ["start", "--node", "web", "--detach"]):
        refused = home.run(*words)
        assert refused.returncode == 74, refused.stderr
        assert "not allowed here: this key starts listed deploys and nothing else" in refused.stderr
    submitted = home.ok("job", "submit", "--node", "web", "--", "id").strip()
    assert home.run("job", "wait", submitted).returncode == 3
    job = home.json("job", "show", submitted)
    assert (job["state"], job["session"]) == ("failed", "")
    assert "not allowed here" in job["reason"]


def test_whatever_ssh_asks_for_it_gets_the_bridge(web: Web) -> None:
    config = web.server.write_config("web")
    config.write_text(config.read_text().replace(str(web.server.identity), str(web.key)))
    ssh = ["ssh", "-F", str(config), "-o", "BatchMode=yes"]
    for words in (["web", "id"], ["web"]):
        got = subprocess.run([*ssh, *words], input=b"", capture_output=True, timeout=30, check=False)
        assert got.stdout.startswith(MAGIC), got
        assert b"uid=" not in got.stdout
    assert subprocess.run([*ssh, "-tt", "web", "sh"], capture_output=True, timeout=30, check=False).returncode != 0
    forward = ["-o", "ExitOnForwardFailure=yes", "-R", f"{web.home.directory}/back.sock:127.0.0.1:1", "web", "id"]
    assert subprocess.run([*ssh, *forward], capture_output=True, timeout=30, check=False).returncode != 0


def test_a_key_is_made_once_and_for_its_owner_alone(web: Web) -> None:
    line = web.home.ok("deploy", "key", "api")
    assert line.startswith('restrict,command="node-agent bridge --deploy-only" ssh-ed25519 ')
    assert line.split()[-4] == web.server.authorized.read_text().split()[-4]
    assert web.key.stat().st_mode & 0o777 == 0o600
    assert web.home.run("deploy", "key", "../x").returncode == 2
    assert web.home.run("deploy", "key", "api", "--node", "nowhere").returncode == 10


def test_check_prints_the_list_that_the_owner_completes(web: Web) -> None:
    text = web.home.ok("deploy", "check", "api")
    assert '"released"' in text
    assert '"{version}"' in text
    assert "[api.values]" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["api"], 10, "needs version; add --set version=VALUE"),
        (["api", "--set", "version"], 2, "write NAME=VALUE"),
        (["api", "--set", "version=v1", "--set", "color=red"], 10, "takes no color; it takes version"),
        (["nothing"], 10, "cannot be read"),
        (["plain"], 10, "is no deploy"),
    ],
)
def test_a_deploy_that_cannot_be_run_says_why(web: Web, words: list[str], code: int, said: str) -> None:
    web.workflow('name = "plain"\n[[step]]\nname = "a"\ncommand = ["true"]\n', "plain")
    done = web.home.run("deploy", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
