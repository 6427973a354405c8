"""A question after a flood: what the screen is behind with is said, and drawn to its end.

`python -m tests.bench backlog` measures how soon, after 200 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import traffic
from tests.client import Client

QUESTION = "Proceed with it? (y/n)"


@pytest.mark.parametrize(
    ("block", "times", "falls_behind"), [(traffic.plain_log, 16, False), (traffic.dense_color, 2, True)]
)
async def test_a_question_after_a_flood_is_shown(
    client: Client, tmp_path: Path, block: Callable[[], bytes], times: int, falls_behind: bool
) -> None:
    flood = tmp_path / "flood"
    flood.write_bytes(block().replace(b"\r\n", b"\n") * times)
    session = await client.start("sh", "-c", f"read go; cat {flood}; printf '\\033[m{QUESTION} '; read answer")
    screen = await client.watch(session.id)
    stream = await client.open_bytes(session.id, "attach", window=1 << 16)
    client.type(stream, 1, b"\r")
    client.end(stream)
    was_behind = False

    def is_asked() -> bool:
        nonlocal was_behind
        was_behind |= client.sessions[session.id].catching_up
        return QUESTION in screen.text

    await client.until(is_asked, 60)
    await client.until(lambda: not client.sessions[session.id].catching_up)
    assert was_behind or not falls_behind  # plain lines may be drawn as fast as they come
