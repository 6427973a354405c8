"""Schedules: cron expressions, with the semantics of Debian's cron, also where clocks change for summer time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cronsim import CronSim, CronSimError


class ScheduleError(ValueError):
    """A cron expression cannot be read; one line."""


def parse_schedule(expression: str) -> str:
    """The expression, checked; raises ScheduleError."""
    due_times(expression, datetime(2000, 1, 1).astimezone())
    return expression


def due_times(expression: str, after: datetime) -> Iterator[datetime]:
    """When the schedule is due, from the first minute after `after` (which must be aware of its zone)."""
    try:
        return CronSim(expression, after)
    except CronSimError as error:
        raise ScheduleError(
            f"{expression!r} is no cron expression ({error}); five fields: minute hour day month weekday"
        ) from error


def last_due(expression: str, after: datetime, now: datetime) -> datetime | None:
    """The latest due time in (after, now], or None: however long the hub slept, a schedule runs once."""
    latest = None
    for due in due_times(expression, after):
        if due > now:
            return latest
        latest = due
    return latest
