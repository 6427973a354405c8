"""A program that is run for what it prints: its words, its end, and that none outlives who asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from relaytui.link.program import Printed, run_program


class Held:
    """A pipe that a program holds open for as long as it runs."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.command = ("sh", "-c", 'exec sleep 60 > "$0"', str(path))
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def is_held(self) -> bool:
        try:
            os.read(self._end, 1)  # b"" where nobody can write
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        os.close(self._end)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    held = Held(tmp_path / "pipe")
    yield held
    held.close()


async def test_what_it_printed_is_told_with_its_exit_code() -> None:
    assert await run_program("sh", "-c", "echo out; echo err >&2; exit 3", limit=20.0) == Printed(3, "out\n", "err\n")


@pytest.mark.parametrize(
    ("errors", "complaint"),
    [("", "exit code 4"), ("a warning\nno such host\n", "no such host"), ("\x1b[31mred\n", "␛[31mred")],
)
def test_a_complaint_is_the_last_line_fit_to_be_shown(errors: str, complaint: str) -> None:
    assert Printed(4, "ignored", errors).complaint == complaint


async def test_one_that_takes_too_long_is_killed(held: Held) -> None:
    with pytest.raises(TimeoutError):
        await run_program(*held.command, limit=0.5)
    assert not held.is_held


async def test_it_ends_with_the_caller_that_is_cancelled(held: Held) -> None:
    asking = asyncio.create_task(run_program(*held.command, limit=60.0))
    async with asyncio.timeout(20):
        while not held.is_held:  # noqa: ASYNC110 - another program opens it
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not held.is_held
