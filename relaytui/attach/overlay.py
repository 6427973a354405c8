"""The few bytes attach draws itself over a session's screen: one-line notices and repaints."""

from __future__ import annotations

from node_agent.terminal.sanitise import sanitise

BELL = b"\x07"
_BEGIN_UPDATE = b"\x1b[?2026h"
_END_UPDATE = b"\x1b[?2026l"
_HOME_AND_CLEAR = b"\x1b[H\x1b[J"  # ED 0: ED 2 would push the screen into the scrollback of some terminals


def line_over(text: str, columns: int, rows: int) -> bytes:
    """Draw `text` reversed on the bottom row and put the cursor back.

    It takes the place of whatever the program saved with DECSC, so a repaint has to follow some time.
    """
    shown = sanitise(f" {text} ", max(1, columns - 1))
    return f"\x1b7\x1b[?6l\x1b[{rows};1H\x1b(B\x1b[0;7m{shown}\x1b[0m\x1b[K\x1b8".encode()


def make_room(rows: int) -> bytes:
    """Scroll what is on the screen into the terminal's scrollback; the cursor ends at the top."""
    return b"\x1b[9999;1H" + b"\r\n" * rows + b"\x1b[H"


def repaint(reset: bytes, screen: bytes) -> bytes:
    """Replace the screen by `screen` without a flicker, from whatever state `reset` ends."""
    return reset + _BEGIN_UPDATE + _HOME_AND_CLEAR + screen + _END_UPDATE
