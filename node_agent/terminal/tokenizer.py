"""Cuts a session's output into the tokens of ECMA-48: text, controls, escape and control sequences, strings.

It owns the rules of where a sequence begins and ends, and nothing of what one means.

Theory. The bytes are read as latin-1, one character a byte, so a position in the text is a position in the journal
and offsets cost nothing; text that is not ASCII goes through `decode_text`. On the ground, outside every sequence,
`GROUND` matches whole tokens in one step. What it cannot match (a sequence cut by the end of the data, one with
controls inside, one beyond the usual length) goes to `HalfRead`, a state machine after Paul Williams's VT500 parser
(https://vt100.net/emu/dec_ansi_parser) that can stop at any character. The machine defines the language and the
pattern only speeds it up, which is why the result does not depend on how the bytes were cut.

8-bit C1 controls are not recognised: in UTF-8 those bytes are parts of characters.
"""

from __future__ import annotations

import codecs
import re
from enum import IntEnum
from typing import List, NamedTuple, Optional, Tuple

STRING_KEPT = 256 * 1024
"""Characters of a string's body that are kept; the rest is read and dropped."""

STRING_LIMIT = 8 * 1024 * 1024
"""Characters after which an unterminated string is taken to have ended, so that output does not vanish for ever."""

SEQUENCE_LIMIT = 256
"""Characters of an escape or control sequence; a longer one is read to its end and ignored."""


class Kind(IntEnum):
    """What a token is; the values are the group numbers of `GROUND`."""

    LINES = 1  # at least four lines of printable ASCII, each with its CR LF
    TEXT = 2  # graphic characters as latin-1, never cut inside a UTF-8 character
    CSI = 3  # "\x1b[" to its final character
    ESCAPE = 4  # "\x1b", intermediates, final
    STRING = 5  # introducer and body without its terminator, which `terminator` of the token holds
    CONTROL = 6  # one C0 control or DEL
    IRREGULAR = 7  # only inside this module: the machine reads on from here


class Token(NamedTuple):
    """`text` is latin-1, one character a byte; `end` is the journal offset after its last byte.

    A sequence with controls inside comes after those controls, without them, as terminals execute it.
    """

    kind: Kind
    text: str
    end: int
    terminator: str = ""  # of a STRING: "\x07" or "\x1b\\"; "" when it was cut off by its limit


GROUND = re.compile(
    "((?:[ -~]*\r\n){4,})"
    "|([ -~\x80-\xff]+)"
    "|(\x1b\\[[0-?]{0,128}[ -/]{0,8}[@-~])"
    "|(\x1b[ -/]{0,8}[0-OQ-WYZ`-~])"
    "|(\x1b[\\]PX^_][^\x07\x18\x1a\x1b]{0,4096}(?:\x07|\x1b\\\\))"
    "|([\x00-\x1a\x1c-\x1f\x7f])"
    "|(\x1b)"
)

_STRING_INTRODUCERS = "]PX^_"
_STRING_STOP = re.compile("[\x07\x18\x1a\x1b]")
_CONTROLS_IN_SEQUENCE = frozenset(map(chr, [*range(0x01, 0x18), 0x19, *range(0x1C, 0x20)]))

_GROUND, _ESCAPE, _CSI, _STRING, _STRING_ESCAPE = range(5)

Scanned = List[Tuple[Kind, str, int, str]]
"""Tokens as plain tuples: kind, text, position after the token in the scanned text, terminator."""


class HalfRead:
    """The machine that reads what `GROUND` does not match, one character at a time, across calls."""

    __slots__ = ("_body", "_kept", "_length", "_malformed", "_state", "_text", "has_acted", "size")

    def __init__(self) -> None:
        self.size = 0
        """Characters read since the open sequence or string began; 0 on the ground."""
        self.has_acted = False
        """Whether a control inside the open sequence was already a token of its own."""
        self._state = _GROUND
        self._text = ""
        self._malformed = False
        self._body: List[str] = []
        self._kept = 0
        self._length = 0

    @property
    def is_open(self) -> bool:
        """Whether a sequence or string has begun and not ended."""
        return self._state != _GROUND

    def read(self, text: str, position: int) -> Tuple[int, Scanned]:
        """Read on from `position` until back on the ground or at the end of `text`; what was read and where it ends."""
        tokens: Scanned = []
        end = len(text)
        while position < end:
            start = position
            if self._state == _STRING:
                position = self._read_string(text, position, tokens)
            else:
                position = self._step(text[position], position, tokens)
            self.size += position - start
            if self._state == _GROUND:
                self.size = 0
                break
        return position, tokens

    def _step(self, char: str, position: int, tokens: Scanned) -> int:
        state = self._state
        if state == _STRING_ESCAPE:
            if char == "\\":
                self._end_string("\x1b\\", position + 1, tokens)
                return position + 1
            self._begin_escape()  # any other character makes that ESC the start of a new sequence
            self.size = 1
            return position
        if char == "\x1b":
            self._begin_escape()
        elif char in "\x18\x1a":
            self._state = _GROUND
        elif char in _CONTROLS_IN_SEQUENCE:
            self.has_acted = True
            tokens.append((Kind.CONTROL, char, position + 1, ""))
        elif char >= "\x80":
            self._state = _GROUND
            return position  # the sequence is void, the character is text
        elif char not in "\x00\x7f":
            self._collect(char, position + 1, tokens)
        return position + 1

    def _begin_escape(self) -> None:
        self._state = _ESCAPE
        self.size = 0
        self.has_acted = False
        self._text = "\x1b"
        self._malformed = False
        self._body = []

    def _collect(self, char: str, end: int, tokens: Scanned) -> None:
        previous = self._text[-1]
        if len(self._text) < SEQUENCE_LIMIT:
            self._text += char
        else:
            self._malformed = True
        if self._state == _CSI:
            if char >= "@":
                self._finish(Kind.CSI, end, tokens)
            elif char >= "0" and " " <= previous <= "/":
                self._malformed = True  # a parameter after an intermediate
        elif char < "0":
            return
        elif len(self._text) == 2 and char == "[":
            self._state = _CSI
        elif len(self._text) == 2 and char in _STRING_INTRODUCERS:
            self._state = _STRING
            self._kept = self._length = 0
        else:
            self._finish(Kind.ESCAPE, end, tokens)

    def _finish(self, kind: Kind, end: int, tokens: Scanned) -> None:
        self._state = _GROUND
        if not self._malformed:
            tokens.append((kind, self._text, end, ""))

    def _read_string(self, text: str, position: int, tokens: Scanned) -> int:
        stop = _STRING_STOP.search(text, position, position + STRING_LIMIT - self._length)
        end = stop.start() if stop else min(len(text), position + STRING_LIMIT - self._length)
        self._length += end - position
        if self._kept < STRING_KEPT:
            part = text[position : min(end, position + STRING_KEPT - self._kept)]
            self._body.append(part)
            self._kept += len(part)
        if stop is None:
            if self._length >= STRING_LIMIT:
                self._end_string("", end, tokens)
            return end
        char = text[end]
        if char == "\x07":
            self._end_string("\x07", end + 1, tokens)
        elif char == "\x1b":
            self._state = _STRING_ESCAPE
        else:
            self._state = _GROUND
            self._body = []
        return end + 1

    def _end_string(self, terminator: str, end: int, tokens: Scanned) -> None:
        tokens.append((Kind.STRING, self._text + "".join(self._body), end, terminator))
        self._body = []
        self._state = _GROUND


class Tokenizer:
    """A stream of bytes as tokens; feeding may stop and go on at any byte.

    `offset` is the journal offset of the next byte to feed.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._half_read = HalfRead()
        self._held = b""

    @property
    def at_boundary(self) -> bool:
        """Whether no character or sequence is half read."""
        return not self._held and not self._half_read.is_open

    @property
    def settled_offset(self) -> Optional[int]:
        """Where what is half read began; None when some of it has been given out already."""
        return settled_offset(self.offset, self._held, self._half_read)

    def feed(self, data: bytes) -> List[Token]:
        """The tokens `data` completes; a UTF-8 character cut by its end is held back for the next call."""
        data = self._held + data
        base = self.offset - len(self._held)
        whole = len(data) - cut_character(data)
        self._held = data[whole:]
        self.offset = base + len(data)
        return self._scan(data[:whole].decode("latin-1"), base)

    def _scan(self, text: str, base: int) -> List[Token]:
        tokens: List[Token] = []
        position = 0
        half_read = self._half_read
        while position < len(text):
            found = None if half_read.is_open else GROUND.match(text, position)
            if found is None or found.lastindex == Kind.IRREGULAR:
                position, scanned = half_read.read(text, position)
                tokens += [Token(kind, token, base + stop, end) for kind, token, stop, end in scanned]
                continue
            position = found.end()
            kind = Kind(found.lastindex or 0)
            if kind is Kind.STRING:
                body, terminator = split_terminator(found.group())
                tokens.append(Token(kind, body, base + position, terminator))
            else:
                tokens.append(Token(kind, found.group(), base + position))
        return tokens


def settled_offset(offset: int, held: bytes, half_read: HalfRead) -> Optional[int]:
    """The offset before what is half read, `offset` when nothing is; None when some of it is a token already."""
    if half_read.is_open and half_read.has_acted:
        return None
    return offset - len(held) - half_read.size


def split_terminator(string: str) -> Tuple[str, str]:
    """A matched STRING as introducer with body, and terminator."""
    return (string[:-1], "\x07") if string[-1] == "\x07" else (string[:-2], "\x1b\\")


def cut_character(data: bytes) -> int:
    """How many bytes at the end of `data` begin a UTF-8 character that is not complete, 0 to 3."""
    tail = data[-3:]
    return 0 if tail.isascii() else len(tail) - codecs.utf_8_decode(tail, "replace", False)[1]


def decode_text(text: str) -> str:
    """The characters of a TEXT token; each malformed part is one U+FFFD (Unicode 3.9, maximal subparts)."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")
