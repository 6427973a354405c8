"""`session.logs`: history and screen as lines."""

from __future__ import annotations

import asyncio
from typing import Any, List, Optional, Tuple

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.live_session import LiveSession
from node_agent.protocol.logs import LogLines, ReadLogs
from node_agent.terminal.engine import Engine
from node_agent.terminal.rows import row_spans

CATCH_UP_LIMIT = 1.0
"""Seconds to wait for a screen that is behind its journal; after that the lines are marked as catching up."""

CATCH_UP_POLL = 0.005


async def handle(context: Context, client: Connection, request: ReadLogs) -> LogLines:
    session = context.agent.session(request.session)
    await _catch_up(session)
    engine = session.emulation.engine
    is_alternate = engine.modes.alternate_screen
    rows = _rows(engine, request.color, with_history=not is_alternate)
    lines, spans = _join(rows)
    while lines and not lines[-1].strip():
        lines.pop()
        spans.pop()
    tail: Optional[int] = request.tail
    if tail is not None:
        start = max(0, len(lines) - max(0, tail))
        lines, spans = lines[start:], spans[start:]
    return LogLines(
        tuple(lines),
        tuple(spans) if request.color else (),
        engine.offset,
        is_alternate,
        session.model.catching_up and not session.model.has_ended,
    )


async def _catch_up(session: LiveSession) -> None:
    """Have the lines hold what was printed before they were asked for, if that is soon."""
    head = session.model.head
    deadline = asyncio.get_running_loop().time() + CATCH_UP_LIMIT
    while session.emulation.offset < head and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - bounded
        await asyncio.sleep(CATCH_UP_POLL)


_Row = Tuple[str, bool, List[Any]]
"""Text, whether the next row continues it, and its spans."""


def _rows(engine: Engine, color: bool, with_history: bool) -> List[_Row]:
    rows: List[_Row] = []
    if with_history:
        for index, line in enumerate(engine.history(0, engine.history_length)):
            spans = list(row_spans(engine.history_cells(index))) if color else []
            rows.append((line.text, line.wrapped, spans))
    for row in range(engine.rows):
        spans = list(row_spans(engine.cells(row))) if color else []
        rows.append((engine.text(row), engine.is_wrapped(row), spans))
    return rows


def _join(rows: List[_Row]) -> Tuple[List[str], List[List[Any]]]:
    """Rows as lines: what the terminal wrapped is joined again."""
    lines: List[str] = []
    spans: List[List[Any]] = []
    continues = False
    for text, is_wrapped, row in rows:
        if continues:
            lines[-1] += text
            spans[-1] += row
        else:
            lines.append(text)
            spans.append(list(row))
        continues = is_wrapped
    return lines, spans
