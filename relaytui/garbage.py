"""How often Python looks for garbage in a process of the operator's."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 20
"""Thresholds of the three generations, as `gc.set_threshold` takes them."""


def collect_rarely() -> None:
    """Look for reference cycles less often; for the whole process.

    Importing Textual and asyncssh makes hundreds of thousands of objects that stay, a frame of many tiles thousands of
    strips and segments that are gone with the next, and next to none of them are in cycles. With Python's own
    thresholds the search takes a tenth of the start and a sixth of a frame.
    """
    gc.set_threshold(YOUNG, MIDDLE, OLD)
