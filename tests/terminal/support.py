"""What tests of the terminal share: a comparable picture of an engine, recordings, and a generator of traffic."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.terminal.checkpoint import ScreenState, TerminalState, load
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Engine
from node_agent.terminal.packed import PackedRow, unpack_cells

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
OF_AGENTS = ("claude", "codex", "opencode")
OF_PROGRAMS = tuple(sorted(path.stem for path in (Path(__file__).parent / "recordings").glob("*.raw")))
"""Recordings that `record.py` made, 80×24; those of real coding agents, 110×40, are not part of the repository."""

CLUSTERS = [
    "é",
    "漢",
    "字",
    "e\u0301",
    "⚠\ufe0f",
    "✔",
    "👩\u200d🚀",
    "🎉",
    "👍🏽",
    "🇺🇸",
    "\u0301",
    "\ufe0f",
    "\u200d",
    "ﬀ",
    "\xad",
]
FINALS = "@ABCDEFGHIJKLMPSTXZ^`abdefgjkrstuhl"
PRIVATE_MODES = [1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 69, 1000, 1003, 1004, 1006, 1047, 1048, 1049, 2004, 2026, 9999]
SINGLE = [
    *("\r", "\n", "\r\n", "\b", "\t", "\a", "\x0e", "\x0f", "\x00", "\x7f", "\x18", "\x1a", "\x1b", "\x0b"),
    *("\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bM", "\x1bH", "\x1bN", "\x1bO", "\x1bZ", "\x1bc", "\x1b=", "\x1b>"),
    *("\x1b#8", "\x1b(0", "\x1b(B", "\x1b)0", "\x1b*A", "\x1bn", "\x1bo", "\x1b~", "\x1b[!p", '\x1b[1"q', '\x1b[0"q'),
    *(
        "\x1b[?J",
        "\x1b[?1K",
        "\x1b[4h",
        "\x1b[4l",
        "\x1b[20h",
        "\x1b[20l",
        "\x1b[5'}",
        "\x1b[2'~",
        "\x1b[2 @",
        "\x1b[ A",
        "\x1b6",
        "\x1b9",
        "\x1b[?5W",
        "\x1b[>1u",
        "\x1b[<u",
    ),
    *("\x1b[=5;2u", "\x1b[>4;2m", "\x1b[3 q", "\x1b[c", "\x1b[6n", "\x1b[?6$p", "\x1bP$qm\x1b\\", "\x1b[?u", "\x1b[>q"),
    *("\x1b]0;title\a", "\x1b]8;;http://x/\x1b\\", "\x1b]8;;\x1b\\", "\x1b]133;A\a", "\x1b]9;4;1;50\a", "\x1b]11;?\a"),
    *(
        "\x1b]52;c;YQ==\a",
        "\x1b_apc\x1b\\",
        "\x1bPdcs\x1b\\",
        "\x1b]unterminated",
        "\x1b[12;",
        "\x1b[1\n2A",
        "\x1b[22t",
        "\x1b[23t",
    ),
]


def recorded(*names: str) -> list[Any]:
    """Parameters for a test of these recordings; an agent's is skipped where it is not beside the checkout."""
    missing = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of agents are not beside the checkout")
    return [pytest.param(name, marks=[missing] if name in OF_AGENTS else []) for name in names]


def recording(name: str) -> tuple[bytes, int, int]:
    """What a program printed, and on how many columns and rows."""
    if name in OF_AGENTS:
        return (RECORDINGS / f"{name}.raw").read_bytes(), 110, 40
    return (Path(__file__).parent / "recordings" / f"{name}.raw").read_bytes(), 80, 24


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """`data` in parts of `size` bytes."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def traffic(source: random.Random, pieces: int, columns: int = 80, rows: int = 24) -> bytes:
    """Random output of everything a terminal understands, and of what it does not."""
    parts: list[str | bytes] = []
    for _ in range(pieces):
        kind = source.random()
        if kind < 0.30:
            parts.append("".join(source.choices("abcdefgh XYZ0123456789#~", k=source.randint(1, 30))))
        elif kind < 0.34:
            parts.append("x" * source.randint(1, columns * 2))
        elif kind < 0.44:
            parts.append("".join(source.choices(CLUSTERS, k=source.randint(1, 4))))
        elif kind < 0.60:
            count = source.choice([0, 1, 1, 1, 2])
            numbers = [
                source.choice(["", str(source.randint(0, rows + 3)), str(source.randint(0, columns + 9))])
                for _ in range(count)
            ]
            parts.append(f"\x1b[{';'.join(numbers)}{source.choice(FINALS)}")
        elif kind < 0.72:
            parts.append(
                f"\x1b[{source.choice(['', '0', '1', '7', '4:3', '31', '48;5;9', '38;2;1;2;3', '58:5:7', '0;1;44'])}m"
            )
        elif kind < 0.80:
            parts.append(f"\x1b[?{source.choice(PRIVATE_MODES)}{source.choice('hlsr')}")
        elif kind < 0.96:
            parts.append(source.choice(SINGLE))
        elif kind < 0.98:
            end = source.choice(["\r\n", "\r\n", "\r\r\n"])
            parts.append("".join(f"{'line' * source.randint(0, 25)}{n}{end}" for n in range(source.randint(4, 60))))
        else:
            parts.append(source.randbytes(source.randint(1, 12)))
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def picture(engine: Engine) -> dict[str, Any]:
    """Everything that can be told about a terminal at a boundary, in a form that engines can share."""
    return state_picture(load(engine.checkpoint()))


def state_picture(state: TerminalState) -> dict[str, Any]:
    """A state with its rows as cells, however they were packed."""
    result = dict(vars(state))
    result["main"] = _screen(state.main)
    result["alternate"] = _screen(state.alternate)
    result["history"] = [_row(row) for row in state.history]
    return result


def _screen(screen: ScreenState) -> dict[str, Any]:
    return {**vars(screen), "rows": [_row(row) for row in screen.rows]}


def _row(row: PackedRow) -> tuple[list[Cell], bool]:
    cells = unpack_cells(row)
    while cells and cells[-1] == (" ", DEFAULT_PEN):
        cells.pop()
    return cells, row.wrapped


def check_rows(engine: Engine) -> None:
    """Assert what holds for every row: its width, whole characters, text as in the cells; and that checkpoints load."""
    stamps = engine.stamps()
    assert len(stamps) == engine.rows
    for y in range(engine.rows):
        cells = engine.cells(y)
        assert len(cells) == engine.columns
        assert "".join(cell.text for cell in cells).rstrip(" ") == engine.text(y)
        assert cells[0].text != ""
        assert all(len(cell.text) <= 64 for cell in cells)
    if engine.at_boundary:
        load(engine.checkpoint())
    cursor = engine.cursor
    assert 0 <= cursor.row < engine.rows
    assert 0 <= cursor.column < engine.columns
    assert len(engine.drain_events()) <= 256
    assert len(engine.drain_replies()) <= 128


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """The names under which two pictures differ."""
    return [name for name in first if first[name] != second[name]]
