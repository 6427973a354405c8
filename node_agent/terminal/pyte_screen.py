"""pyte's screen made fit for real programs: cells with full pens, two screens, erasing with colour, no exceptions.

It owns the cells, and knows neither bytes nor sequences. pyte's own methods keep their names and signatures; those
that were wrong on real output are replaced (stock pyte 0.8.2 loses the rest of a run after a zero width character,
keeps half a wide one, marks every row as changed when it scrolls, and has no alternate screen). Left and right margins
and wrapping lines anew after a resize are left to the `vt` engine.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Optional

from node_agent.terminal.checkpoint import SavedCursor
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Flag, Pen
from node_agent.terminal.pyte_cursor import AUTOWRAP, BLANK, CursorScreen, Row
from node_agent.terminal.pyte_pens import erased_pen
from node_agent.terminal.vt.charsets import translation
from node_agent.terminal.vt.widths import CLUSTER_LIMIT, MARKS_LIMIT, ZWJ, character_width, cluster_width, joins

INSERT, NEWLINE = 4, 20
_CELLS_KEPT, _PENS_KEPT = 128, 256

_NARROW_RUN = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2500-\u257f]+")


class CellsOf(Dict[str, Cell]):
    """The cells of one pen by their text, made when first asked for, and the blank erasing leaves under it."""

    def __init__(self, pen: Pen) -> None:
        super().__init__()
        self._pen = pen
        fill = erased_pen(pen)
        self.fill = BLANK if fill is DEFAULT_PEN else Cell(" ", fill)

    def __missing__(self, text: str) -> Cell:
        cell = Cell(text, self._pen)
        if len(self) < _CELLS_KEPT:
            self[text] = cell
        return cell


class HardenedScreen(CursorScreen):
    """The grid; `scrolled_off` is called with each row that leaves the top of the main screen."""

    def __init__(self, columns: int, lines: int, scrolled_off: Callable[[Row], None]) -> None:
        self._scrolled_off = scrolled_off
        self._palette: Dict[Pen, CellsOf] = {}
        super().__init__(columns, lines)
        self.reset()  # once more: pyte's own constructor ends by setting its modes

    def reset(self) -> None:
        super().reset()
        self.single_shift: Optional[int] = None
        self.last = ""

    def set_pen(self, pen: Pen) -> None:
        super().set_pen(pen)
        cells = self._palette.get(pen)
        if cells is None:
            if len(self._palette) >= _PENS_KEPT:
                self._palette.clear()
            cells = self._palette[pen] = CellsOf(pen)
        self._cells = cells
        self._fill = cells.fill

    def _changed(self, y: int) -> Row:
        row = self.buffer[y]
        row.stamp = 0
        return row

    def draw(self, data: str) -> None:
        """Put characters at the cursor, with wrapping, widths and marks that join the cell before them."""
        if self.single_shift is not None and data:
            shifted, self.single_shift = self.single_shift, None
            self._draw(self._translated(data[0], shifted))
            data = data[1:]
        self._draw(self._translated(data, self.charsets[4]))

    def _translated(self, data: str, number: int) -> str:
        table = translation(str(self.charsets[number]))
        return data.translate(table) if table else data

    def shift_left(self, number: int) -> None:
        """Draw in character set `number` from here on (SI, SO, LS2, LS3)."""
        self.charsets = (*self.charsets[:4], number, self.charsets[5])

    def shift_right(self, number: int) -> None:
        """Note the set of the upper half, which UTF-8 has no use for (LS1R, LS2R, LS3R)."""
        self.charsets = (*self.charsets[:5], number)

    def shift_once(self, number: int) -> None:
        """Draw the next character in character set `number` (SS2, SS3)."""
        self.single_shift = number

    def designate(self, number: int, final: str) -> None:
        """Make G0 to G3 the set with this final character (SCS)."""
        sets = list(self.charsets[:4])
        sets[number] = final
        self.charsets = (sets[0], sets[1], sets[2], sets[3], *self.charsets[4:])

    def _draw(self, data: str) -> None:
        position = 0
        while position < len(data):
            run = _NARROW_RUN.match(data, position)
            if run is None:
                self._draw_character(data[position])
                position += 1
            else:
                self._draw_narrow(run.group())
                position = run.end()

    def _draw_narrow(self, text: str) -> None:
        self.last = text[-1]
        while text:
            if self.pending_wrap:
                self._wrap()
            x = self.x
            count = min(len(text), self.columns - x)
            if INSERT in self.ansi_mode:
                self.insert_characters(count)
            row = self._changed(self.y)
            self._part(row, x)
            self._part(row, x + count)
            row.update(zip(range(x, x + count), map(self._cells.__getitem__, text[:count])))
            text = text[count:]
            self._advance(x + count)
            if text and AUTOWRAP not in self.mode:
                text = text[-1]

    def _draw_character(self, char: str) -> None:
        width = character_width(char)
        if width < 0:
            return
        place = self._previous_cell()
        if place is not None:
            before = self.buffer[self.y][place].text
            if width == 0 or joins(before, char):
                self._join(place, before, char)
                return
        if width == 0 or width > self.columns:
            return
        if self.pending_wrap:
            self._wrap()
        if self.x + width > self.columns:
            if AUTOWRAP in self.mode:
                self._wrap()
            else:
                self.x = self.columns - width
        if INSERT in self.ansi_mode:
            self.insert_characters(width)
        self.last = char
        row, x = self._changed(self.y), self.x
        self._part(row, x)
        self._part(row, x + width)
        row[x] = self._cells[char]
        if width == 2:
            row[x + 1] = self._cells[""]
        self._advance(x + width)

    def _advance(self, x: int) -> None:
        self.x = min(x, self.columns - 1)
        self.pending_wrap = x >= self.columns and AUTOWRAP in self.mode

    def _wrap(self) -> None:
        self.buffer[self.y].wrapped = self.y == self.span[1] or self.y < self.lines - 1
        self.x = 0
        self.index()

    def _previous_cell(self) -> Optional[int]:
        """Column of the cell before the cursor in its row."""
        place = self.x if self.pending_wrap else self.x - 1
        if place > 0 and not self.buffer[self.y][place].text:
            place -= 1
        return place if place >= 0 else None

    def _join(self, place: int, before: str, char: str) -> None:
        joined = before + char
        if len(joined) > (CLUSTER_LIMIT if ZWJ in joined else MARKS_LIMIT):
            return
        row = self._changed(self.y)
        row[place] = row[place]._replace(text=joined)
        self.last = joined
        is_before_cursor = self.x == place + 1 < self.columns and row[self.x].text
        if is_before_cursor and cluster_width(joined) == 2:
            self._part(row, place + 2)
            row[place + 1] = Cell("", row[place].pen)
            self._advance(place + 2)

    def _part(self, row: Row, x: int) -> None:
        """Blank a wide character that lies on both sides of column `x`."""
        if 0 < x < self.columns and not row[x].text:
            row[x - 1] = row[x - 1]._replace(text=" ")
            row[x] = row[x]._replace(text=" ")

    def repeat(self, count: int) -> None:
        """Draw the last character again, at most to the end of the row (REP)."""
        last = self.last
        if not last or self.pending_wrap:
            return
        for _ in range(min(count, (self.columns - self.x) // cluster_width(last))):
            self._draw(last)
        self.last = last

    def scroll(self, top: int, bottom: int, count: int) -> None:
        """Move rows `top` to `bottom` up by `count`, down where it is negative; blanks come in."""
        size = bottom - top + 1
        count = max(-size, min(count, size))
        self._end_line(top - 1)
        if count < 0:
            self._end_line(bottom)
            self._end_line(bottom + count)
        blanks = [Row(self._fill) for _ in range(abs(count))]
        first, place = (top, bottom + 1 - count) if count > 0 else (bottom + 1 + count, top)
        del self.buffer[first : first + abs(count)]
        self.buffer[place:place] = blanks

    def _end_line(self, y: int) -> None:
        """Note that row `y`, if there is one, is not continued by the next any more."""
        if y >= 0:
            self.buffer[y].wrapped = False

    def _keep_top(self, count: int) -> None:
        """Hand on the rows that are about to leave the top of the main screen."""
        top, bottom = self.span
        if top == 0 and not self.is_alternate:
            for row in self.buffer[: min(count, bottom + 1)]:
                self._scrolled_off(row)

    def scroll_up(self, count: int) -> None:
        """Scroll the region up; rows that leave the top of the main screen are history (SU)."""
        self.pending_wrap = False
        self._keep_top(count)
        self._end_line(self.span[1])
        self.scroll(*self.span, count)

    def scroll_down(self, count: int) -> None:
        """Scroll the region down (SD)."""
        self.pending_wrap = False
        self.scroll(*self.span, -count)

    def index(self) -> None:
        """Move down a row, scrolling at the bottom margin (IND); a line may wrap into the row that comes in."""
        self.pending_wrap = False
        if self.y == self.span[1]:
            self._keep_top(1)
            self.scroll(*self.span, 1)
        elif self.y < self.lines - 1:
            self.y += 1

    def reverse_index(self) -> None:
        """Move up a row, scrolling at the top margin (RI)."""
        self.pending_wrap = False
        if self.y == self.span[0]:
            self.scroll_down(1)
        elif self.y > 0:
            self.y -= 1

    def linefeed(self) -> None:
        self.index()
        if NEWLINE in self.ansi_mode:
            self.x = 0

    def next_line(self) -> None:
        """Start of the next row, scrolling at the bottom margin (NEL)."""
        self.index()
        self.x = 0

    def insert_lines(self, count: Optional[int] = None) -> None:
        self._shift_lines(-(count or 1))

    def delete_lines(self, count: Optional[int] = None) -> None:
        self._shift_lines(count or 1)

    def _shift_lines(self, count: int) -> None:
        top, bottom = self.span
        if top <= self.y <= bottom:
            self._end_line(bottom)
            self.scroll(self.y, bottom, count)
            self.pending_wrap = False

    def insert_characters(self, count: Optional[int] = None) -> None:
        row, x = self._changed(self.y), self.x
        count = min(count or 1, self.columns - x)
        self._part(row, x)
        self._part(row, self.columns - count)
        cells = row.cells(self.columns)
        row.update(enumerate(cells[:x] + [self._fill] * count + cells[x : self.columns - count]))
        self.pending_wrap = False

    def delete_characters(self, count: Optional[int] = None) -> None:
        row, x = self._changed(self.y), self.x
        count = min(count or 1, self.columns - x)
        self._part(row, x)
        self._part(row, x + count)
        cells = row.cells(self.columns)
        row.update(enumerate(cells[:x] + cells[x + count :] + [self._fill] * count))
        self.pending_wrap = False

    def erase_characters(self, count: Optional[int] = None) -> None:
        self.erase(self.y, self.x, min(self.x + (count or 1), self.columns))
        self.pending_wrap = False

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erase to the end, from the start, or the whole row; `private` spares protected cells (EL, DECSEL)."""
        if how in (0, 1, 2):
            start, end = ((self.x, self.columns), (0, self.x + 1), (0, self.columns))[how]
            self.erase(self.y, start, end, private)
            self.pending_wrap = False

    def erase_in_display(self, how: int = 0, private: bool = False) -> None:
        """Erase below, above or the whole screen (ED, DECSED)."""
        if how not in (0, 1, 2):
            return
        above, below = range(self.y), range(self.y + 1, self.lines)
        for y in (below, above, range(self.lines))[how]:
            self.erase(y, 0, self.columns, private)
        self.pending_wrap = False
        if how < 2:
            self.erase_in_line(how, private)

    def erase(self, y: int, start: int, end: int, is_selective: bool = False) -> None:
        """Blank the columns from `start` up to `end` in the pen's background; selectively only unprotected text."""
        row = self._changed(y)
        if not is_selective and end == self.columns:
            row.wrapped = False
            if start == 0:
                row.clear()
                row.default = self._fill
                return
        self._part(row, start)
        self._part(row, end)
        if is_selective:
            cells = [(x, row[x]) for x in range(start, end)]
            row.update((x, cell._replace(text=" ")) for x, cell in cells if not cell.pen.flags & Flag.PROTECTED)
            return
        row.update(dict.fromkeys(range(start, end), self._fill))

    def alignment_display(self) -> None:
        """Fill the screen with E under the default pen, margins gone, cursor home (DECALN)."""
        self.margins = None
        for y in range(self.lines):
            row = self._changed(y)
            row.wrapped = False
            row.update(dict.fromkeys(range(self.columns), Cell("E", DEFAULT_PEN)))
        self.cursor_position()

    def clear_rows(self) -> None:
        """Blank the active screen without moving the cursor."""
        for y in range(self.lines):
            self.erase(y, 0, self.columns)

    def resize(self, lines: Optional[int] = None, columns: Optional[int] = None) -> None:
        """Change the size; rows are cropped, not wrapped anew, and leave at the top as far as the cursor needs it."""
        lines, columns = lines or self.lines, columns or self.columns
        gone = max(0, self.y - lines + 1)
        for side in (self.main, self.alternate):
            if side is self.main and not self.is_alternate:
                for row in side.rows[:gone]:
                    self._scrolled_off(row)
            start = gone if side is self.side else 0
            del side.rows[:start]
            del side.rows[lines:]
            side.rows += [Row() for _ in range(lines - len(side.rows))]
            for row in side.rows:
                _crop(row, columns)
            if side.saved is not None:
                place = (min(side.saved.row, lines - 1), min(side.saved.column, columns - 1), False)
                side.saved = SavedCursor(*place, side.saved.pen, side.saved.charsets, side.saved.origin)
        self.tabstops = {stop for stop in self.tabstops if stop < columns}
        self.tabstops.update(range((self.columns + 7) // 8 * 8, columns, 8))
        self.lines, self.columns, self.margins = lines, columns, None
        self.show(self.side)
        self.y = min(self.y - gone, lines - 1)
        self.x = min(self.x, columns - 1)
        self.pending_wrap = False


def _crop(row: Row, columns: int) -> None:
    """Drop the cells beyond `columns`, half a wide one too."""
    if columns in row and not row[columns].text:
        row[columns - 1] = row[columns - 1]._replace(text=" ")
    for column in [column for column in row if column >= columns]:
        del row[column]
    row.stamp = 0
