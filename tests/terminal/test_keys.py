"""Key names and pastes become the bytes of xterm, modifyOtherKeys and the kitty keyboard protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import KEY_NAMES, UnknownKeyError, encode_focus, encode_key, encode_paste
from node_agent.terminal.mouse import MouseAction, encode_mouse

LEGACY = {
    "a": b"a",
    "A": b"A",
    "é": "é".encode(),
    "+": b"+",
    "space": b" ",
    "enter": b"\r",
    "return": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "esc": b"\x1b",
    "backspace": b"\x7f",
    "ctrl+backspace": b"\x08",
    "alt+backspace": b"\x1b\x7f",
    "alt+enter": b"\x1b\r",
    "shift+enter": b"\r",
    "shift+tab": b"\x1b[Z",
    "backtab": b"\x1b[Z",
    "ctrl+c": b"\x03",
    "ctrl+C": b"\x03",
    "control+z": b"\x1a",
    "ctrl+space": b"\x00",
    "ctrl+@": b"\x00",
    "ctrl+[": b"\x1b",
    "ctrl+]": b"\x1d",
    "ctrl+right_square_bracket": b"\x1d",
    "ctrl+\\": b"\x1c",
    "ctrl+_": b"\x1f",
    "ctrl+/": b"\x1f",
    "ctrl+underscore": b"\x1f",
    "ctrl+1": b"1",
    "alt+x": b"\x1bx",
    "meta+x": b"\x1bx",
    "alt+ctrl+c": b"\x1b\x03",
    "alt+question_mark": b"\x1b?",
    "shift+x": b"X",
    "ctrl++": b"+",
    "alt++": b"\x1b+",
    "up": b"\x1b[A",
    "ctrl+shift+up": b"\x1b[1;6A",
    "alt+left": b"\x1b[1;3D",
    "home": b"\x1b[H",
    "shift+end": b"\x1b[1;2F",
    "insert": b"\x1b[2~",
    "delete": b"\x1b[3~",
    "ctrl+delete": b"\x1b[3;5~",
    "pageup": b"\x1b[5~",
    "pgdn": b"\x1b[6~",
    "f1": b"\x1bOP",
    "F4": b"\x1bOS",
    "shift+f1": b"\x1b[1;2P",
    "f5": b"\x1b[15~",
    "f12": b"\x1b[24~",
    "ctrl+f5": b"\x1b[15;5~",
    "f13": b"\x1b[1;2P",
    "f24": b"\x1b[24;2~",
    "kp5": b"5",
    "kpenter": b"\r",
    "hex:1b5b41": b"\x1b[A",
    "hex:": b"",
}


@pytest.mark.parametrize(("spec", "expected"), LEGACY.items())
def test_legacy(spec: str, expected: bytes) -> None:
    assert encode_key(spec, Modes()) == expected


@pytest.mark.parametrize(
    ("spec", "modes", "expected"),
    [
        ("up", Modes(application_cursor=True), b"\x1bOA"),
        ("home", Modes(application_cursor=True), b"\x1bOH"),
        ("ctrl+up", Modes(application_cursor=True), b"\x1b[1;5A"),
        ("kp7", Modes(application_keypad=True), b"\x1bOw"),
        ("kpenter", Modes(application_keypad=True), b"\x1bOM"),
        ("enter", Modes(newline=True), b"\r\n"),
        # modifyOtherKeys
        ("ctrl+a", Modes(modify_other_keys=1), b"\x01"),
        ("ctrl+1", Modes(modify_other_keys=1), b"\x1b[27;5;49~"),
        ("shift+enter", Modes(modify_other_keys=1), b"\x1b[27;2;13~"),
        ("alt+x", Modes(modify_other_keys=1), b"\x1bx"),
        ("ctrl+a", Modes(modify_other_keys=2), b"\x1b[27;5;97~"),
        ("ctrl+]", Modes(modify_other_keys=2), b"\x1b[27;5;93~"),
        ("alt+x", Modes(modify_other_keys=2), b"\x1b[27;3;120~"),
        ("shift+x", Modes(modify_other_keys=2), b"X"),
        ("shift+tab", Modes(modify_other_keys=2), b"\x1b[Z"),
        ("up", Modes(modify_other_keys=2), b"\x1b[A"),
        ("enter", Modes(modify_other_keys=2), b"\r"),
        # kitty, disambiguate
        ("escape", Modes(kitty_flags=1), b"\x1b[27u"),
        ("enter", Modes(kitty_flags=1), b"\r"),
        ("shift+enter", Modes(kitty_flags=1), b"\x1b[13;2u"),
        ("shift+tab", Modes(kitty_flags=1), b"\x1b[9;2u"),
        ("a", Modes(kitty_flags=1), b"a"),
        ("shift+a", Modes(kitty_flags=1), b"A"),
        ("ctrl+c", Modes(kitty_flags=1), b"\x1b[99;5u"),
        ("ctrl+]", Modes(kitty_flags=1), b"\x1b[93;5u"),
        ("ctrl+shift+a", Modes(kitty_flags=1), b"\x1b[97;6u"),
        ("alt+x", Modes(kitty_flags=1), b"\x1b[120;3u"),
        ("up", Modes(kitty_flags=1, application_cursor=True), b"\x1b[A"),
        ("f3", Modes(kitty_flags=1), b"\x1b[13~"),
        ("f13", Modes(kitty_flags=1), b"\x1b[57376u"),
        ("f5", Modes(kitty_flags=1), b"\x1b[15~"),
        ("escape", Modes(kitty_flags=2), b"\x1b"),
        # kitty, every key as an escape code, with alternates and text
        ("a", Modes(kitty_flags=9), b"\x1b[97u"),
        ("enter", Modes(kitty_flags=9), b"\x1b[13u"),
        ("A", Modes(kitty_flags=9), b"\x1b[97;2u"),
        ("A", Modes(kitty_flags=13), b"\x1b[97:65;2u"),
        ("A", Modes(kitty_flags=31), b"\x1b[97:65;2;65u"),
        ("a", Modes(kitty_flags=25), b"\x1b[97;;97u"),
        ("kp5", Modes(kitty_flags=9), b"\x1b[57404u"),
    ],
)
def test_modes_change_the_encoding(spec: str, modes: Modes, expected: bytes) -> None:
    assert encode_key(spec, modes) == expected


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("entr", "enter"),
        ("pageupp", "pageup"),
        ("ctrl+dlete", "delete"),
        ("f25", "f2"),
        ("hyper+x", "shift, alt or ctrl"),
    ],
)
def test_unknown_keys_name_near_ones(spec: str, near: str) -> None:
    with pytest.raises(UnknownKeyError, match=near):
        encode_key(spec, Modes())


@pytest.mark.parametrize("spec", ["", "ctrl+", "+a+", "hex:1", "hex:zz", "\x1b", "null", "xyzzy", "ctrl+ctrl+nope"])
def test_unknown_keys_raise(spec: str) -> None:
    with pytest.raises(UnknownKeyError):
        encode_key(spec, Modes())


@given(
    st.sampled_from([*KEY_NAMES, "x", "?", "é"]),
    st.sets(st.sampled_from(["shift", "alt", "ctrl"])),
    st.integers(0, 31),
    st.integers(0, 2),
    st.booleans(),
)
def test_every_named_key_has_bytes_in_every_mode(
    name: str, modifiers: set[str], kitty: int, level: int, application: bool
) -> None:
    modes = Modes(
        kitty_flags=kitty, modify_other_keys=level, application_cursor=application, application_keypad=application
    )
    assert encode_key("+".join([*sorted(modifiers), name]), modes)


BRACKETED = Modes(bracketed_paste=True)


@pytest.mark.parametrize(
    ("text", "modes", "expected"),
    [
        ("ls\n", Modes(), b"ls\r"),
        ("a\r\nb\rc", Modes(), b"a\rb\rc"),
        ("a\r\nb\n", BRACKETED, b"\x1b[200~a\nb\n\x1b[201~"),
        ("x\x1b[201~rm -rf\n", BRACKETED, b"\x1b[200~xrm -rf\n\x1b[201~"),
        ("x\x1b[20\x1b[201~1~y", BRACKETED, b"\x1b[200~x[201~y\x1b[201~"),
        ("x\x9b201~y", BRACKETED, b"\x1b[200~xy\x1b[201~"),
        ("a\x03b\x1b[Ac\td\x7f", Modes(), b"ab[Ac\td"),
        ("漢", Modes(), "漢".encode()),
    ],
)
def test_paste(text: str, modes: Modes, expected: bytes) -> None:
    assert encode_paste(text, modes) == expected


@given(st.text(alphabet=st.characters(), max_size=40))
def test_a_paste_cannot_leave_its_bracket(text: str) -> None:
    data = encode_paste("\x1b[201~" + text, BRACKETED)
    assert data.count(b"\x1b") == 2
    assert data.startswith(b"\x1b[200~")
    assert data.endswith(b"\x1b[201~")


def test_focus_is_reported_only_when_asked_for() -> None:
    assert encode_focus(True, Modes()) == b""
    asked = Modes(focus_events=True)
    assert (encode_focus(True, asked), encode_focus(False, asked)) == (b"\x1b[I", b"\x1b[O")


SGR = Modes(mouse=1000, mouse_sgr=True)


@pytest.mark.parametrize(
    ("action", "modes", "expected"),
    [
        (MouseAction("left", 4, 9), Modes(), b""),
        (MouseAction("left", 4, 9), SGR, b"\x1b[<0;10;5M"),
        (MouseAction("left", 4, 9, is_release=True), SGR, b"\x1b[<0;10;5m"),
        (MouseAction("right", 0, 0, modifiers=frozenset({"ctrl", "shift"})), SGR, b"\x1b[<22;1;1M"),
        (MouseAction("wheel_up", 1, 1), SGR, b"\x1b[<64;2;2M"),
        (MouseAction("wheel_down", 1, 1, is_release=True), SGR, b""),
        (MouseAction("left", 1, 1, is_motion=True), SGR, b""),
        (MouseAction("left", 1, 1, is_motion=True), SGR._replace(mouse=1002), b"\x1b[<32;2;2M"),
        (MouseAction("none", 1, 1, is_motion=True), SGR._replace(mouse=1002), b""),
        (MouseAction("none", 1, 1, is_motion=True), SGR._replace(mouse=1003), b"\x1b[<35;2;2M"),
        (MouseAction("left", 0, 0), Modes(mouse=1000), b"\x1b[M !!"),
        (MouseAction("left", 0, 0, is_release=True), Modes(mouse=1000), b"\x1b[M#!!"),
        (MouseAction("left", 0, 300), Modes(mouse=1000), b""),
        (MouseAction("left", 0, 0, modifiers=frozenset({"alt"})), Modes(mouse=9), b"\x1b[M !!"),
        (MouseAction("left", 0, 0, is_release=True), Modes(mouse=9), b""),
    ],
)
def test_mouse(action: MouseAction, modes: Modes, expected: bytes) -> None:
    assert encode_mouse(action, modes) == expected
