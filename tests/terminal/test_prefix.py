"""The attach prefix is found in every key encoding, however reads cut it, and never inside a paste."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.prefix import Command, Forward, PrefixReader, Typed

PREFIXES = [
    b"\x1d",
    b"\x1b[93;5u",
    b"\x1b[93;5:1u",
    b"\x1b[93;69u",  # caps lock
    b"\x1b[93;133u",  # num lock
    b"\x1b[93:125;5u",
    b"\x1b[1078::93;5u",  # another layout, the key that is ] on a US keyboard
    b"\x1b[27;5;93~",
]


def typed(*chunks: bytes, prefix: str = "ctrl+]") -> list[Typed]:
    reader = PrefixReader(prefix)
    found: list[Typed] = []
    for chunk in [*chunks, None]:
        for item in reader.flush() if chunk is None else reader.feed(chunk):
            if found and isinstance(item, Forward) and isinstance(found[-1], Forward):
                found[-1] = Forward(found[-1].data + item.data)
            else:
                found.append(item)
    return found


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("letter", [b"d", b"\x1b[100u", b"\x1b[100;1:1u"])
def test_prefix_and_letter_is_a_command(prefix: bytes, letter: bytes) -> None:
    data = b"ls" + prefix + letter + b"x"
    expected = [Forward(b"ls"), Command("d"), Forward(b"x")]
    assert typed(data) == expected
    assert typed(*bytewise(data)) == expected


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefix_twice_sends_it_as_the_terminal_encoded_it(prefix: bytes) -> None:
    assert typed(prefix + prefix + b"d") == [Forward(prefix + b"d")]


def test_releases_and_modifier_keys_between_prefix_and_letter_are_ignored() -> None:
    release = b"\x1b[93;5:3u\x1b[57442;5:3u\x1b[57441;2:1u\x1b[108;1:3u"
    assert typed(b"\x1b[93;5:1u" + release + b"\x1b[100;1:1u") == [Command("d")]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_nothing_counts_inside_a_paste(prefix: bytes) -> None:
    data = b"\x1b[200~" + prefix + b"d\x1b[20" + prefix + b"\x1b[201~"
    expected = [Forward(data), Command("d")]
    assert typed(data + b"\x1dd") == expected
    assert typed(*bytewise(data + b"\x1dd")) == expected


def test_a_paste_cut_by_slow_reads_is_still_one() -> None:
    reader = PrefixReader()
    sent = b""
    for byte in bytewise(b"\x1b[200~\x1dd\x1b[201~"):
        for item in reader.feed(byte) + reader.flush():
            assert isinstance(item, Forward)
            sent += item.data
    assert sent == b"\x1b[200~\x1dd\x1b[201~"
    assert reader.feed(b"\x1dd") == [Command("d")]


def test_a_paste_is_never_held_back() -> None:
    reader = PrefixReader()
    assert reader.feed(b"\x1b[200~text\x1b[20") == [Forward(b"\x1b[200~text\x1b[20")]
    assert not reader.holds_bytes


def test_an_unfinished_sequence_waits_for_the_flush() -> None:
    reader = PrefixReader()
    assert reader.feed(b"a\x1b") == [Forward(b"a")]
    held = reader.holds_bytes
    assert reader.flush() == [Forward(b"\x1b")]
    assert (held, reader.holds_bytes) == (True, False)
    assert reader.flush() == []
    assert reader.feed(b"\x1dd") == [Command("d")]


def test_other_keys_after_the_prefix_are_commands_too() -> None:
    assert typed(b"\x1d\x1b[A") == [Command("\x1b[A")]
    assert typed(b"\x1d\x1b") == [Command("\x1b")]
    assert typed(b"\x1d", "é".encode()) == [Command("é")]
    assert typed(b"\x1d", b"\xc3", b"\xa9") == [Command("é")]


def test_other_keys_pass() -> None:
    data = "aé漢\x1b[A\x1bOP\x1bx\x03\x1b[<0;1;1M\x1b[99;5u\x1b[27;5;99~\x1b[I\x1b[125;5u".encode()
    assert typed(data) == [Forward(data)]
    assert typed(*bytewise(data)) == [Forward(data)]


def test_the_prefix_can_be_another_key() -> None:
    for encoded in (b"\x01", b"\x1b[97;5u", b"\x1b[27;5;97~"):
        assert typed(encoded + b"d\x1d", prefix="ctrl+a") == [Command("d"), Forward(b"\x1d")]


@pytest.mark.parametrize("prefix", ["a", "ctrl+h", "ctrl+i", "ctrl+[", "ctrl+m", "alt+x", "ctrl+1", "f12", "nope", ""])
def test_unusable_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="the prefix key"):
        PrefixReader(prefix)


PIECES = [
    *PREFIXES,
    b"\x1b[200~",
    b"\x1b[201~",
    b"\x1b",
    b"[",
    b"d",
    "漢".encode(),
    b"\xff",
    b"\x1b[1;",
    b"~",
    b"u",
    b"5",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_cutting_changes_nothing(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert typed(*chunks) == typed(stream)


@given(st.lists(st.sampled_from([*PIECES, b"\x1b[2", b"00~"]), max_size=12).map(b"".join))
def test_without_the_prefix_every_byte_is_forwarded_whatever_the_flushes(stream: bytes) -> None:
    reader = PrefixReader("ctrl+\\")
    sent = b""
    for byte in bytewise(stream):
        for item in reader.feed(byte) + reader.flush():
            assert isinstance(item, Forward)
            sent += item.data
    assert sent == stream
