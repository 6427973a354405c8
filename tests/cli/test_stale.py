"""What a node that does not answer showed last: listed, marked, and never taken for what is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from relaytui.config import NodeConfig, Transport
from tests.home import Home

QUESTION = 'printf "Overwrite a.txt? [y/N] "; read answer; exec cat'


@pytest.fixture(scope="module")
def seen(home: Home) -> dict[str, Any]:
    """The sessions of `box` by their titles, which a hub has seen; by now nobody answers there."""
    box = home.node("box")
    home.configure(box)
    home.start("sleep", "1000", options=["--title", "here"])
    home.start("sleep", "1000", options=["--node", "box", "--title", "steady", "--tag", "red"])
    asking = home.start("bash", "-c", QUESTION, options=["--node", "box", "--title", "copy"])
    home.wait_for(asking, lambda item: item["ask"] is not None)
    outside = [sys.executable, "-m", "node_agent", "signal", "asking", "Which way?"]
    subprocess.run(outside, env=home.env | {"RELAY_STATE_DIR": box.state}, check=True, timeout=30)
    sessions = {item["title"]: item for item in home.json("ls", "--node", "box")}
    home.ok("hub", "start")
    try:
        _wait_kept(home.directory / "cache" / "nodes" / "box.json", b"Which way?", b"steady", b"Overwrite a.txt?")
    finally:
        home.ok("hub", "stop")
    home.configure(NodeConfig("box", transport=Transport.UNIX, socket=str(home.directory / "nobody.sock")))
    return sessions


def _wait_kept(path: Path, *texts: bytes) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or not all(text in path.read_bytes() for text in texts):
        assert time.monotonic() < deadline, f"{path} does not hold {texts}"
        time.sleep(0.02)


def listed(home: Home, *options: str) -> dict[str, Any]:
    done = home.run("ls", "--json", *options)
    assert done.returncode == 3, done.stderr
    assert "no agent listens" in done.stderr
    return {item["title"]: item for item in json.loads(done.stdout)}


def test_sessions_are_listed_as_they_were_and_marked(home: Home, seen: dict[str, Any]) -> None:
    found = listed(home)
    assert {title: item["stale"] for title, item in found.items()} == {"here": False, "steady": True, "copy": True}
    for title, before in seen.items():
        item = found[title]
        assert item["since"] == pytest.approx(before["since"], abs=5)
        differing = {name for name in before if item[name] != before[name]} - {"since", "ask"}
        assert differing == {"stale"}
    assert found["copy"]["ask"]["excerpt"] == "Overwrite a.txt? [y/N]"


def test_filters_find_them(home: Home, seen: dict[str, Any]) -> None:
    assert set(listed(home, "--tag", "red")) == {"steady"}
    assert set(listed(home, "--state", "asking")) == {"copy"}
    assert set(listed(home, "--node", "box", "--search", "sleep")) == {"steady"}


def test_the_table_says_how_old_it_is(home: Home, seen: dict[str, Any]) -> None:
    lines = home.run("ls").stdout.splitlines()
    marked = [line for line in lines if re.search(r"↯ stale \d+ [sm]: ", line)]
    assert [line.partition(" ")[0].partition("/")[0] for line in marked] == ["box", "box"]
    assert any("◆ asking confirm" in line and "copy" in line for line in marked)


def test_asks_are_in_the_inbox_and_none_of_them_is_next(home: Home, seen: dict[str, Any]) -> None:
    done = home.run("inbox", "--json")
    assert done.returncode == 3
    asks = {item["excerpt"]: item for item in json.loads(done.stdout)}
    assert set(asks) == {"Overwrite a.txt? [y/N]", "Which way?"}
    assert all(item["stale"] and item["node"] == "box" for item in asks.values())
    assert (asks["Which way?"]["session"], asks["Overwrite a.txt? [y/N]"]["title"]) == (None, "copy")
    assert len(re.findall(r"↯ stale \d+ [sm]", home.run("inbox").stdout)) == 2
    following = home.run("inbox", "next")
    assert (following.returncode, following.stdout) == (14, "")


def test_a_node_that_answers_shows_nothing_old(home: Home, seen: dict[str, Any]) -> None:
    gone = home.nodes
    home.configure(home.node("box"))
    try:
        assert [item["stale"] for item in home.json("ls")] == [False, False, False]
        assert [item["stale"] for item in home.json("inbox")] == [False, False]
        home.configure(home.node("box"), NodeConfig("other", transport=Transport.UNIX, socket="/nobody.sock"))
        kept = home.directory / "cache" / "nodes"
        (kept / "other.json").write_bytes((kept / "box.json").read_bytes())
        assert not any(item["stale"] for item in listed(home).values())  # the same machine under another name
    finally:
        home.configure(*gone)
