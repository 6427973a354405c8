"""The main job from end to end: three nodes behind a real sshd, fifteen real programs, the console in tmux."""

from __future__ import annotations

import re
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.style import Style
from rich.text import Text

from node_agent.protocol.sessions import StartSession
from relaytui.config import Config, NodeConfig
from relaytui.hub.core import Core
from tests.chaos.journals import read_journal
from tests.e2e.cast import SMALL, Role, roles
from tests.e2e.cells import Cells, find_tile
from tests.e2e.tmux import LIMIT, Tmux, in_tmux
from tests.home import RELAYTUI, Home, open_home
from tests.sshd import needs_sshd, open_sshd
from tests.waiting import eventually

_PROGRAMS = ("tmux", "vim", "less", "top", "bash")
pytestmark = [
    needs_sshd,
    pytest.mark.skipif(not all(map(shutil.which, _PROGRAMS)), reason=f"one of {', '.join(_PROGRAMS)} is missing"),
]

NODES = ("alpha", "beta", "gamma")
SIZE = (200, 56)
PROMPT = 0.5
"""Seconds within which a change is on screen; tests allow a busy machine more and print what they saw."""

_CONSOLE = Console()
Fleet = dict[str, str]
"""The sessions' keys by their titles."""


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    """An operator whose config has three nodes behind three names of one sshd."""
    with tempfile.TemporaryDirectory(prefix="rt-e2e-", dir="/tmp") as name, open_home(Path(name)) as home:
        async with open_sshd(home.directory / "sshd", "MaxSessions 100") as sshd:
            ssh_config = sshd.write_config(*NODES)
            nodes = []
            for alias in NODES:
                state = home.directory / alias
                nodes.append(
                    NodeConfig(
                        alias,
                        host=alias,
                        ssh_config=str(ssh_config),
                        agent=str(home.agent_command(alias)),
                        state=str(state),
                    )
                )
            home.configure(*nodes)
            yield home
            home.close()


async def _start_all(home: Home, cast: list[Role]) -> Fleet:
    """Start the cast over the same links that the console uses."""
    core = Core(Config(nodes=home.nodes), client="cli", cache=home.directory / "starter")
    await core.start()
    try:
        links = [core.link(alias) for alias in NODES]
        await eventually(lambda: all(link.status.is_live for link in links), LIMIT)
        fleet = {}
        for role in cast:
            columns, rows = role.size
            request = StartSession(
                f"e2e {role.title}",
                role.command,
                cwd=str(home.directory),
                bare=True,
                columns=columns,
                rows=rows,
                title=role.title,
            )
            reply = await core.request(role.node, request, timeout=LIMIT)
            fleet[role.title] = f"{role.node}/{reply.session.id}"
        return fleet
    finally:
        await core.stop()


async def test_the_main_job(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "RELAY_STATE_DIR", "RELAY_RUNTIME_DIR"):
        monkeypatch.setenv(name, home.env[name])  # this process starts the local node too
    cast = roles(home.directory)
    fleet = await _start_all(home, cast)
    line = [
        "sh",
        "-c",
        f"stty -a > before; {' '.join(RELAYTUI)}; echo LEFT $?; stty -a > after; echo STAYED; exec sleep 1000",
    ]
    with in_tmux(line, SIZE, home.directory, home.env) as console:
        _sees_every_tile(home, console, cast, fleet)
        _sees_colours(console)
        _sees_changes_at_once(home, console)
        _filters_and_zooms(home, console, fleet)
        _sends_and_answers(home, console, fleet)
        _edits_through_attach(home, console, fleet)
        console.press("q")
        console.shows("LEFT 0", "STAYED")
        assert (home.directory / "after").read_text() == (home.directory / "before").read_text()
        assert "alternate_on=0 cursor_flag=1 insert_flag=0" in console.modes
        assert "keypad_cursor_flag=0 keypad_flag=0 mouse_any_flag=0" in console.modes


def _sees_every_tile(home: Home, console: Tmux, cast: list[Role], fleet: Fleet) -> None:
    """Each tile's cells are those of tmux with the same program at the same size; the asking one is marked."""
    for role in cast:
        command = role.command
        if role.title == "bell":
            continue  # it shows nothing yet
        if not role.is_repeatable:
            node, _, session = fleet[role.title].partition("/")
            (directory,) = (home.directory / node).glob(f"*/sessions/{session}")
            console.until(lambda: (tile := find_tile(console.cells, fleet[role.title])) and _has_text(tile.rows))  # noqa: B023 - used within the turn
            replayed = home.directory / "replayed"
            replayed.write_bytes(read_journal(directory))
            command = ("sh", "-c", f"stty raw; cat {replayed}; exec sleep 1000")
        with in_tmux(command, role.size, home.directory, home.env | {"LESSHISTFILE": "-"}) as peer:
            console.until(lambda: _agree(console, peer, fleet[role.title], role))  # noqa: B023 - used within the turn
    asking = console.until(lambda: find_tile(console.cells, fleet["upgrade"]))
    assert asking is not None
    console.until(lambda: (tile := find_tile(console.cells, fleet["upgrade"])) and "◆ asking" in tile.title)
    marked = find_tile(console.cells, fleet["upgrade"])
    assert marked is not None
    assert marked.title[0] == "┏"
    console.shows(f"{len(NODES) + 1} nodes", "15 sessions", "asking")
    console.until(lambda: re.fullmatch(r"◆\d+ relaytui", console.title))


def _has_text(rows: list[Cells]) -> bool:
    return any(cell.strip() for row in rows for cell in row)


def _agree(console: Tmux, peer: Tmux, key: str, role: Role) -> bool:
    """Whether the tile shows the peer's screen: all of it where it fits, else rows of it, cut at the right."""
    tile = find_tile(console.cells, key)
    if tile is None:
        return False
    screen = peer.cells
    if not _has_text(screen):
        return False
    height, width = len(tile.rows), len(tile.rows[0])
    columns, rows = role.size
    if role.size == SMALL:
        if height < rows or width < columns:
            return False  # the grid is still being laid out
        blank = [" "] * width
        padded = [[*row, *[" "] * (width - columns)] for row in screen] + [blank] * (height - rows)
        return padded == tile.rows
    crops = [[row[: width - 1] for row in screen[top : top + height]] for top in range(rows - height + 1)]
    return [row[: width - 1] for row in tile.rows] in crops


def _sees_colours(console: Tmux) -> None:
    """Seven rows in seven colours, each with a word in reverse."""
    rows = [row for row in console.styled if "red rev" in row.plain]
    assert [row.plain[row.plain.index(" red rev") - 1] for row in rows] == list("1234567")
    plain = [_style(row, "red rev") for row in rows]
    assert len({style.color for style in plain}) == 7
    for row, style in zip(rows, plain, strict=True):
        reverse = _style(row, "rev")
        assert reverse.reverse or reverse.bgcolor != style.bgcolor


def _style(row: Text, word: str) -> Style:
    """How the first letter of `word` is drawn."""
    return row.get_style_at_offset(_CONSOLE, row.plain.index(word))


def _sees_changes_at_once(home: Home, console: Tmux) -> None:
    """A line that a program prints is on the operator's screen within half a second."""
    delays = []
    for number in range(12):
        word = f"changed-{number}"
        began = time.monotonic()
        (home.directory / "bell").write_text(word + "\n")
        while word not in console.screen:
            assert time.monotonic() - began < LIMIT
        delays.append(time.monotonic() - began)
    median = statistics.median(delays)
    print(
        f"a change is shown after {1000 * median:.0f} ms (median of {len(delays)}), {1000 * max(delays):.0f} ms at most"
    )
    assert median < PROMPT


def _filters_and_zooms(home: Home, console: Tmux, fleet: Fleet) -> None:
    _filter(console, "workbench")
    console.until(lambda: find_tile(console.cells, fleet["reader"]) is None)
    console.type("z")
    console.shows("then a command")
    console.type("echo $((40+2))-zoomed")
    console.press("Enter")
    console.shows("42-zoomed")
    console.press("C-]", "d")
    console.shows("1 of 15")
    console.press("Escape")
    console.until(lambda: find_tile(console.cells, fleet["reader"]) is not None)


def _sends_and_answers(home: Home, console: Tmux, fleet: Fleet) -> None:
    _filter(console, "repl")
    console.type("s")
    console.shows("send")
    console.type("print(6*7, 'sent')")
    console.press("Enter")
    console.shows("42 sent")
    console.press("Escape")
    home.ok("send", fleet["workbench"], "echo $((40+2))-from-the-cli", "key:enter")
    console.shows("42-from-the-cli")
    _filter(console, "upgrade")
    console.press("Space")
    console.shows(f"◆ {fleet['upgrade']} · upgrade")
    console.type("y")
    console.press("Enter")
    console.shows("got <y>")
    console.press("Escape")
    console.until(lambda: f"{fleet['upgrade']} · upgrade" not in console.screen)
    console.press("Escape")
    console.shows(fleet["reader"])


def _edits_through_attach(home: Home, console: Tmux, fleet: Fleet) -> None:
    edited = home.directory / "edited.txt"
    _filter(console, "editor")
    console.press("Enter")
    console.until(lambda: "sessions" not in console.screen and "first" in console.screen)
    console.type("osecond, by hand")
    console.press("Escape")
    console.type(":w")
    console.press("Enter")
    console.until(lambda: edited.read_text() == "first\nsecond, by hand\n")
    console.press("C-]", "d")
    console.shows("1 of 15")
    console.press("Escape")
    console.shows(fleet["reader"])


def _filter(console: Tmux, words: str) -> None:
    console.type(f"/{words}")
    console.press("Enter")
    console.shows(f"/{words} 1 of 15")
