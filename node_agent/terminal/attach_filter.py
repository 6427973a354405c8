"""Decides which bytes of a session may reach the operator's own terminal while it is attached.

It runs on the console, because a node may be hostile, and knows nothing of screens, links or files.

Theory. Sequences are cut by the shared tokenizer, so the terminal only ever receives whole ones and is on the ground
between them. What acts on the screen passes byte for byte. What makes a terminal answer, writes the clipboard, locks
the keyboard, draws pictures, prints, logs, or changes how bytes are read does not; nor does a sequence of a kind
nobody listed here, since a terminal somewhere may give it such a meaning (xterm ctlseqs patch 395, kitty, iTerm2,
ConEmu). U+0080 to U+009F written in UTF-8 are dropped: xterm obeys them as controls. Their first byte is dropped
wherever no second one follows, or removing what stands between would put the two together. A pattern skips what is
plainly harmless, and only the rest is looked at.
"""

from __future__ import annotations

import enum
import re
from typing import FrozenSet, List, NamedTuple, Set

from node_agent.terminal.tokenizer import GROUND, STRING_KEPT, HalfRead, Kind, split_terminator

_C1 = "\xc2(?![\xa0-\xbf])[\x80-\x9f]?"  # in UTF-8, whole or its first byte alone
_SUSPECT = (
    f"\x05|{_C1}"  # ENQ
    "|\x1b(?!\\[[0-9;:]{0,64}[@-MPSTXZ^`abd-gjkmrsu]|[()*+][0-9A-Z]|[78=>DEHMNO|}~])"
)
_SUSPECT_TEXT = re.compile(_SUSPECT)
_SUSPECT_BYTES = re.compile(_SUSPECT.encode("latin-1"))

_CSI_PARTS = re.compile("\x1b\\[([<-?]?)([0-9:;]*)([ -/]*)([@-~])\\Z")

_ALLOWED_CSI: FrozenSet[str] = frozenset(
    (
        *"@ABCDEFGHIJKLMPSTXZ^`abdefghjklmqrsu",
        *("?h", "?l", "?J", "?K", "?W", "?r", "?s"),
        *(">f", ">m", ">n", ">p", ">u", "<u", "=u"),  # key encodings; the pointer's visibility
        *(" @", " A", " q", "!p", '"q', "'}", "'~"),
    )
)
"""Prefix, intermediates and final of the control sequences that only change the screen or how keys are encoded.

What the engine on the node does not know is not here (rectangles of cells, a stack of pens): the operator would see
another screen than every tile and detector.
"""

_DENIED_PRIVATE_MODES = frozenset(
    [
        40,  # resizes the operator's window
        46,  # logs to a file
        1001,  # highlight tracking hangs the terminal until it is answered
        2031,
        2048,  # colour scheme and size reports
        5522,  # clipboard events
        9001,  # win32 input records instead of keys
    ]
)
_DENIED_ANSI_MODES = frozenset([2, 12])  # KAM locks the keyboard, SRM echoes keys locally

_DENIED_ESCAPES = re.compile("\x1b(?:[Zk`]| G|%(?!G\\Z))")
"""DECID answers, `ESC k` opens a string in tmux, DMI locks the keyboard, `ESC SP G` asks for 8-bit answers, and
`ESC %` leaves UTF-8, after which bytes that were parts of characters would be controls."""

_OSC_PARTS = re.compile("([0-9]{1,4})(?:;(.*))?\\Z", re.DOTALL)
_OSC_COLORS = frozenset([4, 5, *range(10, 20)])
_OSC_ALLOWED = frozenset([0, 1, 2, 7, 8, 9, 22, 104, 105, *range(110, 120), 133, 633, 777]) | _OSC_COLORS
_OSC_CLIPBOARD = 52
_OSC_LIMIT = 4096
_CONEMU_COMMAND = re.compile("(?!4;)[0-9]{1,2}(?:;|\\Z)")  # OSC 9;7 runs a program; 9;4 is progress
_UNSAFE_IN_STRING = re.compile(f"[\x00-\x1f\x7f]|{_C1}")

RESET_SEQUENCE = (
    b"\x1b\\\x1b[?2026l"  # whatever a cut write left open
    b"\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"
    b"\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[<99u\x1b[>4m"
    b"\x1b[?1049l\x1b[<99u"  # each screen has its own stack of keyboard flags
    b"\x1b[?69l\x1b[r\x1b[?6l\x1b[4l\x1b[20l\x1b[?5l\x1b[?7h\x1b[?8h\x1b[?25h"
    b'\x1b(B\x1b)B\x0f\x1b[0"q\x1b[0 q\x1b]8;;\x1b\\\x1b[0m'
    b"\x1b[9999;1H"
)
"""Brings a terminal from any state a program can leave it in to a usable one, on its last row.

The cursor is moved last because resetting margins and origin sends it home.
"""

_RESET_MODES = frozenset([1, 5, 6, 7, 8, 9, 25, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1049, 2004, 2026])
_SCREEN_MODES = frozenset([47, 1047, 1048])  # covered by leaving 1049


class ClipboardPolicy(enum.Enum):
    """What becomes of a program's request to write the clipboard (OSC 52)."""

    DENY = "deny"
    ASK = "ask"
    ALLOW = "allow"


class ClipboardRequest(NamedTuple):
    """A held-back clipboard write: the selection's letters and the text in base64, as sent."""

    selection: str
    base64: str

    def sequence(self) -> bytes:
        """The bytes that do what was asked, once the operator has said yes."""
        return f"\x1b]52;{self.selection};{self.base64}\x07".encode("ascii")


_REQUESTS_KEPT = 8
_CLIPBOARD = re.compile("([cpqs0-7]{0,12});([A-Za-z0-9+/]*={0,2})\\Z")


class AttachFilter:
    """A stream of session bytes in, the bytes the operator's terminal may see out; any chunking gives the same."""

    def __init__(self, clipboard: ClipboardPolicy = ClipboardPolicy.DENY) -> None:
        self.clipboard = clipboard
        self._half_read = HalfRead()
        self._held = ""
        self._requests: List[ClipboardRequest] = []
        self._modes: Set[int] = set()
        self._colors: Set[int] = set()

    @property
    def modes_on(self) -> FrozenSet[int]:
        """The private modes the program has set and not reset."""
        return frozenset(self._modes)

    def drain_clipboard_requests(self) -> List[ClipboardRequest]:
        """Clipboard writes held back since the last call; only under `ASK`."""
        requests, self._requests = self._requests, []
        return requests

    def reset_sequence(self) -> bytes:
        """`RESET_SEQUENCE`, and before it what this program changed beyond it: odd modes and colours."""
        modes = sorted(self._modes - _RESET_MODES - _SCREEN_MODES)
        resets = [f"\x1b[?{mode}l" for mode in modes]
        resets += [f"\x1b]{100 + code}\x1b\\" for code in sorted(self._colors)]
        return "".join(resets).encode() + RESET_SEQUENCE

    def feed(self, data: bytes) -> bytes:
        """Return what of `data`, and of a sequence it completes, may pass."""
        if not self._held and not self._half_read.is_open and not _SUSPECT_BYTES.search(data):
            return data
        text = self._held + data.decode("latin-1")
        self._held = ""
        passed: List[str] = []
        position = 0
        while position < len(text):
            if self._half_read.is_open:
                position = self._read_on(text, position, passed)
                continue
            suspect = _SUSPECT_TEXT.search(text, position)
            if suspect is None:
                passed.append(text[position:])
                break
            passed.append(text[position : suspect.start()])
            position = suspect.end()
            if suspect.group() == "\xc2" and position == len(text):
                self._held = "\xc2"
            elif suspect.group() == "\x1b":
                position = self._read_sequence(text, suspect.start(), passed)
        return "".join(passed).encode("latin-1")

    def _read_sequence(self, text: str, start: int, passed: List[str]) -> int:
        found = GROUND.match(text, start)
        if found is None or found.lastindex == Kind.IRREGULAR:
            return self._read_on(text, start, passed)
        token, terminator = found.group(), ""
        if found.lastindex == Kind.STRING:
            token, terminator = split_terminator(token)
        passed.append(self._pass(found.lastindex or 0, token, terminator))
        return found.end()

    def _read_on(self, text: str, position: int, passed: List[str]) -> int:
        position, tokens = self._half_read.read(text, position)
        passed += [self._pass(kind, token, terminator) for kind, token, _, terminator in tokens]
        return position

    def _pass(self, kind: int, sequence: str, terminator: str) -> str:
        """The token, a harmless form of it, or nothing."""
        if kind == Kind.CSI:
            return self._pass_control_sequence(sequence)
        if kind == Kind.ESCAPE:
            if sequence == "\x1bc":
                self._modes.clear()
                self._colors.clear()
            return "" if _DENIED_ESCAPES.match(sequence) else sequence
        if kind == Kind.STRING:
            return self._pass_string(sequence, terminator)
        return "" if sequence == "\x05" else sequence

    def _pass_control_sequence(self, sequence: str) -> str:
        parts = _CSI_PARTS.match(sequence)
        if parts is None:
            return ""
        prefix, parameters, intermediates, final = parts.groups()
        if prefix + intermediates + final not in _ALLOWED_CSI:
            return ""
        if final not in "hl":
            return sequence
        denied = _DENIED_PRIVATE_MODES if prefix else _DENIED_ANSI_MODES
        fields = parameters.split(";")
        kept = [field for field in fields if not field.isdigit() or int(field) not in denied]
        if prefix:
            modes = {int(field) for field in kept if field.isdigit()}
            self._modes = self._modes | modes if final == "h" else self._modes - modes
        if len(kept) == len(fields):
            return sequence
        return f"\x1b[{prefix}{';'.join(kept)}{final}" if kept else ""

    def _pass_string(self, sequence: str, terminator: str) -> str:
        # Device control strings, privacy messages and the like carry queries, pictures and key definitions only.
        # One that reached the tokenizer's limits is cut, and not passed in part.
        if sequence[1] != "]" or len(sequence) >= STRING_KEPT:
            return ""
        body = _UNSAFE_IN_STRING.sub("", sequence[2:])
        parts = _OSC_PARTS.match(body)
        if parts is None:
            return ""
        code, payload = int(parts.group(1)), parts.group(2) or ""
        if code == _OSC_CLIPBOARD:
            return self._pass_clipboard(payload)
        if code not in _OSC_ALLOWED or len(body) > _OSC_LIMIT or (code == 9 and _CONEMU_COMMAND.match(payload)):
            return ""
        if code in _OSC_COLORS or code == 22:
            if "?" in payload:
                return ""
            if code in _OSC_COLORS:
                self._colors.add(code)
        return f"\x1b]{body}{terminator}"

    def _pass_clipboard(self, payload: str) -> str:
        parts = _CLIPBOARD.match(payload)
        if parts is None or self.clipboard is ClipboardPolicy.DENY:
            return ""
        request = ClipboardRequest(parts.group(1), parts.group(2))
        if self.clipboard is ClipboardPolicy.ALLOW:
            return request.sequence().decode("ascii")
        self._requests.append(request)
        del self._requests[:-_REQUESTS_KEPT]
        return ""
