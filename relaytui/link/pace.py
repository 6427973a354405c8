"""When to try again. Sans-IO."""

from __future__ import annotations

import random

SOON = (0.8, 1.3)
"""Seconds between tries while the outage is young, drawn anew each time so that links do not march in step."""

LATER = 15.0
PATIENCE = 600.0
"""Seconds of outage after which tries become rare."""


def next_delay(outage: float, rng: random.Random) -> float:
    """Seconds from one try's start to the next one's, `outage` seconds after the node was last heard."""
    return rng.uniform(*SOON) if outage < PATIENCE else LATER
