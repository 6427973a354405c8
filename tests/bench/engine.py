"""The terminal engine beside stock pyte: processor time, best of three, fed in 16 KiB parts at 80×24.

`create` is the same engine behind an interface of plain values, for suites that know nothing of this project.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version

import pyte

from node_agent.terminal.delta import ScreenReader, screen_delta
from node_agent.terminal.engine import Color, Engine, EngineOptions, Flag
from node_agent.terminal.engines import DEFAULT_ENGINE, PYTE, create_engine
from tests.bench import traffic
from tests.bench.report import Check, Report

COLUMNS, ROWS = 80, 24
PART = 16 * 1024
REPEATS = 3
FLOOR = 0.5
"""Megabytes a second that no input may fall below."""

STOCK_SAMPLE = 150_000
"""Bytes stock pyte is given: it takes long enough with these."""

MIXES: list[tuple[str, Callable[[], bytes | None], float]] = [
    ("plain log", traffic.plain_log, 50),
    ("lines ended by CR CR LF", traffic.twice_returned_log, 40),
    ("yes", traffic.yes, 40),
    ("one line at a time", traffic.plain_log, 10),
    ("bare line feeds", traffic.bare_line_feeds, 5),
    ("tabs", traffic.tabs, 5),
    ("coloured log", traffic.colored_log, 5),
    ("vim, recorded", traffic.recorded_vim, 6),
    ("agent redraws, made up", traffic.agent_redraws, 6),
    ("three agents, recorded", traffic.recorded_agents, 6),
    ("full-screen updates", traffic.full_screen_updates, 1),
    ("dense colour", traffic.dense_color, 3),
    ("wide text", traffic.wide_text, 2),
    ("wide text, never the same", traffic.fresh_wide_text, 2),
]


class PlainTerminal:
    """The shipped default engine in plain values."""

    def __init__(self, columns: int, rows: int, history: int) -> None:
        self._engine: Engine = create_engine(DEFAULT_ENGINE, columns, rows, EngineOptions(history=history))

    def feed(self, data: bytes) -> None:
        """Interpret output."""
        self._engine.feed(data)

    def text(self) -> list[str]:
        """One string a row, a wide character once."""
        return [self._engine.text(row) for row in range(self._engine.rows)]

    def cells(self, row: int) -> list[tuple[str, Color, Color, bool, bool, bool, bool, bool, bool, bool]]:
        """Text, foreground, background, bold, dim, italic, underline, inverse, hidden, strike of every column."""
        flags = (Flag.BOLD, Flag.DIM, Flag.ITALIC, Flag.UNDERLINE, Flag.INVERSE, Flag.HIDDEN, Flag.STRIKE)
        result = []
        for text, pen in self._engine.cells(row):
            bold, dim, italic, underline, inverse, hidden, strike = (bool(pen.flags & flag) for flag in flags)
            colors = (pen.foreground, pen.background)
            result.append((text, *colors, bold, dim, italic, underline, inverse, hidden, strike))
        return result

    def cursor(self) -> tuple[int, int]:
        """Row and column from 0."""
        cursor = self._engine.cursor
        return cursor.row, cursor.column

    def replies(self) -> bytes:
        """Answers to queries since the last call."""
        return b"".join(reply.data for reply in self._engine.drain_replies())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size."""
        self._engine.resize(columns, rows)


def create(columns: int, rows: int, history: int = 1000) -> PlainTerminal:
    """The shipped default engine."""
    return PlainTerminal(columns, rows, history)


def _parts(data: bytes, by_line: bool) -> list[bytes]:
    if by_line:
        return data.splitlines(keepends=True)
    return [data[start : start + PART] for start in range(0, len(data), PART)]


def _seconds(make: Callable[[], Callable[[bytes], object]], parts: list[bytes]) -> float:
    """Processor seconds a byte of one run."""
    feed = make()
    start = time.process_time()
    for part in parts:
        feed(part)
    return (time.process_time() - start) / sum(map(len, parts))


def _speed(make: Callable[[], Callable[[bytes], object]], parts: list[bytes]) -> float:
    """Megabytes a second of processor time, the best of some runs."""
    return 1e-6 / min(_seconds(make, parts) for _ in range(REPEATS))


def _ours(name: str = DEFAULT_ENGINE) -> Callable[[], Callable[[bytes], object]]:
    return lambda: create_engine(name, COLUMNS, ROWS).feed


def _stock() -> Callable[[bytes], object]:
    stream: Callable[[bytes], object] = pyte.ByteStream(pyte.Screen(COLUMNS, ROWS)).feed
    return stream


def _beside_pyte(data: bytes, by_line: bool) -> tuple[float, float, str]:
    """Megabytes a second of ours and of pyte, and which pyte; in turns, so that a slow moment strikes both."""
    parts, sample = _parts(data, by_line), _parts(data[:STOCK_SAMPLE], by_line)
    peer, which = _stock, "stock"
    try:
        _seconds(peer, sample)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        peer, which = _ours(PYTE), f"hardened; stock raises {type(error).__name__}"
    runs = [(_seconds(_ours(), parts), _seconds(peer, sample)) for _ in range(REPEATS)]
    ours, theirs = (1e-6 / min(run[side] for run in runs) for side in (0, 1))
    return ours, theirs, which


def _frame_cost() -> float:
    """Share of a core for 100 sessions of agent-like output at 10 frames a second, deltas included."""
    sessions = 100
    source = random.Random(8)
    engines = [create_engine(DEFAULT_ENGINE, COLUMNS, ROWS) for _ in range(sessions)]
    for engine in engines:
        engine.feed(b"\r\n" * 8)
    readers = [ScreenReader(engine) for engine in engines]
    acknowledged = [reader.read() for reader in readers]
    best = float("inf")
    for second in range(REPEATS):
        frames = [traffic.agent_frame(source, second * 10 + tick) for tick in range(10)]
        start = time.process_time()
        for frame in frames:
            for index, engine in enumerate(engines):
                engine.feed(frame)
                model = readers[index].read()
                screen_delta(acknowledged[index], model)
                acknowledged[index] = model
        best = min(best, time.process_time() - start)
    return best


def _history_size() -> float:
    """Megabytes of 1000 rows of coloured history."""
    data = traffic.colored_log()[:200_000]
    create_engine(DEFAULT_ENGINE, COLUMNS, ROWS).feed(data)  # what sessions share is there already
    tracemalloc.start()
    engine = create_engine(DEFAULT_ENGINE, COLUMNS, ROWS)
    engine.feed(data)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert engine.history_length == EngineOptions().history
    return size / 1e6


def measure() -> Report:
    """Run the bench."""
    rows: list[list[str]] = []
    checks: list[Check] = []
    for name, make, promised in MIXES:
        data = make()
        if data is None:
            rows.append([name, "", "", "", "not here"])
            continue
        by_line = name == "one line at a time"
        ours, peer, which = _beside_pyte(data, by_line)
        rows.append([name, f"{ours:.1f}", f"{peer:.2f}", f"{ours / peer:.1f} ×", which])
        checks.append(Check(f"{name} at least {promised} ×: {ours / peer:.1f} ×", ours / peer >= promised))
    for name, data in traffic.floods().items():
        speed = _speed(_ours(), _parts(data, by_line=False))
        rows.append([f"flood: {name}", f"{speed:.2f}", "", "", ""])
        checks.append(Check(f"{name} flood at least {FLOOR} MB/s: {speed:.2f}", speed >= FLOOR))
    share = _frame_cost()
    checks.append(Check(f"100 agents at 10 frames a second at most 12 % of a core: {share:.1%}", share <= 0.12))
    size = _history_size()
    checks.append(Check(f"1000 rows of coloured history at most 0.6 MB: {size:.2f} MB", size <= 0.6))
    return Report(
        "Terminal engine",
        f"{traffic.SIZE // 1_000_000} MB of each at {COLUMNS}×{ROWS} in 16 KiB parts beside pyte {version('pyte')}"
        f" on {STOCK_SAMPLE // 1000} kB; processor time, best of {REPEATS}.",
        ("input", "vt MB/s", "pyte MB/s", "ratio", "pyte is"),
        rows,
        tuple(checks),
    )
