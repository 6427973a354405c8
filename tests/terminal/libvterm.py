"""Reads libvterm's conformance files (`t/*.test`) and runs what of them a terminal shows from outside.

The files are looked up beside the checkout and never kept in it. Sections begin with `!`; one runs on the state the
sections before it left, as in libvterm's own harness. Lines about how libvterm redraws (damage, scrolled rectangles,
parser callbacks, properties) name nothing observable here and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from node_agent.terminal.checkpoint import load
from node_agent.terminal.engine import Engine, EngineOptions, Flag, Pen

FILES = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "libvterm"

MakeEngine = Callable[[int, int, EngineOptions], Engine]

_ESCAPES = {"e": "\x1b", "n": "\n", "r": "\r", "b": "\b", "a": "\a", "t": "\t", "0": "\0"}
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s*x\s*(\d+))?')
_ESCAPE = re.compile(r"\\(x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|.)")
_INPUT = ("MOUSE", "INCHAR", "INKEY", "PASTE", "FOCUS", "SELECTION")
_OBSERVED = ("?cursor", "?screen_", "?pen", "?lineinfo", "output", "putglyph")


def unquote(expression: str) -> bytes:
    """The bytes of a Perl expression of strings, `.` and `x`."""

    def escape(match: re.Match[str]) -> str:
        digits = match[2] or match[3]
        return chr(int(digits, 16)) if digits else _ESCAPES.get(match[1], match[1])

    parts = _STRING.findall(expression)
    return b"".join(_ESCAPE.sub(escape, text).encode("latin-1") * int(times or 1) for text, times in parts)


def expanded(path: Path) -> Iterator[str]:
    """The lines of a file with its repetitions written out."""
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if match := re.match(r"\$SEQ (\d+) (\d+): *(.*)", line):
            for number in range(int(match[1]), int(match[2]) + 1):
                yield match[3].replace(r"\#", str(number))
        elif match := re.match(r"\$REP (\d+): *(.*)", line):
            yield from [match[2]] * int(match[1])
        elif line and not line.startswith("#"):
            yield line


class Runner:
    """Runs one file; `failures` are (section, line, what was there), `sections` what those with a check ask for."""

    def __init__(self, make: MakeEngine, path: Path) -> None:
        self._make = make
        self._size = (80, 25)
        self._engine = make(80, 25, EngineOptions(history=100))
        self._answered = b""
        self._section = ""
        self._is_output_due = False
        self.name = path.stem
        self.sections: dict[str, set[str]] = {}
        self.failures: list[tuple[str, str, str]] = []
        for line in expanded(path):
            self._run(line)

    def _run(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        if line.startswith("!"):
            self._section = line[1:].strip()
        elif command in ("INIT", "RESET"):
            if command == "INIT":
                self._size = (80, 25)
            self._engine = self._make(*self._size, EngineOptions(history=100))
        elif command == "PUSH":
            self._engine.feed(unquote(rest))
            self._answered = b"".join(reply.data for reply in self._engine.drain_replies())
            self._is_output_due = True
        elif command == "RESIZE":
            rows, columns = map(int, rest.split(","))
            self._size = (columns, rows)
            self._engine.resize(columns, rows)
        elif command.startswith(_INPUT):
            self._is_output_due = False  # what follows is the encoding of keys and mouse, which is not the engine's
        elif command.startswith(_OBSERVED) and (command != "output" or self._is_output_due):
            self._check(command, line)

    def _check(self, command: str, line: str) -> None:
        question, _, expected = line.partition("=")
        question = question.strip()
        expected = expected.strip()
        if command == "output":
            actual, expected = self._output(line)
        elif command == "putglyph":
            actual, expected = self._glyph(line)
        else:
            actual, expected = self._state(command, question.split(), expected)
        self.sections.setdefault(self._section, set()).add(command)
        if actual != expected:
            self.failures.append((self._section, line, actual))

    def _output(self, line: str) -> tuple[str, str]:
        expected = unquote(line)
        actual = self._answered[: len(expected)]
        self._answered = self._answered[len(expected) :]
        return repr(actual), repr(expected)

    def _glyph(self, line: str) -> tuple[str, str]:
        _, codes, width, place, *_ = line.split()
        row, column = map(int, place.split(","))
        text = "".join(chr(int(code, 16)) for code in codes.split(","))
        cells = self._engine.cells(row)
        shown = 2 if column + 1 < len(cells) and not cells[column + 1].text else 1
        return f"{cells[column].text!a} {shown}", f"{text!a} {width}"

    def _state(self, command: str, words: list[str], expected: str) -> tuple[str, str]:
        engine = self._engine
        if command == "?cursor":
            return f"{engine.cursor.row},{engine.cursor.column}", expected
        if command == "?pen":
            return pen_value(load(engine.checkpoint()).pen, words[1]), expected
        if command == "?lineinfo":
            row = int(words[1])
            return "cont" if row and engine.is_wrapped(row - 1) else "", expected
        if command == "?screen_row":
            return engine.text(int(words[1])), _text(expected)
        area = list(map(int, words[1].split(",")))
        if command in ("?screen_chars", "?screen_text"):
            top, left, bottom, right = area
            rows = ["".join(c.text for c in engine.cells(row)[left:right]).rstrip() for row in range(top, bottom)]
            text = "\n".join(rows)
            if command == "?screen_text":
                codes = [int(code, 16) for code in expected.split(",") if code]
                return text, bytes(codes).decode()
            return text, _text(expected)
        if command == "?screen_cell":
            return _cell(engine, *area), expected
        if command == "?screen_eol":
            row, column = area
            return str(int(not "".join(c.text for c in engine.cells(row)[column:]).strip())), expected
        return "(not read)", "(not read)"


def _text(expected: str) -> str:
    if expected.startswith("0x"):
        return "".join(chr(int(code, 16)) for code in expected.split(","))
    return unquote(expected).decode("latin-1").rstrip()


def pen_value(pen: Pen, attribute: str) -> str:
    """An attribute as libvterm's harness writes it."""
    flags = {"bold": Flag.BOLD, "italic": Flag.ITALIC, "blink": Flag.BLINK, "reverse": Flag.INVERSE}
    if attribute in flags:
        return "on" if pen.flags & flags[attribute] else "off"
    if attribute == "underline":
        return str(pen.underline_style)
    if attribute in ("foreground", "background"):
        color = pen.foreground if attribute == "foreground" else pen.background
        if color is None:
            return "rgb(240,240,240,is_default_fg)" if attribute == "foreground" else "rgb(0,0,0,is_default_bg)"
        return f"idx({color})" if isinstance(color, int) else f"rgb({color[0]},{color[1]},{color[2]})"
    return "(no such attribute)"


_RGB = {None: (240, 240, 240), 1: (224, 0, 0), 2: (0, 224, 0), 3: (224, 224, 0), 4: (0, 0, 224)}


def _cell(engine: Engine, row: int, column: int) -> str:
    cells = engine.cells(row)
    text, pen = cells[column]
    codes = "" if text == " " else ",".join(f"0x{ord(char):02x}" for char in text)
    width = 2 if column + 1 < len(cells) and not cells[column + 1].text else 1
    attributes = "".join(
        mark
        for mark, on in (
            ("B", pen.flags & Flag.BOLD),
            (f"U{pen.underline_style}", pen.flags & Flag.UNDERLINE),
            ("I", pen.flags & Flag.ITALIC),
            ("R", bool(pen.flags & Flag.INVERSE) != engine.modes.reverse_screen),
        )
        if on
    )
    foreground = _RGB[pen.foreground if isinstance(pen.foreground, int) else None]
    background = _RGB[pen.background] if isinstance(pen.background, int) else (0, 0, 0)
    colors = "fg=rgb({},{},{}) bg=rgb({},{},{})".format(*foreground, *background)
    return f"{{{codes}}} width={width} attrs={{{attributes}}} {colors}"
