"""`relaytui start`: a command on a new terminal of a node."""

from __future__ import annotations

import os
import re
import shutil
import sys
import uuid
from pathlib import Path

import click

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import Restart
from relaytui.cli.attach import attach_to
from relaytui.cli.describe import session_json
from relaytui.cli.output import narrate, print_json
from relaytui.cli.place import node_for
from relaytui.cli.reach import connected, run_async
from relaytui.config import LOCAL, NodeConfig, load_config
from relaytui.fleet.keys import SessionKey

_SIZE = re.compile(r"([1-9][0-9]{0,3})[x×]([1-9][0-9]{0,3})")
_SIZE_UNLESS_GIVEN = (120, 40)
_SECONDS = 30.0  # a node's first start reads its login shell's environment


@click.command(context_settings={"ignore_unknown_options": False})
@click.option("--node", "alias", help="Where to start it; local unless given.")
@click.option("--requires", metavar="EXPR", help="Where a node has this, such as `gpu` or `mem>=64G`.")
@click.option("--title", default="", help="A title of your own.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A word to filter by; may be repeated.")
@click.option("--cwd", default="", metavar="DIR", help="Its directory; the home directory unless given.")
@click.option("--env", "variables", metavar="NAME=VALUE", multiple=True, help="Set a variable; may be repeated.")
@click.option("--size", metavar="COLSxROWS", help="Its size; the terminal's when attaching, else 120x40.")
@click.option(
    "--restart",
    type=click.Choice([item.value for item in Restart]),
    help="What becomes of it when it is lost with its machine; else as [restarts] in config.toml say.",
)
@click.option("--bare", is_flag=True, help="Do not read the login shell's environment.")
@click.option("--detach", is_flag=True, help="Do not attach; so too without a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print the session as an object; implies --detach.")
@click.argument("command", metavar="[-- CMD...]", nargs=-1)
def start(
    alias: str | None,
    requires: str | None,
    title: str,
    tags: tuple[str, ...],
    cwd: str,
    variables: tuple[str, ...],
    size: str | None,
    restart: str | None,
    bare: bool,
    detach: bool,
    as_json: bool,
    command: tuple[str, ...],
) -> None:
    """Start a command, or the login shell, and attach to it.

    Prints node/id. On the node `local` the command gets the caller's environment, elsewhere that of its user's login
    shell.
    """
    stays = detach or as_json or not (sys.stdin.isatty() and sys.stdout.isatty())
    columns, rows = parse_size(size) if size else _terminal_size(attaching=not stays)
    if alias and requires:
        raise click.UsageError("--node says where, --requires has it found: leave one out")
    config = load_config()
    alias = run_async(node_for(config, requires)) if requires else alias or LOCAL
    node = config.node(alias)
    request = StartSession(
        request=str(uuid.uuid4()),
        command=command,
        cwd=_directory(node, cwd),
        env=dict(_assignment(word) for word in variables),
        base_env=dict(os.environ) if alias == LOCAL and not bare else None,
        bare=bare,
        columns=columns,
        rows=rows,
        title=title,
        tags=tags,
        restart=Restart(restart) if restart else config.restart_for(alias, command, tags),
        colors=config.ui.colors,
    )

    async def work() -> SessionKey:
        async with connected(config, node) as client:
            if request.restart is not Restart.NEVER and "restart" not in client.node.features:
                narrate(f"{alias}: its agent restarts nothing; `relaytui node upgrade {alias}` replaces it")
            session = (await client.request(request, timeout=_SECONDS)).session
        if as_json:
            print_json(session_json(alias, session))
        else:
            print(f"{alias}/{session.id}", flush=True)
        return SessionKey(alias, session.id)

    key = run_async(work())
    if not stays:
        attach_to(config, key)


def parse_size(text: str) -> tuple[int, int]:
    """Columns and rows of `120x40`; raises RequestError (`bad_size`)."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise RequestError(ErrorCode.BAD_SIZE, f"size {text!r} is not COLUMNSxROWS, each 1 to 1000; write it as 120x40")
    return int(match[1]), int(match[2])


def _terminal_size(*, attaching: bool) -> tuple[int, int]:
    size = shutil.get_terminal_size(_SIZE_UNLESS_GIVEN)
    return (size.columns, size.lines) if attaching else _SIZE_UNLESS_GIVEN


def _directory(node: NodeConfig, cwd: str) -> str:
    """A relative directory is meant from here on this machine; on another, from the home directory there."""
    return str(Path(cwd).expanduser().absolute()) if cwd and node.alias == LOCAL else cwd


def _assignment(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{word!r} is not NAME=VALUE", param_hint="--env")
    return name, value
