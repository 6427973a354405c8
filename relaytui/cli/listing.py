"""`relaytui ls`: the sessions of all nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

from node_agent.protocol.entities import NodeFacts, SessionInfo
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.states import Attention
from relaytui.cli.describe import SESSION_HEADINGS, session_json, session_row
from relaytui.cli.exits import Exit
from relaytui.cli.output import print_json, print_table
from relaytui.cli.reach import Survey, run_async, surveyed
from relaytui.config import NodeConfig, load_config
from relaytui.fleet.facts import fact_words, placement_facts
from relaytui.fleet.filters import words_of
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import SessionView


@click.command()
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="Only sessions of this node; may be repeated.")
@click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help="Only sessions with this tag, theirs or their node's, or a fact such as gpu; may be repeated.",
)
@click.option("--state", type=click.Choice([item.value for item in Attention]), help="Only sessions in this state.")
@click.option("--search", metavar="TEXT", default="", help="Only sessions with this in title, command, cwd or id.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def ls(nodes: tuple[str, ...], tags: tuple[str, ...], state: str | None, search: str, as_json: bool) -> int:
    """List sessions.

    Waits at most 2 s for a node; nodes that do not answer are named on stderr and the exit code is 3. What a console
    or hub saw there last is listed as stale.
    """
    return run_async(_list(nodes, tags, state, search, as_json))


async def _list(nodes: tuple[str, ...], tags: tuple[str, ...], state: str | None, search: str, as_json: bool) -> int:
    config = load_config()
    asked = [config.node(alias) for alias in nodes] if nodes else config.nodes
    async with surveyed(config, asked) as survey:
        found = [
            (node, session, stale)
            for node, hello, stale in _pictures(survey, asked)
            for session in hello.sessions
            if _has_tags(config.node(node), session, hello.facts, tags)
            and state in (None, session.attention.value)
            and _matches(session, search)
        ]
    if as_json:
        print_json([session_json(node, session, stale=stale is not None) for node, session, stale in found])
    elif found:
        print_table(SESSION_HEADINGS, [session_row(node, session, stale) for node, session, stale in found])
    survey.report_missing()
    return Exit.PARTIAL if survey.missing else Exit.OK


def _pictures(survey: Survey, asked: Iterable[NodeConfig]) -> Iterator[tuple[str, HelloReply, float | None]]:
    """What each node says, and of those that do not answer what they showed last, and how many seconds ago."""
    remembered = survey.remembered()
    for node in asked:
        client, kept = survey.clients.get(node.alias), remembered.get(node.alias)
        if client is not None and client.hello is not None:
            yield node.alias, client.hello, None
        elif kept is not None:
            yield node.alias, kept.hello, kept.age


def _has_tags(node: NodeConfig, session: SessionInfo, facts: NodeFacts, tags: Sequence[str]) -> bool:
    """Whether a filter would find the session by each of `tags`."""
    words = fact_words(placement_facts(facts.facts))
    view = SessionView(SessionKey(node.alias, session.id), session, 0.0, node.tags, words)
    return words_of(view).issuperset(tag.lower() for tag in tags)


def _matches(session: SessionInfo, search: str) -> bool:
    """Whether every word of `search` stands somewhere in what a list shows."""
    text = " ".join([session.id, session.title, *session.command, session.cwd]).casefold()
    return all(word in text for word in search.casefold().split())
