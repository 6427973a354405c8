"""Which rows of a screen a smaller window shows: those where the session is alive."""

from __future__ import annotations

from collections.abc import Sequence

from node_agent.terminal.spans import WireRow


def is_blank(row: WireRow) -> bool:
    """Whether a row has no characters; a coloured background alone is not content."""
    return all(str(span[0]).isspace() for span in row)


def live_top(rows: Sequence[WireRow], cursor_row: int | None, height: int, *, is_alternate: bool = False) -> int:
    """The first row to show so that `height` rows hold the live region.

    A visible cursor (`cursor_row`) is always shown. A screen that fits is shown from its top; a longer one is shown
    at its end, because that is where a log, a prompt and a composer are; a full-screen program that keeps its cursor
    near the top, draws a box, or hides the cursor on the alternate screen is shown there.
    """
    if height <= 0 or height >= len(rows):
        return 0
    first, last = text_extent(rows)
    if cursor_row is not None:
        if cursor_row < height:
            return 0
        top = min(max(last, cursor_row) - height + 1, cursor_row)
    elif last < height:
        top = 0
    elif last - first < height:
        top = max(0, min(first - (height - (last - first) - 1) // 2, len(rows) - height))
    else:
        top = first if is_alternate else last - height + 1
    return max(0, min(top, len(rows) - height))


def text_extent(rows: Sequence[WireRow]) -> tuple[int, int]:
    """The first and the last row with characters; 0 and 0 where none has any."""
    first = next((y for y, row in enumerate(rows) if not is_blank(row)), 0)
    last = next((y for y in range(len(rows) - 1, -1, -1) if not is_blank(rows[y])), 0)
    return first, last
