"""`relaytui hooks`: have coding agents say themselves when they ask and when they are done."""

from __future__ import annotations

from typing import Any

import click

from node_agent.protocol.hooks import ApplyHooks, HookPlan, HooksApplied, PlanHooks
from node_agent.protocol.message import Request
from node_agent.terminal.sanitise import mask_hidden
from relaytui.cli.groups import CommandGroup
from relaytui.cli.output import narrate, print_json
from relaytui.cli.reach import connected, run_async
from relaytui.config import LOCAL, load_config

_PROGRAM = click.argument("program", type=click.Choice(["claude", "codex", "gemini", "opencode"]))
_NODE = click.option("--node", "alias", metavar="NODE", default=LOCAL, show_default=True, help="The machine it is on.")
_YES = click.option("--yes", "-y", "is_sure", is_flag=True, help="Do not ask.")


@click.group(cls=CommandGroup)
def hooks() -> None:
    """Let coding agents report their state.

    Detection works without; with hooks an approval is known the moment it is asked for, and asks of coding agents
    outside any session reach the inbox, too.
    """


@hooks.command()
@_PROGRAM
@_NODE
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def show(program: str, alias: str, as_json: bool) -> None:
    """Show what `install` would change."""

    plan: HookPlan = _ask(alias, PlanHooks(program))
    if as_json:
        print_json({"program": plan.program, "path": plan.path, "installed": plan.is_installed, "diff": plan.diff})
    else:
        _print_plan(plan, "the hooks are installed")


@hooks.command()
@_PROGRAM
@_NODE
@_YES
def install(program: str, alias: str, is_sure: bool) -> None:
    """Add our hooks to PROGRAM's configuration, after showing the change."""
    _change(program, alias, remove=False, is_sure=is_sure)


@hooks.command()
@_PROGRAM
@_NODE
@_YES
def remove(program: str, alias: str, is_sure: bool) -> None:
    """Take our hooks out again, after showing the change."""
    _change(program, alias, remove=True, is_sure=is_sure)


def _change(program: str, alias: str, *, remove: bool, is_sure: bool) -> None:
    plan: HookPlan = _ask(alias, PlanHooks(program, remove))
    _print_plan(plan, "there are no hooks of ours" if remove else "the hooks are installed")
    if not plan.diff:
        return
    if not is_sure:
        click.confirm("Change it?", abort=True, err=True)
    done: HooksApplied = _ask(alias, ApplyHooks(program, plan.digest, remove))
    narrate(f"changed {done.path}" + (f"; as it was: {done.backup}" if done.backup else ""))
    if plan.note:
        narrate(plan.note)


def _ask(alias: str, request: Request) -> Any:
    """The node's reply. No link is held while the operator makes up their mind."""

    async def work() -> Any:
        config = load_config()
        async with connected(config, config.node(alias)) as client:
            return await client.request(request)

    return run_async(work())


def _print_plan(plan: HookPlan, nothing: str) -> None:
    """The change as a diff on stdout."""
    if not plan.diff:
        narrate(f"{plan.path}: {nothing}; nothing to change")
    for line in plan.diff.splitlines():
        print(mask_hidden(line.expandtabs(4)))
