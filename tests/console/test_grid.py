"""The grid as an operator meets it: what it shows, what keys do, what it never does."""

from __future__ import annotations

import pytest

from node_agent.protocol.entities import ExitInfo, LeaseInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.sending import SendInput
from node_agent.protocol.sessions import KillSession, RemoveSession, StopSession
from node_agent.protocol.states import Attention, SessionState
from relaytui.console import Console
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState
from relaytui.widgets.grid import TileGrid
from tests.console.driver import at_console
from tests.console.scripted import ScriptedSource, choice, confirm


def key(name: str) -> SessionKey:
    node, _, session = name.partition("/")
    return SessionKey(node, SessionId(session))


def three() -> ScriptedSource:
    source = ScriptedSource("local", "gpu-box")
    source.session("local/a1", "editor", Attention.IDLE, lines=["$ ls", "README.md", "$ "])
    source.session("local/b2", "build", lines=["compiling 1", "compiling 2"])
    source.session("gpu-box/c3", "train", lines=["epoch 1"])
    return source


async def test_a_tile_shows_the_sessions_own_screen() -> None:
    async with at_console(three()) as operator:
        lines = operator.tile_lines("local/b2")
        assert lines[1].startswith("│compiling 1 ")
        assert lines[2].startswith("│compiling 2 ")
        assert "▶ working ─ local/b2 ─ build" in lines[0]


async def test_changed_rows_are_drawn_at_the_next_frame() -> None:
    source = three()
    async with at_console(source) as operator:
        source.draw("local/b2", ["compiling 3"], first=2)
        await operator.look()
        assert operator.tile_lines("local/b2")[3].startswith("│compiling 3 ")
        assert operator.tile_lines("local/b2")[1].startswith("│compiling 1 ")


async def test_an_asking_session_has_a_heavy_border_and_its_word() -> None:
    source = three()
    async with at_console(source) as operator:
        source.session("local/b2", "build", ask=confirm())
        await operator.look()
        lines = operator.tile_lines("local/b2")
        assert lines[0].startswith("┏ ◆ asking ━ local/b2")
        assert lines[-1].startswith("┗")
        assert "◆ 1 asking" in operator.lines[0]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"exited": ExitInfo(0)}, "✓ done"),
        ({"exited": ExitInfo(3)}, "✗ failed 3"),
        ({"exited": ExitInfo(signal=9)}, "✗ killed KILL"),
        ({"attention": Attention.UNKNOWN}, "? unknown"),
        ({"attention": Attention.IDLE}, "· idle"),
        ({"state": SessionState.LOST, "exited": None}, "↯ lost"),
        ({"lease": LeaseInfo("ann@desk")}, "ann@desk types"),
        ({"catching_up": True}, "catching up"),
    ],
)
async def test_every_state_is_a_symbol_and_a_word(fields: dict[str, object], word: str) -> None:
    source = ScriptedSource()
    source.session("local/a1", "x", **fields)  # type: ignore[arg-type]  # the table names fields of a session
    async with at_console(source) as operator:
        assert word in "\n".join(operator.tile_lines("local/a1"))


async def test_what_a_lost_node_showed_is_dimmed_and_dated() -> None:
    source = three()
    async with at_console(source) as operator:
        source.link(
            "gpu-box", NodeState.LOST, since=source.time - 9, error="no answer to ping", next_try=source.time + 4
        )
        await operator.look()
        assert "↯ lost 9 s" in operator.tile_lines("gpu-box/c3")[0]
        faded = operator.console.context.look.theme.color("lost")
        colors = {s.style.color.name for s in operator.tile_segments("gpu-box/c3", 1) if s.style and s.style.color}
        assert faded in colors
        assert "gpu-box: lost 9 s, no answer to ping; next try in 4 s" in operator.lines[0]
        assert "↯ 1 lost" in operator.lines[0]
        await operator.wait(3)
        assert "↯ lost 12 s" in operator.tile_lines("gpu-box/c3")[0]
        assert "next try in 1 s" in operator.lines[0]


async def test_only_what_is_in_sight_is_watched_and_the_focus_at_once() -> None:
    source = three()
    async with at_console(source) as operator:
        assert source.watched == {key("local/a1"): 0.0, key("local/b2"): 0.1, key("gpu-box/c3"): 0.1}
        await operator.press("right")
        assert source.watched[key("local/a1")] == 0.1
        assert source.watched[key("local/b2")] == 0.0
        await operator.press("/", *"build", "enter")
        assert set(source.watched) == {key("local/b2")}
        await operator.press("escape")
        for number in range(60):
            source.session(f"local/s{number}", "more")
        await operator.look()
        await operator.until(lambda: operator.sees("more out of sight"))
        assert set(map(str, source.watched)) == set(operator.tiles())
        assert len(source.watched) < 63


async def test_the_focus_follows_its_session() -> None:
    source = three()
    async with at_console(source) as operator:
        await operator.press("right")
        assert operator.focus == key("local/b2")
        source.session("local/a0", "earlier")
        source.gone("local/a1")
        await operator.wait(5)
        assert operator.focus == key("local/b2")
        source.gone("local/b2")
        await operator.wait(5)
        assert operator.focus in operator.console.context.desk.keys


async def test_tiles_keep_their_places_for_a_moment_after_a_key() -> None:
    source = three()
    async with at_console(source, order="attention") as operator:
        before = operator.tiles()
        await operator.press("right")
        source.session("gpu-box/c3", "train", ask=confirm())
        await operator.wait(0.5)
        assert operator.tiles() == before
        await operator.wait(3)
        assert operator.tiles()[0] == "gpu-box/c3"
        assert operator.focus == key(before[1])


async def test_arrows_digits_and_letters_move_the_focus() -> None:
    source = three()
    async with at_console(source) as operator:
        columns = operator.console.grid.query_one(TileGrid).plan.columns
        await operator.press("right", "left", "down")
        assert operator.focus == key(operator.tiles()[min(columns, 2)])
        await operator.press("1")
        assert operator.focus == key("local/a1")
        await operator.press("9")
        assert operator.message == "there is no tile 9"
        await operator.press("g")
        assert operator.tile_lines("local/b2")[0].startswith("┌ 2 ")
        await operator.press("3")
        assert operator.focus == key("gpu-box/c3")
        assert not operator.tile_lines("local/b2")[0].startswith("┌ 2 ")
        await operator.press("tab")
        assert operator.focus == key("local/a1")


async def test_n_goes_to_the_session_waiting_longest_and_opens_it() -> None:
    source = three()
    source.session("gpu-box/c3", "train", ask=confirm("Overwrite?", age=100, id=AskId("x")))
    source.session("local/b2", "build", ask=confirm("Proceed?", age=10))
    async with at_console(source) as operator:
        await operator.press("n")
        assert operator.focus == key("gpu-box/c3")
        assert operator.screen_name == "AnswerScreen"
        assert operator.sees("Overwrite?")
        await operator.press("escape", "n")
        assert operator.focus == key("local/b2")
        await operator.press("escape", "N")
        assert operator.focus == key("gpu-box/c3")


async def test_n_reaches_what_a_filter_hides() -> None:
    source = three()
    source.session("gpu-box/c3", "train", ask=confirm("Overwrite?"))
    async with at_console(source, filter="editor") as operator:
        assert operator.tiles() == ["local/a1"]
        await operator.press("n", "escape")
        assert operator.focus == key("gpu-box/c3")
        assert operator.message == "the filter hid it and was cleared"


async def test_the_filter_narrows_as_it_is_typed_and_escape_gives_it_up() -> None:
    async with at_console(three()) as operator:
        await operator.press("/", *"node:gpu")
        assert operator.tiles() == ["gpu-box/c3"]
        assert "/node:gpu 1 of 3" in operator.lines[0]
        await operator.press("enter")
        assert operator.tiles() == ["gpu-box/c3"]
        await operator.press("/", "escape")
        assert len(operator.tiles()) == 3
        await operator.press("/", *"state:bogus", "enter")
        assert "no state 'bogus'" in operator.message
        await operator.press("escape", "/", *"nothing like it", "enter")
        assert operator.sees("No session passes the filter")


async def test_keys_typed_in_one_burst_are_not_taken_for_commands() -> None:
    """A slow link delivers `/xq` at once: the x and the q are the filter's, not stop and quit."""
    source = three()
    async with at_console(source) as operator:
        await operator.burst(*"/xq", "backspace", "enter")
        assert operator.console.context.desk.filter == "x"
        await operator.press("escape")
        await operator.burst(":", *"xX")
        assert operator.screen_name == "PickerScreen"
        await operator.until(lambda: operator.sees("▸ xX"))
        assert source.requests == []


async def test_a_disabled_key_says_why() -> None:
    async with at_console(three()) as operator:
        await operator.press("space")
        assert operator.message == "local/a1 is not asking"
        await operator.press("D")
        assert operator.message == "local/a1 still runs; x stops it"
        await operator.press("w")
        assert operator.message == "w does nothing here; ? shows every key"
        await operator.wait(10)
        assert operator.message == ""


async def test_a_line_is_sent_to_the_session_in_focus() -> None:
    source = three()
    async with at_console(source) as operator:
        await operator.press("right", "s", *"make test", "enter")
        node, request = source.requests[-1]
        assert isinstance(request, SendInput)
        assert (node, request.session) == ("local", "b2")
        assert [(chunk.text, chunk.key) for chunk in request.chunks] == [("make test", None), (None, "enter")]
        assert operator.message == "sent to local/b2"


@pytest.mark.parametrize(("pressed", "request_class"), [("x", StopSession), ("X", KillSession)])
async def test_what_is_hard_to_undo_is_asked_first(pressed: str, request_class: type) -> None:
    source = three()
    async with at_console(source) as operator:
        for refusal in ("escape", "n"):
            await operator.press(pressed)
            await operator.until(lambda: operator.screen_name == "ConfirmScreen")
            await operator.press("enter", refusal)
            assert source.requests == []
        await operator.press(pressed, "y")
        await operator.until(lambda: source.requests)
        assert isinstance(source.requests[0][1], request_class)


async def test_a_refusal_is_shown_in_its_own_words() -> None:
    source = three()
    source.session("local/a1", "editor", exited=ExitInfo(0))
    source.replies = lambda node, request: RequestError(ErrorCode.STILL_RUNNING, "a1 is\x1b[31m still running; stop it")
    async with at_console(source) as operator:
        await operator.press("D", "y")
        await operator.until(lambda: operator.message)
        assert isinstance(source.requests[0][1], RemoveSession)
        assert "still running; stop it" in operator.message
        assert "\x1b" not in operator.message


async def test_a_toast_tells_of_a_new_ask_and_takes_no_key() -> None:
    source = three()
    async with at_console(source) as operator:
        source.session("gpu-box/c3", "train", ask=confirm())
        await operator.look()
        assert operator.toasts == ["gpu-box/c3"]
        assert operator.screen_name == "GridScreen"
        toasts = operator.console.grid.query_one("#toasts").region
        assert not toasts.overlaps(operator.tile("local/a1").region)
        await operator.press("right")
        assert operator.focus == key("local/b2")
        source.session("gpu-box/c3", "train")
        await operator.look()
        assert operator.toasts == []


async def test_old_asks_and_the_focus_itself_make_no_toast() -> None:
    source = three()
    async with at_console(source) as operator:
        source.session("gpu-box/c3", "train", ask=confirm(age=60))
        source.session("local/a1", "editor", ask=choice("Which?", "One", "Two"))
        await operator.look()
        assert operator.toasts == []


async def test_the_bell_rings_for_what_a_toast_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[str] = []
    monkeypatch.setattr(Console, "_ring", lambda console: rings.append("\a"))
    source = three()
    async with at_console(source) as operator:
        for name, fields in (
            ("old", {"age": 60}),
            ("m", {"muted": True}),
            ("s", {"snoozed": True}),
            ("q", {"quiet": True}),
        ):
            source.session(f"gpu-box/{name}", "train", ask=confirm(**fields))
        await operator.look()
        assert (operator.toasts, rings) == ([], [])
        source.session("gpu-box/new", "train", ask=confirm())
        await operator.look()
        assert (operator.toasts, rings) == (["gpu-box/new"], ["\a"])


async def test_a_pager_that_was_asked_for_is_no_news() -> None:
    source = three()
    async with at_console(source) as operator:
        source.session("gpu-box/c3", "less manual", ask=confirm(quiet=True))
        await operator.look()
        view = operator.tile("gpu-box/c3").view
        assert view is not None
        assert view.word == "asking"
        assert operator.toasts == []
        assert operator.console.context.desk.count_asking() == 0


async def test_the_empty_console_says_how_to_begin() -> None:
    async with at_console(ScriptedSource()) as operator:
        assert operator.sees("No sessions yet.")
        assert operator.sees("relaytui start -- claude")


async def test_no_string_of_a_node_reaches_the_terminal_raw() -> None:
    source = ScriptedSource("local")
    evil = "a\x1b]0;b\x07\u202ec\x9b31m\nd"
    source.session("local/a1", evil, note=evil, lease=LeaseInfo(evil), ask=confirm(evil, program=evil, command=evil))
    source.link("local", NodeState.WAITING, error=evil)
    async with at_console(source) as operator:
        await operator.press("v")
        assert not set(operator.text) & set("\x1b\x07\u202e\x9b")
        source.link("local", NodeState.CONNECTED)
        await operator.press("escape", "space")
        assert operator.screen_name == "AnswerScreen"
        assert not set(operator.text) & set("\x1b\x07\u202e\x9b")


async def test_narrow_terminals_get_a_list_and_one_preview() -> None:
    source = three()
    async with at_console(source, size=(60, 20)) as operator:
        assert operator.lines[1].startswith("▸· idle")
        assert operator.sees("│$ ls")
        await operator.press("down")
        assert operator.sees("│compiling 1")
        assert source.watched == {key("local/b2"): 0.0}
        await operator.resize(130, 40)
        assert set(operator.tiles()) == {"local/a1", "local/b2", "gpu-box/c3"}
        assert operator.focus == key("local/b2")


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (1, 30), (20, 5), (79, 3), (80, 3), (81, 4), (300, 2)])
async def test_no_size_is_too_small(size: tuple[int, int]) -> None:
    source = three()
    source.session("local/b2", "build", ask=choice("Which?", "One", "Two"))
    async with at_console(source, size=size) as operator:
        await operator.press("down", "right", "g", "1", "n")
        await operator.resize(90, 20)
        await operator.resize(*size)
        for opened in ("?", "v", ":", "c", "z"):
            await operator.press("escape", "escape", opened)
        await operator.press("ctrl+right_square_bracket", "d")


async def test_the_order_changes_by_key_and_at_once() -> None:
    source = three()
    async with at_console(source) as operator:
        source.session("gpu-box/c3", "train", ask=confirm(age=60))
        await operator.press("o")
        assert operator.message == "ordered by attention"
        assert operator.tiles()[0] == "gpu-box/c3"
        assert "attention ▾" in operator.lines[0]


async def test_themes_change_by_key() -> None:
    async with at_console(three()) as operator:
        seen = set()
        for _ in range(3):
            await operator.press("T")
            seen.add(operator.console.context.look.theme.name)
            look = operator.console.context.look
            colors = {s.style.color.name for s in operator.tile_segments("local/b2", 0) if s.style and s.style.color}
            assert look.theme.color("working") in colors
        assert seen == {"dark", "light", "ansi"}
