"""Popups: the answer, the palette, help, nodes, explanations, new sessions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.colors import Colors
from node_agent.protocol.entities import AskInfo, AskOption
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.explain import Evidence, ExplainSession, Explanation
from node_agent.protocol.ids import AskId
from node_agent.protocol.message import Request
from node_agent.protocol.sessions import SessionReply, StartSession, UpdateSession
from node_agent.protocol.states import AskKind, Restart
from relaytui.config import Config, ConfigError, RestartRule
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState
from relaytui.link.errors import HostKeyUnknown
from relaytui.link.hostkeys import accept
from relaytui.link.prompts import Prompt, PromptKind
from relaytui.screens.services import Services
from tests.console.driver import at_console
from tests.console.scripted import ScriptedSource, choice, confirm


def asking(**fields: Any) -> ScriptedSource:
    source = ScriptedSource("local", "web-2")
    source.session("local/a1", "apt upgrade", ask=fields.pop("ask", confirm()), **fields)
    source.session("web-2/b2", "shell")
    source.replies = lambda node, request: Answered(Outcome.ACCEPTED)
    return source


def sent(source: ScriptedSource) -> list[AnswerAsk]:
    return [request for _, request in source.requests if isinstance(request, AnswerAsk)]


async def test_an_answer_is_bound_to_the_ask_that_was_shown() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("space")
        assert operator.sees("Do you want to continue? [Y/n]")
        await operator.press("y")
        assert sent(source) == []  # a letter picks, enter sends
        await operator.press("enter")
        assert [(r.ask, r.yes) for r in sent(source)] == [("ask-1", True)]
        assert operator.sees('answered "Yes"')


async def test_a_blind_enter_answers_nothing() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("space", "enter")
        assert sent(source) == []
        assert operator.sees("pick an option first")


async def test_options_are_picked_by_number_and_label() -> None:
    source = asking(ask=choice("Proceed?", "Yes", "Always", "No"))
    async with at_console(source) as operator:
        await operator.press("space", "3", "enter")
        assert sent(source)[0].label == "No"
        await operator.wait(1)
        await operator.press("a", "enter")
        assert sent(source)[1].label == "Always"


async def test_options_of_one_label_are_told_apart_by_their_place() -> None:
    options = (AskOption("retry", "1"), AskOption("retry", "2"))
    source = asking(ask=AskInfo(AskId("n"), AskKind.CHOICE, "Enter a number [1-2]:", 0.0, options=options))
    async with at_console(source) as operator:
        await operator.press("space", "2", "enter")
        assert [(r.label, r.option) for r in sent(source)] == [(None, 2)]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [(Outcome.REFUSED, "not sent: another label"), (Outcome.UNCONFIRMED, "sent, not confirmed: another label")],
)
async def test_what_became_of_an_answer_is_said(outcome: Outcome, words: str) -> None:
    source = asking()
    source.replies = lambda node, request: Answered(outcome, "another label")
    async with at_console(source) as operator:
        await operator.press("space", "y", "enter")
        assert operator.sees(words)


async def test_a_following_ask_is_disarmed_until_the_fingers_rest() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("space", "y", "enter")
        source.session("local/a1", "apt upgrade", ask=confirm("Really delete?", id=AskId("other")))
        await operator.look()
        assert operator.sees("Really delete?")
        await operator.press("y", "enter")
        assert len(sent(source)) == 1
        await operator.wait(1)
        await operator.press("y", "enter")
        assert [r.ask for r in sent(source)] == ["ask-1", "other"]


async def test_a_changed_question_is_refused_and_shown() -> None:
    source = asking()
    source.replies = lambda node, request: RequestError(ErrorCode.CHANGED, "output came")
    async with at_console(source) as operator:
        await operator.press("space", "y", "enter")
        assert operator.sees("not sent: the question changed")


async def test_text_is_typed_and_a_password_never_shown() -> None:
    source = asking(ask=AskInfo(AskId("p"), AskKind.PASSWORD, "[sudo] password for ann:", 0.0))
    async with at_console(source) as operator:
        await operator.press("space", *"s3cret", "backspace")
        assert operator.sees("*****")
        assert not operator.sees("s3cre")
        await operator.press("enter")
        assert [(r.secret, r.text) for r in sent(source)] == [("s3cre", None)]


async def test_an_ask_that_is_gone_leaves_the_popup_saying_so() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("space")
        source.session("local/a1", "apt upgrade")
        await operator.look()
        assert operator.sees("Nothing is asked any more.")
        await operator.press("y", "enter", "escape")
        assert operator.screen_name == "GridScreen"
        assert sent(source) == []


async def test_nothing_but_the_operator_opens_a_popup() -> None:
    source = asking()
    async with at_console(source) as operator:
        source.session("web-2/b2", "shell", ask=confirm(id=AskId("new")))
        await operator.wait(10)
        assert operator.screen_name == "GridScreen"


async def test_the_palette_finds_commands_and_sessions() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press(":", *"web", "enter")
        assert str(operator.focus) == "web-2/b2"
        await operator.press("ctrl+p", *"title and", "enter")
        await operator.until(lambda: operator.screen_name == "FormScreen")
        await operator.press("escape", ":", *"answer", "enter")
        assert operator.sees("web-2/b2 is not asking")
        await operator.press("escape")
        assert operator.screen_name == "GridScreen"


async def test_help_lists_every_key_with_reasons() -> None:
    async with at_console(asking(), size=(140, 90)) as operator:
        await operator.press("?")
        assert operator.sees("Go to the session waiting longest and open its answer.")
        assert operator.sees("not now: local/a1 still runs; x stops it")
        await operator.press("q")
        assert operator.screen_name == "GridScreen"


async def test_nodes_are_listed_with_what_is_wrong_and_can_be_retried() -> None:
    source = asking()
    source.link("web-2", NodeState.WAITING, error="host key changed: SHA256:abc; refused; compare it")
    async with at_console(source) as operator:
        await operator.press("v")
        assert operator.sees("host key changed: SHA256:abc; refused; compare it")
        assert operator.sees("rtt 18 ms")
        await operator.press("down", "r")
        assert source.retried == ["web-2"]
        await operator.press("escape", "r")
        assert source.retried == ["web-2", "web-2"]


async def test_why_shows_the_nodes_evidence() -> None:
    source = asking()

    def reply(node: str, request: Request) -> object:
        assert isinstance(request, ExplainSession)
        info = next(iter(source.fleet.sessions.values())).info
        return Explanation(info, (Evidence("read(tty)", "apt (pid 4121) is blocked in read", 0.7),), "confirm.apt")

    source.replies = reply
    async with at_console(source) as operator:
        await operator.press("e")
        await operator.until(lambda: operator.screen_name == "ExplainScreen")
        assert operator.sees("Why asking?")
        assert operator.sees("apt (pid 4121) is blocked in read, 0 s ago")
        assert operator.sees("confirm.apt")


async def test_a_session_is_started_where_the_focus_is() -> None:
    source = asking()

    def reply(node: str, request: Request) -> object:
        source.session(f"{node}/n1", "make")
        return SessionReply(
            source.fleet.resolve(f"{node}/n1") and source.fleet.sessions[source.fleet.resolve("n1")].info
        )

    source.replies = reply
    rules = Config(restarts=(RestartRule("builds", Restart.ASK, program="make", node="web-2"),))
    colors = Colors(background="#ffffff")
    async with at_console(source, services=Services(restart_for=rules.restart_for, colors=colors)) as operator:
        await operator.press("right", "c", *"make -j8 'a b'", "tab", *"/srv", "enter")
        await operator.until(lambda: operator.screen_name == "GridScreen")
        node, request = source.requests[0]
        assert isinstance(request, StartSession)
        assert (node, request.command, request.cwd) == ("web-2", ("make", "-j8", "a b"), "/srv")
        assert request.restart is Restart.ASK
        assert request.colors == colors
        assert str(operator.focus) == "web-2/n1"


async def test_only_a_session_of_this_machine_gets_the_consoles_environment() -> None:
    source = asking()
    async with at_console(source, services=Services(environment={"COLOUR": "teal"})) as operator:
        await operator.press("c", *"make", "enter", "right", "c", *"make", "enter")
        requests = [(node, request) for node, request in source.requests if isinstance(request, StartSession)]
        assert [(node, request.base_env) for node, request in requests] == [
            ("local", {"COLOUR": "teal"}),
            ("web-2", None),
        ]


async def test_a_start_that_fails_keeps_what_was_typed() -> None:
    source = asking()
    source.replies = lambda node, request: RequestError(ErrorCode.COMMAND_NOT_FOUND, "no command maek; check PATH")
    async with at_console(source) as operator:
        await operator.press("c", *"maek", "enter")
        await operator.until(lambda: operator.sees("no command maek; check PATH"))
        assert operator.sees("maek")
        await operator.press("escape")
        assert operator.screen_name == "GridScreen"
        await operator.press("c", *"'open", "enter")
        await operator.until(lambda: operator.sees("the command cannot be read"))
        assert len(source.requests) == 1


async def test_title_and_tags_are_changed() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("t", "ctrl+u", *"new name", "tab", *"nightly gpu", "enter")
        await operator.until(lambda: source.requests)
        request = source.requests[0][1]
        assert isinstance(request, UpdateSession)
        assert (request.title, request.tags) == ("new name", ("nightly", "gpu"))


async def test_an_unknown_host_key_is_trusted_only_on_a_plain_yes() -> None:
    source = asking()
    source.host_keys["web-2"] = HostKeyUnknown(
        "unknown", host="web-2", key="ssh-ed25519 AAAA", fingerprint="SHA256:abc", known_hosts="known_hosts"
    )
    async with at_console(source) as operator:
        await operator.press("v", "t")
        assert operator.screen_name == "NodesScreen"  # the first node has no such question
        await operator.press("down", "t")
        assert operator.sees("SHA256:abc")
        await operator.press("enter", "space", "n")
        assert source.host_keys
        await operator.press("t", "y")
        await operator.until(lambda: not source.host_keys)


async def test_a_host_key_that_cannot_be_put_on_record_is_said_and_the_console_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known_hosts = str(tmp_path / "file" / "known_hosts")

    class Trusting(ScriptedSource):
        async def accept_host_key(self, alias: str) -> None:
            accept(self.host_keys[alias])

    source = Trusting("local")
    source.host_keys["local"] = HostKeyUnknown(
        "unknown", host="box", key="ssh-ed25519 AAAA", fingerprint="SHA256:abc", known_hosts=known_hosts
    )
    async with at_console(source, size=(200, 40)) as operator:
        await operator.press("v", "t", "y")
        await operator.until(lambda: operator.sees("local: the host key SHA256:abc cannot be put on record in"))
        assert operator.screen_name == "NodesScreen"


async def test_a_links_question_is_answered_in_a_popup_and_never_shown() -> None:
    source = asking()
    async with at_console(source) as operator:
        prompt = Prompt("web-2", PromptKind.PASSPHRASE, "passphrase for id_ed25519")
        answer = asyncio.create_task(operator.console.ask(prompt))
        await operator.until(lambda: operator.screen_name == "QuestionScreen")
        await operator.press(*"open sesame")
        assert operator.sees("***********")
        assert not operator.sees("sesame")
        await operator.press("enter")
        assert await answer == "open sesame"
        declined = asyncio.create_task(operator.console.ask(prompt))
        await operator.until(lambda: operator.screen_name == "QuestionScreen")
        await operator.press("escape")
        assert await declined is None


@pytest.fixture
def lent_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application be suspended although it has no terminal."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("lent_terminal")
async def test_attach_gives_the_terminal_away_and_says_how_it_ended() -> None:
    source = asking()
    attached: list[str] = []

    async def attach(key: SessionKey) -> str:
        attached.append(str(key))
        assert source.watched == {}  # nothing is drawn meanwhile
        return f"left {key}; it runs on"

    async with at_console(source, attach=attach) as operator:
        await operator.press("enter")
        await operator.until(lambda: operator.message)
        assert operator.message == "left local/a1; it runs on"
        assert attached == ["local/a1"]
        assert source.watched


@pytest.mark.usefixtures("lent_terminal")
async def test_an_attach_that_fails_says_why() -> None:
    async def attach(key: SessionKey) -> str:
        raise RequestError(ErrorCode.NOT_RUNNING, "a1 has just ended")

    async with at_console(asking(), attach=attach) as operator:
        await operator.press("enter")
        await operator.until(lambda: operator.message == "a1 has just ended")


def keeping(kept: list[str]) -> Services:
    async def keep(prefix: str) -> None:
        kept.append(prefix)

    return Services(keep_prefix=keep)


async def test_the_prefix_is_asked_for_until_it_is_chosen() -> None:
    kept: list[str] = []
    async with at_console(asking(), prefix="", services=keeping(kept)) as operator:
        assert operator.screen_name == "PrefixScreen"
        await operator.press("ctrl+z")
        assert operator.sees("ctrl+z cannot be the prefix")
        await operator.press("ctrl+backslash", "enter")
        assert operator.screen_name == "GridScreen"
        assert kept == ["ctrl+\\"]
        await operator.press("right", "z", "ctrl+backslash", "d")
        assert operator.screen_name == "GridScreen"
    async with at_console(asking(), prefix="", services=keeping(kept)) as operator:
        await operator.press("escape")
        assert operator.screen_name == "GridScreen"
        assert len(kept) == 1  # asked again next time
    async with at_console(asking(), services=keeping(kept)) as operator:
        assert operator.screen_name == "GridScreen"


async def test_a_prefix_that_cannot_be_kept_counts_until_the_end() -> None:
    async def keep(prefix: str) -> None:
        raise ConfigError("config.toml cannot be written: read-only; check its permissions")

    async with at_console(asking(), prefix="", services=Services(keep_prefix=keep)) as operator:
        await operator.press("ctrl+b", "enter")
        assert operator.message.startswith("config.toml cannot be written")
        assert operator.console.context.prefix == "ctrl+b"
