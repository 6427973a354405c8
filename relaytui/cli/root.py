"""The command tree: names, where each command lives, and what plain `relaytui` does."""

from __future__ import annotations

import importlib

import click

from relaytui import __version__
from relaytui.cli.groups import CommandGroup

COMMANDS: dict[str, str] = {
    "demo": "relaytui.cli.demo:demo",
    "start": "relaytui.cli.start:start",
    "ls": "relaytui.cli.listing:ls",
    "attach": "relaytui.cli.attach:attach_command",
    "send": "relaytui.cli.send:send",
    "inbox": "relaytui.cli.inbox:inbox",
    "answer": "relaytui.cli.answer:answer",
    "logs": "relaytui.cli.logs:logs",
    "policy": "relaytui.cli.policy:policy",
    "hub": "relaytui.cli.hub:hub",
    "notify": "relaytui.cli.notify:notify",
    "wait": "relaytui.cli.wait:wait",
    "explain": "relaytui.cli.explain:explain",
    "update": "relaytui.cli.change:update",
    "stop": "relaytui.cli.change:stop",
    "kill": "relaytui.cli.change:kill",
    "rm": "relaytui.cli.change:rm",
    "hooks": "relaytui.cli.hooks:hooks",
    "job": "relaytui.cli.job:job",
    "workflow": "relaytui.cli.workflow:workflow",
    "deploy": "relaytui.cli.deploy:deploy",
    "smoke": "relaytui.cli.smoke:smoke",
    "node": "relaytui.cli.node:node",
    "doctor": "relaytui.cli.doctor:doctor",
    "adopt": "relaytui.cli.adopt:adopt",
}
"""Every command as `module:attribute`, in the order of the help."""


class LazyGroup(CommandGroup):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--filter", "filter_text", metavar="TEXT", default="", help="Show only these sessions in the console.")
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw the console in ASCII alone.")
@click.version_option(__version__, prog_name="relaytui")
@click.pass_context
def root(ctx: click.Context, filter_text: str, is_ascii: bool) -> None:
    """Supervise long-running terminal sessions on several machines.

    Without a command: the console. Sessions are named node/id, by their id, their title, or a unique beginning of
    the id; commands but send take the only session there is when none is named.
    """
    if ctx.invoked_subcommand is not None:
        return
    from relaytui.cli.console import open_console  # Textual takes most of a second to import

    ctx.exit(open_console(filter_text, is_ascii=is_ascii))
