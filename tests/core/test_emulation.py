"""The engine boundary: an engine that raises is replaced, and so is the one that replaced it."""

from __future__ import annotations

import pytest

from node_agent.core.emulation import Emulation
from node_agent.protocol.colors import Colors
from node_agent.terminal.engine import Checkpoint
from node_agent.terminal.pyte_engine import PyteEngine
from node_agent.terminal.vt.engine import VtEngine


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that raise on a word each."""
    for engine, word in ((VtEngine, b"ONE"), (PyteEngine, b"TWO")):

        def feed(self: object, data: bytes, feed: object = engine.feed, word: bytes = word) -> None:
            if word in data:
                raise RuntimeError(word.decode())
            feed(self, data)  # type: ignore[operator]  # the method that was there

        monkeypatch.setattr(engine, "feed", feed)


@pytest.mark.usefixtures("breaking")
def test_the_other_engine_goes_on_from_the_checkpoint() -> None:
    saved: list[Checkpoint] = []
    emulation = Emulation("s1", 20, 3, lambda: saved[-1] if saved else None)
    emulation.feed(b"first ")
    saved.append(emulation.engine.checkpoint())
    emulation.feed(b"second ")
    emulation.feed(b"ONE")
    assert (emulation.engine.name, emulation.offset) == ("pyte", 6)
    breakage = emulation.take_breakage()
    assert breakage is not None
    assert (breakage.engine, breakage.data, breakage.end) == ("vt", b"ONE", 16)
    assert emulation.take_breakage() is None
    emulation.feed(b"second ONE")
    assert emulation.engine.text(0) == "first second ONE"


@pytest.mark.usefixtures("breaking")
def test_output_that_breaks_both_engines_is_passed_over() -> None:
    emulation = Emulation("s1", 20, 3, lambda: None)
    emulation.feed(b"ONE")
    emulation.feed(b"ONE TWO")
    assert (emulation.engine.name, emulation.offset) == ("pyte", 7)
    emulation.feed(b"on")
    assert emulation.engine.text(0) == "on"


@pytest.mark.usefixtures("breaking")
def test_every_engine_of_a_session_answers_with_its_colours() -> None:
    emulation = Emulation("s1", 20, 3, lambda: None, Colors(foreground="#010203", background="#fafaf0"))
    question, answer = b"\x1b]11;?\a", b"\x1b]11;rgb:fafa/fafa/f0f0\a"
    emulation.feed(question)
    answers = [reply.data for reply in emulation.drain()[1]]
    emulation.feed(b"ONE" + question)  # and the fallback goes on from the beginning
    emulation.feed(question + b"ONE" + question)
    answers += [reply.data for reply in emulation.drain()[1]]
    emulation.skip_to(100)
    emulation.feed(b"\x1b]12;?\a")
    assert [*answers, *(reply.data for reply in emulation.drain()[1])] == [answer] * 2 + [
        b"\x1b]12;rgb:0101/0202/0303\a"
    ]
