"""Puts a link's questions to the operator on the terminal a command was started from."""

from __future__ import annotations

import asyncio
import getpass
import sys

from relaytui.cli.output import clean
from relaytui.link.prompts import Prompt, Prompter


def terminal_prompter() -> Prompter | None:
    """Who asks the operator, or None where nobody is there to answer."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _ask(prompt: Prompt) -> str | None:
    question = f"{clean(prompt.node)}: {clean(prompt.text)} "
    try:
        return await asyncio.to_thread(_read, question, prompt.echo)
    except EOFError:
        return None


def _read(question: str, echo: bool) -> str:
    if not echo:
        return getpass.getpass(question, sys.stderr)
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
