"""Replaces the keeper's program in place: same process, so children, terminals, locks and reaping stay as they are.

The new program is first run with `--check`, because once `execve` has begun there is no way back and all sessions hang
on it. Then what the keeper holds goes as JSON through an unnamed file, with descriptors by number.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import Any, Dict, Iterator, Sequence

from node_agent.journal.meta import parse_meta
from node_agent.journal.writer import JournalWriter
from node_agent.keeper.control import ExitStatus, Refused
from node_agent.keeper.inputs import Block, Decisions, Waiter
from node_agent.keeper.keeper import Config, Keeper
from node_agent.keeper.log import log
from node_agent.keeper.processes import signal_process
from node_agent.keeper.queries import QueryAges
from node_agent.keeper.session import Session
from node_agent.keeper.spawn import Origin
from node_agent.keeper.storage import Limits
from node_agent.protocol.states import SessionState

STATE_VERSION = 1
"""The layout of the state that is handed over; `--check N` succeeds where N can be taken over."""
_CHECK_SECONDS = 20.0


def try_program(keeper: Keeper, argv: Sequence[str], waiter: Waiter) -> None:
    """Run the new program's check; go over to it when that succeeds, else say why not."""
    try:
        pid = os.posix_spawnp(
            argv[0],
            [*argv, "--check", str(STATE_VERSION)],
            os.environ,
            setpgroup=0,
            setsigdef=[signal.SIGPIPE, signal.SIGHUP],
        )
    except (OSError, IndexError) as error:
        keeper.refuse(waiter, Refused.REFUSED, f"cannot run the new keeper: {error}")
        return
    timer = keeper.loop.call_after(_CHECK_SECONDS, lambda: signal_process(pid, signal.SIGKILL))

    def checked(status: int) -> None:
        timer.cancel()
        if status:
            keeper.refuse(waiter, Refused.REFUSED, "the new keeper would not run; see keeper.log")
        else:
            _hand_over(keeper, argv, waiter)

    keeper.when_reaped(pid, checked)


def take_over(fd: int) -> Dict[str, Any]:
    """The state the program before left in `fd`; its descriptors are private again."""
    with open(fd, "rb") as file:
        file.seek(0)
        state: Dict[str, Any] = json.loads(file.read())
    for held in _descriptors(state):
        os.set_inheritable(held, False)
    return state


def restore(keeper: Keeper, state: Dict[str, Any]) -> None:
    """Give a fresh keeper what the one before held; `begin` comes after it."""
    keeper.epoch, keeper.started = state["epoch"], state["started"]
    for fields in state["sessions"]:
        meta = parse_meta(fields["meta"])
        directory = keeper.catalogue.directory(meta.id)
        journal = JournalWriter(directory, cap=keeper.config.limits.cap)
        session = Session(meta, directory, fields["pid"], fields["master"], journal, keeper.loop, keeper)
        _restore_session(session, fields)
        keeper.sessions[meta.id] = session
        if session.held:
            keeper.disk_is_full(session)
        else:
            session.begin()
    keeper.starting.restore(state["starting"], keeper.sessions)
    for name, deadline in state["deadlines"].items():
        if name in keeper.sessions:
            keeper.endings.kill_at(keeper.sessions[name], deadline)
    for fields in state["peers"]:
        connection = socket.socket(fileno=fields["fd"])
        keeper.door.add(connection, fields["pid"], fields["number"]).restore(fields)
    keeper.agent.restore(state["agent"])
    keeper.reply(Waiter(*state["waiter"]), keeper.info._asdict())


def config_of(state: Dict[str, Any]) -> Config:
    """How the keeper before was configured."""
    directory, path, (umask, nofile), limits = state["config"]
    return Config(directory, path, Origin(umask, (nofile[0], nofile[1])), Limits(*limits))


def _hand_over(keeper: Keeper, argv: Sequence[str], waiter: Waiter) -> None:
    state = {
        "config": keeper.config._replace(socket=keeper.door.path),
        "lock": keeper.lock,
        "listener": keeper.door.listener.fileno(),
        "epoch": keeper.epoch,
        "started": keeper.started,
        "sessions": [_dump_session(session) for session in keeper.sessions.values()],
        "starting": keeper.starting.dump(),
        "deadlines": keeper.endings.deadlines,
        "peers": [peer.dump() for peer in keeper.peers.values() if peer.epoch is not None],
        "agent": keeper.agent.dump(),
        "waiter": waiter,
    }
    fd = _unnamed_file(json.dumps(state).encode("ascii"))
    held = [fd, *_descriptors(state)]
    for each in held:
        os.set_inheritable(each, True)
    log(f"going over to {argv[0]}")
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        os.execvp(argv[0], [*argv, "--resume", str(fd)])  # noqa: S606 - there is no shell: the command is a list
    except OSError as error:
        for each in held:
            os.set_inheritable(each, False)
        os.close(fd)
        keeper.take_signals()
        keeper.refuse(waiter, Refused.REFUSED, f"cannot run the new keeper: {error}")


def _descriptors(state: Dict[str, Any]) -> Iterator[int]:
    """Every descriptor in a handed-over state."""
    yield state["lock"]
    yield state["listener"]
    for session in state["sessions"]:
        if session["master"] >= 0:
            yield session["master"]
    for start in state["starting"]:
        yield start["report"]
    for peer in state["peers"]:
        yield peer["fd"]


def _unnamed_file(data: bytes) -> int:
    """An open file with `data` that nobody else can find."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("relaytui-keeper")
    else:
        import tempfile  # only where there is no memfd: it costs a tenth of the keeper's memory

        fd, path = tempfile.mkstemp()
        os.unlink(path)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _dump_session(session: Session) -> Dict[str, Any]:
    """What is not on disk of a session."""
    return {
        "meta": session.meta._asdict(),
        "pid": session.pid,
        "master": session.master,
        "state": session.state.value,
        "exit": session.exit and [*session.exit],
        "inputs": [block.dump() for block in session.inputs],
        "decisions": session.decisions.dump(),
        "queries": session.queries.dump(),
        "input_seq": session.input_seq,
        "open_line": session.open_line,
        "held": session.held.hex(),
    }


def _restore_session(session: Session, fields: Dict[str, Any]) -> None:
    session.state = SessionState(fields["state"])
    session.exit = ExitStatus(*fields["exit"]) if fields["exit"] else None
    for block in fields["inputs"]:
        session.inputs.push(Block.load(block))
    session.decisions = Decisions.load(fields["decisions"])
    session.queries = QueryAges.load(fields["queries"])
    session.input_seq = fields["input_seq"]
    session.open_line = fields["open_line"]
    session.held = bytes.fromhex(fields["held"])
