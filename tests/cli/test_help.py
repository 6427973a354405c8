"""Help: every command has some, and none of it is cut."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from relaytui.cli.root import root


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command below `group` with the context its help is made in."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=80)
        yield below, command
        if isinstance(command, click.Group):
            yield from commands(command, below)


TOP = click.Context(root, info_name="relaytui", terminal_width=80)
ALL = [(TOP, root), *commands(root, TOP)]


@pytest.mark.parametrize(("context", "command"), ALL, ids=[context.command_path for context, _ in ALL])
def test_help_is_whole(context: click.Context, command: click.Command) -> None:
    assert command.help
    text = command.get_help(context)
    listed = text.partition("\nCommands:\n")[2]
    assert "..." not in listed
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    assert all(option.help for option in options), [option.name for option in options if not option.help]
