"""Alerts, mutes and channels of a real node: claimed by clients, sent by the node itself when nobody does."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from node_agent.protocol.alerts import AlertClaim, AlertList, ClaimAlert, ListAlerts, RaiseAlert, ReportAlert
from node_agent.protocol.asks import AckAsk, ClaimAsk, SnoozeAsk
from node_agent.protocol.entities import Alert, AskInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.notices import AlertChanged, SettingsChanged
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import SignalSession
from node_agent.protocol.settings import GetSettings, Mute, MuteScope, NodeChannel, NodeSettings, SetSettings
from node_agent.protocol.states import AlertKind, Severity
from tests.alerts.conftest import Letterbox
from tests.client import Client
from tests.harness import Node
from tests.waiting import LIMIT, eventually

ASKS = ("python3", "-c", "input('Proceed? [y/n] ')")


async def asking(client: Client, *command: str) -> AskInfo:
    session = await client.start(*(command or ASKS))
    return await client.until(lambda: client.sessions[session.id].ask)


def alerts(client: Client) -> dict[str, Alert]:
    """The latest a client was told of each alert."""
    return {notice.alert.key: notice.alert for notice in client.notices if isinstance(notice, AlertChanged)}


async def alert_of(client: Client, ask: AskId) -> Alert:
    return await client.until(lambda: next((alert for alert in alerts(client).values() if alert.ask == ask), None))


async def configure(client: Client, **changes: object) -> NodeSettings:
    current: NodeSettings = await client.request(GetSettings())
    fields = {name: getattr(current, name) for name in NodeSettings.__dataclass_fields__}
    reply: NodeSettings = await client.request(SetSettings(NodeSettings(**{**fields, **changes})))
    return reply


async def claim(client: Client, key: str, channel: str = "box", sender: str = "hub") -> AlertClaim:
    reply: AlertClaim = await client.request(ClaimAlert(key, channel, sender))
    return reply


async def test_of_two_changes_at_once_one_is_refused_and_both_clients_see_the_other(node: Node) -> None:
    ann, bob = await node.connect("ann"), await node.connect("bob")
    first = NodeSettings(0, (Mute(MuteScope.KIND, "pager", "ann"),))
    assert (await ann.request(SetSettings(first))).version == 1
    with pytest.raises(RequestError) as caught:
        await bob.request(SetSettings(NodeSettings(0, disabled=("bell",))))
    assert caught.value.code is ErrorCode.STALE_VERSION
    for client in (ann, bob):
        told = await client.until(lambda c=client: [n for n in c.notices if isinstance(n, SettingsChanged)])  # type: ignore[misc]  # bound now
        assert told[-1].settings.mutes == first.mutes
    await node.kill_agent()
    assert (await (await node.connect()).request(GetSettings())).version == 1


async def test_secrets_of_channels_are_kept_and_never_shown(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    channel = NodeChannel("box", "webhook", {"url": letterbox.url, "token": "s3cret"})
    shown = await configure(client, channels=(channel,))
    assert shown.channels == (NodeChannel("box", "webhook"),)
    await configure(client, disabled=("bell",))  # sends the channel back without its settings
    await client.request(RaiseAlert("by hand", AlertKind.MANUAL, "a test"))
    await eventually(lambda: letterbox.alert_keys() == ["by hand"])
    assert node.paths.database.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "channel",
    [
        NodeChannel("x", "telegram"),
        NodeChannel("x", "webhook", {"url": "file:///etc/passwd"}),
        NodeChannel("x", "webhook", {"url": "http://[::1"}),
        NodeChannel("x", "command"),
    ],
)
async def test_channels_that_could_never_send_are_refused(node: Node, channel: NodeChannel) -> None:
    client = await node.connect()
    with pytest.raises(RequestError) as caught:
        await configure(client, channels=(channel,))
    assert caught.value.code is ErrorCode.BAD_REQUEST


async def test_an_alert_is_claimed_once_and_ends_with_its_ask(node: Node) -> None:
    ann, bob = await node.connect("ann"), await node.connect("bob")
    ask = await asking(ann)
    alert = await alert_of(bob, ask.id)
    assert (alert.kind, alert.is_open, alert.body.splitlines()[0]) == (AlertKind.ASK, True, ask.excerpt)
    tokens = await asyncio.gather(claim(ann, alert.key, sender="ann"), claim(bob, alert.key, sender="bob"))
    (token,) = [given.token for given in tokens if given.token]
    await ann.request(ReportAlert(alert.key, "box", token, True, "202"))
    assert not (await claim(bob, alert.key, sender="bob")).token
    await ann.request(SendInput(ask.session, "answer", (Chunk(text="y"), Chunk(key="enter"))))
    await bob.until(lambda: not alerts(bob)[alert.key].is_open)
    assert "no longer" in (await claim(bob, alert.key, "bell")).why
    listed: AlertList = await bob.request(ListAlerts())
    ((sent,),) = [known.deliveries for known in listed.alerts if known.key == alert.key]
    assert (sent.channel, sent.state, sent.detail) == ("box", "sent", "202")


async def test_what_nobody_claims_the_node_sends_once_through_each_kind(
    node: Node, letterbox: Letterbox, tmp_path: Path
) -> None:
    client = await node.connect()
    command = f"sh -c 'cat > {tmp_path}/stdin; printenv RELAY_ALERT_TITLE > {tmp_path}/title'"
    channels = (
        NodeChannel("box", "webhook", {"url": letterbox.url}),
        NodeChannel("hook", "command", {"command": command}),
    )
    await configure(client, channels=channels)
    ask = await asking(client, "python3", "-c", "input('$(touch pwned) `id`; go on? [y/n] ')")
    alert = await alert_of(client, ask.id)
    await client.until(lambda: {d.state for d in alerts(client)[alert.key].deliveries} == {"sent"})
    assert {d.channel for d in alerts(client)[alert.key].deliveries} == {"box", "hook"}
    assert letterbox.alert_keys() == [alert.key]
    assert json.loads((tmp_path / "stdin").read_text())["body"].startswith("$(touch pwned) `id`;")
    assert (tmp_path / "title").read_text().strip() == alert.title


async def test_the_node_sends_what_the_channel_is_for_and_nothing_else(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    box = NodeChannel("box", "webhook", {"url": letterbox.url}, kinds=("failure",), severity=Severity.NORMAL)
    await configure(client, channels=(box,))
    good, bad = await client.start("true"), await client.start("false")
    await asking(client)
    await client.ended(good.id)
    await eventually(lambda: letterbox.posts)
    assert [(post["kind"], post["session"]) for post in letterbox.posts] == [("failure", bad.id)]
    await client.request(RaiseAlert("by hand", AlertKind.MANUAL, "a test", severity=Severity.LOW))
    await eventually(lambda: letterbox.alert_keys()[1:] == ["by hand"])


async def test_ntfy_gets_topic_title_and_priority(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    await configure(client, channels=(NodeChannel("phone", "ntfy", {"url": letterbox.url}),))
    await client.request(RaiseAlert("k", AlertKind.MANUAL, "Grüße", "läuft", Severity.HIGH))
    (post,) = await eventually(lambda: letterbox.posts)
    assert post == {"topic": "topic", "title": "Grüße", "message": "läuft", "priority": 5, "tags": ["k"]}


async def test_what_is_due_at_once_is_sent_at_once(node: Node, tmp_path: Path) -> None:
    """Each command waits until three have begun: one after the other, none would end in time."""
    client = await node.connect()
    keys = ["k", "l", "m"]
    for key in keys:
        await client.request(RaiseAlert(key, AlertKind.MANUAL, "t"))
    await eventually_asked(client, lambda found: all(alert.age > 1.5 for alert in found))
    script = 'touch "$0/$RELAY_ALERT_KEY"; until [ -e "$0/k" ] && [ -e "$0/l" ] && [ -e "$0/m" ]; do sleep 0.02; done'
    channel = NodeChannel("hook", "command", {"command": shlex.join(["sh", "-c", script, str(tmp_path)])})
    await configure(client, channels=(channel,))
    found = await eventually_asked(
        client, lambda found: all(d.state != "claimed" for a in found for d in a.deliveries) and found[2].deliveries
    )
    assert [[(d.state, d.tries) for d in alert.deliveries] for alert in found] == [[("sent", 1)]] * 3


async def eventually_asked(client: Client, fact: Callable[[Sequence[Alert]], object]) -> Sequence[Alert]:
    """The node's alerts as it lists them, once they are as wanted."""
    async with asyncio.timeout(LIMIT):
        while not fact(found := (await client.request(ListAlerts())).alerts):  # noqa: ASYNC110 - ages tell nobody
            await asyncio.sleep(0.02)
    return list(found)


async def test_a_key_is_kept_as_it_can_be_told(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    await configure(client, channels=(NodeChannel("hook", "command", {"command": f"sh -c 'cat > {tmp_path}/told'"}),))
    assert (await client.request(RaiseAlert("a\0b", AlertKind.MANUAL, "t"))).key == "a␀b"
    sent = await client.until(lambda: [d for d in alerts(client)["a␀b"].deliveries if d.state != "claimed"])
    assert sent[0].state == "sent"


async def test_a_claim_keeps_the_node_from_sending_until_it_ends(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    await configure(client, channels=(NodeChannel("box", "webhook", {"url": letterbox.url}),))
    done = (await client.request(RaiseAlert("done", AlertKind.MANUAL, "t"))).key
    died = (await client.request(RaiseAlert("died", AlertKind.MANUAL, "t"))).key
    token = (await claim(client, done)).token
    assert (await claim(client, died)).token  # this sender is never heard of again
    await client.request(ReportAlert(done, "box", token, True))
    await eventually(lambda: letterbox.alert_keys() == [died])
    await client.until(lambda: alerts(client)[died].deliveries and alerts(client)[died].deliveries[0].state == "sent")
    assert letterbox.alert_keys() == [died]


async def test_a_failed_sending_is_tried_again_and_its_end_is_shown(node: Node, letterbox: Letterbox) -> None:
    letterbox.status = 503
    client = await node.connect()
    await configure(client, channels=(NodeChannel("box", "webhook", {"url": letterbox.url}),))
    await client.request(RaiseAlert("k", AlertKind.MANUAL, "t"))
    await eventually(lambda: letterbox.refused >= 2)
    letterbox.status = 200
    sent = await client.until(lambda: next((d for d in alerts(client)["k"].deliveries if d.state == "sent"), None))
    assert sent.tries >= 3
    assert letterbox.alert_keys() == ["k"]


async def test_an_alert_survives_the_death_of_the_agent(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    await configure(client, channels=(NodeChannel("box", "webhook", {"url": letterbox.url}),))
    ask = await asking(client)
    key = (await alert_of(client, ask.id)).key
    await node.kill_agent()
    await eventually(lambda: letterbox.alert_keys() == [key])


async def test_what_is_muted_snoozed_or_seen_is_told_by_nobody(node: Node, letterbox: Letterbox) -> None:
    client = await node.connect()
    muted, snoozed, seen = [await asking(client) for _ in range(3)]
    keys = {ask.id: (await alert_of(client, ask.id)).key for ask in (muted, snoozed, seen)}
    await client.request(SnoozeAsk(snoozed.id, 0))
    await client.request(AckAsk(seen.id))
    channel = NodeChannel("box", "webhook", {"url": letterbox.url})  # set last: nothing is sent before
    await configure(client, channels=(channel,), mutes=(Mute(MuteScope.SESSION, muted.session, "ann"),))
    assert (await claim(client, keys[muted.id])).why == "muted"
    assert (await claim(client, keys[snoozed.id])).why == "snoozed"
    assert not (await claim(client, keys[seen.id])).token
    await client.until(lambda: client.sessions[seen.session].ask.acked_by)  # type: ignore[union-attr]  # it stays open
    states = [client.sessions[ask.session].ask for ask in (muted, snoozed, seen)]
    assert [(s.muted, s.snoozed, s.acked_by) for s in states if s] == [
        (True, False, ""), (False, True, ""), (False, False, "ann"),
    ]  # fmt: skip  # one row, three states
    told = await asking(client)
    await eventually(
        lambda: letterbox.alert_keys() == [alerts(client)[key].key for key in alerts(client) if told.id in key]
    )
    await configure(client, mutes=())
    await eventually(lambda: keys[muted.id] in letterbox.alert_keys())
    assert keys[snoozed.id] not in letterbox.alert_keys()


async def test_one_operator_handles_an_ask_and_all_see_who(node: Node) -> None:
    ann, bob = await node.connect("ann"), await node.connect("bob")
    ask = await asking(ann)
    await bob.until(lambda: ask.session in bob.sessions)
    await ann.request(ClaimAsk(ask.id, 60))
    await bob.until(lambda: (found := bob.sessions[ask.session].ask) and found.claimed_by == "ann")
    with pytest.raises(RequestError, match="ann is handling it"):
        await bob.request(ClaimAsk(ask.id, 60))
    await ann.request(ClaimAsk(ask.id, 0))
    await bob.request(ClaimAsk(ask.id, 0.2))
    await ann.until(lambda: (found := ann.sessions[ask.session].ask) and found.claimed_by == "bob")
    await ann.until(lambda: (found := ann.sessions[ask.session].ask) and not found.claimed_by)
    with pytest.raises(RequestError) as caught:
        await ann.request(AckAsk(AskId("nobody.1")))
    assert caught.value.code is ErrorCode.NO_ASK


async def test_ends_failures_and_finished_turns_are_alerts_of_their_own(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    good, bad = await client.start("true"), await client.start("false")
    shell = await client.start("bash", "--norc", "-i")
    await client.until(lambda: client.sessions[shell.id].attention.value == "idle")
    os.mkfifo(tmp_path / "gate")
    await client.request(SendInput(shell.id, "work", (Chunk(text=f"read < {tmp_path}/gate"), Chunk(key="enter"))))
    await client.until(lambda: client.sessions[shell.id].attention.value == "working")
    await asyncio.sleep(1.2)  # work must be long to be told, a second on this node
    (tmp_path / "gate").write_text("open")
    wanted = {(good.id, AlertKind.EXIT), (bad.id, AlertKind.FAILURE), (shell.id, AlertKind.TURN)}
    await client.until(lambda: wanted <= {(alert.session, alert.kind) for alert in alerts(client).values()})
    assert len(alerts(client)) == len(wanted)


async def test_a_report_from_outside_any_session_is_alerted_too(node: Node) -> None:
    client = await node.connect()
    await client.request(SignalSession("asking", None, "Deploy?", "a pipeline"))
    (alert,) = await client.until(lambda: list(alerts(client).values()))
    assert (alert.session, alert.body) == (SessionId(""), "Deploy?")
    await client.request(SignalSession("done", None, "", "a pipeline"))
    await client.until(lambda: not alerts(client)[alert.key].is_open)


async def test_an_ask_that_nobody_sees_is_told_again_louder(node: Node) -> None:
    client = await node.connect()
    await configure(client, escalate_after=0.5)
    ask = await asking(client)
    again = await client.until(lambda: next((a for k, a in alerts(client).items() if k.endswith("/again")), None))
    assert (again.ask, again.severity) == (ask.id, Severity.HIGH)


async def test_a_pager_started_as_such_alerts_nobody(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    (tmp_path / "text").write_text("\n".join(map(str, range(500))))
    ask = await asking(client, "less", str(tmp_path / "text"))
    assert ask.quiet
    assert (await alert_of(client, ask.id)).silenced == "pager started as such"


QUESTIONS = "for n in range(int(__import__('sys').argv[1])): input(f'Proceed with {n}? [y/n] ')"


async def answer_slowly(node: Node, client: Client, sessions: list[SessionId], done: set[str]) -> None:
    """Answer each ask once its alert was delivered, so that each is told before it ends."""
    for name in sessions:
        ask = client.sessions[name].ask
        alert = next((a for a in alerts(client).values() if ask is not None and a.ask == ask.id), None)
        if ask is not None and alert is not None and any(d.state == "sent" for d in alert.deliveries):
            done.add(alert.key)
            await client.request(SendInput(name, f"answer {ask.id}", (Chunk(text="y"), Chunk(key="enter"))))


async def run_through_kills(node: Node, letterbox: Letterbox, sessions: int, questions: int, kills: int) -> str:
    """Raise and answer asks while the agent is killed; how often alerts came, in words."""
    client = await node.connect()
    await configure(client, channels=(NodeChannel("box", "webhook", {"url": letterbox.url}),))
    names = [(await client.start("python3", "-c", QUESTIONS, str(questions))).id for _ in range(sessions)]
    dice = random.Random(3)
    seen: set[str] = set()
    for turn in range(kills + 1):
        deadline = asyncio.get_running_loop().time() + dice.uniform(0.5, 2.5)
        while turn == kills or asyncio.get_running_loop().time() < deadline:
            for alert in (await client.request(ListAlerts(limit=1000))).alerts:
                client.notices.append(AlertChanged(alert))
            await answer_slowly(node, client, names, seen)
            if all(client.sessions[name].exit for name in names):
                break
            await asyncio.sleep(0.05)
        if turn < kills:
            await node.kill_agent()
            client = await node.connect()
    listed = [alert for alert in (await client.request(ListAlerts(limit=1000))).alerts if alert.kind is AlertKind.ASK]
    came = Counter(letterbox.alert_keys())
    assert len(listed) == len({alert.key for alert in listed}) == sessions * questions
    assert not [alert.key for alert in listed if alert.is_open]
    assert {alert.key for alert in listed} <= set(came)
    # A sender that is killed may have sent everything it had claimed just then.
    twice = sum(number - 1 for number in came.values())
    assert twice <= kills * sessions, came
    return f"{len(listed)} asks, each told; {kills} kills, {twice} told twice"


async def test_each_ask_is_told_though_the_agent_is_killed(node: Node, letterbox: Letterbox) -> None:
    print(await run_through_kills(node, letterbox, sessions=4, questions=2, kills=3))


@pytest.mark.full
@pytest.mark.timeout(1200)
async def test_each_of_five_hundred_asks_is_told_though_the_agent_is_killed(node: Node, letterbox: Letterbox) -> None:
    print(await run_through_kills(node, letterbox, sessions=20, questions=25, kills=15))
