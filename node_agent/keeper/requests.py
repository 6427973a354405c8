"""What peers may ask of the keeper: one function an operation, and the checks before it.

A function returns the reply's fields, or None when the reply comes later; it raises Refusal for what is refused. A
request that no function can make sense of is refused and costs its peer nothing more.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union

from node_agent.journal.meta import write_meta
from node_agent.keeper import processes, terminal, upgrade
from node_agent.keeper.clock import moment
from node_agent.keeper.control import Frame, Refused, SpawnRequest, record_to_wire
from node_agent.keeper.inputs import Block, Waiter
from node_agent.keeper.keeper import Keeper, Refusal
from node_agent.keeper.peer import Peer
from node_agent.keeper.processes import signal_group, signal_process
from node_agent.keeper.session import Session
from node_agent.protocol.states import SessionState

MAX_CELLS_A_SIDE = 2000

T = TypeVar("T")
Reply = Union[Dict[str, Any], Tuple[Dict[str, Any], bytes], None]


class Call:
    """One request with its peer; the fields are checked when they are asked for."""

    def __init__(self, keeper: Keeper, peer: Peer, frame: Frame) -> None:
        self.keeper = keeper
        self.peer = peer
        self.payload = frame.payload
        self._fields = frame.header

    @property
    def waiter(self) -> Waiter:
        return Waiter(self.peer.number, self.get("n", int))

    def get(self, name: str, kind: Type[T]) -> T:
        value = self._fields.get(name)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise Refusal(Refused.BAD_REQUEST, f"the request lacks a proper {name}")
        return value

    def find(self, name: str, kind: Type[T]) -> Optional[T]:
        return None if self._fields.get(name) is None else self.get(name, kind)

    def number(self, name: str) -> float:
        value = self._fields.get(name)
        return float(value) if isinstance(value, int) else self.get(name, float)

    def texts(self, name: str) -> Tuple[str, ...]:
        values: List[Any] = self.get(name, list)
        if not all(isinstance(value, str) and "\0" not in value for value in values):
            raise Refusal(Refused.BAD_REQUEST, f"the request lacks a proper {name}")
        return tuple(values)

    def session(self) -> Session:
        """The session the request names, while its terminal or its leader is there."""
        name = self.get("session", str)
        session = self.keeper.sessions.get(name)
        if session is None:
            if name in self.keeper.past:
                raise Refusal(Refused.NOT_RUNNING, f"session {name} has ended")
            raise Refusal(Refused.NO_SESSION, f"there is no session {name}")
        return session


def handle(keeper: Keeper, peer: Peer, frame: Frame) -> None:
    """Carry out one request and reply, now or later."""
    call = Call(keeper, peer, frame)
    number = frame.header.get("n")
    if not isinstance(number, int):
        peer.close()
        return
    waiter = Waiter(peer.number, number)
    try:
        reply = _operation(call, frame.header.get("op"))(call)
    except Refusal as refusal:
        keeper.refuse(waiter, refusal.code, refusal.message)
        return
    if isinstance(reply, tuple):
        keeper.reply(waiter, *reply)
    elif reply is not None:
        keeper.reply(waiter, reply)


def _operation(call: Call, op: object) -> Callable[[Call], Reply]:
    if not isinstance(op, str) or (op not in _READS and op not in _CHANGES):
        raise Refusal(Refused.UNKNOWN_OP, f"this keeper does not know the request {op!r}; upgrade it")
    if op == "hello":
        return hello
    if call.peer.epoch is None:
        raise Refusal(Refused.BAD_REQUEST, "say hello first")
    if op in _READS:
        return _READS[op]
    if call.peer.is_fenced:
        raise Refusal(Refused.FENCED, "only the newest agent may change anything")
    return _CHANGES[op]


def hello(call: Call) -> Reply:
    call.keeper.greet(call.peer, call.get("epoch", int), call.find("watched", bool) or False)
    return call.keeper.info._asdict()


def ping(call: Call) -> Reply:
    call.keeper.keep_house()
    return {}


def list_sessions(call: Call) -> Reply:
    keeper = call.keeper
    records = [past.record for past in keeper.past.values()] + [s.record for s in keeper.sessions.values()]
    return {"sessions": [record_to_wire(record) for record in records]}


def spawn(call: Call) -> Reply:
    columns, rows = _size(call)
    env: Dict[Any, Any] = call.get("env", dict)
    if any("\0" in f"{name}{value}" or "=" in name or not isinstance(value, str) for name, value in env.items()):
        raise Refusal(Refused.BAD_REQUEST, "the environment has a name or value that cannot be set")
    request = SpawnRequest(
        request=call.get("request", str),
        command=call.texts("command"),
        cwd=call.get("cwd", str),
        env=env,
        columns=columns,
        rows=rows,
        title=call.get("title", str),
        tags=call.texts("tags"),
        timeout=call.number("timeout"),
    )
    if not request.command or not request.command[0]:
        raise Refusal(Refused.BAD_REQUEST, "there is no command to start")
    if not request.request or not request.cwd or "\0" in request.cwd:
        raise Refusal(Refused.BAD_REQUEST, "the request lacks its id or a directory")
    spawned = call.keeper.spawn(request, call.waiter)
    return spawned._asdict() if spawned else None


def write(call: Call) -> Reply:
    if not call.payload:
        raise Refusal(Refused.BAD_REQUEST, "there is nothing to write")
    block = Block(
        call.get("request", str),
        call.get("cause", str),
        call.payload,
        call.find("expect_head", int),
        call.find("query_offset", int),
    )
    block.waiters.append(call.waiter)
    call.session().submit(block)
    return None


def resize(call: Call) -> Reply:
    session = call.session()
    head = session.resize(*_size(call))
    _save(session)
    return {"head": head}


def send_signal(call: Call) -> Reply:
    session, number = call.session(), call.get("signal", int)
    if not 0 < number < 65:
        raise Refusal(Refused.BAD_REQUEST, f"there is no signal {number}")
    foreground = terminal.foreground_group(session.master) if session.master >= 0 else 0
    if session.is_running:
        signal_process(session.pid, number)
    if foreground != session.pid:
        signal_group(foreground, number)
    return {}


def stop(call: Call) -> Reply:
    call.keeper.endings.stop(call.session(), call.number("grace"))
    return {}


def kill(call: Call) -> Reply:
    call.keeper.endings.kill(call.session())
    return {}


def forget(call: Call) -> Reply:
    call.keeper.forget(call.get("session", str))
    return {}


def annotate(call: Call) -> Reply:
    name = call.get("session", str)
    title, seen = call.find("title", str), call.find("seen", bool)
    tags = None if call.find("tags", list) is None else call.texts("tags")
    past = call.keeper.past.get(name)
    meta = past.meta if past else call.session().meta
    meta = meta._replace(
        title=meta.title if title is None else title,
        tags=meta.tags if tags is None else tags,
        seen=meta.seen if seen is None else seen,
    )
    if past:
        call.keeper.past[name] = past._replace(meta=meta)
        _write_meta(call.keeper.catalogue.directory(name), meta)
    else:
        session = call.session()
        session.meta = meta
        _save(session)
    return {}


def checkpoint(call: Call) -> Reply:
    session = call.session()
    session.journal.note_checkpoint(call.get("offset", int), call.get("name", str), moment())
    return {}


def termios(call: Call) -> Reply:
    session = call.session()
    try:
        return terminal.read_modes(session.master)._asdict()
    except (OSError, ValueError) as error:
        raise Refusal(Refused.NOT_RUNNING, f"the terminal of session {session.id} is closed") from error


def proc_read(call: Call) -> Reply:
    files = processes.proc_read(call.get("pid", int), call.texts("names"), _leaders(call.keeper))
    if files is None:
        raise Refusal(Refused.REFUSED, "that process belongs to no session")
    return {"sizes": [None if data is None else len(data) for data in files]}, b"".join(data or b"" for data in files)


def mem_read(call: Call) -> Reply:
    address, length = call.get("address", int), call.get("length", int)
    if address < 0 or length < 0:
        raise Refusal(Refused.BAD_REQUEST, "an address or length below zero")
    try:
        data = processes.mem_read(call.get("pid", int), address, length, _leaders(call.keeper))
    except (OSError, OverflowError) as error:
        raise Refusal(Refused.REFUSED, f"cannot read that memory: {error}") from error
    if data is None:
        raise Refusal(Refused.REFUSED, "that process belongs to no session")
    return {}, data


def keep_agent(call: Call) -> Reply:
    former = call.keeper.agent.argv
    call.keeper.agent.keep(call.texts("argv"))
    return {"argv": list(former)}


def start_upgrade(call: Call) -> Reply:
    upgrade.try_program(call.keeper, call.texts("argv"), call.waiter)
    return None


def shutdown(call: Call) -> Reply:
    call.keeper.shut_down(0.0)
    return {}


def _size(call: Call) -> Tuple[int, int]:
    columns, rows = call.get("columns", int), call.get("rows", int)
    if not (0 < columns <= MAX_CELLS_A_SIDE and 0 < rows <= MAX_CELLS_A_SIDE):
        raise Refusal(Refused.BAD_SIZE, f"a size of {columns}x{rows} is not between 1x1 and 2000x2000")
    return columns, rows


def _save(session: Session) -> None:
    _write_meta(session.directory, session.meta)


def _write_meta(directory: str, meta: Any) -> None:
    try:
        write_meta(directory, meta)
    except OSError as error:
        raise Refusal(Refused.DISK_FULL, f"cannot write in {directory}: {os.strerror(error.errno or 0)}") from error


def _leaders(keeper: Keeper) -> Dict[int, Session]:
    return {s.pid: s for s in keeper.sessions.values() if s.state is not SessionState.CLOSED}


_READS: Dict[str, Callable[[Call], Reply]] = {
    "hello": hello,
    "ping": ping,
    "list": list_sessions,
    "termios": termios,
    "proc_read": proc_read,
    "mem_read": mem_read,
}
_CHANGES: Dict[str, Callable[[Call], Reply]] = {
    "spawn": spawn,
    "write": write,
    "resize": resize,
    "signal": send_signal,
    "stop": stop,
    "kill": kill,
    "forget": forget,
    "annotate": annotate,
    "checkpoint": checkpoint,
    "keep_agent": keep_agent,
    "upgrade": start_upgrade,
    "shutdown": shutdown,
}
