"""Which terminal engines there are, and how one is made or brought back."""

from __future__ import annotations

from typing import Dict, Optional, Type, Union

from node_agent.terminal.checkpoint import load
from node_agent.terminal.engine import Checkpoint, Engine, EngineOptions
from node_agent.terminal.pyte_engine import PyteEngine
from node_agent.terminal.vt.engine import VtEngine

VT = "vt"
PYTE = "pyte"
DEFAULT_ENGINE = VT

_ENGINES: Dict[str, Union[Type[VtEngine], Type[PyteEngine]]] = {VT: VtEngine, PYTE: PyteEngine}


def create_engine(
    name: str = DEFAULT_ENGINE, columns: int = 80, rows: int = 24, options: Optional[EngineOptions] = None
) -> Engine:
    """A new terminal of `columns` x `rows`; raises ValueError for an unknown engine."""
    return _find(name)(columns, rows, options)


def restore_engine(name: str, checkpoint: Checkpoint, options: Optional[EngineOptions] = None) -> Engine:
    """A terminal in the state of `checkpoint`, whichever engine wrote it.

    Raises ValueError for an unknown engine and for what is not a checkpoint.
    """
    return _find(name).restore(load(checkpoint), options)


def _find(name: str) -> Union[Type[VtEngine], Type[PyteEngine]]:
    if name not in _ENGINES:
        raise ValueError(f"no terminal engine named {name!r}; there are {', '.join(_ENGINES)}")
    return _ENGINES[name]
