"""The console in tmux on a real node with real sessions: what the operator sees is what the sessions print."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from relaytui.config import load_config
from tests.e2e.tmux import LIMIT, Tmux, in_tmux
from tests.home import RELAYTUI, Home, open_home

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SIZE = (120, 40)
ASKING = 'printf "Proceed? [y/N] "; read answer; echo "answered <$answer>"; exec sleep 1000'


@pytest.fixture
def tmux(home: Home) -> Iterator[Tmux]:
    """The console. What is run last stays on screen, so that the terminal it leaves can be looked at."""
    home.configure()
    line = f"{shlex.join(RELAYTUI)}; echo LEFT $?; stty -a | grep -o ' echo ' && echo COOKED; exec sleep 1000"
    with in_tmux(["sh", "-c", line], SIZE, home.directory, home.env) as opened:
        yield opened


def test_an_operators_round(home: Home, tmux: Tmux) -> None:
    shell = home.start("bash", "--norc", options=["--title", "workbench"])
    asking = home.start("bash", "-c", ASKING, options=["--title", "upgrade"])
    wide = home.start("bash", "-c", "printf '日本語 ok\\n'; exec sleep 1000", options=["--title", "wide"])

    tmux.shows("workbench", f"◆ asking ━ {asking} ━ upgrade", "Proceed? [y/N]", "日本語 ok")
    tmux.until(lambda: tmux.title == "◆1 relaytui")

    tmux.press("n")
    tmux.shows(f"◆ {asking} · upgrade", "answer")
    tmux.type("y")
    tmux.press("Enter")
    tmux.until(lambda: "answered <y>" in home.ok("logs", asking))
    tmux.press("Escape")
    tmux.until(lambda: tmux.title == "relaytui" and "esc close" not in tmux.screen)

    tmux.type("/workbench")
    tmux.press("Enter")
    tmux.until(lambda: "日本語" not in tmux.screen)
    tmux.type("z")
    tmux.shows("then a command")
    tmux.type("echo $((40+2))-zoomed")
    tmux.press("Enter")
    tmux.shows("42-zoomed")
    tmux.press("C-]", "d")
    tmux.shows("1 of 3")

    tmux.press("Enter")
    tmux.until(lambda: "42-zoomed" in (screen := tmux.screen) and "sessions" not in screen)  # attach has painted it
    tmux.type("echo $((40+2))-attached; tput cols")
    tmux.press("Enter")
    tmux.shows("42-attached", str(SIZE[0]))
    tmux.press("C-]", "d")
    tmux.shows("1 of 3", "42-attached")
    assert home.session(shell)["exited"] is None

    tmux.press("Escape")
    tmux.shows("日本語 ok", wide)
    tmux.type("q")
    tmux.shows("LEFT 0", "COOKED")
    assert {item["id"] for item in home.json("ls")} >= {key.partition("/")[2] for key in (shell, asking, wide)}


def test_the_last_screens_are_painted_before_any_node_answers(home: Home) -> None:
    """The cache of the round before is all there is to paint: the node's agent cannot be reached."""
    home.configure()
    key = home.start("bash", "-c", "echo remembered; exec sleep 1000", options=["--title", "kept"])
    with home.terminal(columns=120, rows=40) as program:
        program.wait_for(b"remembered", timeout=LIMIT)
        cache = Path(home.env["RELAYTUI_CACHE_DIR"])
        program.wait_until(lambda: any(b"remembered" in path.read_bytes() for path in cache.rglob("*.json")), LIMIT)
        os.write(program.fd, b"q")
        program.wait(LIMIT)
    pid = home.json("node", "ls")[0]["agent"]["pid"]
    os.kill(pid, 19)  # SIGSTOP: a node that does not answer
    try:
        with home.terminal(columns=120, rows=40) as program:
            program.wait_for(b"remembered", timeout=LIMIT)
            assert key.encode() in program.output
            os.write(program.fd, b"q")
            program.wait(LIMIT)
    finally:
        os.kill(pid, 18)


def test_a_session_of_this_machine_starts_in_the_consoles_environment(home: Home) -> None:
    home.configure()
    home.ok("ls")  # the agent is started without the variable
    home.env["PLANET"] = "saturn"
    try:
        with home.terminal(columns=120, rows=40) as program:
            program.wait_for(b"1 node", timeout=LIMIT)
            os.write(program.fd, b"c")
            program.wait_for(b"New session", timeout=LIMIT)
            os.write(program.fd, b"sh -c 'echo from $PLANET; exec sleep 1000'\r")
            program.wait_for(b"from saturn", timeout=LIMIT)
            os.write(program.fd, b"q")
            program.wait(LIMIT)
    finally:
        del home.env["PLANET"]


def test_the_prefix_is_asked_for_on_the_first_run_and_kept() -> None:
    with tempfile.TemporaryDirectory(prefix="rt", dir="/tmp") as directory, open_home(Path(directory)) as home:
        for is_first in (True, False):
            with home.terminal(columns=100, rows=30) as program:
                program.wait_for(b"No sessions yet", timeout=LIMIT)
                if is_first:
                    program.wait_for(b"Which key shall be the prefix", timeout=LIMIT)
                    os.write(program.fd, b"\x01")
                    program.wait_for(b"take ctrl\\+a", timeout=LIMIT)
                    os.write(program.fd, b"\r")
                    program.wait_for(b"the prefix is ctrl\\+a", timeout=LIMIT)
                os.write(program.fd, b"q")
                program.wait(LIMIT)
                assert (b"Which key shall be" in program.output) is is_first
        assert load_config(home.config_file).ui.prefix == "ctrl+a"
