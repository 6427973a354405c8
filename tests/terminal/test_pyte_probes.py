"""What real programs need of the `pyte` engine, one probe a behaviour; stock pyte 0.8.2 fails about half of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from node_agent.terminal.engine import DEFAULT_PEN, EventKind, Flag, Modes, Pen
from node_agent.terminal.pyte_engine import PyteEngine


def screen(data: bytes | str, columns: int = 20, rows: int = 6) -> PyteEngine:
    engine = PyteEngine(columns, rows)
    engine.feed(data.encode() if isinstance(data, str) else data)
    return engine


def lines(engine: PyteEngine) -> list[str]:
    found = [engine.text(row) for row in range(engine.rows)]
    while found and not found[-1]:
        found.pop()
    return found


SIX = b"1\r\n2\r\n3\r\n4\r\n5\r\n6"

TEXT: list[tuple[str, bytes | str, list[str]]] = [
    # alternate screen
    ("1049 brings the main screen back", b"prim\x1b[?1049halt\x1b[?1049l", ["prim"]),
    ("1049 enters a blank screen", b"prim\x1b[?1049h", []),
    ("1049 restores the cursor", b"ab\x1b[?1049h\x1b[5;5H\x1b[?1049lX", ["abX"]),
    ("1049 enters a blank screen again", b"\x1b[?1049hold\x1b[?1049l\x1b[?1049h", []),
    ("47 keeps what it showed", b"prim\x1b[?47h\x1b[Halt\x1b[?47l\x1b[?47h", ["alt"]),
    ("1047 brings the main screen back", b"prim\x1b[?1047h\x1b[Halt\x1b[?1047l", ["prim"]),
    ("1048 saves and restores the cursor", b"ab\x1b[?1048h\x1b[3;3H\x1b[?1048lX", ["abX"]),
    # editing
    ("REP repeats", b"a\x1b[3b", ["aaaa"]),
    ("REP stops at the edge", b"a\x1b[99bz", ["a" * 20, "z"]),
    ("REP of nothing", b"\x1b[5bX", ["X"]),
    ("ECH", b"abcdef\x1b[1;2H\x1b[2X", ["a  def"]),
    ("ICH", b"abc\x1b[1;2H\x1b[2@", ["a  bc"]),
    ("ICH loses what passes the edge", b"\x1b[1;16Habcde\x1b[1;16H\x1b[2@", [" " * 17 + "abc"]),
    ("DCH", b"abcdef\x1b[1;2H\x1b[2P", ["adef"]),
    ("IL and DL", b"a\r\nb\r\nc\x1b[2;1H\x1b[L\x1b[3;1H\x1b[M", ["a", "", "c"]),
    ("IL outside the margins does nothing", SIX + b"\x1b[2;3r\x1b[5;1H\x1b[L", ["1", "2", "3", "4", "5", "6"]),
    ("SU", b"a\r\nb\r\nc\x1b[S", ["b", "c"]),
    ("SD", b"a\r\nb\x1b[T", ["", "a", "b"]),
    ("insert mode", b"abc\x1b[1;1H\x1b[4hX\x1b[4l", ["Xabc"]),
    ("ED 0", b"ab\r\ncd\r\nef\x1b[2;2H\x1b[J", ["ab", "c"]),
    ("ED 1", b"ab\r\ncd\r\nef\x1b[2;1H\x1b[1J", ["", " d", "ef"]),
    ("ED 2 keeps the cursor", b"ab\r\ncd\x1b[2JX", ["", "  X"]),
    ("EL 1", b"abcd\x1b[1;2H\x1b[1K", ["  cd"]),
    ("DECALN", b"\x1b#8", ["E" * 20] * 6),
    ("selective erase spares protected text", b'ab\x1b[1"qcd\x1b[0"qef\x1b[?2K', ["  cd"]),
    ("selective erase to the end", b"ab\x1b[?Kc", ["abc"]),
    # tabs
    ("CHT and CBT", b"\x1b[2Ix\x1b[1;10H\x1b[Zy", ["        y       x"]),
    ("HTS and TBC", b"\x1b[3g\x1b[1;4H\x1bH\r\tX", ["   X"]),
    ("tab sticks at the edge", b"\t\t\t\tX", [" " * 19 + "X"]),
    # scrolling and margins
    ("scroll in margins", SIX + b"\x1b[2;4r\x1b[4;1H\n", ["1", "3", "4", "", "5", "6"]),
    ("RI in margins", SIX + b"\x1b[2;4r\x1b[2;1H\x1bM", ["1", "", "2", "3", "5", "6"]),
    ("LF below the region", SIX + b"\x1b[2;4r\x1b[6;1H\n", list("123456")),
    ("DECSTBM homes", b"ab\r\ncd\x1b[rX", ["Xb", "cd"]),
    ("an empty region is refused", b"ab\x1b[4;4rX", ["abX"]),
    ("origin mode", b"\x1b[2;4r\x1b[?6h\x1b[1;1HX", ["", "X"]),
    ("origin mode stays in the region", b"\x1b[2;4r\x1b[?6h\x1b[9;1HX", ["", "", "", "X"]),
    ("VPA in origin mode without margins", b"\x1b[?6h\x1b[3dX", ["", "", "X"]),
    ("CUU stops at the margin only from inside", SIX + b"\x1b[3;5r\x1b[2;1H\x1b[9AX", ["X", *"23456"]),
    ("CUD stops at the margin only from inside", SIX + b"\x1b[2;3r\x1b[5;1H\x1b[9BX", [*"12345", "X"]),
    # cursor
    ("DECSC has one slot", b"\x1b[3;3H\x1b7\x1b[1;1H\x1b8\x1b[1;1H\x1b8X", ["", "", "  X"]),
    ("SCOSC and SCORC", b"ab\x1b[scd\x1b[uX", ["abXd"]),
    ("ESC E returns the carriage", b"ab\x1bEc", ["ab", "c"]),
    ("IND keeps the column", b"ab\x1bDc", ["ab", "  c"]),
    ("CNL and CPL", b"ab\x1b[2Ec\x1b[Fd", ["ab", "d", "c"]),
    ("VPR and HPA", b"\x1b[2e\x1b[4`X", ["", "", "   X"]),
    ("LNM", b"\x1b[20hab\nc", ["ab", "c"]),
    # wrapping
    ("a wrap waits, BS leaves it", b"\x1b[1;20HX\x08YZ", [" " * 18 + "YZ"]),
    ("EL at a waiting wrap clears the cell", b"\x1b[1;19HYX\x1b[KZ", [" " * 18 + "YZ"]),
    ("EL 1 at a waiting wrap clears the row", b"\x1b[1;19HYX\x1b[1KZ", [" " * 19 + "Z"]),
    ("DECSEL at a waiting wrap clears the cell", b"\x1b[1;19HYX\x1b[?KZ", [" " * 18 + "YZ"]),
    ("ED 2 at a waiting wrap ends it", b"\x1b[1;20HX\x1b[2JZ", [" " * 19 + "Z"]),
    ("CR at a waiting wrap", b"\x1b[1;20HX\rY", ["Y" + " " * 18 + "X"]),
    ("no wrap when DECAWM is off", b"\x1b[?7l\x1b[1;19Habcd", [" " * 18 + "ad"]),
    ("DECRC brings a waiting wrap back", b"\x1b[1;20HX\x1b7\x1b[1;1H\x1b8Y", [" " * 19 + "X", "Y"]),
    # width
    ("half a wide character goes with the other", "漢\x1b[1;2HX", [" X"]),
    ("the second half goes with the first", "漢字\x1b[1;1HX", ["X 字"]),
    ("a wide character over two halves", "漢字x\x1b[1;2H本", [" 本 x"]),
    ("a wide character does not fit the last column", "\x1b[1;20H漢", ["", "漢"]),
    ("a combining mark joins", "e\u0301X", ["e\u0301X"]),
    ("text after a zero width space stays", "a\u200bbcd", ["a\u200bbcd"]),
    ("text after a joined emoji stays", "👨\u200d👩 hello", ["👨\u200d👩 hello"]),
    ("text after a variation selector stays", "⚠\ufe0f Proceed? (y/n)", ["⚠\ufe0f Proceed? (y/n)"]),
    ("marks pile up to a limit", "a" + "\u0301" * 500 + "b", ["a" + "\u0301" * 5 + "b"]),
    ("a lone mark is dropped", "\u0301ab", ["ab"]),
    ("ICH between the halves of a wide character", "漢字\x1b[1;2H\x1b[@", ["   字"]),
    # character sets
    ("line drawing in G0", b"\x1b(0qx\x1b(Bq", ["─│q"]),
    ("line drawing in G1", b"\x1b)0\x0eq\x0fq", ["─q"]),
    ("single shift", b"\x1b*0\x1bNqq", ["─q"]),
    ("UK set", b"\x1b(A#\x1b(B#", ["£#"]),
    # what must leave no trace
    ("DECSCUSR", b"\x1b[2 qX", ["X"]),
    ("keypad modes", b"\x1b=X\x1b>Y", ["XY"]),
    ("OSC 7", b"\x1b]7;file://h/x\x1b\\X", ["X"]),
    ("OSC 8 keeps the text", b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["link"]),
    ("other OSC", b"\x1b]9;hi\x07\x1b]99;;n\x1b\\\x1b]777;notify;a;b\x07\x1b]133;A\x07\x1b]52;c;aGk=\x07X", ["X"]),
    ("CAN ends an OSC", b"\x1b]0;abc\x18X", ["X"]),
    ("a new sequence ends an OSC", b"\x1b]0;abc\x1b[1mX", ["X"]),
    ("synchronized output", b"\x1b[?2026hX\x1b[?2026l", ["X"]),
    ("DECRQM", b"\x1b[?2026$pX", ["X"]),
    ("XTVERSION", b"\x1b[>qX", ["X"]),
    ("kitty keyboard", b"\x1b[>1u\x1b[?u\x1b[=1;1u\x1b[<uX", ["X"]),
    ("vim's XTQMODKEYS", b"\x1b[?4mX", ["X"]),
    ("an unknown private final", b"\x1b[?1zX", ["X"]),
    ("DECSTR", b"\x1b[!pX", ["X"]),
    ("odd intermediates", b"\x1b[1\"qX\x1b[1'wY", ["XY"]),
    ("window operations", b"\x1b[22;0;0tX\x1b[18tY", ["XY"]),
    ("XTSAVE and XTRESTORE", b"\x1b[?1049s\x1b[?1049rX", ["X"]),
    ("DCS", b"\x1bP+q544e\x1b\\\x1bPq#0~\x1b\\\x1bPtmux;x\x1b\\X", ["X"]),
    ("APC, PM, SOS", b"\x1b_Gf=24;AAAA\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\X", ["X"]),
    ("announcers and double size", b"\x1b FX\x1b%GY\x1b#3Z", ["XYZ"]),
    ("U+009B is no control", "a\x9bb", ["ab"]),
    ("ENQ, NUL and DEL", b"a\x05\x00\x7fb", ["ab"]),
    # forms
    ("huge parameters", b"\x1b[99999999999;99999999999HX", ["", "", "", "", "", " " * 19 + "X"]),
    ("too many parameters", b"\x1b[1;1;1HX\x1b[1;2A", ["X"]),
    ("a control inside a sequence", b"ab\x1b[1\r;4HX", ["ab X"]),
    ("malformed UTF-8", b"a\xff\xc3(b", ["a\ufffd\ufffd(b"]),
    ("colon parameters outside SGR", b"\x1b[2:1;3HX", ["", "  X"]),
]


@pytest.mark.parametrize(("data", "expected"), [probe[1:] for probe in TEXT], ids=[probe[0] for probe in TEXT])
def test_text(data: bytes | str, expected: list[str]) -> None:
    assert lines(screen(data)) == expected


def pen(sgr: str) -> Pen:
    return screen(f"\x1b[{sgr}mX").cells(0)[0].pen


PENS = {
    "1;2;3": Pen(flags=Flag.BOLD | Flag.DIM | Flag.ITALIC),
    "5;7;8;9;53": Pen(flags=Flag.BLINK | Flag.INVERSE | Flag.HIDDEN | Flag.STRIKE | Flag.OVERLINE),
    "1;2;22": DEFAULT_PEN,
    "4": Pen(flags=Flag.UNDERLINE, underline_style=1),
    "21": Pen(flags=Flag.UNDERLINE, underline_style=2),
    "4:3": Pen(flags=Flag.UNDERLINE, underline_style=3),
    "4:3;4:0": DEFAULT_PEN,
    "31;44": Pen(1, 4),
    "97;102": Pen(15, 10),
    "38;5;196;1": Pen(196, flags=Flag.BOLD),
    "38:5:196": Pen(196),
    "38;2;1;2;3": Pen((1, 2, 3)),
    "38:2::1:2:3": Pen((1, 2, 3)),
    "48:2:1:2:3": Pen(None, (1, 2, 3)),
    "58;2;5;7;9": Pen(underline_color=(5, 7, 9)),
    "58:5:3;59": DEFAULT_PEN,
    "38;5;300;1": Pen(flags=Flag.BOLD),
    "38": DEFAULT_PEN,
    "38;5": DEFAULT_PEN,
    "38:9:1": DEFAULT_PEN,
    "31;": DEFAULT_PEN,
    "31;39;41;49": DEFAULT_PEN,
    "999;1": Pen(flags=Flag.BOLD),
    ">4;2": DEFAULT_PEN,
}


@pytest.mark.parametrize(("sgr", "expected"), PENS.items())
def test_pens(sgr: str, expected: Pen) -> None:
    assert pen(sgr) == expected


RED = Pen(background=1)


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"\x1b[4;41m\x1b[K", 0),
        (b"\x1b[41m\x1b[2J", 3),
        (b"\x1b[6;1H\x1b[41m\n", 5),
        (b"\x1b[41m\x1b[L", 0),
        (b"\x1b[41m\x1bM", 0),
    ],
    ids=["EL", "ED", "LF", "IL", "RI"],
)
def test_blanks_take_the_background(data: bytes, row: int) -> None:
    assert {cell.pen for cell in screen(data).cells(row)} == {RED}


def test_a_link_is_part_of_the_pen() -> None:
    engine = screen(b"\x1b]8;;http://x\x1b\\a\x1b[0mb\x1b]8;;\x07c")
    assert [cell.pen.link for cell in engine.cells(0)[:3]] == ["http://x", "http://x", None]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Modes()),
        (b"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h", Modes(True, True, True, True)),
        (b"\x1b[?1002;1006h", Modes(mouse=1002, mouse_sgr=True)),
        (b"\x1b[?1003h\x1b[?1003l", Modes()),
        (b"\x1b[?1049h\x1b[?2026h", Modes(alternate_screen=True, synchronized=True)),
        (b"\x1b[>1u\x1b[>5u", Modes(kitty_flags=5)),
        (b"\x1b[>1u\x1b[?1049h", Modes(alternate_screen=True)),
        (b"\x1b[=3;1u\x1b[=4;2u\x1b[=1;3u", Modes(kitty_flags=6)),
        (b"\x1b[>4;2m", Modes(modify_other_keys=2)),
        (b"\x1b[>4;2m\x1b[>4m", Modes()),
        (b"\x1b[20h\x1b[?5h", Modes(newline=True, reverse_screen=True)),
        (b"\x1b[?2004h\x1b[?1h\x1b=\x1b[>4;2m\x1bc", Modes()),
        (b"\x1b[?1h\x1b=\x1b[!p", Modes()),
    ],
)
def test_modes(data: bytes, expected: Modes) -> None:
    assert screen(data).modes == expected


def test_cursor_is_told() -> None:
    engine = screen(b"\x1b[2;20HX\x1b[?25l\x1b[5 q")
    assert engine.cursor == (1, 19, False, 5, True)


EVENTS = [
    (b"\x07", EventKind.BELL, ""),
    (b"\x1b]0;one\x07", EventKind.TITLE, "one"),
    ("\x1b]2;é✓\x1b\\".encode(), EventKind.TITLE, "é✓"),
    (b"\x1b]7;file://h/x\x07", EventKind.CWD, "file://h/x"),
    (b"\x1b]9;done\x07", EventKind.NOTIFICATION, "\ndone"),
    (b"\x1b]9;4;1;50\x07", EventKind.PROGRESS, "1;50"),
    (b"\x1b]777;notify;a;b\x07", EventKind.NOTIFICATION, "a\nb"),
    (b"\x1b]99;i=1:d=0;t\x1b\\\x1b]99;i=1:p=body;b\x1b\\", EventKind.NOTIFICATION, "t\nb"),
    (b"\x1b]99;e=1;aGk=\x1b\\", EventKind.NOTIFICATION, "hi\n"),
    (b"\x1b]133;A\x07", EventKind.PROMPT_MARK, "A"),
    (b"\x1b]133;D;1\x07", EventKind.PROMPT_MARK, "D;1"),
    (b"\x1b]52;c;aGk=\x07", EventKind.CLIPBOARD, "c;aGk="),
    (b"\x1b[?1049h", EventKind.ALTERNATE_SCREEN, "on"),
]


@pytest.mark.parametrize(("data", "kind", "text"), EVENTS)
def test_events(data: bytes, kind: EventKind, text: str) -> None:
    engine = screen(data + b"rest")
    assert engine.drain_events() == [(kind, text, len(data))]
    assert engine.drain_events() == []


def test_titles_are_kept_apart_from_other_strings() -> None:
    engine = screen(b"\x1b]0;t\x07\x1b]8;;http://x\x07\x1b]11;?\x07\x1b]22;x\x07\x1b]1;i\x07\x1b]104\x07\x1b]7;d\x07")
    assert (engine.title, engine.icon, engine.cwd) == ("t", "i", "d")


def test_titles_are_pushed_and_popped() -> None:
    engine = screen(b"\x1b]2;a\x07\x1b[22;0t\x1b]2;b\x07\x1b[23;0t\x1b[23;0t")
    assert engine.title == "a"


REPLIES: list[tuple[bytes, Callable[[bytes], bool] | bytes]] = [
    (b"\x1b[c", lambda reply: reply.startswith(b"\x1b[?") and reply.endswith(b"c")),
    (b"\x1bZ", lambda reply: reply.startswith(b"\x1b[?") and reply.endswith(b"c")),
    (b"\x1b[>c", lambda reply: reply.startswith(b"\x1b[>") and reply.endswith(b"c")),
    (b"\x1b[>q", lambda reply: reply.startswith(b"\x1bP>|")),
    (b"\x1b[5n", b"\x1b[0n"),
    (b"ab\x1b[6n", b"\x1b[1;3R"),
    (b"\x1b[2;4r\x1b[?6h\x1b[2;2H\x1b[6n", b"\x1b[2;2R"),
    (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?12345$p", b"\x1b[?12345;0$y"),
    (b"\x1b[4h\x1b[4$p", b"\x1b[4;1$y"),
    (b"\x1b[>5u\x1b[?u", b"\x1b[?5u"),
    (b"\x1b[18t", b"\x1b[8;6;20t"),
    (b"\x1b]11;?\x07", lambda reply: reply.startswith(b"\x1b]11;rgb:1010/") and reply.endswith(b"\x07")),
    (b"\x1b]11;#ff0000\x07\x1b]11;?\x07", b"\x1b]11;rgb:1010/1010/1010\x07"),
    (b"\x1b[31m\x1bP$qm\x1b\\", b"\x1bP1$r31m\x1b\\"),
    (b"\x1bP$qr\x1b\\", b"\x1bP1$r1;6r\x1b\\"),
    (b"\x1b]0;secret\x07\x1b[21t", b""),
    (b"\x05", b""),
    (b"\x1b]52;c;?\x07", b""),
]


@pytest.mark.parametrize(("data", "expected"), REPLIES)
def test_replies(data: bytes, expected: Callable[[bytes], bool] | bytes) -> None:
    engine = screen(data)
    replies = engine.drain_replies()
    assert all(reply.offset == len(data) for reply in replies)
    reply = b"".join(reply.data for reply in replies)
    assert expected(reply) if callable(expected) else reply == expected
    assert engine.drain_replies() == []
