"""Which terminal engines there are, and how one is made or brought back."""

from __future__ import annotations

from typing import Optional

from node_agent.terminal.checkpoint import load
from node_agent.terminal.engine import Checkpoint, Engine, EngineOptions
from node_agent.terminal.vt.engine import VtEngine

VT = "vt"
DEFAULT_ENGINE = VT


def create_engine(
    name: str = DEFAULT_ENGINE, columns: int = 80, rows: int = 24, options: Optional[EngineOptions] = None
) -> Engine:
    """A new terminal of `columns` x `rows`; raises ValueError for an unknown engine."""
    _check(name)
    return VtEngine(columns, rows, options)


def restore_engine(name: str, checkpoint: Checkpoint, options: Optional[EngineOptions] = None) -> Engine:
    """A terminal in the state of `checkpoint`, whichever engine wrote it.

    Raises ValueError for an unknown engine and for what is not a checkpoint.
    """
    _check(name)
    return VtEngine.restore(load(checkpoint), options)


def _check(name: str) -> None:
    if name != VT:
        raise ValueError(f"no terminal engine named {name!r}")
