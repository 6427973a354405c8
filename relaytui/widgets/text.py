"""Text in columns: cutting, and a builder of lines that can never be too long."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

NO_STYLE: Final = Style()


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` columns, ending in `ellipsis` where it was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    if width <= len(ellipsis):
        return ellipsis[:width]
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


class Line:
    """Builds one strip of exactly `width` columns from left and right parts; what does not fit is cut."""

    def __init__(self, width: int, style: Style = NO_STYLE, ellipsis: str = "…") -> None:
        self.width = max(0, width)
        self.style = style
        self._ellipsis = ellipsis
        self._segments: list[Segment] = []
        self._used = 0

    @property
    def room(self) -> int:
        """Columns still free."""
        return self.width - self._used

    def add(self, text: str, style: Style | None = None) -> Line:
        """Append `text`, cut to the room there is."""
        text = fit(text, self.room, self._ellipsis)
        if text:
            self._segments.append(Segment(text, self.style if style is None else self.style + style))
            self._used += cell_len(text)
        return self

    def fill(self, character: str = " ", style: Style | None = None, *, leave: int = 0) -> Line:
        """Fill with `character` until `leave` columns are free."""
        count = self.room - leave
        if count > 0:
            self.add(character * count, style)
        return self

    def strip(self) -> Strip:
        """The line, filled with blanks to its width."""
        self.fill()
        return Strip(self._segments, self.width)


def blank(width: int, style: Style | None = None) -> Strip:
    """An empty line."""
    return Strip([Segment(" " * max(0, width), style)], max(0, width))


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` characters, cut at spaces where there are some."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            while len(word) > width:
                lines.extend([line] if line else [])
                line, word = "", word
                lines.append(word[:width])
                word = word[width:]
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines
