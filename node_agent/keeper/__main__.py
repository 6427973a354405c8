"""`python -m node_agent.keeper [--detach] --socket PATH STATE [--agent ARGV…]`: run the keeper of a state directory.

Limits come from the environment in bytes: `RELAY_SESSION_CAP`, `RELAY_NODE_QUOTA`, `RELAY_FREE_FLOOR`. Options are read
by hand, because argparse would cost a tenth of the keeper's memory.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
import sys
from typing import List, NamedTuple, Optional

from node_agent.journal.retention import FREE_FLOOR, NODE_QUOTA
from node_agent.journal.writer import SESSION_CAP
from node_agent.keeper import claim, upgrade
from node_agent.keeper.detach import ALREADY_RUNNING, Starter, detach
from node_agent.keeper.keeper import Config, Keeper
from node_agent.keeper.log import log
from node_agent.keeper.requests import handle
from node_agent.keeper.spawn import Origin
from node_agent.keeper.storage import Limits

USAGE = "usage: python -m node_agent.keeper [--detach] --socket PATH STATE [--agent ARGV...]"


class Options(NamedTuple):
    state: str = ""
    socket: str = ""
    detach: bool = False
    agent: tuple[str, ...] = ()
    check: Optional[int] = None
    resume: Optional[int] = None


def main(argv: Optional[List[str]] = None) -> int:
    """Run until told to shut down; the exit code tells a starter how it went."""
    options = read_options(sys.argv[1:] if argv is None else argv)
    if options is None:
        print(USAGE, file=sys.stderr)
        return 2
    if options.check is not None:
        return 0 if options.check == upgrade.STATE_VERSION else 1
    if options.resume is not None:
        return resume(options.resume)
    return start(options)


def read_options(argv: List[str]) -> Optional[Options]:
    """The options, or None where they make no sense."""
    options, words = Options(), list(argv)
    while words:
        word = words.pop(0)
        if word == "--detach":
            options = options._replace(detach=True)
        elif word == "--agent":
            options, words = options._replace(agent=tuple(words)), []
        elif word in ("--socket", "--check", "--resume") and words:
            value = words.pop(0)
            if word == "--socket":
                options = options._replace(socket=value)
            elif not value.isdigit():
                return None
            elif word == "--check":
                options = options._replace(check=int(value))
            else:
                options = options._replace(resume=int(value))
        elif word.startswith("-") or options.state:
            return None
        else:
            options = options._replace(state=word)
    is_complete = options.check is not None or options.resume is not None or (options.state and options.socket)
    return options if is_complete else None


def start(options: Options) -> int:
    """Run a new keeper."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    origin = Origin(os.umask(0o077), (soft, hard))
    starter = Starter()
    if options.detach:
        code = detach(starter, os.path.join(options.state, "keeper.log"))
        if code is not None:
            return code
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        os.makedirs(options.state, mode=0o700, exist_ok=True)
        lock = claim.take_lock(options.state)
        if lock is None:
            if not claim.ask_to_move(options.state, options.socket):
                starter.tell(1, f"a keeper runs for {options.state} but cannot be reached at {options.socket}")
                return 1
            starter.tell(ALREADY_RUNNING, f"a keeper runs for {options.state} already")
            return ALREADY_RUNNING
        listener = claim.bind(options.socket)
        config = Config(os.path.abspath(options.state), options.socket, origin, limits())
        keeper = Keeper(config, listener, lock, handle)
        keeper.begin()
    except OSError as error:
        starter.tell(1, f"cannot use {error.filename or options.socket}: {error.strerror or error}")
        return 1
    keeper.agent.keep(options.agent)
    starter.tell(0, "")
    return run(keeper)


def resume(fd: int) -> int:
    """Go on as the keeper that this process was before its upgrade."""
    state = upgrade.take_over(fd)
    listener = socket.socket(fileno=state["listener"])
    keeper = Keeper(upgrade.config_of(state), listener, state["lock"], handle)
    upgrade.restore(keeper, state)
    keeper.begin()
    return run(keeper)


def run(keeper: Keeper) -> int:
    log(f"keeping {keeper.config.state}")
    gc.collect()
    gc.freeze()  # what is there now stays; forks need not copy it
    keeper.loop.run()
    try:
        os.unlink(keeper.door.path)
    except FileNotFoundError:
        pass
    return 0


def limits() -> Limits:
    """The limits the environment asks for; a word that is no number counts for nothing."""

    def read(name: str, default: int) -> int:
        value = os.environ.get(name, "")
        return int(value) if value.isdigit() else default

    return Limits(
        cap=read("RELAY_SESSION_CAP", SESSION_CAP),
        quota=read("RELAY_NODE_QUOTA", NODE_QUOTA),
        floor=read("RELAY_FREE_FLOOR", FREE_FLOOR),
    )


if __name__ == "__main__":
    sys.exit(main())
