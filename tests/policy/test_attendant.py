"""Policy at work in a hub, against a real node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from node_agent.protocol.states import AskKind
from relaytui.config import Config, load_config, save_config
from relaytui.hub.policy import Action, Rule
from tests.home import Home

ASK = 'printf "Overwrite %s? [y/N] " "$0"; read answer; echo "answered <$answer>"; exec cat'


@pytest.fixture
def hub_with(home: Home) -> Iterator[Callable[..., None]]:
    """Starts a hub with these rules."""

    def start(*rules: Rule) -> None:
        save_config(Config(rules=rules), home.config_file)
        assert load_config(home.config_file).rules == rules
        home.ok("hub", "start")

    yield start
    home.run("hub", "stop")
    home.run("policy", "resume")
    home.config_file.unlink(missing_ok=True)
    (home.directory / "console" / "policy.jsonl").unlink(missing_ok=True)


def decisions(home: Home, count: int) -> list[dict[str, Any]]:
    """The log once it has `count` entries."""
    deadline = time.monotonic() + 20
    found: list[dict[str, Any]] = []
    while len(found) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
        found = home.json("policy", "log")
    return found


def asking(home: Home, name: str) -> str:
    return home.start("bash", "-c", ASK, name)


YES = Rule("yes", Action.ALLOW, kind=AskKind.CONFIRM, answer="[Yy]*", dry_run=False, cap=1)


def test_a_rule_answers_up_to_its_cap_and_it_is_on_record(home: Home, hub_with: Callable[..., None]) -> None:
    hub_with(YES)
    first = asking(home, "a.txt")
    home.wait_printed(first, "answered <y>")
    found = decisions(home, 2)
    assert [(entry["rule"], entry["outcome"]) for entry in found] == [("yes", "sending"), ("yes", "accepted")]
    second = asking(home, "b.txt")
    assert "its cap of 1 is reached" in decisions(home, 3)[-1]["reason"]
    assert home.session(second)["ask"] is not None
    for key in (first, second):
        home.ok("kill", key)


def test_a_dry_run_and_a_suspension_send_nothing(home: Home, hub_with: Callable[..., None]) -> None:
    dry = Rule("dry", Action.ALLOW, kind=AskKind.CONFIRM, answer="[Yy]*")
    hub_with(dry)
    first = asking(home, "a.txt")
    (entry,) = decisions(home, 1)
    assert "would choose" in entry["reason"]
    home.ok("policy", "suspend")
    assert "suspended" in home.ok("policy", "status")
    second = asking(home, "b.txt")
    home.wait_for(second, lambda item: item["ask"] is not None)
    for key in (first, second):
        assert home.session(key)["ask"] is not None
        home.ok("kill", key)
    assert len(home.json("policy", "log")) == 1
