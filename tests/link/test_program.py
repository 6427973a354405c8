"""A program that is run for what it prints: its words, its end, and that none outlives who asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relaytui.link.program import Printed, run_program
from tests.held import held_pipe
from tests.waiting import eventually

_HANGS = ("sh", "-c", 'exec sleep 60 > "$0"')


async def test_what_it_printed_is_told_with_its_exit_code() -> None:
    assert await run_program("sh", "-c", "echo out; echo err >&2; exit 3", limit=20.0) == Printed(3, "out\n", "err\n")


@pytest.mark.parametrize(
    ("errors", "complaint"),
    [("", "exit code 4"), ("a warning\nno such host\n", "no such host"), ("\x1b[31mred\n", "␛[31mred")],
)
def test_a_complaint_is_the_last_line_fit_to_be_shown(errors: str, complaint: str) -> None:
    assert Printed(4, "ignored", errors).complaint == complaint


async def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    with held_pipe(tmp_path) as pipe:
        with pytest.raises(TimeoutError):
            await run_program(*_HANGS, pipe.path, limit=0.5)
        assert not pipe.is_held


async def test_it_ends_with_the_caller_that_is_cancelled(tmp_path: Path) -> None:
    with held_pipe(tmp_path) as pipe:
        asking = asyncio.create_task(run_program(*_HANGS, pipe.path, limit=60.0))
        await eventually(lambda: pipe.is_held)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not pipe.is_held
