"""Everything an operator can do in the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Part:
    """What the actions of a part of the console have in common."""

    group: Group
    reason: Reason = always  # where an action names no other
    scope: Scope = Scope.GRID
    in_palette: bool = True

    def __call__(
        self,
        action_id: str,
        title: str,
        help_text: str,
        *keys: str,
        reason: Reason | None = None,
        also: Mapping[Scope, int] = _NOWHERE,
        footer: int = 0,
        border: int = 0,
    ) -> Action:
        reason = self.reason if reason is None else reason
        return Action(
            action_id, title, help_text, keys, self.group, reason, self.scope, also, footer, border, self.in_palette
        )


_asking = _Part(Group.ASKING)
_session = _Part(Group.SESSION, needs_link)
_move = _Part(Group.MOVING, needs_shown, in_palette=False)
_view = _Part(Group.MOVING)
_console = _Part(Group.CONSOLE)
_job = _Part(Group.JOBS, needs_job, Scope.JOBS, in_palette=False)
_typing = _Part(Group.TYPING, always, Scope.TYPING, in_palette=False)


_ASKING = [
    _asking(
        "ask.next",
        "next asking",
        "Go to the session waiting longest and open its answer.",
        "n",
        reason=needs_asking,
        footer=1,
    ),
    _asking(
        "ask.previous",
        "previous asking",
        "Go to the asking session before that one and open its answer.",
        "N",
        reason=needs_asking,
    ),
    _asking(
        "ask.answer",
        "answer",
        "Answer what the selected session asks, without attaching.",
        "space",
        reason=needs_question,
        also=_also(1, 1),
        footer=2,
        border=1,
    ),
    _asking(
        "ask.claim",
        "claim",
        "Handle it, for all to see, for ten minutes; again gives it back.",
        "C",
        reason=needs_ask,
        also={Scope.INBOX: 4},
    ),
    _asking(
        "ask.ack",
        "seen",
        "Say that you have seen it: it stays open, no channel tells of it again.",
        "a",
        reason=needs_ask,
        also={Scope.INBOX: 5},
    ),
    _asking(
        "ask.snooze",
        "snooze",
        "Have it be silent for a while, or until it changes.",
        "S",
        reason=needs_ask,
        also={Scope.INBOX: 6},
    ),
    _asking(
        "ask.mute",
        "mute",
        "Silence the session, asks of its kind or its node everywhere, or end that.",
        "m",
        reason=needs_link,
        also={Scope.INBOX: 7},
    ),
    _asking("view.inbox", "inbox", "Show the open asks of all nodes beside the tiles, or hide them.", "i", footer=6),
    _asking("inbox.open", "inbox, large", "Show the open asks of all nodes, full screen.", "I"),
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
    _session(
        "session.attach",
        "attach",
        "Join this terminal to the session, full screen; the prefix and d leave it.",
        "enter",
        reason=needs_running,
        also=_also(2, 2),
        footer=3,
        border=2,
    ),
    _session(
        "session.zoom",
        "zoom",
        "Show the session large and type into it; the prefix and d leave it.",
        "z",
        reason=needs_session,
        also=_also(3, 3),
        footer=4,
        border=3,
    ),
    _session(
        "session.split",
        "split",
        "Show two to four sessions side by side and type into one of them.",
        "|",
        reason=needs_several,
        footer=5,
    ),
    _session(
        "session.send",
        "send line",
        "Type one line into the session without leaving the grid.",
        "s",
        reason=needs_running,
        border=4,
    ),
    _session(
        "session.explain",
        "why",
        "Say why the session is taken to be asking, working or idle.",
        "e",
        also=_also(),
        border=5,
    ),
    _session(
        "session.logs", "logs", "Read what the session has printed, the latest at the end.", "L", also=_also(0, 4)
    ),
    _session("session.rename", "title and tags", "Change the session's title and tags.", "t"),
    _session(
        "session.stop",
        "stop",
        "Ask the session to end, and end it after five seconds; asks first.",
        "x",
        reason=needs_running,
    ),
    _session(
        "session.kill", "kill", "End every process of the session at once; asks first.", "X", reason=needs_running
    ),
    _session(
        "session.remove",
        "remove",
        "Forget an ended session and all it printed; asks first.",
        "D",
        reason=needs_ended,
        border=6,
    ),
]

_MOVING = [
    _move("go.left", "left", "Select the tile to the left.", "left", "h"),
    _move("go.down", "down", "Select the tile or line below.", "down", "j", also=_also()),
    _move("go.up", "up", "Select the tile or line above.", "up", "k", also=_also()),
    _move("go.right", "right", "Select the tile to the right.", "right", "l"),
    _move("go.next", "next tile", "Select the next tile.", "tab"),
    _move("go.previous", "previous tile", "Select the tile before.", "shift+tab"),
    _move("go.first", "first", "Select the first tile or line.", "home", also=_also()),
    _move("go.last", "last", "Select the last tile or line.", "end", also=_also()),
    _move("go.page.down", "page down", "Go one screenful on.", "pagedown", also=_also()),
    _move("go.page.up", "page up", "Go one screenful back.", "pageup", also=_also()),
    _move("go.jump", "jump", "Put a letter on each tile; pressing it selects the tile (as 1-9 do).", "g"),
    _view(
        "view.filter",
        "filter",
        "Show only some: words, state:asking, node:gpu, tag:x; - turns one round.",
        "/",
        footer=8,
    ),
    _view("view.unfilter", "show all", "Clear the filter.", "escape", reason=needs_filter),
    _view("view.order", "order", "Order tiles by node, by attention (asking first), or newest first.", "o"),
]

_CONSOLE = [
    _console("session.new", "new", "Start a session on a node.", "c", footer=7),
    _console("node.add", "add a machine", "Make a machine you reach by SSH a node.", "A"),
    _console("view.nodes", "nodes", "Show every node, its link and what is wrong with it.", "v"),
    _console("node.retry", "retry links", "Try all lost nodes again now.", "r", reason=needs_trouble),
    _console("view.jobs", "jobs", "Show queued, running and ended jobs.", "J"),
    _console(
        "rules.suspend",
        "suspend rules",
        "Suspend every automatic answer on every node; again ends that.",
        "!",
        also=_also(),
    ),
    _console("view.rules", "rules", "Show the rules and what they have answered.", "P"),
    _console("view.theme", "theme", "Change to the next theme.", "T"),
    Action(
        "console.palette",
        "commands",
        "Find a command, a session or a job by typing.",
        (":", "ctrl+p"),
        Group.CONSOLE,
        footer=9,
        in_palette=False,
    ),
    _console("console.help", "help", "Show every key.", "?", "f1", also=_also(9, 9), footer=10),
    _console("console.quit", "quit", "Leave the console; every session goes on.", "q", footer=11),
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
    _job("job.why", "why", "Say why a job is where it is, or why each node does not run it.", "w", footer=5),
    _job("job.retry", "retry", "Queue a copy of a job that has ended.", "R", reason=needs_ended_job, footer=6),
    _job(
        "job.cancel",
        "cancel",
        "Take a job out of the queue, or stop it; asks first.",
        "x",
        reason=needs_open_job,
        footer=7,
    ),
    _job("job.filter", "filter", "Show only some jobs: words, state:queued, node:gpu.", "/", reason=always, footer=8),
    _job(
        "job.close", "close", "Clear the filter, or go back to the grid.", "escape", "q", "J", reason=always, footer=10
    ),
]

_TYPING = [
    _typing("typing.leave", "leave", "Back to the grid.", "d", "escape", footer=1),
    _typing("typing.next_pane", "next pane", "Type into the next session of a split.", "tab", "o", footer=3),
    _typing("typing.answer", "answer", "Answer what the session asks.", "space", reason=needs_question, footer=4),
    _typing("typing.attach", "attach", "Join this terminal to the session.", "enter", reason=needs_running, footer=5),
    _typing("typing.take", "take over", "Take the right to type from whoever has it.", "t", footer=6),
    _typing("typing.next_asking", "next asking", "Go to the session waiting longest.", "n", reason=needs_asking),
    _typing("typing.help", "help", "Show every key.", "?", footer=7),
]

ACTIONS = Registry([*_ASKING, *_SESSION, *_MOVING, *_CONSOLE, *_JOBS, *_TYPING])
