"""Keeps the node sending what is in sight, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from relaytui.fleet.keys import SessionKey
from relaytui.screens.source import FleetSource

AT_ONCE = 0.0


class Watcher:
    """Watches the screens in sight: those in focus at once, the others at the pace of the clock."""

    def __init__(self, source: FleetSource, interval: float) -> None:
        self._source = source
        self._interval = interval
        self._watched: dict[SessionKey, float] = {}

    def look_at(self, keys: Iterable[SessionKey], *focus: SessionKey | None) -> None:
        """From now on these are in sight, those in `focus` at once."""
        wanted = {key: AT_ONCE if key in focus else self._interval for key in keys}
        for key in self._watched.keys() - wanted.keys():
            self._source.unwatch(key)
        for key, interval in wanted.items():
            if key not in self._watched:
                self._source.watch(key, interval)
            elif self._watched[key] != interval:
                self._source.tune(key, interval)
        self._watched = wanted
