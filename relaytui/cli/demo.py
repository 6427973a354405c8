"""`relaytui demo`."""

from __future__ import annotations

import click

from relaytui.cli.output import narrate


@click.command()
def demo() -> int:
    """Show the console on three nodes of its own.

    Nine real sessions run on them, everything in a temporary directory. Leaving the console with q ends all of it.
    """
    from relaytui.demo.run import run_demo

    narrate("starting three nodes and nine sessions ...")
    code = run_demo()
    narrate("ended everything the demo had started")
    return code
