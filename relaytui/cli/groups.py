"""Groups of commands whose help says what each command does in a whole sentence."""

from __future__ import annotations

import click

_WHOLE = 1000
"""Characters no first sentence has: click cuts a longer one off."""


class CommandGroup(click.Group):
    """A group that lists its commands with the first sentence of their help, wrapped instead of cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in commands if command is not None]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
