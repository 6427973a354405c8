"""`relaytui notify` against a real node and a real hub."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from relaytui.config import ChannelConfig, ChannelKind, Config, save_config
from tests.home import Home


@pytest.fixture
def sink(home: Home) -> Iterator[ChannelConfig]:
    """A command channel in the config that writes each alert's key and title as a line."""
    script = home.directory / "hook.py"
    script.write_text(
        "import json, sys\nalert = json.load(sys.stdin)\nopen(sys.argv[1], 'a').write(alert['title'] + '\\n')\n"
    )
    command = f"{sys.executable} {script} {home.directory / 'told'}"
    channel = ChannelConfig("sink", ChannelKind.COMMAND, {"command": command}, on_node=True)
    save_config(Config(channels=(channel,)), home.config_file)
    yield channel
    home.config_file.unlink()


def told(home: Home) -> list[str]:
    path = home.directory / "told"
    return path.read_text().splitlines() if path.exists() else []


def wait_told(home: Home, title: str) -> None:
    deadline = time.monotonic() + 15
    while title not in told(home):
        assert time.monotonic() < deadline, told(home)
        time.sleep(0.02)


def test_a_test_says_what_each_channel_did(home: Home, sink: ChannelConfig) -> None:
    assert "sent" in home.ok("notify", "test")
    assert told(home)[-1] == "relaytui: a test"
    assert home.run("notify", "test", "nothing").returncode == 10


def test_a_hub_sends_with_no_console_open_and_the_log_shows_it(home: Home, sink: ChannelConfig) -> None:
    home.ok("hub", "start")
    try:
        key = home.ok("notify", "send", "by hand", "and more").strip()
        wait_told(home, "by hand")
        asking = home.start("bash", "-c", 'printf "Proceed? [y/N] "; read answer', options=["--title", "copy"])
        home.wait_for(asking, lambda item: item["ask"] is not None)
        deadline = time.monotonic() + 15
        while not any("copy asks for a yes or no" in line for line in told(home)):
            assert time.monotonic() < deadline, told(home)
            time.sleep(0.02)
        home.ok("kill", asking)
    finally:
        home.ok("hub", "stop")
    (entry,) = [entry for entry in home.json("notify", "log") if entry["key"] == key]
    assert [(d["channel"], d["state"], d["tries"]) for d in entry["deliveries"]] == [("sink", "sent", 1)]
    assert "by hand" in home.ok("notify", "log")
    assert told(home).count("by hand") == 1


def test_switches_live_on_the_node(home: Home, sink: ChannelConfig) -> None:
    key = home.start("sleep", "1000")
    home.ok("notify", "disable", key)
    home.ok("notify", "disable", "--kind", "exit")
    home.ok("notify", "disable", "--channel", "sink")
    (settings,) = home.json("notify", "status")
    assert {(m["scope"], m["value"]) for m in settings["mutes"]} == {
        ("session", key.partition("/")[2]),
        ("kind", "exit"),
    }
    assert settings["disabled"] == ["sink"]
    assert f"session {key.partition('/')[2]} by" in home.ok("notify", "status", key)
    home.ok("notify", "enable", key)
    home.ok("notify", "enable", "--kind", "exit")
    home.ok("notify", "enable", "--channel", "sink")
    (settings,) = home.json("notify", "status")
    assert (settings["mutes"], settings["disabled"]) == ([], [])
    assert "not muted" in home.ok("notify", "status", key)
    assert home.run("notify", "disable").returncode == 2
    home.ok("kill", key)


def test_quiet_hours_and_escalation_are_set_shown_and_taken_back(home: Home, sink: ChannelConfig) -> None:
    home.ok("notify", "quiet", "22:30-07:00")
    home.ok("notify", "escalate", "300")
    (settings,) = home.json("notify", "status")
    assert (settings["quiet"], settings["escalate_after"]) == ("22:30-07:00", 300.0)
    shown = home.ok("notify", "status")
    assert "22:30-07:00" in shown
    assert "after 300 s" in shown
    assert "quiet hours are written as 22:00-07:00" in home.run("notify", "quiet", "night").stderr
    assert home.run("notify", "escalate", "soon").returncode == 2
    home.ok("notify", "quiet", "off")
    home.ok("notify", "escalate", "off")
    (settings,) = home.json("notify", "status")
    assert (settings["quiet"], settings["escalate_after"]) == ("", 0.0)


def test_what_an_operator_has_not_seen_is_told_again_through_the_quiet_hours(home: Home, sink: ChannelConfig) -> None:
    home.ok("notify", "quiet", "00:00-24:00")
    home.ok("notify", "escalate", "1")
    home.ok("hub", "start")
    try:
        asking = home.start("bash", "-c", 'printf "Proceed? [y/N] "; read answer', options=["--title", "night"])
        home.wait_for(asking, lambda item: item["ask"] is not None)
        deadline = time.monotonic() + 15
        while not any("night asks for a yes or no" in line for line in told(home)):
            assert time.monotonic() < deadline, told(home)
            time.sleep(0.02)
        first, again = [entry for entry in home.json("notify", "log") if "night" in entry["title"]]
        assert (first["silenced"], first["deliveries"]) == ("quiet hours", [])
        assert again["severity"] == "high"
        home.ok("kill", asking)
    finally:
        home.ok("hub", "stop")
        home.ok("notify", "quiet", "off")
        home.ok("notify", "escalate", "off")


def copies(home: Home) -> dict[str, str]:
    """The versions of the channels the node knows, by name."""
    (settings,) = home.json("notify", "status")
    return {channel["name"]: channel["version"] for channel in settings["channels"]}


def wait_copied(home: Home, besides: str = "") -> str:
    """The version of the node's copy of `sink`, once there is one other than `besides`."""
    deadline = time.monotonic() + 15
    while (version := copies(home).get("sink", besides)) == besides:
        assert time.monotonic() < deadline
    return version


def test_channels_for_the_nodes_are_copied_without_being_shown_and_again_when_they_change(
    home: Home, sink: ChannelConfig
) -> None:
    home.ok("hub", "start")
    first = wait_copied(home)
    home.ok("hub", "stop")
    assert sink.settings["command"] not in home.ok("notify", "status", "--json")
    changed = replace(sink, settings={"command": "true"})
    save_config(Config(channels=(changed,)), home.config_file)
    home.ok("hub", "start")
    second = wait_copied(home, besides=first)
    home.ok("hub", "stop")
    home.ok("notify", "push")
    assert copies(home) == {"sink": second}  # the same as the hub's
    save_config(Config(), home.config_file)
    home.ok("notify", "push")
    assert copies(home) == {}
