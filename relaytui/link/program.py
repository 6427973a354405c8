"""Programs of this machine that are run for what they print, within a time. It knows nothing of why they are asked."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from node_agent.terminal.sanitise import sanitise

_MOST_SAID = 200


class Printed(NamedTuple):
    """What a program left when it ended."""

    status: int
    output: str
    errors: str

    @property
    def complaint(self) -> str:
        """Its last line on stderr, or else its exit code."""
        lines = self.errors.strip().splitlines()
        return sanitise(lines[-1], _MOST_SAID) if lines else f"exit code {self.status}"


async def run_program(*command: str, limit: float, own_session: bool = False) -> Printed:
    """Run a program with no input to its end.

    With `own_session` Ctrl+C in our terminal does not reach it. Raises OSError where it cannot be started and
    TimeoutError when it runs for over `limit` seconds; it is killed then, as it is when the caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=own_session,
    )
    try:
        async with asyncio.timeout(limit):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Printed(process.returncode or 0, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))
