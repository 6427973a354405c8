"""A `Terminal` as the engine-neutral `TerminalState`, and back."""

from __future__ import annotations

from typing import Optional

from node_agent.terminal.checkpoint import ScreenState, TerminalState
from node_agent.terminal.engine import Modes
from node_agent.terminal.vt.printing import last_cluster
from node_agent.terminal.vt.row import unpacked
from node_agent.terminal.vt.terminal import Screen, Terminal


def capture(terminal: Terminal, offset: int, history: Optional[int] = None) -> TerminalState:
    """The state of `terminal`, whose next byte is at journal offset `offset`, with the last `history` rows or all."""
    kept = terminal.history
    above = kept.all_packed() if history is None else kept.packed(len(kept) - history, len(kept))

    def screen(source: Screen) -> ScreenState:
        rows = [row.packed(terminal.columns) for row in source.rows]
        return ScreenState(rows, source.saved, list(source.keyboard))

    return TerminalState(
        columns=terminal.columns,
        rows=terminal.rows,
        offset=offset,
        main=screen(terminal.main),
        alternate=screen(terminal.alternate),
        active="main" if terminal.screen is terminal.main else "alternate",
        cursor=(terminal.y, terminal.x, terminal.pending, terminal.cursor_style),
        pen=terminal.brush.pen,
        charsets=terminal.charsets,
        margins=(terminal.top, terminal.bottom, terminal.left, terminal.right),
        tabs=list(terminal.tabs),
        modes=set(terminal.modes),
        ansi_modes={mode for mode, on in ((4, terminal.insert), (20, terminal.newline)) if on},
        saved_modes=dict(terminal.saved_modes),
        keypad=terminal.keypad,
        modify_other_keys=terminal.modify_other_keys,
        title=terminal.title,
        icon=terminal.icon,
        cwd=terminal.cwd,
        titles=list(terminal.titles),
        last=last_cluster(terminal),
        history=above,
        history_dropped=kept.passed - len(above),
    )


def restore(terminal: Terminal, state: TerminalState) -> None:
    """Bring a new `terminal` of the state's size to the state."""
    for screen, source in ((terminal.main, state.main), (terminal.alternate, state.alternate)):
        screen.rows[:] = [unpacked(row, terminal.columns) for row in source.rows]
        screen.saved = source.saved
        screen.keyboard = list(source.keyboard)
    if state.active == "alternate":
        terminal.screen = terminal.alternate
        terminal.grid = terminal.alternate.rows
    terminal.history.restore(state.history, state.history_dropped)
    terminal.y, terminal.x, terminal.pending, terminal.cursor_style = state.cursor
    terminal.set_pen(state.pen)
    terminal.modes = set(state.modes)
    terminal.autowrap = 7 in state.modes
    terminal.origin = 6 in state.modes
    terminal.left_right = 69 in state.modes
    terminal.insert = 4 in state.ansi_modes
    terminal.newline = 20 in state.ansi_modes
    terminal.saved_modes = dict(state.saved_modes)
    terminal.top, terminal.bottom, terminal.left, terminal.right = state.margins
    terminal.has_regular_tabs = state.tabs == terminal.tabs
    terminal.tabs = list(state.tabs)
    terminal.keypad = state.keypad
    terminal.modify_other_keys = state.modify_other_keys
    terminal.title, terminal.icon, terminal.cwd = state.title, state.icon, state.cwd
    terminal.titles = list(state.titles)
    terminal.last = state.last
    terminal.set_charsets(state.charsets)


def modes_of(terminal: Terminal) -> Modes:
    """The modes that matter outside."""
    modes = terminal.modes
    keyboard = terminal.screen.keyboard
    return Modes(
        application_cursor=1 in modes,
        application_keypad=terminal.keypad,
        bracketed_paste=2004 in modes,
        focus_events=1004 in modes,
        mouse=max((mode for mode in (9, 1000, 1002, 1003) if mode in modes), default=0),
        mouse_sgr=1006 in modes,
        alternate_screen=terminal.screen is terminal.alternate,
        synchronized=2026 in modes,
        kitty_flags=keyboard[-1] if keyboard else 0,
        modify_other_keys=terminal.modify_other_keys,
        newline=terminal.newline,
        reverse_screen=5 in modes,
    )
