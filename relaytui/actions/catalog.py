"""Everything an operator can do in the console."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from relaytui.actions.action import Action, Group, Reason, Registry, Scope, always
from relaytui.actions.reasons import (
    needs_ask,
    needs_asking,
    needs_ended,
    needs_ended_job,
    needs_filter,
    needs_job,
    needs_link,
    needs_open_job,
    needs_question,
    needs_running,
    needs_session,
    needs_several,
    needs_shown,
    needs_trouble,
)

_NOWHERE: Mapping[Scope, int] = MappingProxyType({})


def _also(inbox: int = 0, jobs: int = 0) -> dict[Scope, int]:
    """The screens that are a list beside a session's screen, with the places in their footers."""
    return {Scope.INBOX: inbox, Scope.JOBS: jobs}


def _move(
    name: str,
    title: str,
    help_text: str,
    *keys: str,
    also: Mapping[Scope, int] = _NOWHERE,
    reason: Reason = needs_shown,
) -> Action:
    return Action(f"go.{name}", title, help_text, keys, Group.MOVING, reason, also=also, in_palette=False)


def _typing(name: str, title: str, help_text: str, *keys: str, footer: int = 0, reason: Reason = always) -> Action:
    return Action(
        f"typing.{name}",
        title,
        help_text,
        keys,
        Group.TYPING,
        reason,
        Scope.TYPING,
        footer=footer,
        in_palette=False,
    )


def _job(name: str, title: str, help_text: str, *keys: str, footer: int = 0, reason: Reason = needs_job) -> Action:
    return Action(
        f"job.{name}", title, help_text, keys, Group.JOBS, reason, Scope.JOBS, footer=footer, in_palette=False
    )


_ASKING = [
    Action(
        "ask.next",
        "next asking",
        "Go to the session waiting longest and open its answer.",
        ("n",),
        Group.ASKING,
        needs_asking,
        footer=1,
    ),
    Action(
        "ask.previous",
        "previous asking",
        "Go to the asking session before that one and open its answer.",
        ("N",),
        Group.ASKING,
        needs_asking,
    ),
    Action(
        "ask.answer",
        "answer",
        "Answer what the selected session asks, without attaching.",
        ("space",),
        Group.ASKING,
        needs_question,
        also=_also(1, 1),
        footer=2,
        border=1,
    ),
    Action(
        "ask.claim",
        "claim",
        "Handle it, for all to see, for ten minutes; again gives it back.",
        ("C",),
        Group.ASKING,
        needs_ask,
        also={Scope.INBOX: 4},
    ),
    Action(
        "ask.ack",
        "seen",
        "Say that you have seen it: it stays open, no channel tells of it again.",
        ("a",),
        Group.ASKING,
        needs_ask,
        also={Scope.INBOX: 5},
    ),
    Action(
        "ask.snooze",
        "snooze",
        "Have it be silent for a while, or until it changes.",
        ("S",),
        Group.ASKING,
        needs_ask,
        also={Scope.INBOX: 6},
    ),
    Action(
        "ask.mute",
        "mute",
        "Silence the session, asks of its kind or its node everywhere, or end that.",
        ("m",),
        Group.ASKING,
        needs_link,
        also={Scope.INBOX: 7},
    ),
    Action(
        "view.inbox",
        "inbox",
        "Show the open asks of all nodes beside the tiles, or hide them.",
        ("i",),
        Group.ASKING,
        footer=6,
    ),
    Action("inbox.open", "inbox, large", "Show the open asks of all nodes, full screen.", ("I",), Group.ASKING),
    Action(
        "inbox.close",
        "close",
        "Back to the grid.",
        ("escape", "q", "i", "I"),
        Group.ASKING,
        scope=Scope.INBOX,
        footer=10,
        in_palette=False,
    ),
]

_SESSION = [
    Action(
        "session.attach",
        "attach",
        "Join this terminal to the session, full screen; the prefix and d leave it.",
        ("enter",),
        Group.SESSION,
        needs_running,
        also=_also(2, 2),
        footer=3,
        border=2,
    ),
    Action(
        "session.zoom",
        "zoom",
        "Show the session large and type into it; the prefix and d leave it.",
        ("z",),
        Group.SESSION,
        needs_session,
        also=_also(3, 3),
        footer=4,
        border=3,
    ),
    Action(
        "session.split",
        "split",
        "Show two to four sessions side by side and type into one of them.",
        ("|",),
        Group.SESSION,
        needs_several,
        footer=5,
    ),
    Action(
        "session.send",
        "send line",
        "Type one line into the session without leaving the grid.",
        ("s",),
        Group.SESSION,
        needs_running,
        border=4,
    ),
    Action(
        "session.explain",
        "why",
        "Say why the session is taken to be asking, working or idle.",
        ("e",),
        Group.SESSION,
        needs_link,
        also=_also(),
        border=5,
    ),
    Action(
        "session.logs",
        "logs",
        "Read what the session has printed, the latest at the end.",
        ("L",),
        Group.SESSION,
        needs_link,
        also=_also(0, 4),
    ),
    Action(
        "session.rename",
        "title and tags",
        "Change the session's title and tags.",
        ("t",),
        Group.SESSION,
        needs_link,
    ),
    Action(
        "session.stop",
        "stop",
        "Ask the session to end, and end it after five seconds; asks first.",
        ("x",),
        Group.SESSION,
        needs_running,
    ),
    Action(
        "session.kill",
        "kill",
        "End every process of the session at once; asks first.",
        ("X",),
        Group.SESSION,
        needs_running,
    ),
    Action(
        "session.remove",
        "remove",
        "Forget an ended session and all it printed; asks first.",
        ("D",),
        Group.SESSION,
        needs_ended,
        border=6,
    ),
]

_MOVING = [
    _move("left", "left", "Select the tile to the left.", "left", "h"),
    _move("down", "down", "Select the tile or line below.", "down", "j", also=_also()),
    _move("up", "up", "Select the tile or line above.", "up", "k", also=_also()),
    _move("right", "right", "Select the tile to the right.", "right", "l"),
    _move("next", "next tile", "Select the next tile.", "tab"),
    _move("previous", "previous tile", "Select the tile before.", "shift+tab"),
    _move("first", "first", "Select the first tile or line.", "home", also=_also()),
    _move("last", "last", "Select the last tile or line.", "end", also=_also()),
    _move("page.down", "page down", "Go one screenful on.", "pagedown", also=_also()),
    _move("page.up", "page up", "Go one screenful back.", "pageup", also=_also()),
    _move("jump", "jump", "Put a letter on each tile; pressing it selects the tile (as 1-9 do).", "g"),
    Action(
        "view.filter",
        "filter",
        "Show only some: words, state:asking, node:gpu, tag:x; - turns one round.",
        ("/",),
        Group.MOVING,
        footer=8,
    ),
    Action("view.unfilter", "show all", "Clear the filter.", ("escape",), Group.MOVING, needs_filter),
    Action(
        "view.order",
        "order",
        "Order tiles by node, by attention (asking first), or newest first.",
        ("o",),
        Group.MOVING,
    ),
]

_CONSOLE = [
    Action("session.new", "new", "Start a session on a node.", ("c",), Group.CONSOLE, footer=7),
    Action("node.add", "add a machine", "Make a machine you reach by SSH a node.", ("A",), Group.CONSOLE),
    Action("view.nodes", "nodes", "Show every node, its link and what is wrong with it.", ("v",), Group.CONSOLE),
    Action("node.retry", "retry links", "Try all lost nodes again now.", ("r",), Group.CONSOLE, needs_trouble),
    Action("view.jobs", "jobs", "Show queued, running and ended jobs.", ("J",), Group.CONSOLE),
    Action(
        "rules.suspend",
        "suspend rules",
        "Suspend every automatic answer on every node; again ends that.",
        ("!",),
        Group.CONSOLE,
        also=_also(),
    ),
    Action("view.rules", "rules", "Show the rules and what they have answered.", ("P",), Group.CONSOLE),
    Action("view.theme", "theme", "Change to the next theme.", ("T",), Group.CONSOLE),
    Action(
        "console.palette",
        "commands",
        "Find a command, a session or a job by typing.",
        (":", "ctrl+p"),
        Group.CONSOLE,
        footer=9,
        in_palette=False,
    ),
    Action("console.help", "help", "Show every key.", ("?", "f1"), Group.CONSOLE, also=_also(9, 9), footer=10),
    Action("console.quit", "quit", "Leave the console; every session goes on.", ("q",), Group.CONSOLE, footer=11),
    Action(
        "console.demo",
        "see a demo",
        "Run the demo here: three nodes of its own, nothing left behind.",
        ("D",),
        Group.CONSOLE,
        scope=Scope.EMPTY,
        in_palette=False,
    ),
]

_JOBS = [
    _job("why", "why", "Say why a job is where it is, or why each node does not run it.", "w", footer=5),
    _job("retry", "retry", "Queue a copy of a job that has ended.", "R", footer=6, reason=needs_ended_job),
    _job(
        "cancel", "cancel", "Take a job out of the queue, or stop it; asks first.", "x", footer=7, reason=needs_open_job
    ),
    _job("filter", "filter", "Show only some jobs: words, state:queued, node:gpu.", "/", footer=8, reason=always),
    _job("close", "close", "Clear the filter, or go back to the grid.", "escape", "q", "J", footer=10, reason=always),
]

_TYPING = [
    _typing("leave", "leave", "Back to the grid.", "d", "escape", footer=1),
    _typing("next_pane", "next pane", "Type into the next session of a split.", "tab", "o", footer=3),
    _typing("answer", "answer", "Answer what the session asks.", "space", footer=4, reason=needs_question),
    _typing("attach", "attach", "Join this terminal to the session.", "enter", footer=5, reason=needs_running),
    _typing("take", "take over", "Take the right to type from whoever has it.", "t", footer=6),
    _typing("next_asking", "next asking", "Go to the session waiting longest.", "n", reason=needs_asking),
    _typing("help", "help", "Show every key.", "?", footer=7),
]

ACTIONS = Registry([*_ASKING, *_SESSION, *_MOVING, *_CONSOLE, *_JOBS, *_TYPING])
