"""The answer popup's fields: text and names of keys, also where options are shown."""

from __future__ import annotations

import pytest

from node_agent.protocol.entities import AskInfo
from node_agent.protocol.ids import AskId
from node_agent.protocol.states import AskKind
from tests.console.driver import at_console
from tests.console.scripted import choice, confirm
from tests.console.test_dialogs import asking, sent

ANY_KEY = AskInfo(AskId("k"), AskKind.KEY, "Press any key", 0.0)


async def test_an_ask_with_options_is_answered_with_text_or_keys_too() -> None:
    source = asking(ask=choice("Proceed?", "Yes", "Always", "No"))
    async with at_console(source) as operator:
        await operator.press("space", "alt+t")
        assert operator.sees("1  Yes")
        assert operator.sees("alt+k keys")
        await operator.press(*"no, use 2", "enter")
        await operator.wait(1)
        await operator.press("alt+k")
        assert operator.sees("names of keys, as: down down enter")
        await operator.press(*"down shift+tab", "enter")
        answers = [(r.ask, r.label, r.text, r.keys) for r in sent(source)]
        assert answers == [("ask-2", None, "no, use 2", ()), ("ask-2", None, None, ("down", "shift+tab"))]


async def test_a_field_is_closed_by_the_key_that_opened_it_and_sends_nothing_empty_or_wrong() -> None:
    source = asking()
    async with at_console(source) as operator:
        await operator.press("space", "alt+t", "enter")
        assert operator.sees("type something first")
        await operator.press("alt+k", *"doun", "enter")
        assert operator.sees("not sent: unknown key 'doun': did you mean down")
        await operator.press("alt+k", "y")
        assert sent(source) == []
        await operator.press("enter")
        assert [(r.yes, r.text, r.keys) for r in sent(source)] == [(True, None, ())]


async def test_a_password_is_never_typed_into_a_field_that_shows_it() -> None:
    source = asking(ask=AskInfo(AskId("p"), AskKind.PASSWORD, "[sudo] password for ann:", 0.0))
    async with at_console(source) as operator:
        await operator.press("space", "alt+t", *"s3cret")
        assert not operator.sees("s3cret")
        await operator.press("enter")
        assert [(r.secret, r.text) for r in sent(source)] == [("s3cret", None)]


@pytest.mark.parametrize(
    ("ask", "hints"),
    [
        (choice("Proceed?", "Yes", "No"), "1-2 ↵ answer  tab next (1 more)  alt+t text  alt+a attach"),
        (
            AskInfo(AskId("k"), AskKind.KEY, "Press any key", 0.0),
            "↵ answer  tab next (1 more)  alt+k keys  alt+a attach",
        ),
    ],
)
async def test_the_popup_names_its_keys(ask: AskInfo, hints: str) -> None:
    source = asking(ask=ask)
    source.session("web-2/b2", "shell", ask=confirm(id=AskId("other")))
    async with at_console(source) as operator:
        await operator.press("space")
        assert operator.sees(hints.replace("  ", " · ")), operator.text
        assert operator.sees("alt+z snooze"), operator.text


async def test_the_popup_counts_asks_that_wait_for_somebody_as_the_status_line_does() -> None:
    source = asking()
    for number in range(3):
        source.session(f"web-2/b{number}", "shell", ask=confirm(id=AskId(f"other-{number}"), quiet=number == 2))
    async with at_console(source) as operator:
        assert operator.sees("3 asking"), operator.text
        await operator.press("space")
        assert operator.sees("tab next (2 more)"), operator.text


async def test_tab_leads_to_an_ask_that_nobody_waits_for_and_is_not_counted() -> None:
    source = asking()
    source.session("web-2/b2", "vim", ask=confirm(id=AskId("other"), quiet=True))
    async with at_console(source) as operator:
        await operator.press("space")
        assert operator.sees("tab next ·"), operator.text
        await operator.press("tab")
        assert operator.sees("web-2/b2"), operator.text
