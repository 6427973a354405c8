"""The user's rule files: read when they change, for sessions that already run."""

from __future__ import annotations

from pathlib import Path

from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.states import AskKind
from tests.harness import running_node
from tests.waiting import eventually

TWICE = "for n in range(2): input('Name the turtle: ')"
RULE = """
[[program]]
name = "turtles"
commands = ["python*"]
[[program.rule]]
id = "naming"
state = "asking"
match = "Name the turtle"
kind = "login"
"""


async def test_a_changed_rule_reaches_a_session_that_runs(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    async with running_node(tmp_path, env={"RELAY_RULES_DIR": str(rules)}) as node:
        client = await node.connect()
        session = await client.start("python3", "-c", TWICE)
        first = await client.until(lambda: client.sessions[session.id].ask, 20)
        assert first.kind is AskKind.TEXT
        (rules / "turtles.toml").write_text(RULE)
        (rules / "broken.toml").write_text("[[program]")
        await eventually(lambda: "broken.toml" in node.log())
        await client.request(SendInput(session.id, "answer", (Chunk(text="Ada"), Chunk(key="enter"))))

        def second() -> AskKind | None:
            ask = client.sessions[session.id].ask
            return ask.kind if ask is not None and ask.id != first.id else None

        assert await client.until(second, 20) is AskKind.LOGIN
