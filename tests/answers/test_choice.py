"""Which option an answer means: never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from node_agent.core.choice import ChoiceError, choose
from node_agent.protocol.asks import AnswerAsk
from node_agent.protocol.entities import AskOption
from node_agent.protocol.ids import AskId

PERMISSION = ("Yes", "Yes, and don't ask again for rm commands", "No, and tell me what to do differently (esc)")


def place(labels: tuple[str, ...], **how: Any) -> int:
    return choose([AskOption(label) for label in labels], AnswerAsk(AskId("a.1"), "r", **how))


@pytest.mark.parametrize(
    ("labels", "how", "chosen"),
    [
        (PERMISSION, {"yes": True}, 0),
        (PERMISSION, {"yes": False}, 2),
        (PERMISSION, {"label": "yes"}, 0),
        (PERMISSION, {"label": "Yes, and"}, 1),
        (PERMISSION, {"label": "no,  AND tell"}, 2),
        (PERMISSION, {"option": 3}, 2),
        (("No, exit", "Yes, I accept"), {"yes": True}, 1),
        (("Allow always", "Allow once", "Deny"), {"yes": True}, 1),
        (("Allow always", "Deny"), {"yes": True}, 0),
        (("y", "n", "q", "a"), {"yes": False}, 1),
        (("Ok", "Cancel"), {"yes": False}, 1),
    ],
)
def test_the_option_that_is_meant(labels: tuple[str, ...], how: dict[str, Any], chosen: int) -> None:
    assert place(labels, **how) == chosen


@pytest.mark.parametrize(
    ("labels", "how", "words"),
    [
        (("Yes, once", "Yes, twice", "No"), {"yes": True}, "several options mean yes: 1 Yes, once"),
        (("red", "green"), {"yes": True}, "no option means yes: 1 red, 2 green"),
        (("Yes", "No"), {"label": "Maybe"}, "no option means 'Maybe'"),
        (("beta one", "beta two"), {"label": "beta"}, "several options mean 'beta'"),
        (("Yes", "No"), {"option": 0}, "there is no option 0"),
        (("Yes", "No"), {"option": 3}, "there is no option 3"),
        ((), {"yes": True}, "it shows none"),
        (("Yesterday", "Tomorrow"), {"yes": True}, "no option means yes"),
    ],
)
def test_what_could_mean_two_or_none_is_refused(labels: tuple[str, ...], how: dict[str, Any], words: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        place(labels, **how)
    assert words in str(caught.value)


def test_a_key_that_is_shown_chooses_too() -> None:
    options = [AskOption("Install the maintainer's version", "Y"), AskOption("Keep yours", "N")]
    assert choose(options, AnswerAsk(AskId("a.1"), "r", label="N")) == 1
