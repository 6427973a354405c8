"""A session whose output stops inside a sequence is saved, and taken up again, like any other."""

from __future__ import annotations

from node_agent.io.checkpoints import load_screen
from node_agent.io.screens import SAVE_BYTES
from node_agent.protocol.frames import FrameType
from tests.harness import Node
from tests.waiting import eventually


async def test_a_session_that_never_ends_a_sequence_is_saved_and_goes_on_in_the_next_agent(node: Node) -> None:
    client = await node.connect()
    flood = f"head -c {SAVE_BYTES + 100_000} /dev/zero | tr '\\0' x"
    session = await client.start(
        "sh", "-c", f"stty -echo; printf 'before\\033P'; {flood}; read x; printf '\\033\\\\after'; read x"
    )
    directory = node.paths.sessions / session.id
    saved = await eventually(lambda: load_screen(directory))
    assert saved is not None
    assert saved.checkpoint["offset"] == len("before")
    await node.kill_agent()
    await node.serving()
    again = await node.connect()
    screen = await again.watch(session.id)
    await again.until(lambda: "before" in screen.text)
    stream = await again.open_bytes(session.id, "attach")
    await again.until(lambda: stream.of(FrameType.SNAPSHOT))
    again.type(stream, 1, b"\r")
    await again.until(lambda: "beforeafter" in screen.text)
