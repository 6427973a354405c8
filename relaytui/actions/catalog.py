"""Everything an operator can do in the console."""

from __future__ import annotations

from relaytui.actions.action import Action, Group, Reason, Registry, Scope, Situation


def _needs_session(now: Situation) -> str:
    if now.session:
        return ""
    return "no session is selected" if now.sessions else "there is no session yet; c starts one"


def _needs_link(now: Situation) -> str:
    node = now.session.partition("/")[0]
    return _needs_session(now) or ("" if now.is_reachable else f"{node} cannot be reached just now; v shows why")


def _needs_running(now: Situation) -> str:
    return _needs_link(now) or ("" if now.is_running else f"{now.session} has ended")


def _needs_ended(now: Situation) -> str:
    return _needs_link(now) or (f"{now.session} still runs; x stops it" if now.is_running else "")


def _needs_ask(now: Situation) -> str:
    return _needs_link(now) or ("" if now.is_asking else f"{now.session} is not asking")


def _needs_asking(now: Situation) -> str:
    return "" if now.asking else "no session is asking"


def _needs_several(now: Situation) -> str:
    return _needs_session(now) or ("" if now.shown > 1 else "there is only one session")


def _needs_shown(now: Situation) -> str:
    return "" if now.shown else _needs_session(now) or "no session passes the filter"


def _needs_filter(now: Situation) -> str:
    return "" if now.filter else "there is no filter to clear"


def _needs_trouble(now: Situation) -> str:
    return "" if now.troubles else "every node is connected"


def _move(name: str, title: str, help_text: str, *keys: str) -> Action:
    return Action(f"go.{name}", title, help_text, keys, Group.MOVING, _needs_shown, in_palette=False)


def _typing(name: str, title: str, help_text: str, *keys: str, footer: int = 0, reason: Reason | None = None) -> Action:
    return Action(
        f"typing.{name}",
        title,
        help_text,
        keys,
        Group.TYPING,
        reason or (lambda _: ""),
        Scope.TYPING,
        footer=footer,
        in_palette=False,
    )


ACTIONS = Registry(
    [
        Action(
            "ask.next",
            "next asking",
            "Go to the session waiting longest and open its answer.",
            ("n",),
            Group.ASKING,
            _needs_asking,
            footer=1,
        ),
        Action(
            "ask.previous",
            "previous asking",
            "Go to the asking session before that one and open its answer.",
            ("N",),
            Group.ASKING,
            _needs_asking,
        ),
        Action(
            "ask.answer",
            "answer",
            "Answer what the selected session asks, without attaching.",
            ("space",),
            Group.ASKING,
            _needs_ask,
            footer=2,
            border=1,
        ),
        Action(
            "session.attach",
            "attach",
            "Join this terminal to the session, full screen; the prefix and d leave it.",
            ("enter",),
            Group.SESSION,
            _needs_running,
            footer=3,
            border=2,
        ),
        Action(
            "session.zoom",
            "zoom",
            "Show the session large and type into it; the prefix and d leave it.",
            ("z",),
            Group.SESSION,
            _needs_session,
            footer=4,
            border=3,
        ),
        Action(
            "session.split",
            "split",
            "Show two to four sessions side by side and type into one of them.",
            ("|",),
            Group.SESSION,
            _needs_several,
            footer=5,
        ),
        Action(
            "session.send",
            "send line",
            "Type one line into the session without leaving the grid.",
            ("s",),
            Group.SESSION,
            _needs_running,
            border=4,
        ),
        Action(
            "session.explain",
            "why",
            "Say why the session is taken to be asking, working or idle.",
            ("e",),
            Group.SESSION,
            _needs_link,
            border=5,
        ),
        Action(
            "session.rename",
            "title and tags",
            "Change the session's title and tags.",
            ("t",),
            Group.SESSION,
            _needs_link,
        ),
        Action(
            "session.stop",
            "stop",
            "Ask the session to end, and end it after five seconds; asks first.",
            ("x",),
            Group.SESSION,
            _needs_running,
        ),
        Action(
            "session.kill",
            "kill",
            "End every process of the session at once; asks first.",
            ("X",),
            Group.SESSION,
            _needs_running,
        ),
        Action(
            "session.remove",
            "remove",
            "Forget an ended session and all it printed; asks first.",
            ("D",),
            Group.SESSION,
            _needs_ended,
            border=6,
        ),
        Action("session.new", "new", "Start a session on a node.", ("c",), Group.CONSOLE, footer=6),
        _move("left", "left", "Select the tile to the left.", "left", "h"),
        _move("down", "down", "Select the tile below.", "down", "j"),
        _move("up", "up", "Select the tile above.", "up", "k"),
        _move("right", "right", "Select the tile to the right.", "right", "l"),
        _move("next", "next tile", "Select the next tile.", "tab"),
        _move("previous", "previous tile", "Select the tile before.", "shift+tab"),
        _move("first", "first tile", "Select the first tile.", "home"),
        _move("last", "last tile", "Select the last tile.", "end"),
        _move("page.down", "page down", "Go one screenful of tiles on.", "pagedown"),
        _move("page.up", "page up", "Go one screenful of tiles back.", "pageup"),
        _move("jump", "jump", "Put a letter on each tile; pressing it selects the tile (1-9 do so at once).", "g"),
        Action(
            "view.filter",
            "filter",
            "Show only some sessions: words, state:asking, node:gpu, tag:nightly, - turns one round.",
            ("/",),
            Group.MOVING,
            footer=7,
        ),
        Action(
            "view.unfilter",
            "show all",
            "Clear the filter.",
            ("escape",),
            Group.MOVING,
            _needs_filter,
        ),
        Action(
            "view.order",
            "order",
            "Order tiles by node, by attention (asking first), or newest first.",
            ("o",),
            Group.MOVING,
        ),
        Action("view.nodes", "nodes", "Show every node, its link and what is wrong with it.", ("v",), Group.CONSOLE),
        Action(
            "node.retry",
            "retry links",
            "Try all lost nodes again now.",
            ("r",),
            Group.CONSOLE,
            _needs_trouble,
        ),
        Action("view.theme", "theme", "Change to the next theme.", ("T",), Group.CONSOLE),
        Action(
            "console.palette",
            "commands",
            "Find a command or a session by typing.",
            (":", "ctrl+p"),
            Group.CONSOLE,
            footer=8,
            in_palette=False,
        ),
        Action("console.help", "help", "Show every key.", ("?", "f1"), Group.CONSOLE, footer=9),
        Action("console.quit", "quit", "Leave the console; every session goes on.", ("q",), Group.CONSOLE, footer=10),
        _typing("leave", "leave", "Back to the grid.", "d", "escape", footer=1),
        _typing("next_pane", "next pane", "Type into the next session of a split.", "tab", "o", footer=3),
        _typing("answer", "answer", "Answer what the session asks.", "space", footer=4, reason=_needs_ask),
        _typing("attach", "attach", "Join this terminal to the session.", "enter", footer=5, reason=_needs_running),
        _typing("take", "take over", "Take the right to type from whoever has it.", "t", footer=6),
        _typing("next_asking", "next asking", "Go to the session waiting longest.", "n", reason=_needs_asking),
        _typing("help", "help", "Show every key.", "?", footer=7),
    ]
)
