"""The tokenizer: where sequences begin and end, offsets, and the same tokens however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node_agent.terminal.tokenizer import SEQUENCE_LIMIT, STRING_KEPT, STRING_LIMIT, Kind, Token, Tokenizer, decode_text

PIECES = st.sampled_from(
    [
        b"plain text",
        b"line\r\n" * 5,
        b"\r",
        b"\n",
        b"\x1b",
        b"[",
        b"\x1b[",
        b"1;2",
        b"m",
        b"?25",
        b" q",
        b"\x1b]0;title",
        b"\x07",
        b"\\",
        b"\x1bP",
        b"\x1b_",
        b"\x18",
        b"\x1a",
        b"\x7f",
        b"\x00",
        "é漢😀\u0301".encode(),
        b"\xf0\x9f",
        b"\xe0\x80",
        b"\xff",
        b"\x9b",
        b"\x1b(",
        b"0",
        b"\x1b[3\n4H",
    ]
)


def tokens_of(*parts: bytes) -> list[Token]:
    tokenizer = Tokenizer()
    return [token for part in parts for token in tokenizer.feed(part)]


def joined(tokens: list[Token]) -> list[Token]:
    """The tokens with neighbouring text joined, lines and line ends being text too."""
    result: list[Token] = []
    for token in tokens:
        plain = token.kind in (Kind.TEXT, Kind.LINES) or token.text in ("\r", "\n")
        if plain and result and result[-1].kind is Kind.TEXT:
            result[-1] = Token(Kind.TEXT, result[-1].text + token.text, token.end)
        else:
            result.append(token._replace(kind=Kind.TEXT) if plain else token)
    return result


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello", [Token(Kind.TEXT, "hello", 5)]),
        (b"a\x1b[1;2Hb", [Token(Kind.TEXT, "a", 1), Token(Kind.CSI, "\x1b[1;2H", 7), Token(Kind.TEXT, "b", 8)]),
        (b"\x1b[4 q", [Token(Kind.CSI, "\x1b[4 q", 5)]),
        (b"\x1b(0\x1b7", [Token(Kind.ESCAPE, "\x1b(0", 3), Token(Kind.ESCAPE, "\x1b7", 5)]),
        (b"\x1b(P", [Token(Kind.ESCAPE, "\x1b(P", 3)]),
        (b"\x1b]2;t\x07", [Token(Kind.STRING, "\x1b]2;t", 6, "\x07")]),
        (b"\x1bPq\x1b\\", [Token(Kind.STRING, "\x1bPq", 5, "\x1b\\")]),
        (b"\x1b]2;\nBye\x07", [Token(Kind.STRING, "\x1b]2;\nBye", 9, "\x07")]),
        # ECMA-48 leaves controls inside sequences open; DEC terminals execute them at once
        (b"\x1b[1\n2A", [Token(Kind.CONTROL, "\n", 4), Token(Kind.CSI, "\x1b[12A", 6)]),
        (b"\x1b(\nX", [Token(Kind.CONTROL, "\n", 3), Token(Kind.ESCAPE, "\x1b(X", 4)]),
        (b"\x1b[12\x7f\x003m", [Token(Kind.CSI, "\x1b[123m", 8)]),
        (b"\x1b[12\x18AB", [Token(Kind.TEXT, "AB", 7)]),
        (b"\x1b[12\x1b9", [Token(Kind.ESCAPE, "\x1b9", 6)]),
        (b"\x1b]Some\x1b9", [Token(Kind.ESCAPE, "\x1b9", 8)]),
        (b"\x1b]12\x18AB", [Token(Kind.TEXT, "AB", 7)]),
        (b"\x1b(\x1b)Z", [Token(Kind.ESCAPE, "\x1b)Z", 5)]),
        (b"\x1b[1 2m", []),
        (b"\x1b[1\xc3\xa9", [Token(Kind.TEXT, "\xc3\xa9", 5)]),
        (b"\x9b31m", [Token(Kind.TEXT, "\x9b31m", 4)]),
        (b"a\x7fb", [Token(Kind.TEXT, "a", 1), Token(Kind.CONTROL, "\x7f", 2), Token(Kind.TEXT, "b", 3)]),
        (b"a\r\nb\r\nc\r\nd\r\n", [Token(Kind.LINES, "a\r\nb\r\nc\r\nd\r\n", 12)]),
    ],
)
def test_tokens(data: bytes, expected: list[Token]) -> None:
    assert tokens_of(data) == expected
    single_bytes = tokens_of(*(data[i : i + 1] for i in range(len(data))))
    assert joined(single_bytes) == joined(expected)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=30), st.data())
def test_any_chunking_gives_the_same_tokens(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert joined(tokens_of(*parts)) == joined(tokens_of(stream))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 40))
def test_text_is_never_cut_inside_a_character(stream: bytes, cut: int) -> None:
    def characters(*parts: bytes) -> str:
        return "".join(decode_text(t.text) for t in tokens_of(*parts) if t.kind in (Kind.TEXT, Kind.LINES))

    assert characters(stream[:cut], stream[cut:]) == characters(stream)


def test_boundary_is_known_everywhere() -> None:
    tokenizer = Tokenizer(offset=1000)
    stream = "a\x1b[1m漢\x1b]0;t\x07".encode()
    open_at = {2, 3, 4, 6, 7, 9, 10, 11, 12, 13}
    for index in range(len(stream)):
        tokenizer.feed(stream[index : index + 1])
        assert tokenizer.at_boundary is (index + 1 not in open_at), index
    assert tokenizer.offset == 1000 + len(stream)


def test_a_long_string_keeps_its_beginning_and_is_read_to_its_end() -> None:
    body = b"x" * (STRING_KEPT + 10_000)
    (first, second) = tokens_of(b"\x1b]52;", body[:100_000], body[100_000:], b"\x07after")
    assert (first.kind, len(first.text), first.end) == (Kind.STRING, STRING_KEPT + 2, len(body) + 6)
    assert second.text == "after"


def test_an_unterminated_string_ends_at_its_limit() -> None:
    data = b"x" * 1_000_000
    tokens = tokens_of(b"\x1b_", *[data] * (STRING_LIMIT // len(data)), data, b"visible")
    assert tokens[0].kind is Kind.STRING
    assert tokens[0].terminator == ""
    assert tokens[0].end == STRING_LIMIT + 2
    assert tokens[-1].text.endswith("visible")


def test_an_endless_sequence_is_ignored_in_bounded_memory() -> None:
    digits = b"1" * (SEQUENCE_LIMIT * 4)
    assert [t.text for t in tokens_of(b"\x1b[", digits, digits, b"mok")] == ["ok"]
    assert [t.text for t in tokens_of(b"\x1b[" + digits + b"mok")] == ["ok"]
