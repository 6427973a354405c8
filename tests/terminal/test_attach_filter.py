"""What may reach the operator's terminal passes byte for byte, and nothing else gets through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.attach_filter import (
    _ALLOWED_CSI,
    RESET_SEQUENCE,
    AttachFilter,
    ClipboardPolicy,
    ClipboardRequest,
)
from node_agent.terminal.pyte_engine import PyteEngine
from node_agent.terminal.tokenizer import STRING_KEPT, Kind, Tokenizer
from node_agent.terminal.vt.sequences import _CSI

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"

HARMLESS = [
    b"plain text \xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x98\x80\r\n\t\x08\x07\x0e\x0f",
    b"\xe2\x82\x9b\xe6\x9b\x9c",  # characters with the bytes of C1 controls in them
    b"\xc2\xa9\xc2\xb0",
    b"\xff\x9b6n",  # malformed UTF-8 is no control in UTF-8 mode
    b"\x1b[1;31mred\x1b[0m\x1b[38:2::1:2:3m\x1b[4:3m\x1b[m",
    b"\x1b[H\x1b[2J\x1b[3J\x1b[10;20H\x1b[K\x1b[?K\x1b[5A\x1b[L\x1b[M\x1b[3@\x1b[P\x1b[X\x1b[b\x1b[S\x1b[T",
    b"\x1b[2;20r\x1b[3g\x1bH\x1b[s\x1b[u\x1b7\x1b8\x1bM\x1bD\x1bE\x1b=\x1b>\x1b(0\x1b(B\x1b)0\x1b#8\x1b%G\x1b F",
    b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1002;1006h\x1b[?1004h\x1b[?2026h\x1b[?2026l\x1b[?7l\x1b[4h\x1b[20h",
    b"\x1b[2 q\x1b[!p\x1b[1\"q\x1b[2'}\x1b[3 @\x1b[ A\x1b6\x1b9\x1b[?5W\x1bc",
    b"\x1b[>1u\x1b[=5;1u\x1b[<u\x1b[>4;2m\x1b[>4m\x1b[>4n",
    b"\x1b]0;title\x07\x1b]2;\xe2\x9c\xb3 title\x1b\\\x1b]7;file://host/tmp\x1b\\",
    b"\x1b]8;id=1;https://example.org\x1b\\link\x1b]8;;\x1b\\\x1b]133;A\x07\x1b]133;D;0\x07",
    b"\x1b]9;done\x07\x1b]9;4;1;50\x07\x1b]777;notify;title;body\x07",
    b"\x1b]4;1;rgb:ff/00/00\x07\x1b]11;#102030\x07\x1b]104\x07\x1b]111\x07",
]

DENIED = [
    b"\x05",
    b"\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1bZ",
    b"\x1b[5n\x1b[6n\x1b[?6n\x1b[?996n\x1b[?15n",
    b"\x1b[?2026$p\x1b[4$p\x1b[1$w\x1b[2$u\x1b[&u",
    b"\x1b[>q\x1b[>0q\x1b[?u\x1b[?4m\x1b[x\x1b[1x",
    b"\x1b[1;1;1;1;10;10*y\x1b[1;2;3#|\x1b[#R\x1b[#S",
    b"\x1b[18t\x1b[21t\x1b[22;0t\x1b[8;50;200t\x1b[>3t\x1b[2 t",
    b"\x1b[?1;1;0S\x1b[i\x1b[5i\x1b[?4i",
    b"\x1b[1'|\x1b[1'z\x1b[1$}\x1b[2$~\x1b[61\"p\x1b[*z\x1b[2y",
    b"\x1b[1;1;2;2$z\x1b[65;1;1;2;2$x\x1b[2*x\x1b[1;1;2;2;1$r\x1b[1;1;2;2;1$t\x1b[1;1;2;2;1;3;3;1$v\x1b[1;1;2;2${",
    b"\x1b[#{\x1b[1;31#{\x1b[#}\x1b[#p\x1b[#q",  # changes the engine would not follow
    b"\x1b[2h\x1b[12l",
    b"\x1b[?9001h\x1b[?2048h\x1b[?1001h",
    b"\x1b%@\x1b G\x1b`",
    b"\x1bP$qm\x1b\\\x1bP+q544e\x1b\\\x1bPq#0;2;0;0;0~\x1b\\\x1bP1000p\x1b\\\x1bP0;1|17/41\x1b\\\x1bPtmux;\x1b\x1b[6n",
    b"\x1b_Gf=24;AAAA\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\",
    b"\x1b]10;?\x07\x1b]11;?\x1b\\\x1b]4;1;?\x07\x1b]4;1;#fff;2;?\x07\x1b]12;?\x07\x1b]22;?__current__\x07",
    b"\x1b]52;c;?\x07\x1b]52;c;aGk=\x07\x1b]52;;aGk=\x1b\\",
    b"\x1b]50;?\x07\x1b]60\x07\x1b]99;i=1:p=?;\x1b\\\x1b]1337;ReportCellSize\x07\x1b]21;foreground=?\x07\x1b]5522;;\x1b\\",
    b"\x1b]46;/tmp/log\x07\x1b]9;7;calc\x07\x1b]9;1;5000\x07\x1b]lname\x1b\\\x1b]P0123456\x1b\\",
    b"\xc2\x9b\xc2\x9d\xc2\x85",
    b"\x1b[6\x05n",  # a control inside a sequence hides nothing
    b"\x1b[12$5p\x1b[1<2m",  # malformed
]


def passed(data: bytes, policy: ClipboardPolicy = ClipboardPolicy.DENY) -> bytes:
    return AttachFilter(policy).feed(data)


@pytest.mark.parametrize("data", HARMLESS)
def test_what_draws_passes_byte_for_byte(data: bytes) -> None:
    assert passed(data) == data


@pytest.mark.parametrize("data", DENIED)
def test_what_asks_or_acts_outside_the_screen_is_removed(data: bytes) -> None:
    assert passed(b"<" + data + b">") == b"<>"


@pytest.mark.parametrize("data", [*HARMLESS, *DENIED, b"".join(DENIED + HARMLESS)])
def test_cutting_anywhere_changes_nothing(data: bytes) -> None:
    filter_ = AttachFilter()
    assert b"".join(filter_.feed(data[i : i + 1]) for i in range(len(data))) == passed(data)


def test_lists_of_modes_lose_only_the_denied_ones() -> None:
    assert passed(b"\x1b[?1;2048;25h\x1b[2;4h") == b"\x1b[?1;25h\x1b[4h"


def test_controls_inside_a_sequence_are_taken_out_of_it() -> None:
    assert passed(b"\x1b[3\r1m\x1b[3\x051m") == b"\r\x1b[31m\x1b[31m"


def test_a_string_keeps_no_control_of_its_own() -> None:
    assert passed(b"\x1b]0;a\x05b\nc\xc2\x9c\xc2\x9b6nd\x07") == b"\x1b]0;abc6nd\x07"


@pytest.mark.parametrize(
    "between", [b"\x05", b"\x1b[c", b"\x1bP$qm\x1b\\", b"\x1b]52;c;?\x07", b"\x1b[6", b"\xc2", b"\x1b[m"]
)
def test_what_is_removed_joins_no_halves_of_a_control(between: bytes) -> None:
    out = passed(b"\xc2" + between + b"\x9b6n")
    assert b"\xc2" not in out
    assert out.endswith(b"6n")
    assert passed(b"\x1b]0;\xc2\x05\x9b6n\x07") == b"\x1b]0;\x9b6n\x07"


def test_an_unterminated_string_is_given_up_with_the_next_sequence() -> None:
    filter_ = AttachFilter()
    assert filter_.feed(b"a\x1b]0;never ended") == b"a"
    assert filter_.feed(b"\x1b[1mb") == b"\x1b[1mb"


def test_an_unterminated_string_ends_at_its_limit() -> None:
    filter_ = AttachFilter()
    block = b"x" * (1 << 20)
    out = b"".join([filter_.feed(b"\x1bP"), *(filter_.feed(block) for _ in range(9))])
    assert 0 < len(out) < 2 << 20
    assert filter_.feed(b"after") == b"after"


def test_a_huge_title_is_dropped() -> None:
    assert passed(b"\x1b]0;" + b"x" * 5000 + b"\x07ok") == b"ok"


def test_clipboard_policies() -> None:
    write = b"\x1b]52;c;aGVsbG8=\x1b\\"
    assert passed(write, ClipboardPolicy.ALLOW) == b"\x1b]52;c;aGVsbG8=\x07"
    assert passed(b"\x1b]52;c;?\x07\x1b]52;c;\x1b]52;c;not base64!\x07", ClipboardPolicy.ALLOW) == b""
    cut_off = b"\x1b]52;c;" + b"QUFB" * (STRING_KEPT // 4) + b"\x07"
    assert passed(cut_off, ClipboardPolicy.ALLOW) == b""
    filter_ = AttachFilter(ClipboardPolicy.ASK)
    assert filter_.feed(b"a" + write + b"b") == b"ab"
    (request,) = filter_.drain_clipboard_requests()
    assert request == ClipboardRequest("c", "aGVsbG8=")
    assert request.sequence() == b"\x1b]52;c;aGVsbG8=\x07"
    assert filter_.drain_clipboard_requests() == []


def test_modes_are_tracked_and_reset() -> None:
    filter_ = AttachFilter()
    filter_.feed(b"\x1b[?1049;2004h\x1b[?1002h\x1b[?1006h\x1b[?1002l\x1b[?1070h\x1b]11;#000000\x07")
    assert filter_.modes_on == {1049, 2004, 1006, 1070}
    assert filter_.reset_sequence() == b"\x1b[?1070l\x1b]111\x1b\\" + RESET_SEQUENCE
    filter_.feed(b"\x1bc")
    assert filter_.modes_on == frozenset()
    assert filter_.reset_sequence() == RESET_SEQUENCE


def test_the_reset_itself_would_pass() -> None:
    assert passed(RESET_SEQUENCE) == RESET_SEQUENCE


def forbidden(data: bytes) -> list[str]:
    """Tokens of a filtered stream that must not be there, judged without the filter's own tables."""
    found = re.findall("\xc2[\x80-\x9f]", data.decode("latin-1"))
    for token in Tokenizer().feed(data):
        text = token.text
        if token.kind is Kind.CONTROL and text == "\x05":
            found.append(text)
        if token.kind is Kind.CSI and (
            text[-1] in "cntxyi" and "$" not in text and "*x" not in text and ">4n" not in text
        ):
            found.append(text)
        if token.kind is Kind.CSI and (text.endswith("$p") or (text[:3] == "\x1b[?" and text[-1] in "umS")):
            found.append(text)
        if token.kind is Kind.STRING and (text[1] != "]" or "?" in text or text[2:4] == "52"):
            found.append(text)
        if token.kind is Kind.ESCAPE and text in ("\x1bZ", "\x1b%@"):
            found.append(text)
    return found


SEQUENCES = st.one_of(
    st.sampled_from([item for item in HARMLESS if b"?" not in item.replace(b"[?", b"")] + DENIED),
    st.binary(max_size=6),
    st.sampled_from(
        [b"\x1b", b"[", b"]", b"P", b"\x07", b"\x1b\\", b"\x18", b"\xc2", b"\x9b", b"6", b"n", b"?", b"$", b";"]
    ),
)


@given(st.lists(SEQUENCES, max_size=12).map(b"".join), st.data())
def test_nothing_forbidden_survives_any_chunking(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    filter_ = AttachFilter()
    chunks = zip([0, *cuts], [*cuts, len(data)], strict=True)
    out = b"".join(filter_.feed(data[a:b]) for a, b in chunks)
    assert out == passed(data)
    assert forbidden(out) == []
    assert passed(out + b"\x18").startswith(out)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="recordings of real programs are not beside the project")
@pytest.mark.parametrize("name", ["claude.raw", "codex.raw", "opencode.raw"])
def test_recordings_lose_their_queries_only(name: str) -> None:
    data = (RECORDINGS / name).read_bytes()
    out = passed(data)
    assert forbidden(out) == []
    kept = {Kind.LINES, Kind.TEXT, Kind.CONTROL}
    texts = ["".join(t.text for t in Tokenizer().feed(stream) if t.kind in kept) for stream in (data, out)]
    assert texts[0] == texts[1]
    assert len(out) > len(data) * 0.95


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="recordings of real programs are not beside the project")
@pytest.mark.parametrize("name", ["claude.raw", "codex.raw", "opencode.raw"])
def test_snapshots_lose_only_the_mode_that_reports(name: str) -> None:
    engine = PyteEngine(110, 40)
    engine.feed((RECORDINGS / name).read_bytes())
    snapshot = engine.snapshot(history=1000)
    assert passed(snapshot) == snapshot.replace(b";2031", b"")


def test_what_passes_is_what_the_engine_knows() -> None:
    """An operator who is attached sees the screen that tiles and detection go by."""
    changes_no_cell = {"q", ">f", ">p"}  # lamps, encodings of keys nobody asks for, the pointer
    assert {*_CSI, "m"} - {"t"} == _ALLOWED_CSI - changes_no_cell  # titles come with OSC
