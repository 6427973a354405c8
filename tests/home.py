"""An operator's home in a temporary directory: config, cache, and a node `local` that starts on demand.

Commands run as real processes. `close` ends every session, keeper and agent that was started.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from node_agent.terminal.prefix import DEFAULT_PREFIX
from relaytui.config import Config, NodeConfig, Transport, UiConfig, save_config
from tests.processes import end_processes_of
from tests.pty_program import PtyProgram, on_terminal
from tests.waiting import LIMIT

RELAYTUI = (sys.executable, "-m", "relaytui")
_POLL = 0.1
"""Seconds between two commands that look whether something is true, which take a processor while they do."""


class Home:
    """Everything of one operator. `env` is the environment of the commands run here."""

    def __init__(self, directory: Path, *nodes: NodeConfig) -> None:
        self.directory = directory
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("RELAY", "XDG_"))}
        self.env |= {
            "HOME": str(directory / "home"),
            "RELAYTUI_CONFIG_DIR": str(directory / "config"),
            "RELAYTUI_CACHE_DIR": str(directory / "cache"),
            "RELAYTUI_STATE_DIR": str(directory / "console"),
            "RELAY_STATE_DIR": str(directory / "node"),
            "RELAY_RUNTIME_DIR": str(directory / "run"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PS1": "$ ",
            "TERM": "xterm-256color",
        }
        (directory / "home").mkdir(parents=True)
        self.nodes: tuple[NodeConfig, ...] = ()
        if nodes:
            self.configure(*nodes)

    @property
    def config_file(self) -> Path:
        return self.directory / "config" / "config.toml"

    def configure(self, *nodes: NodeConfig) -> None:
        """Have these nodes in the config, `local` beside them, and a prefix, so that no console asks for one."""
        self.nodes = nodes
        save_config(Config(nodes=nodes, ui=UiConfig(prefix=DEFAULT_PREFIX)), self.config_file)

    def node(self, alias: str) -> NodeConfig:
        """One more node of this machine, with a state directory of its own."""
        return NodeConfig(alias, transport=Transport.UNIX, state=str(self.directory / alias))

    def agent_command(self, alias: str) -> Path:
        """The `node-agent` of a node that is reached by a login, with the environment that the login lacks."""
        path = self.directory / f"agent-{alias}"
        variables = {name: self.env[name] for name in ("HOME", "RELAY_RUNTIME_DIR", "PYTHONPATH", "PS1")}
        exports = "".join(f"export {name}='{value}'\n" for name, value in variables.items())
        path.write_text(f'#!/bin/sh\n{exports}exec {sys.executable} -m node_agent "$@"\n')
        path.chmod(0o755)
        return path

    def run(
        self, *words: str, text: str | None = None, timeout: float = 30, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `relaytui` with these words, without a terminal; `text` is its standard input."""
        return subprocess.run(
            [*RELAYTUI, *words],
            input=text or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.env | (env or {}),
            cwd=self.directory,
            check=False,
        )

    def ok(self, *words: str, text: str | None = None) -> str:
        """What a command that must succeed prints."""
        done = self.run(*words, text=text)
        assert done.returncode == 0, f"relaytui {' '.join(words)}: {done.returncode}: {done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def start(self, *command: str, options: Sequence[str] = ()) -> str:
        """Start a session and return its `node/id`."""
        return self.ok("start", "--detach", *options, "--", *command).strip()

    def session(self, key: str) -> Any:
        """The session's JSON; None when it is gone."""
        sessions = self.json("ls", "--node", key.partition("/")[0])
        return next((item for item in sessions if f"{item['node']}/{item['id']}" == key), None)

    def wait_for(self, key: str, condition: Callable[[Any], bool], timeout: float = LIMIT) -> Any:
        """The session's JSON once `condition` holds of it."""
        deadline = time.monotonic() + timeout
        while not condition(session := self.session(key)):
            assert time.monotonic() < deadline, f"{key} is still {session}"
            time.sleep(_POLL)
        return session

    def wait_printed(self, key: str, text: str, timeout: float = LIMIT) -> str:
        """The session's lines once `text` stands among them."""
        deadline = time.monotonic() + timeout
        while text not in (lines := self.ok("logs", key)):
            assert time.monotonic() < deadline, f"{key} has not printed {text!r}: {lines!r}"
            time.sleep(_POLL)
        return lines

    def terminal(self, *words: str, columns: int = 80, rows: int = 24) -> contextlib.AbstractContextManager[PtyProgram]:
        """Run `relaytui` on a terminal."""
        return on_terminal([*RELAYTUI, *words], columns=columns, rows=rows, env=self.env)

    def close(self) -> None:
        """End every session, keeper and agent."""
        end_processes_of(self.directory)


@contextlib.contextmanager
def open_home(directory: Path) -> Iterator[Home]:
    """A home for the length of the block."""
    home = Home(directory)
    try:
        yield home
    finally:
        home.close()
