"""Zoom and split: keys go to the session, the prefix is ours, nothing typed blind is sent later."""

from __future__ import annotations

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sending import Chunk, SendInput
from relaytui.fleet.status import NodeState
from relaytui.widgets.tile import Tile
from tests.console.driver import Operator, at_console, widget_lines
from tests.console.scripted import ScriptedSource, confirm

PREFIX = "ctrl+right_square_bracket"


def two() -> ScriptedSource:
    source = ScriptedSource("local", "gpu-box")
    source.session("local/a1", "editor", lines=["$ "])
    source.session("gpu-box/b2", "train", lines=["epoch 1"])
    return source


def typed(source: ScriptedSource, session: str = "a1") -> list[str]:
    """The keys a session was sent, in order, pastes in brackets."""
    sent = [r for _, r in source.requests if isinstance(r, SendInput) and r.session == session]
    chunks: list[Chunk] = [chunk for request in sent for chunk in request.chunks]
    return [chunk.key or f"[{chunk.text}]" for chunk in chunks]


async def settled(operator: Operator, count: int, session: str = "a1") -> list[str]:
    await operator.until(lambda: len(typed(operator.source, session)) >= count)
    return typed(operator.source, session)


async def test_every_key_goes_to_the_session_by_its_name() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z", *"qn:", "space", "escape", "tab", "shift+tab", "ctrl+c", "up", "f5", "enter")
        assert operator.screen_name == "TypingScreen"
        assert await settled(operator, 11) == [
            "q", "n", ":", "space", "escape", "tab", "shift+tab", "ctrl+c", "up", "f5", "enter",
        ]  # fmt: skip  # the keys as they were pressed, in one row


async def test_the_prefix_is_ours_and_twice_is_the_sessions() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z", PREFIX)
        assert operator.sees("d leave")
        await operator.press(PREFIX)
        assert await settled(operator, 1) == [PREFIX]
        await operator.press(PREFIX, "w")
        assert operator.message == "w is no command; ctrl+] ? lists them"
        await operator.press(PREFIX, "d")
        assert operator.screen_name == "GridScreen"
        assert typed(source) == [PREFIX]


async def test_a_configured_prefix_replaces_the_default() -> None:
    source = two()
    async with at_console(source, prefix="ctrl+a") as operator:
        await operator.press("z", PREFIX, "ctrl+a", "d")
        assert operator.screen_name == "GridScreen"
        assert await settled(operator, 1) == [PREFIX]


async def test_a_paste_is_a_paste() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z")
        from textual.events import Paste

        operator.console.screen.post_message(Paste("two\nlines"))
        assert await settled(operator, 1) == ["[two\nlines]"]


async def test_keys_typed_while_the_node_is_away_are_discarded() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z", "a")
        await settled(operator, 1)
        source.link("local", NodeState.STALE, error="no answer to ping")
        await operator.press("b")
        assert operator.message == "local cannot be reached; the key was discarded"
        source.link("local", NodeState.CONNECTED)
        await operator.press("c")
        assert await settled(operator, 2) == ["a", "c"]


async def test_who_has_the_keyboard_is_said_and_can_be_replaced() -> None:
    source = two()
    source.replies = lambda node, request: RequestError(ErrorCode.LEASE_HELD, "ann types into a1")
    async with at_console(source) as operator:
        await operator.press("z", "a")
        await operator.until(lambda: "ann types into a1" in operator.message)
        assert "prefix t takes it over" in operator.message
        source.replies = lambda node, request: None
        await operator.press(PREFIX, "t", "b")
        await settled(operator, 2)
        request = source.requests[-1][1]
        assert isinstance(request, SendInput)
        assert request.steal


async def test_split_types_into_one_of_several() -> None:
    source = two()
    async with at_console(source, size=(160, 40)) as operator:
        await operator.press("|", "down", "space", "enter")
        assert operator.screen_name == "TypingScreen"
        panes = list(operator.console.screen.query(Tile))
        assert [pane.view.key for pane in panes if pane.view] == ["local/a1", "gpu-box/b2"]
        assert set(source.watched.values()) == {0.0}
        await operator.press("a", PREFIX, "tab", "b", PREFIX, "1", "c")
        assert await settled(operator, 2) == ["a", "c"]
        assert typed(source, "b2") == ["b"]


async def test_panes_show_changes_at_once() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z")
        source.draw("local/a1", ["$ make", "done"])
        await operator.pilot.pause()
        assert "│done " in "\n".join(widget_lines(operator.console.screen.query_one(Tile)))


async def test_a_session_that_goes_ends_its_zoom() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z")
        source.gone("local/a1")
        await operator.until(lambda: operator.screen_name == "GridScreen")


async def test_asks_are_answered_from_a_zoom_on_the_operators_word_alone() -> None:
    source = two()
    async with at_console(source) as operator:
        await operator.press("z")
        source.session("local/a1", "editor", ask=confirm())
        await operator.press("y")
        assert await settled(operator, 1) == ["y"]
        await operator.press(PREFIX, "space")
        assert operator.screen_name == "AnswerScreen"
        await operator.press("escape", PREFIX, "d")
        assert operator.screen_name == "GridScreen"
        assert set(map(str, source.watched)) == set(operator.tiles())
