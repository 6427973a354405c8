"""Every sequence the vt engine knows, by what it does to a screen of 10 × 4."""

from __future__ import annotations

import pytest

from node_agent.terminal.engine import Engine, EventKind, Flag, Modes, Pen
from node_agent.terminal.vt.engine import VtEngine
from tests.terminal.support import check_rows


def fed(text: str | bytes, columns: int = 10, rows: int = 4) -> VtEngine:
    engine = VtEngine(columns, rows)
    engine.feed(text.encode() if isinstance(text, str) else text)
    return engine


def rows_of(engine: Engine) -> list[str]:
    rows = [engine.text(y) for y in range(engine.rows)]
    while rows and not rows[-1]:
        rows.pop()
    return rows


FULL = "aaaa\r\nbbbb\r\ncccc\r\ndddd"


@pytest.mark.parametrize(
    ("text", "rows", "cursor"),
    [
        # C0, C1 as escapes
        ("ab\bX", ["aX"], (0, 2)),
        ("a\tb", ["a       b"], (0, 9)),
        ("ab\rX", ["Xb"], (0, 1)),
        ("a\nb\x0bc\x0cd", ["a", " b", "  c", "   d"], (3, 4)),
        ("a\x00b\x7fc", ["abc"], (0, 3)),
        ("ab\x1bDc", ["ab", "  c"], (1, 3)),
        ("ab\x1bEc", ["ab", "c"], (1, 1)),
        (FULL + "\x1b[H\x1bMx", ["x", "aaaa", "bbbb", "cccc"], (0, 1)),
        # cursor
        ("\x1b[3;4Hx", ["", "", "   x"], (2, 4)),
        ("\x1b[3;4fx", ["", "", "   x"], (2, 4)),
        ("\x1b[99;99Hx", ["", "", "", "         x"], (3, 9)),
        ("\x1b[4;5H\x1b[2A\x1b[3Dx", ["", " x"], (1, 2)),
        ("\x1b[2B\x1b[3Cx", ["", "", "   x"], (2, 4)),
        ("ab\x1b[Ex\x1b[2Fy", ["yb", "x"], (0, 1)),
        ("\x1b[5Gx\x1b[2`y", [" y  x"], (0, 2)),
        ("\x1b[3dx\x1b[ey\x1b[2az", ["", "", "x", " y  z"], (3, 5)),
        ("\x1b[4;9H\x1b[3j\x1b[2kx", ["", "     x"], (1, 6)),
        ("\x1b[2;3H\x1b[sX\x1b[H\x1b[uY", ["", "  Y"], (1, 3)),
        ("\x1b[2;3H\x1b7X\x1b[H\x1b8Y", ["", "  Y"], (1, 3)),
        # tabs
        ("\x1b[4G\x1bH\r\tx", ["   x"], (0, 4)),
        ("\x1b[3g\tx", ["         x"], (0, 9)),
        ("\x1b[9G\x1b[g\r\tx", ["         x"], (0, 9)),
        ("\x1b[Ix\x1b[Zy", ["        y"], (0, 9)),
        # erasing
        ("abcdef\x1b[3D\x1b[K", ["abc"], (0, 3)),
        ("abcdef\x1b[3D\x1b[1K", ["    ef"], (0, 3)),
        ("abcdef\x1b[2K", [], (0, 6)),
        (FULL + "\x1b[2;3H\x1b[J", ["aaaa", "bb"], (1, 2)),
        (FULL + "\x1b[2;3H\x1b[1J", ["", "   b", "cccc", "dddd"], (1, 2)),
        (FULL + "\x1b[2J", [], (3, 4)),
        ("abcdef\r\x1b[2X", ["  cdef"], (0, 0)),
        ('a\x1b[1"qb\x1b[0"qc\x1b[?2K', [" b"], (0, 3)),
        ('a\x1b[1"qb\x1b[2"qc\r\n\x1b[?2J', [" b"], (1, 0)),
        # inserting and deleting
        ("abcdef\r\x1b[2@", ["  abcdef"], (0, 0)),
        ("abcdefghij\r\x1b[2@", ["  abcdefgh"], (0, 0)),
        ("abcdef\r\x1b[2P", ["cdef"], (0, 0)),
        ("ab\r\x1b[4hXY\x1b[4lZ", ["XYZb"], (0, 3)),
        (FULL + "\x1b[2H\x1b[L", ["aaaa", "", "bbbb", "cccc"], (1, 0)),
        (FULL + "\x1b[2H\x1b[2M", ["aaaa", "dddd"], (1, 0)),
        ("abcd\r\nefgh\x1b[1;2H\x1b[2'}", ["a  bcd", "e  fgh"], (0, 1)),
        ("abcd\r\nefgh\x1b[1;2H\x1b[2'~", ["ad", "eh"], (0, 1)),
        ("abcd\r\nefgh\x1b[1;2H\x1b[2 @", ["cd", "gh"], (0, 1)),
        ("abcd\r\nefgh\x1b[1;2H\x1b[ A", [" abcd", " efgh"], (0, 1)),
        ("\x1b[2 A\x1b[20 @a", ["a"], (0, 1)),
        ("漢字\r\nabcd\x1b[ @", [" 字", "bcd"], (1, 4)),
        ("abcd\x1b[3G\x1b6\x1b6\x1b6x", ["xabcd"], (0, 1)),
        ("abcd\x1b[9G\x1b9\x1b9x", ["bcd      x"], (0, 9)),
        ("\x1b[9Gxy\x1b9z", ["       xyz"], (0, 9)),
        (FULL + "\x1b[2;3r\x1b[2;4H\x1b[ @\x1b[1;1H\x1b[ @", ["aaaa", "bbb", "ccc", "dddd"], (0, 0)),
        (FULL + "\x1b[?69h\x1b[2;3s\x1b[2;3r\x1b[2;2H\x1b[ A", ["aaaa", "b bb", "c cc", "dddd"], (1, 1)),
        (FULL + "\x1b[?69h\x1b[2;3s\x1b[2;2H\x1b6", ["a aa", "b bb", "c cc", "d dd"], (1, 1)),
        (FULL + "\x1b[?69h\x1b[2;3s\x1b[2;3H\x1b9", ["aa a", "bb b", "cc c", "dd d"], (1, 2)),
        (FULL + "\x1b[?69h\x1b[2;3s\x1b[2;1H\x1b6X\x1b[2;5H\x1b9Y", ["aaaa", "Xbbb Y", "cccc", "dddd"], (1, 6)),
        ("\x1b[3g\x1b[?4W\tx\x1b[?5W\r\ty", ["        yx"], (0, 9)),
        # scrolling and margins
        (FULL + "\x1b[2S", ["cccc", "dddd"], (3, 4)),
        (FULL + "\x1b[T", ["", "aaaa", "bbbb", "cccc"], (3, 4)),
        (FULL + "\x1b[2;3r\x1b[3H\nx", ["aaaa", "cccc", "x", "dddd"], (2, 1)),
        (FULL + "\x1b[2;3r\x1b[2H\x1bMx", ["aaaa", "x", "bbbb", "dddd"], (1, 1)),
        (FULL + "\x1b[2;3r\x1b[?6hx", ["aaaa", "xbbb", "cccc", "dddd"], (1, 1)),
        (FULL + "\x1b[?69h\x1b[2;3s\x1b[S", ["abba", "bccb", "cddc", "d  d"], (0, 0)),
        ("\x1b[?69h\x1b[3;5s\x1b[1;3Habcdef", ["  abc", "  def"], (1, 4)),
        ("\x1b#8\x1b[2;2H\x1b[J", ["EEEEEEEEEE", "E"], (1, 1)),
        # wrapping
        ("abcdefghijk", ["abcdefghij", "k"], (1, 1)),
        ("\x1b[?7labcdefghijk", ["abcdefghik"], (0, 9)),
        ("abcdefghij\rX", ["Xbcdefghij"], (0, 1)),
        # as xterm, whose every erasure ends a wrap that is due; tmux counts the cursor as after the last column
        ("abcdefghij\x1b[Kk", ["abcdefghik"], (0, 9)),
        ("abcdefghij\x1b[1Kk", ["         k"], (0, 9)),
        ("abcdefghij\x1b[2Kk", ["         k"], (0, 9)),
        ("abcdefghij\x1b[?Kk", ["abcdefghik"], (0, 9)),
        ("abcdefghij\x1b[Jk", ["abcdefghik"], (0, 9)),
        ("abcdefghij\x1b[1Jk", ["         k"], (0, 9)),
        ("abcdefghij\x1b[2Jk", ["         k"], (0, 9)),
        ("abcdefghij\x1b[?2Jk", ["         k"], (0, 9)),
        ("abcdefghij\x1b[Xk", ["abcdefghik"], (0, 9)),
        ("abcdefghij\x1b[3Jk", ["abcdefghij", "k"], (1, 1)),
        ("abcdefghijk\b\b\x1b[?45h\x1b[2DX", ["abcdefghXj", "k"], (0, 9)),
        ("ab\x1b[3b", ["abbbb"], (0, 5)),
        ("e\u0301\x1b[2b", ["e\u0301e\u0301e\u0301"], (0, 3)),
        ("漢字\x1b[99;99H\x1b[9b", ["漢字"], (3, 9)),
        ("\x1b[7;9H漢\x1b[9b", ["", "", "", "        漢"], (3, 9)),
        ("\x1b[9G⚠\ufe0fx", ["        ⚠\ufe0f", "x"], (1, 1)),
        ("\x1b[?7l\x1b[9G⚠\ufe0fx", ["         x"], (0, 9)),
        ("\x1b[20ha\nb", ["a", "b"], (1, 1)),
        # character sets
        ("\x1b(0lqk\x1b(Bq", ["┌─┐q"], (0, 4)),
        ("\x1b)0q\x0eq\x0fq", ["q─q"], (0, 3)),
        ("\x1b*0a\x1bNqq", ["a─q"], (0, 3)),
        ("\x1b*0\x1bNqq\r\n\x1bN\tqq", ["─q", "        ─q"], (1, 9)),
        ("\x1b*0\x1bNqa\r\n" + "qa\r\n" * 3, ["qa"] * 3, (3, 0)),
        ("\x1b(A#", ["£"], (0, 1)),
        # width
        ("漢字x", ["漢字x"], (0, 5)),
        ("abcdefghi漢", ["abcdefghi", "漢"], (1, 2)),
        ("漢\x1b[2Gx", [" x"], (0, 2)),
        ("漢字\x1b[2GX", [" X字"], (0, 2)),
        ("e\u0301x", ["e\u0301x"], (0, 2)),
        ("\u0301x", ["x"], (0, 1)),
        ("⚠\ufe0f Go?", ["⚠\ufe0f Go?"], (0, 6)),
        ("👩\u200d🚀x", ["👩\u200d🚀x"], (0, 3)),
        ("👍🏽x", ["👍🏽x"], (0, 3)),
        ("🇺🇸🇩🇪x", ["🇺🇸🇩🇪x"], (0, 5)),
        # strings are swallowed
        ("a\x1bPdcs\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x1b\\d\x1bXsos\x1b\\e", ["abcde"], (0, 5)),
        # screens
        ("main\x1b[?1049halt\x1b[?1049lx", ["mainx"], (0, 5)),
        ("main\x1b[?1049h\x1b[?1049l\x1b[?47h", [], (0, 4)),
        ("main\x1b[?1047hxx", ["    xx"], (0, 6)),
        ("\x1b[2;2H\x1b[?1048h\x1b[H\x1b[?1048lx", ["", " x"], (1, 2)),
        ("\x1b7\x1b[?47h\x1b[3;3H\x1b7\x1b[?47l\x1b[4;4H\x1b8x", ["x"], (0, 1)),
        # rows of double width and height (DECDWL, DECDHL, DECSWL) are ordinary rows
        ("ab\x1b#6cdefghijkl", ["abcdefghij", "kl"], (1, 2)),
        ("\x1b#3top\r\n\x1b#4top\r\n\x1b#5end", ["top", "top", "end"], (2, 3)),
        # resets
        ("abc\x1b[2;3r\x1bcx", ["x"], (0, 1)),
        ("abc\x1b[4h\x1b[?6h\x1b[2;3r\x1b[!p\rX", ["abc", "X"], (1, 1)),
    ],
)
def test_screen(text: str, rows: list[str], cursor: tuple[int, int]) -> None:
    engine = fed(text)
    assert rows_of(engine) == rows
    assert engine.cursor[:2] == cursor
    check_rows(engine)


@pytest.mark.parametrize(
    ("sgr", "pen"),
    [
        ("1", Pen(flags=Flag.BOLD)),
        ("2;3;5;7;8;9;53", Pen(flags=2 | 4 | 16 | 32 | 64 | 128 | 256)),
        ("1;2;3;22;23", Pen()),
        ("4", Pen(flags=Flag.UNDERLINE, underline_style=1)),
        ("4:3", Pen(flags=Flag.UNDERLINE, underline_style=3)),
        ("21", Pen(flags=Flag.UNDERLINE, underline_style=2)),
        ("4:3;24", Pen()),
        ("4;4:0", Pen()),
        ("31;42", Pen(1, 2)),
        ("91;102", Pen(9, 10)),
        ("31;42;39;49", Pen()),
        ("38;5;200;48;5;7", Pen(200, 7)),
        ("38:5:200", Pen(200)),
        ("38;2;1;2;3", Pen((1, 2, 3))),
        ("48;2;1;2;3", Pen(None, (1, 2, 3))),
        ("38:2:1:2:3", Pen((1, 2, 3))),
        ("38:2::1:2:3", Pen((1, 2, 3))),
        ("58:2::1:2:3", Pen(underline_color=(1, 2, 3))),
        ("58;5;9", Pen(underline_color=9)),
        ("58;5;9;59", Pen()),
        ("38;5;300", Pen()),
        ("38;2;1;2", Pen()),
        ("38;2;256;0;0", Pen()),
        ("38;5", Pen()),
        ("1;;31", Pen(1)),
        ("999", Pen()),
        ("1;31;0", Pen()),
        ("1;31;", Pen()),
    ],
)
def test_pen(sgr: str, pen: Pen) -> None:
    assert fed(f"\x1b[{sgr}mx").cells(0)[0].pen == pen


def test_blanks_take_the_background() -> None:
    engine = fed("\x1b[44;1mab\x1b[K\r\n\x1b[2J")
    assert {cell.pen for y in range(4) for cell in engine.cells(y)} == {Pen(None, 4)}


@pytest.mark.parametrize(
    ("string", "kind", "text"),
    [
        ("\a", EventKind.BELL, ""),
        ("\x1b]0;name\a", EventKind.TITLE, "name"),
        ("\x1b]2;näme\x1b\\", EventKind.TITLE, "näme"),
        ("\x1b]7;file:///tmp\a", EventKind.CWD, "file:///tmp"),
        ("\x1b]9;done\a", EventKind.NOTIFICATION, "\ndone"),
        ("\x1b]777;notify;head;body\a", EventKind.NOTIFICATION, "head\nbody"),
        ("\x1b]99;;head\a", EventKind.NOTIFICATION, "head\n"),
        ("\x1b]99;i=1:d=0;he\a\x1b]99;i=1:p=body;text\a", EventKind.NOTIFICATION, "he\ntext"),
        ("\x1b]99;e=1;aGk=\a", EventKind.NOTIFICATION, "hi\n"),
        ("\x1b]9;4;1;50\a", EventKind.PROGRESS, "1;50"),
        ("\x1b]133;A\a", EventKind.PROMPT_MARK, "A"),
        ("\x1b]133;D;1;aid=2\a", EventKind.PROMPT_MARK, "D;1"),
        ("\x1b]52;c;aGk=\a", EventKind.CLIPBOARD, "c;aGk="),
        ("\x1b[?1049h", EventKind.ALTERNATE_SCREEN, "on"),
        ("\x1b]8;id=1;http://x/;y\x1b\\", EventKind.HYPERLINK, "http://x/;y"),
    ],
)
def test_event(string: str, kind: EventKind, text: str) -> None:
    engine = fed("ab" + string)
    assert engine.drain_events() == [(kind, text, len(("ab" + string).encode()))]
    assert rows_of(engine) == ([] if kind is EventKind.ALTERNATE_SCREEN else ["ab"])
    assert engine.drain_events() == []


@pytest.mark.parametrize(
    "string",
    [
        "\x1b]8;;\a",
        f"\x1b]8;;{'x' * 2049}\a",
        "\x1b]52;c;?\a",
        "\x1b]9;9;x\a",
        "\x1b]133;Z\a",
        "\x1b]99;e=1;*\a",
        "\x1b]4;1;red\a",
    ],
)
def test_no_event(string: str) -> None:
    assert fed(string).drain_events() == []


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("\x1b[c", "\x1b[?62;22c"),
        ("\x1bZ", "\x1b[?62;22c"),
        ("\x1b[>c", "\x1b[>41;380;0c"),
        ("\x1b[=c", "\x1bP!|00000000\x1b\\"),
        ("\x1b[>q", "\x1bP>|relaytui\x1b\\"),
        ("\x1b[5n", "\x1b[0n"),
        ("\x1b[2;3H\x1b[6n", "\x1b[2;3R"),
        ("\x1b[2;3H\x1b[?6n", "\x1b[?2;3R"),
        ("\x1b[2;3r\x1b[?6h\x1b[6n", "\x1b[1;1R"),
        ("\x1b[?996n", "\x1b[?997;1n"),
        ("\x1b[?2004$p", "\x1b[?2004;2$y"),
        ("\x1b[?2026h\x1b[?2026$p", "\x1b[?2026;1$y"),
        ("\x1b[?9999$p", "\x1b[?9999;0$y"),
        ("\x1b[?3$p", "\x1b[?3;4$y"),
        ("\x1b[4h\x1b[4$p", "\x1b[4;1$y"),
        ("\x1b[>5u\x1b[?u", "\x1b[?5u"),
        ("\x1b[>4;2m\x1b[?4m", "\x1b[>4;2m"),
        ("\x1b[18t", "\x1b[8;4;10t"),
        ("\x1b[1;31m\x1bP$qm\x1b\\", "\x1bP1$r1;31m\x1b\\"),
        ("\x1b[2;3r\x1bP$qr\x1b\\", "\x1bP1$r2;3r\x1b\\"),
        ("\x1b[5 q\x1bP$q q\x1b\\", "\x1bP1$r5 q\x1b\\"),
        ("\x1bP$qsecret\x1b\\", "\x1bP0$r\x1b\\"),
        ("\x1bP+q544e\x1b\\", "\x1bP1+r544e=787465726d2d323536636f6c6f72\x1b\\"),
        ("\x1bP+q736563726574\x1b\\", "\x1bP0+r\x1b\\"),
        ("\x1b]11;?\a", "\x1b]11;rgb:1010/1010/1010\a"),
        ("\x1b]10;?\x1b\\", "\x1b]10;rgb:d0d0/d0d0/d0d0\x1b\\"),
        ("\x1b]4;1;?\a", "\x1b]4;1;rgb:cdcd/0000/0000\a"),
        # colours are the operator's: what a program sets changes no answer
        ("\x1b]11;#ff0000\a\x1b]4;1;#00ff00\a\x1b]11;?\a", "\x1b]11;rgb:1010/1010/1010\a"),
        ("\x1b]4;1;#00ff00\a\x1b]4;1;?\a", "\x1b]4;1;rgb:cdcd/0000/0000\a"),
        ("\x1b]2;secret\a\x1b[21t", ""),
        ("\x1b]52;c;?\a", ""),
        ("\x05", ""),
        ("\x1b[14t", ""),
    ],
)
def test_answer(query: str, answer: str) -> None:
    replies = fed(query).drain_replies()
    assert b"".join(reply.data for reply in replies).decode() == answer
    assert [reply.offset for reply in replies] == ([len(query.encode())] if answer else [])


def test_answers_nobody_reads_are_bounded() -> None:
    engine = fed("\x1b[c" * 1000)
    assert len(engine.drain_replies()) == 128
    engine.feed(b"\x1b[c")
    assert len(engine.drain_replies()) == 1


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("\x1b[?1h\x1b=", Modes(application_cursor=True, application_keypad=True)),
        ("\x1b[?2004;1004h", Modes(bracketed_paste=True, focus_events=True)),
        ("\x1b[?1000h\x1b[?1003;1006h", Modes(mouse=1003, mouse_sgr=True)),
        ("\x1b[?1003h\x1b[?1003l", Modes()),
        ("\x1b[?2026h\x1b[?5h\x1b[20h", Modes(synchronized=True, reverse_screen=True, newline=True)),
        ("\x1b[>1u\x1b[>5u\x1b[<u", Modes(kitty_flags=1)),
        ("\x1b[>1u\x1b[=4;2u", Modes(kitty_flags=5)),
        ("\x1b[>7u\x1b[=1;3u", Modes(kitty_flags=6)),
        ("\x1b[>1u\x1b[?47h", Modes(alternate_screen=True)),
        ("\x1b[>4;1m", Modes(modify_other_keys=1)),
        ("\x1b[>4;1m\x1b[>4m", Modes()),
        ("\x1b[?2004h\x1b[?2004s\x1b[?2004l\x1b[?2004r", Modes(bracketed_paste=True)),
        ("\x1b[?2004h\x1bc", Modes()),
    ],
)
def test_modes(text: str, modes: Modes) -> None:
    assert fed(text).modes == modes


def test_titles_are_pushed_and_popped() -> None:
    engine = fed("\x1b]2;one\a\x1b[22t\x1b]2;two\a")
    assert engine.title == "two"
    engine.feed(b"\x1b[23t")
    assert engine.title == "one"


def test_links_are_part_of_the_pen() -> None:
    engine = fed("\x1b]8;id=1;http://example.org\x1b\\ab\x1b]8;;\x1b\\c")
    assert [cell.pen.link for cell in engine.cells(0)[:3]] == ["http://example.org"] * 2 + [None]


def test_cursor_style_and_visibility() -> None:
    assert fed("\x1b[5 q\x1b[?25l").cursor == (0, 0, False, 5, False)
    assert fed("abcdefghij").cursor == (0, 9, True, 0, True)
