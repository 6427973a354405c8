"""What benches run on: an operator's home, a private sshd, a node behind it, and the same machine by plain ssh."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from relaytui.config import Config, NodeConfig
from tests.home import Home, open_home
from tests.sshd import Sshd, open_sshd

NODE = "box"
AGENT = f"{sys.executable} -P -m node_agent"


@contextmanager
def bench_home() -> Iterator[Home]:
    """A home in a directory whose path is short enough for sockets."""
    with (
        tempfile.TemporaryDirectory(prefix="relaytui-bench-", dir="/tmp") as directory,
        open_home(Path(directory)) as home,
    ):
        yield home


def config_of(node: NodeConfig) -> Config:
    """A config with this node alone: a core in our own process would start the agent of the user's own `local`."""
    config = Config(operator="bench")
    object.__setattr__(config, "nodes", (node,))
    return config


@dataclass
class Place:
    """A home whose node `box` is behind `sshd`."""

    home: Home
    sshd: Sshd

    def node(self, port: int | None = None) -> NodeConfig:
        """The node, through `port` where a proxy stands before the sshd."""
        return self.sshd.node(NODE, port=port, agent=AGENT, state=str(self.home.directory / "node"))

    def ssh(self, command: str, port: int | None = None) -> list[str]:
        """`ssh -t` to the same machine, running a shell command there."""
        port = port or self.sshd.port
        options = ["-F", "none", "-p", str(port), "-i", str(self.sshd.identity)]
        for option in (
            f"UserKnownHostsFile={self.sshd.known_hosts}",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "LogLevel=ERROR",
        ):
            options += ["-o", option]
        return ["ssh", *options, "-t", "127.0.0.1", command]

    def tmux(self, name: str, command: str) -> str:
        """A shell command that shows `command` in a tmux of its own, which ends with its client."""
        socket = shlex.quote(str(self.home.directory / f"tmux-{name}"))
        session = f"new-session {shlex.quote(command)} ';' set-option destroy-unattached on"
        return f"exec tmux -S {socket} -f /dev/null {session}"


@asynccontextmanager
async def bench_place() -> AsyncIterator[Place]:
    with bench_home() as home:
        async with open_sshd(home.directory / "sshd", "MaxSessions 100") as sshd:
            place = Place(home, sshd)
            home.configure(place.node())
            yield place


def installed(*programs: str) -> bool:
    """Whether all of these can be run here."""
    return all(shutil.which(program) for program in programs)
