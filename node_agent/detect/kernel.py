"""Decodes what a terminal's foreground group is blocked on from Linux's /proc, without reading it.

`examine` is a generator: it yields a `Look` for each file, link, listing or piece of memory it wants and is sent the
bytes, or why there are none. So the same decoding runs over direct reads and over the keeper's (only an ancestor may
read `syscall` and `mem` where Yama is on), and tests can refuse anything.

Sources: proc(5), syscalls(2) of x86_64 and aarch64, `struct pollfd`, `fd_set`, `struct timespec`.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from node_agent.detect.evidence import KernelEvidence, Program, Wait
from node_agent.detect.looks import Look, Op, Seen, Steps, Unseen
from node_agent.detect.threads import Threads, ThreadWait

TICKS_PER_SECOND = 100.0
"""USER_HZ, in which /proc/PID/stat counts on every Linux architecture (proc(5))."""

_MAX_PROCESSES = 200
_MAX_THREADS = 64
_MAX_NESTING = 3
_MAX_NAMED = 8
_STRENGTH = {Wait.READING: 3, Wait.POLLING: 2, Wait.EVENT_LOOP: 1}

_INTERPRETERS = frozenset(
    [
        "python",
        "pypy",
        "node",
        "nodejs",
        "bun",
        "deno",
        "bash",
        "sh",
        "dash",
        "zsh",
        "ksh",
        "fish",
        "ruby",
        "perl",
        "php",
        "lua",
        "tclsh",
        "expect",
        "java",
    ]
)
_FLAGS_WITH_VALUE = frozenset(
    ("-W", "-X", "-r", "--require", "-I", "-o", "-O", "--import", "-cp", "-classpath", "--rcfile", "--init-file")
)

_THREAD_NAMES = ("MainThread", "node-MainThread")
_INLINE_CODE = re.compile(r"-[a-z]*c$")


class Process(NamedTuple):
    """The fields of /proc/PID/stat that place a process: its group, its terminal, its CPU time."""

    pid: int
    name: str
    parent: int
    group: int
    session: int
    tty: int
    foreground: int
    ticks: int
    is_running: bool


def parse_stat(pid: int, data: bytes) -> Optional[Process]:
    """Read a line of /proc/PID/stat; the name may hold blanks and parentheses."""
    start, end = data.find(b"("), data.rfind(b")")
    fields = data[end + 2 :].split()
    if start < 0 or end < start or len(fields) < 13:
        return None
    try:
        numbers = [int(field) for field in fields[1:13]]
    except ValueError:
        return None
    name = data[start + 1 : end].decode("utf-8", "replace")
    parent, group, session, tty, foreground = numbers[:5]
    return Process(pid, name, parent, group, session, tty, foreground, numbers[10] + numbers[11], fields[0] == b"R")


def tty_path(device: int) -> str:
    """The path of a controlling terminal from its device number; "" for none and for what is not a pty slave."""
    major = device >> 8 & 0xFFF
    minor = device & 0xFF | device >> 12 & 0xFFF00
    return f"/dev/pts/{minor + (major - 136) * 256}" if 136 <= major <= 143 else ""


def parse_program(pid: int, name: str, cmdline: bytes) -> Program:
    """Name a process; for an interpreter also what it was told to run."""
    words = [word.decode("utf-8", "replace") for word in cmdline.split(b"\0")[:12]]
    executable = words[0].lstrip("-").rpartition("/")[2] if words else ""
    base = executable.rstrip("0123456789.")
    if name in _THREAD_NAMES and executable:  # node calls its main thread so
        name = executable
    if base not in _INTERPRETERS:
        return Program(pid, name)
    script = ""
    skip = False
    for position, word in enumerate(words[1:]):
        if skip:
            skip = False
        elif words[position] == "-m":
            script = word
            break
        elif word in ("-e", "--eval", "-p") or _INLINE_CODE.match(word):
            script = "-c"
            break
        elif word in _FLAGS_WITH_VALUE:
            skip = True
        elif word and not word.startswith("-"):
            script = word.rpartition("/")[2]
            break
    return Program(pid, name, script)


def examine(leader: int, machine: str, last_reader: int = 0) -> Steps[KernelEvidence]:
    """Find what the foreground group of the terminal led by `leader` waits for.

    `machine` is uname's; `last_reader` the process found reading last time, looked at first.
    """
    return (yield from _once(_examine(leader, machine, last_reader)))


def _once(steps: Steps[KernelEvidence]) -> Steps[KernelEvidence]:
    """The same steps, but what was looked at already is not looked at again."""
    seen: Dict[Look, Seen] = {}
    try:
        look = next(steps)
        while True:
            if look not in seen:
                seen[look] = yield look
            look = steps.send(seen[look])
    except StopIteration as done:
        evidence: KernelEvidence = done.value
        return evidence


def _examine(leader: int, machine: str, last_reader: int) -> Steps[KernelEvidence]:
    root = yield from _process(leader)
    if root is None or root.foreground <= 0:
        return KernelEvidence(Wait.UNREADABLE)
    threads = Threads(machine)
    tty = tty_path(root.tty)
    # Nearly every wait is the group leader's blocked read: found so, no tree is walked.
    for pid in dict.fromkeys((last_reader, root.foreground)):
        process = (yield from _process(pid)) if pid and pid != leader else root if pid == leader else None
        if process is not None and process.group == root.foreground and process.tty == root.tty:
            found = yield from _waits(threads, process, tty, shallow=True)
            if found and found[0].wait is Wait.READING and not (yield from _has_children(process)):
                return (yield from _evidence(threads, found[0], [process], tty, list(dict.fromkeys((process, root)))))
    tree = yield from _tree((leader, root.foreground))
    return (yield from _examine_terminal(threads, tree, root.tty, root.foreground, 0))


def _examine_terminal(
    threads: Threads, tree: Dict[int, Process], device: int, group: int, depth: int
) -> Steps[KernelEvidence]:
    tty = tty_path(device)
    members = [process for process in tree.values() if process.group == group and process.tty == device]
    best: Optional[Tuple[ThreadWait, Process]] = None
    refused = False
    for process in members:
        for wait in (yield from _waits(threads, process, tty)):
            if wait.wait is Wait.UNREADABLE:
                refused = True
            elif best is None or _rank(wait) > _rank(best[0]):
                best = wait, process
    if depth < _MAX_NESTING and (best is not None or refused):
        inner = _inner_terminal(tree, members, device)
        if inner is not None:
            found = yield from _examine_terminal(threads, tree, inner.tty, inner.foreground, depth + 1)
            return found._replace(nested=True)
    if best is not None:
        ordered = [best[1]] + [process for process in members if process is not best[1]]
        return (yield from _evidence(threads, best[0], ordered, tty, list(tree.values())))
    wait = ThreadWait(Wait.UNREADABLE if refused or not members else Wait.NOBODY)
    return (yield from _evidence(threads, wait, members, tty, list(tree.values())))


def _rank(wait: ThreadWait) -> Tuple[int, bool]:
    return _STRENGTH[wait.wait], wait.timeout is None


def _inner_terminal(tree: Dict[int, Process], members: Sequence[Process], device: int) -> Optional[Process]:
    """A process in the foreground of a terminal that a member of this group opened for its child.

    `script` and sudo's use_pty relay their own terminal to an inner one. A relay in the background, or one behind
    a shell at its prompt, is not a member, so its inner terminal does not count.
    """
    relays = {process.pid for process in members}
    for process in tree.values():
        if process.tty not in (0, device) and process.group == process.foreground:
            leader = tree.get(process.session)
            if leader is not None and leader.parent in relays:
                return process
    return None


def _evidence(
    threads: Threads, wait: ThreadWait, members: Sequence[Process], tty: str, tree: Sequence[Process]
) -> Steps[KernelEvidence]:
    programs: List[Program] = []
    for process in members[:_MAX_NAMED]:
        cmdline = yield Look(Op.READ, process.pid, "cmdline")
        programs.append(parse_program(process.pid, process.name, cmdline if isinstance(cmdline, bytes) else b""))
    used = sum(process.ticks for process in tree) / TICKS_PER_SECOND
    is_running = any(process.is_running for process in tree)
    for process in tree:  # a shell that ends its job, or work in the background, changes what would be found
        yield from threads.take_pulse(process.pid, str(process.pid))
    pulse = () if wait.wait is Wait.UNREADABLE else threads.pulse
    return KernelEvidence(wait.wait, wait.timeout, tuple(programs), used, is_running, tty=tty, pulse=pulse)


def _process(pid: int) -> Steps[Optional[Process]]:
    data = yield Look(Op.READ, pid, "stat")
    return parse_stat(pid, data) if isinstance(data, bytes) else None


def _thread_ids(pid: int) -> Steps[List[bytes]]:
    listing = yield Look(Op.LIST, pid, "task")
    return listing.split(b"\n")[:_MAX_THREADS] if isinstance(listing, bytes) else []


def _has_children(process: Process) -> Steps[bool]:
    """Whether the main thread has children: a relay (`script`) reads one terminal for another."""
    children = yield Look(Op.READ, process.pid, f"task/{process.pid}/children")
    return children is Unseen.REFUSED or (isinstance(children, bytes) and bool(children.strip()))


def _tree(roots: Sequence[int]) -> Steps[Dict[int, Process]]:
    tree: Dict[int, Process] = {}
    pending = list(roots)
    while pending and len(tree) < _MAX_PROCESSES:
        pid = pending.pop()
        process = None if pid in tree else (yield from _process(pid))
        if process is None:
            continue
        tree[pid] = process
        for thread in (yield from _thread_ids(pid)):
            children = yield Look(Op.READ, pid, f"task/{thread.decode()}/children")
            if isinstance(children, bytes):
                pending += [int(child) for child in children.split()]
    return tree


def _waits(threads: Threads, process: Process, tty: str, shallow: bool = False) -> Steps[List[ThreadWait]]:
    """Every wait of the process's threads for `tty`; `shallow` looks at the main thread alone."""
    thread_ids = [str(process.pid).encode()] if shallow else (yield from _thread_ids(process.pid))
    found: List[ThreadWait] = []
    asleep = 0
    for thread in thread_ids:
        wait = yield from threads.wait(process.pid, thread.decode(), tty)
        if wait is None:
            continue
        if wait.wait in (Wait.UNREADABLE, Wait.READING):
            return [wait]
        asleep += wait.wait is Wait.NOBODY
        if wait.wait is not Wait.NOBODY:
            found.append(wait)
    is_all_asleep = asleep == len(thread_ids)
    if not found and not shallow and not is_all_asleep and (yield from threads.watches_in_epoll(process.pid, tty)):
        # An event loop caught while it runs, or one that another thread of the process waits in.
        found.append(ThreadWait(Wait.EVENT_LOOP))
    return found
