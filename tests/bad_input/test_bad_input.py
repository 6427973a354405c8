"""Each piece of bad input gives one line and its own exit code, and leaves everything as it was."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bad_input.rows import ROWS, Place, Row
from tests.home import Home
from tests.sshd import SSHD

AGENT = f"{sys.executable} -P -m node_agent"
SAME_CASE = {
    *("config syntax", "config unknown key", "config command", "agent option", "resolver option"),
    *("console log", "hub log", "hub log, detached", "known_hosts unwritable"),
    *("garbage", "a huge length", "wrong size", "size out of bounds"),
}
"""Rows that share a code with another one: to a script they are one case."""


STEADY_FIELDS = ("id", "title", "tags", "size", "started", "state", "exited", "bytes")


class Kept(NamedTuple):
    """What no bad input may change."""

    sessions: list[dict[str, object]]
    journals: dict[str, str]


@pytest.fixture(scope="module")
def before(home: Home) -> Kept:
    """Two sessions that run all the while."""
    steady = home.start("sh", "-c", "seq 1 500; exec cat", options=["--title", "steady"])
    home.start("cat", options=["--title", "other"])
    home.wait_printed(steady, "500")
    return kept(home)


@pytest.fixture
def place(home: Home, before: Kept) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as directory:
        yield Place(home, Path(directory), AGENT)
    home.config_file.unlink(missing_ok=True)


def kept(home: Home) -> Kept:
    """What is so now. Asked of `local` with a config of its own, so that a bad one does not get in the way."""
    listed = home.run("ls", "--json", env={"RELAYTUI_CONFIG_DIR": str(home.directory / "clean")})
    assert listed.returncode == 0, listed.stderr
    sessions = [{name: item[name] for name in STEADY_FIELDS} for item in json.loads(listed.stdout)]
    segments = sorted((home.directory / "node").glob("*/sessions/*/*.log"))
    return Kept(sessions, {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in segments})


def config_of(home: Home) -> bytes:
    return home.config_file.read_bytes() if home.config_file.exists() else b""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
async def test_bad_input(row: Row, place: Place, before: Kept) -> None:
    if row.needs_sshd and SSHD is None:
        pytest.skip("no sshd is installed")
    async with row.arrange(place) as words:
        config = config_of(place.home)
        done = await asyncio.to_thread(place.home.run, *words)
        assert config_of(place.home) == config
    assert (done.returncode, done.stdout) == (row.code, ""), done.stderr
    assert done.stderr.count("\n") == (1 if row.code else 0), done.stderr
    assert re.search(row.says, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert await asyncio.to_thread(kept, place.home) == before


def test_cases_a_script_must_tell_apart_have_codes_of_their_own() -> None:
    codes = [row.code for row in ROWS if row.name not in SAME_CASE]
    assert len(codes) == len(set(codes))
