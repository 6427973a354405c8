"""Two consoles and a hub are one: what one of them does shows in all, and an alert is told once."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from relaytui.config import ChannelConfig, ChannelKind, Config, UiConfig, save_config
from tests.alerts.conftest import Letterbox
from tests.alerts.conftest import letterbox as letterbox
from tests.e2e.tmux import Tmux, in_tmux
from tests.home import RELAYTUI, Home
from tests.sshd import needs_sshd, open_sshd
from tests.waiting import eventually

pytestmark = [needs_sshd, pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")]

ASKS = """
printf 'Proceed? [y/N] '; read -r answer; echo "answered <$answer>"
until [ -e "$0" ]; do sleep 0.1; done
printf 'And now? [y/N] '; read -r answer
"""
SOON = 1.0
NOISE = 1.5
"""Seconds within which a change must show, and those a busy machine may add."""


@pytest.fixture
async def hub(home: Home, letterbox: Letterbox) -> AsyncIterator[None]:
    """A hub with a link to `box`, which is behind a sshd, and a channel to the letterbox."""
    async with open_sshd(home.directory / "sshd") as sshd:
        agent = f"{sys.executable} -P -m node_agent"
        box = sshd.node("box", agent=agent, state=str(home.directory / "box"))
        channel = ChannelConfig("phone", ChannelKind.WEBHOOK, {"url": letterbox.url}, kinds=("ask",))
        config = Config(nodes=(box,), channels=(channel,), ui=UiConfig(prefix="ctrl+]"))
        save_config(config, home.config_file)
        home.ok("hub", "start")
        await eventually(lambda: all(node["state"] == "connected" for node in home.json("hub", "status")["nodes"]))
        yield
        home.run("hub", "stop")


@pytest.fixture
def consoles(home: Home, hub: None) -> Iterator[tuple[Tmux, Tmux]]:
    with ExitStack() as stack:
        one, other = (stack.enter_context(in_tmux(RELAYTUI, (120, 40), home.directory, home.env)) for _ in range(2))
        yield one, other


def _until_titles(consoles: tuple[Tmux, Tmux], title: str) -> float:
    """Seconds until both consoles' terminals have this title."""
    began = time.monotonic()
    for console in consoles:
        console.until(lambda: console.title == title)  # noqa: B023 - used within the turn
    return time.monotonic() - began


def test_what_one_console_does_shows_in_all_and_each_ask_is_told_once(
    home: Home, letterbox: Letterbox, consoles: tuple[Tmux, Tmux]
) -> None:
    one, _ = consoles
    for console in consoles:
        console.shows("box")
    gate = home.directory / "gate"
    key = home.start("bash", "-c", ASKS, str(gate), options=["--node", "box", "--title", "upgrade"])
    _until_titles(consoles, "◆1 relaytui")
    one.until(lambda: len(letterbox.alert_keys()) == 1)  # what is answered or muted before it was told need not be
    one.press("n")
    one.shows(f"◆ {key} · upgrade", "answer")
    one.type("y")
    one.press("Enter")
    answered = _until_titles(consoles, "relaytui")
    home.wait_printed(key, "answered <y>")
    one.press("Escape")
    gate.touch()
    _until_titles(consoles, "◆1 relaytui")
    one.until(lambda: len(letterbox.alert_keys()) == 2)

    one.press("m")
    one.shows("mute session")
    one.press("Enter")
    muted = _until_titles(consoles, "relaytui")
    (settings,) = [settings for settings in home.json("notify", "status") if settings["node"] == "box"]
    assert [mute["value"] for mute in settings["mutes"]] == [key.partition("/")[2]]
    print(f"an answer shows in both consoles after {answered:.2f} s, a mute after {muted:.2f} s")
    assert answered < SOON + NOISE
    assert muted < SOON + NOISE

    home.wait_for(key, lambda session: session["ask"] is not None)
    alerts = [alert for alert in home.json("notify", "log", "--node", "box") if alert["kind"] == "ask"]
    assert len(alerts) == 2
    for alert in alerts:
        assert letterbox.alert_keys().count(alert["key"]) == 1
        assert [(sent["channel"], sent["state"], sent["tries"]) for sent in alert["deliveries"]] == [
            ("phone", "sent", 1)
        ]
    home.ok("kill", key)
