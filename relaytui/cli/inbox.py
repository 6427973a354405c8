"""`relaytui inbox`: the open asks of all nodes, longest waiting first, and what can be done about one but answering."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import click

from node_agent.protocol.asks import AckAsk, ClaimAsk, SnoozeAsk
from node_agent.protocol.entities import AskInfo, SessionInfo
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.message import Request
from relaytui.cli.describe import ask_json, stale_words
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.output import age, print_json, print_table
from relaytui.cli.reach import Survey, candidates, run_async, surveyed
from relaytui.config import load_config
from relaytui.fleet.views import asked_words

_HEADINGS = ("ASK", "SESSION", "WAITS", "KIND", "TITLE", "QUESTION", "MARKS")


class InboxEntry(NamedTuple):
    """An open ask, its node, and its session where it has one; `stale` is for how many seconds nothing was heard of it,
    None for what the node has just said.
    """

    node: str
    ask: AskInfo
    session: SessionInfo | None
    stale: float | None = None

    @property
    def name(self) -> str:
        """`node/ask`, as commands take it."""
        return f"{self.node}/{self.ask.id}"


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only asks of this node; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_context
def inbox(ctx: click.Context, nodes: tuple[str, ...], as_json: bool) -> int:
    """List the open asks of all nodes, longest waiting first.

    Waits at most 2 s for a node; nodes that do not answer are named on stderr and the exit code is 3. What they asked
    when a console or hub heard them last is listed as stale.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    return run_async(_list(nodes, as_json))


@inbox.command("next")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def next_command(as_json: bool) -> int:
    """Print the ask that has waited longest and that nobody has claimed, snoozed or muted."""
    return run_async(_next(as_json))


@inbox.command("ack")
@click.argument("ask", metavar="ASK")
def ack(ask: str) -> None:
    """Say that it was seen: it stays open, but no channel tells of it again."""
    run_async(_mark(ask, lambda found: AckAsk(found.ask.id)))


@inbox.command("claim")
@click.argument("ask", metavar="ASK")
@click.option("--seconds", default=120.0, show_default=True, help="For how long; 0 gives it back.")
def claim(ask: str, seconds: float) -> None:
    """Say that you are handling it, for everybody to see."""
    run_async(_mark(ask, lambda found: ClaimAsk(found.ask.id, seconds)))


@inbox.command("snooze")
@click.argument("ask", metavar="ASK")
@click.option("--seconds", default=0.0, help="For how long; until the ask changes where not given.")
@click.option("--off", is_flag=True, help="End the snooze.")
def snooze(ask: str, seconds: float, off: bool) -> None:
    """Be silent about it."""
    run_async(_mark(ask, lambda found: SnoozeAsk(found.ask.id, -1.0 if off else seconds)))


async def _list(nodes: tuple[str, ...], as_json: bool) -> int:
    config = load_config()
    asked = [config.node(alias) for alias in nodes] if nodes else config.nodes
    async with surveyed(config, asked) as survey:
        entries = _by_age([*open_asks(survey), *_stale_asks(survey)])
    if as_json:
        print_json([_entry_json(entry) for entry in entries])
    elif entries:
        print_table(_HEADINGS, [_row(entry) for entry in entries])
    survey.report_missing()
    return Exit.PARTIAL if survey.missing else Exit.OK


async def _next(as_json: bool) -> int:
    config = load_config()
    async with surveyed(config, config.nodes) as survey:
        waiting = [entry for entry in open_asks(survey) if not _marks(entry.ask)]
    survey.report_missing()
    if not waiting:
        raise CommandError("nothing asks that nobody handles", Exit.NOTHING_ASKED)
    if as_json:
        print_json(_entry_json(waiting[0]))
    else:
        print_table(_HEADINGS, [_row(waiting[0])])
    return Exit.OK


async def _mark(word: str, request: Any) -> None:
    config = load_config()
    async with surveyed(config, candidates(config, word)) as survey:
        survey.report_missing()
        found = find_ask(word, open_asks(survey))
        made: Request = request(found)
        await survey.clients[found.node].request(made)


def open_asks(survey: Survey) -> list[InboxEntry]:
    """The open asks of all nodes that answered, longest waiting first by their nodes' ages."""
    hellos = {alias: client.hello for alias, client in survey.clients.items() if client.hello is not None}
    return _by_age(entry for alias, hello in hellos.items() for entry in _asks_in(alias, hello, None))


def _stale_asks(survey: Survey) -> list[InboxEntry]:
    """What was asked on the other nodes when they were heard last."""
    kept = survey.remembered().items()
    return [entry for alias, node in kept for entry in _asks_in(alias, node.hello, node.age)]


def _asks_in(alias: str, hello: HelloReply, stale: float | None) -> Iterable[InboxEntry]:
    for session in hello.sessions:
        if session.ask is not None:
            yield InboxEntry(alias, session.ask, session, stale)
    for ask in hello.asks:
        yield InboxEntry(alias, ask, None, stale)


def _by_age(entries: Iterable[InboxEntry]) -> list[InboxEntry]:
    return sorted(entries, key=lambda entry: (-entry.ask.age, entry.node, entry.ask.id))


def find_ask(word: str, entries: Iterable[InboxEntry]) -> InboxEntry:
    """The ask an operator means by `node/ask`, its id, its session's `node/id`, or that session's id."""
    entries = list(entries)
    rules = (
        [entry for entry in entries if word in (entry.name, entry.ask.id)],
        [
            entry
            for entry in entries
            if entry.session and word in (f"{entry.node}/{entry.session.id}", entry.session.id)
        ],
    )
    for found in rules:
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(entry.name for entry in found)
            raise CommandError(f"{word!r} may be {names}; write it as node/ask", Exit.AMBIGUOUS_ID)
    raise CommandError(f"no open ask {word!r}; `relaytui inbox` lists them", Exit.UNKNOWN_ID)


def _entry_json(entry: InboxEntry) -> dict[str, Any]:
    ask, session = entry.ask, entry.session
    return {
        **ask_json(ask),
        "node": entry.node,
        "session": session and session.id,
        "title": session.title if session else "",
        "cwd": ask.cwd,
        "program": ask.program,
        "command": ask.command,
        "age": round(ask.age, 3),
        "confidence": ask.confidence,
        "claimed_by": ask.claimed_by,
        "acked_by": ask.acked_by,
        "snoozed": ask.snoozed,
        "muted": ask.muted,
        "stale": entry.stale is not None,
    }


def _row(entry: InboxEntry) -> tuple[str, ...]:
    ask, session = entry.ask, entry.session
    return (
        entry.name,
        f"{entry.node}/{session.id}" if session else "(no screen)",
        age(ask.age),
        ask.kind.value,
        session.title if session else ask.program,
        asked_words(ask),
        ", ".join(filter(None, ("" if entry.stale is None else stale_words(entry.stale), _marks(ask)))),
    )


def _marks(ask: AskInfo) -> str:
    marks = [
        f"claimed by {ask.claimed_by}" if ask.claimed_by else "",
        f"seen by {ask.acked_by}" if ask.acked_by else "",
        "snoozed" if ask.snoozed else "",
        "muted" if ask.muted else "",
    ]
    return ", ".join(filter(None, marks))
