"""`relaytui notify`: alerts by hand, what became of each, and the switches that live on the nodes."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import click

from node_agent.protocol.alerts import AlertList, ListAlerts, RaiseAlert
from node_agent.protocol.entities import Alert
from node_agent.protocol.settings import GetSettings, Mute, MuteScope, NodeSettings
from node_agent.protocol.states import AlertKind, AskKind, Severity
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.output import age, narrate, print_json, print_table
from relaytui.cli.reach import Survey, connected, run_async, surveyed, target
from relaytui.config import LOCAL, Config, load_config
from relaytui.link.client import NodeClient
from relaytui.notify.copies import copies_of
from relaytui.notify.switches import Change, change_settings, escalating, muting, quieting, switching

_KINDS = sorted({kind.value for kind in AskKind} | {kind.value for kind in AlertKind})


@click.group(cls=CommandGroup)
def notify() -> None:
    """Alerts: send and test them, see what became of each, switch them on and off."""


@notify.command("send")
@click.argument("title")
@click.argument("body", required=False, default="")
@click.option("--node", metavar="NODE", default=LOCAL, show_default=True, help="The node that keeps the alert.")
@click.option(
    "--severity",
    type=click.Choice([item.value for item in Severity]),
    default="normal",
    help="High is told in quiet hours, too.",
)
def send_command(title: str, body: str, node: str, severity: str) -> None:
    """Raise an alert by hand; hubs, consoles or the node itself send it. Prints its key."""
    run_async(_send(title, body, node, Severity(severity)))


@notify.command()
@click.argument("channel", required=False)
def test(channel: str | None) -> int:
    """Send a test through each channel of the config, or through one, from here and now."""
    return asyncio.run(_test(channel))


@notify.command("log")
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only alerts of this node; may be repeated.")
@click.option("--limit", default=50, show_default=True, help="At most so many of a node, the latest.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def log_command(nodes: tuple[str, ...], limit: int, as_json: bool) -> int:
    """Show alerts, latest last, and what each channel did with them."""
    return run_async(_log(nodes, limit, as_json))


@notify.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, one a node.")
def status(session: str | None, as_json: bool) -> int:
    """Show what is switched off and muted on each node, or whether a session is."""
    return run_async(_status(session, as_json))


@notify.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="All of this node; may be repeated.")
@click.option("--kind", type=click.Choice(_KINDS), help="Asks or alerts of this kind.")
@click.option("--channel", metavar="NAME", help="This channel.")
def disable(session: str | None, nodes: tuple[str, ...], kind: str | None, channel: str | None) -> None:
    """Mute a session, a kind or a node, or switch a channel off. It holds for every console and hub."""
    run_async(_switch(session, nodes, kind, channel, is_on=False))


@notify.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="All of this node; may be repeated.")
@click.option("--kind", type=click.Choice(_KINDS), help="Asks or alerts of this kind.")
@click.option("--channel", metavar="NAME", help="This channel.")
def enable(session: str | None, nodes: tuple[str, ...], kind: str | None, channel: str | None) -> None:
    """Take back what `disable` did."""
    run_async(_switch(session, nodes, kind, channel, is_on=True))


@notify.command()
@click.argument("hours", metavar="HOURS|off")
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only of this node; may be repeated.")
def quiet(hours: str, nodes: tuple[str, ...]) -> None:
    """Have quiet hours, as 22:00-07:00 by each node's clock: only what is of high severity is told then."""
    run_async(_change_all(nodes, quieting("" if hours == "off" else hours)))


@notify.command()
@click.argument("seconds", metavar="SECONDS|off")
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only of this node; may be repeated.")
def escalate(seconds: str, nodes: tuple[str, ...]) -> None:
    """Tell an ask again, with high severity, that nobody has answered or acked for so long."""
    try:
        after = 0.0 if seconds == "off" else float(seconds)
    except ValueError:
        raise click.UsageError(f"{seconds!r} is neither a number of seconds nor off") from None
    run_async(_change_all(nodes, escalating(after)))


@notify.command()
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only to this node; may be repeated.")
def push(nodes: tuple[str, ...]) -> int:
    """Have the nodes know the channels marked on_node, and no others.

    Hubs and consoles copy new and changed ones by themselves; this also takes away what is no longer in the config.
    """
    return run_async(_push(nodes))


async def _send(title: str, body: str, node: str, severity: Severity) -> None:
    config = load_config()
    async with connected(config, config.node(node)) as client:
        alert = await client.request(RaiseAlert(f"manual/{uuid.uuid4()}", AlertKind.MANUAL, title, body, severity))
    print(alert.key)


async def _test(name: str | None) -> int:
    from relaytui.notify.channels import send
    from relaytui.notify.message import Message, Raised

    config = load_config()
    channels = [channel for channel in config.channels if name in (None, channel.name)]
    if not channels:
        known = ", ".join(channel.name for channel in config.channels)
        raise CommandError(f"no such channel; there is {known or 'none in the config'}", Exit.CONFIG)
    alert = Alert(f"test/{uuid.uuid4()}", AlertKind.MANUAL, Severity.NORMAL, "relaytui: a test", "It works.", 0.0, 0)
    message = Message(alert.title, alert.body, alert.severity, (Raised(LOCAL, alert),))
    write = _write_terminal if sys.stderr.isatty() else None
    results = await asyncio.gather(*(send(channel, message, write) for channel in channels))
    rows = [
        (channel.name, channel.kind.value, "sent" if sent.is_sent else "failed", sent.detail)
        for channel, sent in zip(channels, results, strict=True)
    ]
    print_table(("CHANNEL", "KIND", "RESULT", "DETAIL"), rows)
    return Exit.OK if all(sent.is_sent for sent in results) else Exit.PARTIAL


def _write_terminal(text: str) -> bool:
    print(text, end="", file=sys.stderr, flush=True)
    return True


async def _log(nodes: tuple[str, ...], limit: int, as_json: bool) -> int:
    async with _survey(load_config(), nodes) as survey:
        found: list[tuple[str, Alert]] = []
        for alias, client in survey.clients.items():
            found += [(alias, alert) for alert in (await _all_alerts(client))[-limit:]]
    found.sort(key=lambda item: -item[1].age)
    if as_json:
        print_json([_alert_json(alias, alert) for alias, alert in found])
    else:
        headings = ("AGE", "NODE", "KIND", "TITLE", "CHANNELS")
        print_table(
            headings,
            [(age(a.age), alias, a.kind.value, a.title, _delivery_words(a)) for alias, a in found],
        )
    return _partial(survey)


async def _all_alerts(client: NodeClient) -> list[Alert]:
    alerts: list[Alert] = []
    while True:
        reply: AlertList = await client.request(ListAlerts(alerts[-1].n if alerts else 0))
        if not reply.alerts:
            return alerts
        alerts += reply.alerts


def _delivery_words(alert: Alert) -> str:
    words = [f"{each.channel} {each.state}" + (f" ({each.detail})" if each.detail else "") for each in alert.deliveries]
    if alert.silenced:
        words.append(alert.silenced)
    return ", ".join(words) or ("waits" if alert.is_open else "")


def _alert_json(alias: str, alert: Alert) -> dict[str, Any]:
    return {
        "node": alias,
        "key": alert.key,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "title": alert.title,
        "body": alert.body,
        "age": round(alert.age, 3),
        "session": alert.session or None,
        "ask": alert.ask,
        "open": alert.is_open,
        "silenced": alert.silenced,
        "deliveries": [
            {"channel": d.channel, "sender": d.sender, "state": d.state, "detail": d.detail, "tries": d.tries}
            for d in alert.deliveries
        ],
    }


async def _status(session: str | None, as_json: bool) -> int:
    if session is not None:
        async with target(session) as found:
            settings: NodeSettings = await found.client.request(GetSettings())
        mutes = [m for m in settings.mutes if m.scope is MuteScope.NODE or m.value == found.key.id]
        print(f"{found.key}: " + (", ".join(map(_mute_words, mutes)) or "not muted"))
        return Exit.OK
    async with _survey(load_config(), ()) as survey:
        known = {alias: await client.request(GetSettings()) for alias, client in survey.clients.items()}
    if as_json:
        print_json([_settings_json(alias, settings) for alias, settings in known.items()])
    else:
        rows = [
            (
                alias,
                str(settings.version),
                ", ".join(map(_mute_words, settings.mutes)) or "nothing",
                ", ".join(settings.disabled) or "none",
                ", ".join(channel.name for channel in settings.channels) or "none",
                settings.quiet or "none",
                f"after {settings.escalate_after:g} s" if settings.escalate_after > 0 else "never",
            )
            for alias, settings in known.items()
        ]
        print_table(("NODE", "VERSION", "MUTED", "SWITCHED OFF", "ON THE NODE", "QUIET HOURS", "TOLD AGAIN"), rows)
    return _partial(survey)


def _mute_words(mute: Mute) -> str:
    what = "everything" if mute.scope is MuteScope.NODE else f"{mute.scope.value} {mute.value}"
    return what + (f" by {mute.by}" if mute.by else "")


def _settings_json(alias: str, settings: NodeSettings) -> dict[str, Any]:
    return {
        "node": alias,
        "version": settings.version,
        "mutes": [{"scope": mute.scope.value, "value": mute.value, "by": mute.by} for mute in settings.mutes],
        "disabled": list(settings.disabled),
        "channels": [{"name": c.name, "kind": c.kind, "version": c.version} for c in settings.channels],
        "policy_suspended": settings.policy_suspended,
        "quiet": settings.quiet,
        "escalate_after": settings.escalate_after,
    }


async def _switch(
    session: str | None, nodes: tuple[str, ...], kind: str | None, channel: str | None, *, is_on: bool
) -> None:
    config = load_config()
    if session is not None:
        if nodes or kind or channel:
            raise click.UsageError("a session is muted as a whole; leave --node, --kind and --channel out")
        async with target(session) as found:
            change = muting(MuteScope.SESSION, found.key.id, config.operator, is_muted=not is_on)
            await change_settings(found.client.request, change)
        return
    if not (nodes or kind or channel):
        raise click.UsageError("name a session, --node, --kind or --channel")
    if channel is not None:
        change = switching(channel, is_on=is_on)
    else:
        scope = MuteScope.NODE if kind is None else MuteScope.KIND
        change = muting(scope, kind or "", config.operator, is_muted=not is_on)
    await _change_all(nodes, change)


async def _change_all(nodes: tuple[str, ...], change: Change) -> None:
    """Change the settings of these nodes, or of all."""
    async with _survey(load_config(), nodes) as survey:
        for client in survey.clients.values():
            await change_settings(client.request, change)
    if survey.missing:
        survey.report_missing()
        raise CommandError("some nodes did not answer and are as they were; do it again later", Exit.PARTIAL)


async def _push(nodes: tuple[str, ...]) -> int:
    config = load_config()
    wanted = copies_of(config.channels)
    async with _survey(config, nodes) as survey:
        for alias, client in survey.clients.items():
            settings = await change_settings(client.request, lambda settings: replace(settings, channels=wanted))
            narrate(f"{alias}: {', '.join(channel.name for channel in settings.channels) or 'no channels'}")
    return _partial(survey)


@asynccontextmanager
async def _survey(config: Config, nodes: tuple[str, ...]) -> AsyncIterator[Survey]:
    async with surveyed(config, [config.node(alias) for alias in nodes] if nodes else config.nodes) as survey:
        yield survey


def _partial(survey: Survey) -> int:
    survey.report_missing()
    return Exit.PARTIAL if survey.missing else Exit.OK
