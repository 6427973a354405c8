"""`relaytui update, stop, kill, rm`: change a session or end it."""

from __future__ import annotations

import click

from node_agent.protocol.message import Request
from node_agent.protocol.sessions import KillSession, RemoveSession, StopSession, UpdateSession
from node_agent.protocol.states import Restart
from relaytui.cli.describe import session_json
from relaytui.cli.output import narrate, print_json
from relaytui.cli.reach import run_async, target


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--title", help='A title of your own; "" goes back to the program\'s.')
@click.option("--tag", "tags", metavar="TAG", multiple=True, help='Replaces all tags; may be repeated; "" clears them.')
@click.option(
    "--restart", type=click.Choice([item.value for item in Restart]), help="When it is lost with its machine."
)
@click.option("--json", "as_json", is_flag=True, help="Print the session as an object.")
def update(session: str | None, title: str | None, tags: tuple[str, ...], restart: str | None, as_json: bool) -> None:
    """Change a session's title and tags, and what becomes of it when it is lost."""
    if title is None and not tags and restart is None:
        raise click.UsageError("nothing to change: give --title, --tag or --restart")

    async def work() -> None:
        async with target(session) as found:
            kept = tuple(filter(None, tags)) if tags else None
            request = UpdateSession(found.key.id, title, kept, Restart(restart) if restart else None)
            reply = await found.client.request(request)
            if as_json:
                print_json(session_json(found.key.node, reply.session))

    run_async(work())


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--grace", type=click.FloatRange(0, 3600), default=5.0, show_default=True, help="Seconds before KILL.")
def stop(session: str | None, grace: float) -> None:
    """End a session.

    HUP, CONT and TERM now, KILL to what is left after the grace.
    """

    async def work() -> None:
        async with target(session) as found:
            await found.client.request(StopSession(found.key.id, grace))
            narrate(f"stopping {found.key}")

    run_async(work())


@click.command()
@click.argument("session", metavar="[ID]", required=False)
def kill(session: str | None) -> None:
    """End a session at once.

    KILL to all its processes.
    """
    _simply(session, KillSession, "killed")


@click.command()
@click.argument("session", metavar="[ID]", required=False)
def rm(session: str | None) -> None:
    """Forget an ended session and everything it printed."""
    _simply(session, RemoveSession, "removed")


def _simply(session: str | None, request: type[Request], word: str) -> None:
    async def work() -> None:
        async with target(session) as found:
            await found.client.request(request(found.key.id))  # type: ignore[call-arg]  # both take the session alone
            narrate(f"{word} {found.key}")

    run_async(work())
