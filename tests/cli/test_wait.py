"""Waiting for a session and asking why it is what it is: the output and the exit codes of real waits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relaytui.cli.exits import Exit
from tests.home import RELAYTUI, Home


@contextmanager
def waiting_for(home: Home, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A wait that has begun: what happens now it will see."""
    command = [*RELAYTUI, "wait", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=home.env) as waiting:
        try:
            assert waiting.stderr is not None
            assert waiting.stderr.readline().startswith("waiting for ")
            yield waiting
        finally:
            waiting.kill()  # where the test has failed


@pytest.mark.parametrize(
    ("words", "printed", "code"),
    [
        ([], "asking", Exit.OK),
        (["--until", "asking"], "asking", Exit.OK),
        (["--until", "exited", "--until", "asking"], "asking", Exit.ASKING),
        (["--until", "idle", "--timeout", "0"], "timeout", Exit.TIMEOUT),
    ],
)
def test_what_is_already_true(home: Home, words: list[str], printed: str, code: Exit) -> None:
    key = home.start("sh", "-c", "printf 'Proceed? [y/N] '; read answer")
    home.wait_for(key, lambda item: item["attention"] == "asking")
    done = home.run("wait", key, *words)
    assert (done.stdout, done.returncode) == (f"{printed}\n", code)
    home.ok("kill", key)


def test_a_wait_for_a_prompt_an_end_and_a_change(home: Home) -> None:
    key = home.start("sh", "-c", "read go; printf 'Overwrite config.yml? [y/N] '; read answer; exit 3")
    home.wait_for(key, lambda item: item["attention"] == "asking")
    first = home.session(key)["ask"]["id"]
    words = ["--until", "idle", "--until", "change", "--json"]
    with waiting_for(home, key, *words) as changed, waiting_for(home, key, "--until", "idle") as ended:
        home.ok("send", key, "go", "key:enter")
        out, _ = changed.communicate(timeout=20)
        assert changed.returncode == Exit.CHANGED
        came = json.loads(out)
        assert came["until"] == "change"
        assert came["session"]["ask"] is None or came["session"]["ask"]["id"] != first
        home.wait_for(key, lambda item: item["ask"] and item["ask"]["kind"] == "confirm")
        home.ok("send", key, "n", "key:enter")
        assert ended.communicate(timeout=20)[0] == "exited\n"
        assert ended.returncode == Exit.EXITED
    assert home.run("wait", key, "--until", "exited").returncode == Exit.OK
    assert home.run("wait", key).returncode == Exit.EXITED


def test_logs_wait_for_the_prompt_they_end_with(home: Home) -> None:
    key = home.start("sh", "-c", "sleep 0.3; printf 'Overwrite config.yml? [y/N] '; read answer")
    done = home.run("logs", key, "--wait-for-prompt", "--timeout", "20")
    assert (done.returncode, done.stdout.strip()) == (Exit.OK, "Overwrite config.yml? [y/N]")
    home.ok("send", key, "n", "key:enter")
    home.wait_for(key, lambda item: item["exited"] is not None)
    assert home.run("logs", key, "--wait-for-prompt").returncode == Exit.EXITED
    assert home.run("logs", key, "--timeout", "1").returncode == Exit.USAGE


def test_a_wait_outlives_the_agent(home: Home) -> None:
    key = home.start("sh", "-c", "read go; exit 0")
    home.wait_for(key, lambda item: item["attention"] == "asking")
    with waiting_for(home, key, "--until", "exited") as waiting:
        (local,) = home.json("node", "ls")
        subprocess.run(["kill", "-9", str(local["agent"]["pid"])], check=True)
        home.ok("send", key, "go", "key:enter")
        assert waiting.communicate(timeout=30)[0] == "exited\n"
        assert waiting.returncode == Exit.OK


def test_an_explanation_has_the_evidence_and_the_rule(home: Home) -> None:
    key = home.start("sh", "-c", "printf 'Proceed? [y/N] '; read answer")
    home.wait_for(key, lambda item: item["attention"] == "asking")
    reply = home.json("explain", key)
    assert reply["session"]["attention"] == "asking"
    assert reply["rule"]
    assert {"source", "text", "since"} == set(reply["evidence"][0])
    text = home.ok("explain", key)
    assert text.startswith(f"{key} ◆ asking confirm for ")
    assert all(item["source"] in text for item in reply["evidence"])
    home.ok("kill", key)
