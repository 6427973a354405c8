"""The channels that libraries send through: apprise to a web server, the desktop over a message bus."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from node_agent.protocol.entities import Alert
from node_agent.protocol.states import AlertKind, Severity
from relaytui.config import ChannelConfig, ChannelKind
from relaytui.notify.channels import send
from relaytui.notify.message import Message, Raised
from tests.alerts.conftest import Letterbox
from tests.alerts.conftest import letterbox as letterbox

ALERT = Alert("k", AlertKind.ASK, Severity.NORMAL, "box: claude asks", "Proceed?", 0.0, 1)
MESSAGE = Message(ALERT.title, ALERT.body, ALERT.severity, (Raised("box", ALERT),))


def needs(library: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"{library} is not installed")


@needs("apprise")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own
async def test_apprise_sends_to_a_url_of_its_own(letterbox: Letterbox) -> None:
    channel = ChannelConfig("web", ChannelKind.APPRISE, {"url": letterbox.url.replace("http://", "json://")})
    assert await send(channel, MESSAGE) == (True, "apprise sent it")
    assert [(post["title"], post["message"]) for post in letterbox.posts] == [(ALERT.title, ALERT.body)]
    letterbox.status = 503
    assert await send(channel, MESSAGE) == (False, "apprise could not send it")
    unknown = ChannelConfig("odd", ChannelKind.APPRISE, {"url": "nonsense://x"})
    assert await send(unknown, MESSAGE) == (False, "apprise does not know this kind of URL")


_INTERFACE = """
<node><interface name="org.freedesktop.Notifications">
  <method name="Notify">
    <arg direction="in" type="s" name="app_name"/><arg direction="in" type="u" name="replaces_id"/>
    <arg direction="in" type="s" name="app_icon"/><arg direction="in" type="s" name="summary"/>
    <arg direction="in" type="s" name="body"/><arg direction="in" type="as" name="actions"/>
    <arg direction="in" type="a{sv}" name="hints"/><arg direction="in" type="i" name="expire_timeout"/>
    <arg direction="out" type="u" name="id"/>
  </method>
  <method name="GetCapabilities"><arg direction="out" type="as" name="capabilities"/></method>
  <method name="GetServerInformation">
    <arg direction="out" type="s" name="name"/><arg direction="out" type="s" name="vendor"/>
    <arg direction="out" type="s" name="version"/><arg direction="out" type="s" name="spec_version"/>
  </method>
</interface></node>
"""


@pytest.fixture
async def bus(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A session bus on which nobody else is."""
    daemon = await asyncio.create_subprocess_exec(
        "dbus-daemon", "--session", "--nofork", "--print-address", stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    address = (await daemon.stdout.readline()).decode().strip()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    yield
    daemon.terminate()
    await daemon.wait()


@needs("desktop_notifier")
@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")
async def test_the_desktop_shows_it_or_says_that_it_did_not(bus: None) -> None:
    channel = ChannelConfig("desk", ChannelKind.DESKTOP)
    assert await send(channel, MESSAGE) == (False, "no desktop takes notifications here")
    desktop = await _desktop()
    try:
        assert await send(channel, MESSAGE) == (True, "shown on the desktop")
        assert desktop.shown == [(ALERT.title, ALERT.body)]
    finally:
        desktop.close()


class _Desktop:
    """The least a desktop is."""

    def __init__(self, connection: Any, message_class: Any) -> None:
        self.shown: list[tuple[str, str]] = []
        self._connection = connection
        self._message = message_class
        connection.add_message_handler(self._handle)

    def _handle(self, message: Any) -> Any:
        match message.member:
            case "Introspect":
                return self._message.new_method_return(message, "s", [_INTERFACE])
            case "GetCapabilities":
                return self._message.new_method_return(message, "as", [["body"]])
            case "GetServerInformation":
                return self._message.new_method_return(message, "ssss", ["test", "test", "1", "1.2"])
            case "Notify":
                self.shown.append((message.body[3], message.body[4]))
                return self._message.new_method_return(message, "u", [1])
        return None

    def close(self) -> None:
        self._connection.disconnect()


async def _desktop() -> _Desktop:
    """Serve org.freedesktop.Notifications."""
    dbus, aio = importlib.import_module("dbus_fast"), importlib.import_module("dbus_fast.aio")
    connection = await aio.MessageBus().connect()
    desktop = _Desktop(connection, dbus.Message)
    await connection.request_name("org.freedesktop.Notifications")
    return desktop
