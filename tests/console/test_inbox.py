"""The inbox: beside the tiles and full screen, what can be done about an ask, and rules suspended by one key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from node_agent.protocol.asks import AckAsk, AnswerAsk, Answered, ClaimAsk, Outcome, SnoozeAsk
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.explain import ExplainSession, Explanation
from node_agent.protocol.ids import AskId
from node_agent.protocol.message import Request
from node_agent.protocol.settings import GetSettings, Mute, MuteScope, NodeSettings, SetSettings
from node_agent.protocol.states import AskKind
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState
from relaytui.screens.inbox import InboxScreen
from tests.console.driver import Operator, at_console
from tests.console.scripted import ScriptedSource, choice, confirm

APT = confirm(age=720.0, id=AskId("apt"))
MAKE = choice("Do you want to proceed?", "Yes", "No", age=41.0, id=AskId("make"))


def asking() -> ScriptedSource:
    source = ScriptedSource("local", "web-2", "gpu")
    source.session("local/a1", "shell")
    source.session("gpu/a3", "fix flaky tests", ask=MAKE, age=41.0, lines=["Do you want to proceed?"])
    source.session("web-2/b1", "apt upgrade", ask=APT, age=720.0, lines=["412 MB of additional disk space"])
    source.replies = source.obey
    return source


def inbox_lines(operator: Operator) -> list[str]:
    """The list of the full screen, without what stands beside it."""
    screen = operator.console.screen
    assert isinstance(screen, InboxScreen)
    return [screen._rows.render_line(y).text.rstrip() for y in range(screen._rows.size.height)]


def place(operator: Operator, text: str) -> int:
    return next(at for at, line in enumerate(inbox_lines(operator)) if text in line)


def sent(source: ScriptedSource, kind: type[Any]) -> list[tuple[str, Any]]:
    return [(node, request) for node, request in source.requests if isinstance(request, kind)]


async def test_the_panel_stands_beside_the_tiles_longest_waiting_first() -> None:
    async with at_console(asking(), (140, 30)) as operator:
        assert not operator.sees("Inbox")
        await operator.press("i")
        assert operator.sees("Inbox   2 waiting")
        assert operator.text.index("12 m  web-2/b1") < operator.text.index("41 s  gpu/a3")
        assert len(operator.tiles()) == 3
        await operator.until(lambda: all(operator.tile(key).region.right <= 100 for key in operator.tiles()))
        await operator.press("n", "escape")
        assert operator.sees("▸◆ 12 m  web-2/b1")  # the tiles' focus is the panel's
        await operator.press("i")
        assert not operator.sees("Inbox")


async def test_where_there_is_no_room_beside_the_tiles_it_fills_the_screen() -> None:
    async with at_console(asking(), (80, 24)) as operator:
        await operator.press("i")
        assert operator.screen_name == "InboxScreen"
        assert operator.sees("412 MB of additional disk space")
        await operator.press("i")
        assert operator.screen_name == "GridScreen"


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (80, 10), (200, 56)])
async def test_it_can_be_opened_at_any_size(size: tuple[int, int]) -> None:
    async with at_console(asking(), size) as operator:
        await operator.press("I", "down", "up", "escape")
        assert operator.screen_name == "GridScreen"


async def test_the_chosen_asks_session_is_shown_live_and_nothing_else_watched() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("412 MB of additional disk space")
        assert {str(key) for key in source.watched} == {"web-2/b1"}
        source.draw("web-2/b1", ["now it says this"])
        await operator.look()
        assert operator.sees("now it says this")
        await operator.press("down")
        assert {str(key) for key in source.watched} == {"gpu/a3"}
        await operator.press("escape")
        assert str(operator.focus) == "gpu/a3"  # back where the operator was looking
        assert len(source.watched) == 3


async def test_the_choice_follows_the_ask_and_passes_on_when_it_closes() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("I", "down")
        source.session("local/a1", "shell", ask=confirm("older", age=5000.0, id=AskId("old")), age=5000.0)
        await operator.look()
        assert inbox_lines(operator)[place(operator, "gpu/a3")].startswith("▸")
        source.session("gpu/a3", "fix flaky tests")  # answered, by whomever
        await operator.look()
        assert not operator.sees("gpu/a3")
        assert inbox_lines(operator)[place(operator, "web-2/b1")].startswith("▸")


async def test_an_ask_is_answered_from_the_inbox_and_leaves_it() -> None:
    source = asking()

    def reply(node: str, request: Request) -> object:
        source.session("web-2/b1", "apt upgrade")
        return Answered(Outcome.ACCEPTED)

    source.replies = reply
    async with at_console(source) as operator:
        await operator.press("I", "space", "y", "enter")
        assert [(node, request.ask) for node, request in sent(source, AnswerAsk)] == [("web-2", "apt")]
        await operator.press("escape")
        assert operator.screen_name == "InboxScreen"
        assert operator.sees("Inbox   1 waiting")
        assert not operator.sees("web-2/b1")


@pytest.fixture
def lent_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application be suspended although it has no terminal."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("lent_terminal")
async def test_the_chosen_session_is_attached_from_the_inbox() -> None:
    source, attached = asking(), []

    async def attach(key: SessionKey) -> str:
        attached.append(str(key))
        return f"left {key}"

    async with at_console(source, attach=attach) as operator:
        await operator.press("I", "enter")
        await operator.until(lambda: attached)
        assert attached == ["web-2/b1"]
        await operator.until(lambda: operator.message == "left web-2/b1")
        assert operator.screen_name == "InboxScreen"
        assert {str(key) for key in source.watched} == {"web-2/b1"}


async def test_the_answer_popup_leads_to_a_snooze_and_to_the_evidence_of_the_ask_it_shows() -> None:
    source = asking()

    def reply(node: str, request: Request) -> object:
        if isinstance(request, ExplainSession):
            return Explanation(source.fleet.sessions[SessionKey(node, request.session)].info, ())
        return source.obey(node, request)

    source.replies = reply
    async with at_console(source) as operator:
        await operator.press("I", "space", "tab", "alt+z", "enter")  # the popup went on to the other ask
        await operator.until(lambda: sent(source, SnoozeAsk))
        assert sent(source, SnoozeAsk) == [("gpu", SnoozeAsk(AskId("make"), 0.0))]
        assert inbox_lines(operator)[place(operator, "gpu/a3")].startswith("▸")
        await operator.press("space", "alt+e")
        await operator.until(lambda: operator.screen_name == "ExplainScreen")
        assert operator.sees("gpu/a3, for")


async def test_an_ask_is_claimed_seen_and_snoozed_as_the_node_says() -> None:
    source = asking()
    async with at_console(source, operator="ann@desk") as operator:
        await operator.press("I", "C", "a")
        assert [request for _, request in sent(source, ClaimAsk)] == [ClaimAsk(AskId("apt"), 600.0)]
        assert [request for _, request in sent(source, AckAsk)] == [AckAsk(AskId("apt"))]
        assert not operator.sees("yours")  # nothing is shown that no node has said
        marked = replace(APT, claimed_by="ann@desk", acked_by="ann@desk")
        source.session("web-2/b1", "apt upgrade", ask=marked, age=720.0)
        await operator.look()
        assert operator.sees("yours, seen")
        await operator.press("C")
        assert sent(source, ClaimAsk)[-1] == ("web-2", ClaimAsk(AskId("apt"), 0.0))
        await operator.press("S", *"15", "enter")
        await operator.until(lambda: sent(source, SnoozeAsk))
        assert sent(source, SnoozeAsk) == [("web-2", SnoozeAsk(AskId("apt"), 900.0))]


async def test_what_is_put_aside_stands_below_and_a_snooze_can_be_ended() -> None:
    source = asking()
    source.session("web-2/b1", "apt upgrade", ask=replace(APT, snoozed=True), age=720.0)
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("Inbox   1 waiting, 1 put aside")
        assert place(operator, "gpu/a3") < place(operator, "Put aside") < place(operator, "web-2/b1")
        await operator.press("end", "S", "enter")
        await operator.until(lambda: sent(source, SnoozeAsk))
        assert sent(source, SnoozeAsk) == [("web-2", SnoozeAsk(AskId("apt"), -1.0))]


async def test_a_claim_of_somebody_else_is_named_in_tile_and_inbox() -> None:
    source = asking()
    source.session("web-2/b1", "apt upgrade", ask=replace(APT, claimed_by="bob@home"), age=720.0)
    async with at_console(source, (140, 30), operator="ann@desk") as operator:
        assert any("bob has it" in line for line in operator.tile_lines("web-2/b1"))
        await operator.press("i")
        assert sum("bob has it" in line for line in operator.lines) == 2


@pytest.mark.parametrize(
    ("words", "nodes", "mute"),
    [
        ("session", ["web-2"], Mute(MuteScope.SESSION, "b1", "ann@desk")),
        ("confirm asks of", ["web-2"], Mute(MuteScope.KIND, "confirm", "ann@desk")),
        ("confirm everywhere", ["gpu", "local", "web-2"], Mute(MuteScope.KIND, "confirm", "ann@desk")),
        ("everything", ["web-2"], Mute(MuteScope.NODE, "", "ann@desk")),
    ],
)
async def test_a_session_a_kind_and_a_node_are_muted_where_that_is_kept(
    words: str, nodes: list[str], mute: Mute
) -> None:
    source = asking()
    source.settings("web-2")
    async with at_console(source, operator="ann@desk") as operator:
        await operator.press("I", "m", *words, "enter")
        await operator.until(lambda: sent(source, SetSettings))
        assert sorted(node for node, _ in sent(source, SetSettings)) == nodes
        assert {request.settings.mutes for _, request in sent(source, SetSettings)} == {(mute,)}


async def test_a_mute_is_taken_back_by_the_same_key() -> None:
    source = asking()
    other = Mute(MuteScope.KIND, "pager", "bob")
    source.settings("web-2", mutes=(Mute(MuteScope.SESSION, "b1", "bob"), other))
    async with at_console(source) as operator:
        await operator.press("I", "m")
        assert operator.sees("unmute session web-2/b1")
        assert operator.sees("muted by bob")
        await operator.press("enter")
        await operator.until(lambda: sent(source, SetSettings))
        assert sent(source, SetSettings)[0][1].settings.mutes == (other,)


async def test_what_a_silent_node_asked_is_stale_and_cannot_be_acted_on() -> None:
    source = asking()
    source.link("web-2", NodeState.LOST, since=source.time - 9)
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("↯ 12 m  web-2/b1  apt upgrade (stale)")
        await operator.press("space")
        assert operator.message == "web-2 cannot be reached just now; v shows why"
        await operator.press("C")
        assert operator.message == "web-2 cannot be reached just now; v shows why"
        assert source.requests == []


async def test_an_ask_from_outside_any_session_is_listed_and_can_be_claimed() -> None:
    source = asking()
    loose = AskInfo(AskId("hook"), AskKind.CONFIRM, "Allow rm -rf build?", 9000.0, program="claude")
    source.ask("gpu", loose)
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("claude on gpu, outside any session: answer it there")
        assert operator.sees("Allow rm -rf build?")
        await operator.press("space")
        assert sent(source, AnswerAsk) == []
        await operator.press("C")
        assert sent(source, ClaimAsk) == [("gpu", ClaimAsk(AskId("hook"), 600.0))]


async def test_the_job_of_an_ask_is_named() -> None:
    source = asking()
    source.session("web-2/b1", "apt upgrade", ask=APT, age=720.0, job="7fa1c3d2")
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("job 7fa1c3d2")


async def test_an_empty_inbox_says_so() -> None:
    source = ScriptedSource()
    source.session("local/a1", "shell")
    async with at_console(source) as operator:
        await operator.press("I")
        assert operator.sees("Inbox   nothing waits")
        assert operator.sees("Nothing is asked.")
        await operator.press("C", "enter")
        assert operator.message == "no session is selected"


async def test_no_string_of_an_ask_reaches_the_terminal_raw() -> None:
    source = asking()
    evil = "\x1b]52;c;AAAA\x07\u202eevil"
    source.ask("gpu", AskInfo(AskId("e"), AskKind.CONFIRM, evil, 9000.0, program=evil, claimed_by=evil))
    async with at_console(source, (140, 30)) as operator:
        for keys in (("i",), ("I",)):
            await operator.press(*keys)
            assert "evil" in operator.text
            assert not set("\x1b\x07\u202e") & set(operator.text)


# Rules ----------------------------------------------------------------------------------------------------------------


async def test_one_key_suspends_all_rules_on_all_nodes_and_says_so() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("!")
        await operator.until(lambda: len(sent(source, SetSettings)) == 3)
        assert all(request.settings.policy_suspended for _, request in sent(source, SetSettings))
        assert operator.lines[0].count("‖ rules suspended ") == 1
        await operator.press("I")
        assert "‖ rules suspended " in operator.lines[0]
        await operator.press("!")
        await operator.until(lambda: len(sent(source, SetSettings)) == 6)
        assert not any(request.settings.policy_suspended for _, request in sent(source, SetSettings)[3:])
        assert "suspended" not in operator.lines[0]


async def test_where_some_nodes_are_not_suspended_the_key_suspends_and_the_status_says_how_many() -> None:
    source = asking()
    source.settings("gpu", policy_suspended=True)
    source.link("web-2", NodeState.LOST, since=source.time - 9)
    async with at_console(source) as operator:
        assert "rules suspended on 1 of 3 nodes" in operator.lines[0]
        await operator.press("!")
        await operator.until(lambda: "rules suspended on 2 of 3 nodes" in operator.lines[0])
        assert operator.message == "automatic answers are suspended; web-2 not reached, as before there"


async def test_a_change_made_meanwhile_is_kept() -> None:
    source = ScriptedSource()
    source.session("local/a1", "shell")
    other = Mute(MuteScope.NODE, "", "bob")
    kept = [NodeSettings(version=4), NodeSettings(version=5, mutes=(other,))]

    def reply(node: str, request: Request) -> object:
        if isinstance(request, GetSettings):
            return kept[0]
        assert isinstance(request, SetSettings)
        if len(kept) > 1:
            kept.pop(0)  # somebody else's change came between
            return RequestError(ErrorCode.STALE_VERSION, "changed meanwhile")
        return request.settings

    source.replies = reply
    async with at_console(source) as operator:
        await operator.press("!")
        await operator.until(lambda: len(sent(source, SetSettings)) == 2)
        last = sent(source, SetSettings)[-1][1].settings
        assert (last.version, last.mutes, last.policy_suspended) == (5, (other,), True)
