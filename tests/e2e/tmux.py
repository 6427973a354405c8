"""tmux as the terminal that can be read: one pane without a status line, on a server of its own."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.text import Text

from tests.e2e.cells import Cells, cells_of

T = TypeVar("T")
LIMIT = 30.0
"""Seconds a fact may take on a busy machine."""

_CONFIG = """
set -g status off
set -g default-terminal xterm-256color
set -g remain-on-exit on
set -sg escape-time 0
"""
_MODES = "alternate_on cursor_flag insert_flag keypad_cursor_flag keypad_flag mouse_any_flag mouse_sgr_flag wrap_flag"


class Tmux:
    """`command` on a terminal of this size, which stays readable when the command has ended."""

    def __init__(
        self, directory: Path, command: Sequence[str], size: tuple[int, int], cwd: Path, env: dict[str, str]
    ) -> None:
        self._size = size
        config = directory / "tmux.conf"
        config.write_text(_CONFIG)
        self._command = ["tmux", "-u", "-S", str(directory / "tmux"), "-f", str(config)]
        place = ["-x", str(size[0]), "-y", str(size[1]), "-c", str(cwd)]
        self._run("new-session", "-d", *place, f"exec {shlex.join(command)}", env=env)

    def _run(self, *words: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run([*self._command, *words], capture_output=True, text=True, timeout=30, env=env, check=True)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    @property
    def styled(self) -> list[Text]:
        """The screen's rows with their colours."""
        return [Text.from_ansi(line) for line in self._run("capture-pane", "-p", "-e").split("\n")]

    @property
    def cells(self) -> list[Cells]:
        columns, rows = self._size
        lines = self.screen.split("\n")[:rows]
        return [cells_of(line, columns) for line in lines]

    @property
    def title(self) -> str:
        return self._run("display-message", "-p", "#{pane_title}").strip()

    @property
    def modes(self) -> str:
        """The terminal's modes as tmux knows them."""
        return self._run("display-message", "-p", " ".join(f"{name}=#{{{name}}}" for name in _MODES.split())).strip()

    def until(self, fact: Callable[[], T]) -> T:
        """What `fact` returns once it is true."""
        deadline = time.monotonic() + LIMIT
        while not (found := fact()):
            assert time.monotonic() < deadline, f"it never came true; the screen:\n{self.screen}"
            time.sleep(0.02)
        return found

    def shows(self, *texts: str) -> None:
        """Wait until all of these are on screen."""
        self.until(lambda: all(text in screen for screen in [self.screen] for text in texts))

    def close(self) -> None:
        subprocess.run([*self._command, "kill-server"], capture_output=True, timeout=30, check=False)


@contextmanager
def in_tmux(command: Sequence[str], size: tuple[int, int], cwd: Path, env: dict[str, str]) -> Iterator[Tmux]:
    """A command in tmux, started in `cwd`, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="rt", dir="/tmp") as directory:
        opened = Tmux(Path(directory), command, size, cwd, env)
        try:
            yield opened
        finally:
            opened.close()
