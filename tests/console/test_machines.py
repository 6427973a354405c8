"""Adding a machine in the console, the rules panel, the demo of an empty console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.events import EventList, ListEvents
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.states import EventKind
from relaytui.config import NodeConfig, Transport
from relaytui.fleet.changes import EventReceived
from relaytui.hub.ledger import Entry
from relaytui.hub.policy import Action, Rule
from relaytui.link.errors import HostKeyUnknown, PythonMissing
from relaytui.link.joining import Attendant
from relaytui.screens.services import Services
from tests.console.driver import at_console
from tests.console.scripted import ScriptedSource

QUESTION = HostKeyUnknown(
    "unknown", host="box.lan", key="ssh-ed25519 AAAA", fingerprint="SHA256:abc", known_hosts="known_hosts"
)
Add = Callable[[NodeConfig, Attendant], Awaitable[None]]


def adding(source: ScriptedSource, added: list[NodeConfig]) -> Add:
    """Makes a machine a node as the real thing does, after a yes to its host key."""

    async def add(node: NodeConfig, by: Attendant) -> None:
        added.append(node)
        by.tell("pushing the agent, 328 KB", 0.5)
        assert by.may_trust is not None
        if not await by.may_trust(QUESTION):
            raise PythonMissing("box: no Python 3.9 or newer; install one, or name it with --python")
        by.tell("pushing the agent, 328 KB", 1.0)
        by.tell("starting the agent", None)
        source.add_node(node.alias)

    return add


async def test_a_machine_is_added_step_by_step_with_a_yes_to_its_host_key() -> None:
    source, added = ScriptedSource(), list[NodeConfig]()
    async with at_console(source, services=Services(add_machine=adding(source, added))) as operator:
        await operator.press("A", *"ann@box.lan", "tab", "tab", *"gpu, cuda12", "enter")
        await operator.until(lambda: operator.sees("SHA256:abc"))
        assert added == [NodeConfig("box", host="box.lan", user="ann", tags=("gpu", "cuda12"))]
        assert operator.sees("pushing the agent, 328 KB")
        assert operator.sees(" 50%")
        await operator.press("enter", "space")  # neither says yes to a host key
        assert operator.sees("Is it the right one?")
        await operator.press("y")
        await operator.until(lambda: operator.sees("box is a node now"))
        assert operator.sees("starting the agent")
        await operator.press("enter")
        assert operator.screen_name == "GridScreen"
        assert "2 nodes" in operator.lines[0]


async def test_what_fails_says_what_to_do_and_can_be_tried_again_or_corrected() -> None:
    source, added = ScriptedSource(), list[NodeConfig]()
    async with at_console(source, services=Services(add_machine=adding(source, added))) as operator:
        await operator.press("A", *"box", "tab", *"lab", "tab", "tab", "ctrl+n", "enter")
        await operator.until(lambda: operator.sees("Is it the right one?"))
        await operator.press("n")
        await operator.until(lambda: operator.sees("install one, or name it with --python"))
        await operator.press("r")
        await operator.until(lambda: len(added) == 2 and operator.sees("Is it the right one?"))
        await operator.press("n")
        await operator.until(lambda: operator.sees("e correct"))
        await operator.press("e")
        await operator.until(lambda: operator.screen_name == "FormScreen")
        assert operator.sees("lab")  # what was typed is still there
        assert added[0] == NodeConfig("lab", host="box", transport=Transport.OPENSSH)
        await operator.press("escape")
        assert operator.screen_name == "GridScreen"


async def test_giving_up_ends_what_was_begun() -> None:
    source, added = ScriptedSource(), list[NodeConfig]()
    async with at_console(source, services=Services(add_machine=adding(source, added))) as operator:
        await operator.press("A", *"box", "enter")
        await operator.until(lambda: operator.sees("Is it the right one?"))
        await operator.press("escape")
        assert operator.screen_name == "GridScreen"
        assert "1 node" in operator.lines[0]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([""], "which machine?"),
        ([*"local"], "'local' is this machine"),
        ([*"box", "tab", *"a b"], "an alias is letters"),
        ([*"box", "tab", "tab", "tab", *"pigeon"], "transport is asyncssh or openssh"),
    ],
)
async def test_a_machine_that_cannot_be_is_refused_in_the_form(keys: Sequence[str], words: str) -> None:
    source, added = ScriptedSource(), list[NodeConfig]()
    async with at_console(source, services=Services(add_machine=adding(source, added))) as operator:
        await operator.press("A", *filter(None, keys), "enter")
        await operator.until(lambda: operator.sees(words))
        assert added == []


RULES = (
    Rule("apt-yes", Action.ALLOW, answer="Yes", command="apt *", cap=5, window=3600, dry_run=False),
    Rule("docs", Action.ALLOW, answer="Yes", node="local"),
)


def answered(n: int, rule: str, outcome: str, age: float) -> EventRecord:
    data = {"policy": rule, "chosen": "Yes", "outcome": outcome, "why": ""}
    return EventRecord(n, EventKind.ASK_ANSWERED, age, SessionId("b1"), data)


async def test_rules_and_what_they_answered_on_every_node_are_listed() -> None:
    source = ScriptedSource("local", "web-2")

    def reply(node: str, request: Request) -> object:
        if not isinstance(request, ListEvents):
            return source.obey(node, request)
        events = [answered(3, "apt-yes", "accepted", 400.0), answered(5, "", "accepted", 10.0)]
        return EventList(tuple(event for event in events if node == "web-2" and event.n > request.after))

    async def decisions() -> Sequence[Entry]:
        left = Entry(0.0, "docs", "rule docs would choose 'Yes'", "local", "2f", "x")
        return [left, Entry(0.0, "apt-yes", "rule apt-yes chooses 'Yes'", "web-2", "b1", "y", "sending")]

    source.replies = reply
    async with at_console(source, services=Services(rules=RULES, decisions=decisions)) as operator:
        await operator.press("P")
        await operator.until(lambda: operator.sees("web-2/b1  apt-yes chose 'Yes'  accepted"))
        assert operator.text.count(" chose ") == 1  # what a human answered is no rule's
        assert operator.sees("command apt *, cap 5, window 3600")
        assert operator.sees("dry run  node local")
        assert operator.sees("rule docs would choose 'Yes'")
        assert not operator.sees("rule apt-yes chooses")
        source.apply(EventReceived("web-2", answered(9, "apt-yes", "refused", 0.0)))
        await operator.look()
        assert operator.text.count(" chose ") == 2


async def test_rules_are_suspended_and_let_go_from_their_panel() -> None:
    source = ScriptedSource("local")
    source.replies = lambda node, request: (
        EventList(()) if isinstance(request, ListEvents) else source.obey(node, request)
    )
    async with at_console(source) as operator:
        await operator.press("P")
        assert operator.sees("No rules: every ask is yours.")
        await operator.press("!")
        await operator.until(lambda: operator.sees("! let rules answer"))
        assert source.fleet.nodes["local"].settings is not None
        assert source.fleet.nodes["local"].settings.policy_suspended
        await operator.press("!")
        await operator.until(lambda: operator.sees("! suspend all"))


@pytest.fixture
def lent_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application be suspended although it has no terminal."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("lent_terminal")
async def test_an_empty_console_shows_the_demo() -> None:
    shown: list[str] = []

    async def demo() -> None:
        shown.append("demo")

    async with at_console(ScriptedSource(), services=Services(demo=demo)) as operator:
        assert operator.sees("D  see a demo")
        await operator.press("D")
        await operator.until(lambda: operator.message == "the demo is over and left nothing behind")
        assert shown == ["demo"]
        operator.source.session("local/a1", "shell")
        await operator.press("D")
        assert shown == ["demo"]  # where there are sessions it removes one
