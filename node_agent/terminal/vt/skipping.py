"""Skipping output a session is far behind with, only where the screen provably comes out the same."""

from __future__ import annotations

from typing import Optional

from node_agent.terminal.vt.terminal import Terminal


def skip(terminal: Terminal, data: bytes, offset: int) -> Optional[int]:
    """As `VtEngine.skip_to_sync`."""
    return None
