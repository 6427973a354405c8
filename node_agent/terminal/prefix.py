"""Finds the attach prefix key in what the operator types, in every encoding a program may have switched on.

Theory. While attached, keys go to the session untouched but for the prefix and the key after it. The terminal sends
the prefix as a control byte, as `CSI 93;5u` (kitty) or as `CSI 27;5;93~` (modifyOtherKeys), depending on what the
program asked for, so all three always count. Inside a bracketed paste nothing counts. A sequence may be cut
anywhere by a read: an unfinished one is held until more comes or the caller's patience ends (`flush`, ~50 ms). What
was flushed is remembered, so that a sequence that is merely slow is still recognised, only not held back any more.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple, Union

from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import UnknownKeyError, encode_key, parse_key

DEFAULT_PREFIX = "ctrl+]"


class Forward(NamedTuple):
    """Bytes for the session, as typed."""

    data: bytes


class Command(NamedTuple):
    """The key typed after the prefix: one character, or the bytes of another key as latin-1."""

    key: str


Typed = Union[Forward, Command]

_PASTE_START = b"\x1b[200~"
_PASTE_END = b"\x1b[201~"
_KEY = re.compile(
    b"\x1b\\[[0-9;:<=>?]*[ -/]*[@-~]|\x1b[\\[O]?\\Z|\x1b\\[[0-9;:<=>?]*[ -/]*\\Z"
    b"|\x1bO[@-~]|\x1b"
    b"|[\xc2-\xdf][\x80-\xbf]?|[\xe0-\xef][\x80-\xbf]{0,2}|[\xf0-\xf4][\x80-\xbf]{0,3}|.",
    re.DOTALL,
)
_KITTY_KEY = re.compile(b"\x1b\\[([0-9]+)(?::[0-9]*)?(?::([0-9]+))?(?:;([0-9]*)(?::([0-9]+))?)?(?:;[0-9:]*)?u\\Z")
_OTHER_KEY = re.compile(b"\x1b\\[27;([0-9]+);([0-9]+)~\\Z")
_LONGEST_SEQUENCE = 64
_LOCKS = 64 | 128  # caps lock and num lock in kitty's modifier bits
_CTRL = 4
_RELEASE = 3
_MODIFIER_KEYS = range(57441, 57455)
_AMBIGUOUS = "hijm["  # with ctrl they are backspace, tab, line feed, enter and escape


class PrefixReader:
    """The operator's bytes in, what they mean out. Raises ValueError for a prefix that is not ctrl and a character
    with a control byte of its own."""

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        try:
            key = parse_key(prefix)
            byte = encode_key(prefix, Modes())
        except UnknownKeyError as error:
            raise ValueError(f"the prefix key: {error}") from None
        name = key.name.lower()
        if key.modifiers != {"ctrl"} or len(byte) != 1 or byte >= b" " or len(name) != 1 or name in _AMBIGUOUS:
            raise ValueError(f"the prefix key must be ctrl+ and a character with a control byte of its own: {prefix!r}")
        self._byte = byte
        self._code = ord(name)
        self._held = b""
        self._sent = 0  # of what is held, how much was forwarded by a flush
        self._is_pasting = False
        self._awaits_command = False

    @property
    def awaits_command(self) -> bool:
        """Whether the prefix was typed and the next key is a command."""
        return self._awaits_command

    @property
    def holds_bytes(self) -> bool:
        """Whether `flush` would forward something."""
        return len(self._held) > self._sent

    def feed(self, data: bytes) -> List[Typed]:
        """What `data`, and a sequence it completes, means."""
        data = self._held + data
        skip, self._held, self._sent = self._sent, b"", 0
        found: List[Typed] = []
        position = 0
        while position < len(data):
            if self._is_pasting:
                end = self._paste_end(data, position)
            else:
                key = _next_key(data, position)
                end = position + len(key)
                if end == len(data) and _is_unfinished(key):
                    self._held, self._sent = key, max(0, skip - position)
                    break
                if self._read_key(key, found):
                    position = end
                    continue
            _forward(data[max(position, skip) : end], found)
            position = end
        return found

    def flush(self) -> List[Typed]:
        """Forward what is held back; for when no more bytes came for a while."""
        found: List[Typed] = []
        if self._awaits_command and self.holds_bytes:
            self._awaits_command = False
            found.append(Command(self._held.decode("latin-1")))
            self._held, self._sent = b"", 0
        elif self.holds_bytes:
            _forward(self._held[self._sent :], found)
            self._sent = len(self._held)
        return found

    def _paste_end(self, data: bytes, position: int) -> int:
        """Where to forward to inside a paste; all of it goes at once, its possible end is remembered."""
        end = data.find(_PASTE_END, position)
        if end >= 0:
            self._is_pasting = False
            return end + len(_PASTE_END)
        for length in range(min(len(_PASTE_END) - 1, len(data) - position), 0, -1):
            if data.endswith(_PASTE_END[:length]):
                self._held, self._sent = _PASTE_END[:length], length
                break
        return len(data)

    def _read_key(self, key: bytes, found: List[Typed]) -> bool:
        """Act on a whole key; whether it was ours, so that it is not forwarded."""
        if key == _PASTE_START:
            self._is_pasting = True
            self._awaits_command = False
            return False
        code, modifiers, event = _decode(key)
        is_prefix = key == self._byte or (code == self._code and modifiers == _CTRL)
        if is_prefix and event == _RELEASE:
            return True
        if not self._awaits_command:
            self._awaits_command = is_prefix
            return is_prefix
        if event == _RELEASE or code in _MODIFIER_KEYS:
            return True
        self._awaits_command = False
        if is_prefix:
            return False
        found.append(Command(_character(key, code)))
        return True


def _next_key(data: bytes, position: int) -> bytes:
    found = _KEY.match(data, position)
    return found.group() if found else data[position:]


def _is_unfinished(key: bytes) -> bool:
    if key[:1] == b"\x1b":
        return len(key) < _LONGEST_SEQUENCE and (key in (b"\x1b", b"\x1b[", b"\x1bO") or not 0x40 <= key[-1] < 0x7F)
    return len(key) < _character_length(key[0])


def _character_length(lead: int) -> int:
    if lead < 0xC2 or lead > 0xF4:
        return 1
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _decode(key: bytes) -> Tuple[int, int, int]:
    """Code point, modifier bits without the locks, and event type of a key in an extended encoding, else zeros."""
    kitty = _KITTY_KEY.match(key)
    if kitty:
        code, base, modifier, event = (int(group) if group else 0 for group in kitty.groups())
        return base or code, (max(modifier, 1) - 1) & ~_LOCKS, event
    other = _OTHER_KEY.match(key)
    if other:
        return int(other.group(2)), max(int(other.group(1)), 1) - 1, 0
    return 0, 0, 0


def _character(key: bytes, code: int) -> str:
    if code:
        return chr(code) if code < 0x110000 else ""
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        return key.decode("latin-1")


def _forward(data: bytes, found: List[Typed]) -> None:
    if not data:
        return
    if found and isinstance(found[-1], Forward):
        found[-1] = Forward(found[-1].data + data)
    else:
        found.append(Forward(data))
