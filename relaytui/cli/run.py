"""Runs one command line: click's errors, ours and bugs all end as one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from relaytui.cli.exits import Exit, exit_code_of
from relaytui.cli.output import fail
from relaytui.cli.root import root


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    try:
        with root.make_context("relaytui", list(arguments)) as context:
            result = root.invoke(context)
        sys.stdout.flush()
        return int(result or 0)
    except click.UsageError as error:
        where = f" {error.ctx.command_path}" if error.ctx else ""
        fail(f"{error.format_message()} (see `{where.strip() or 'relaytui'} --help`)")
        return Exit.USAGE
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # noqa: BLE001 - the last place where a bug can become one line and a code
        code = exit_code_of(error)
        if code is not None:
            fail(str(error))
            return code
        fail(f"{type(error).__name__}: {error}; this is a bug: RELAYTUI_DEBUG=1 shows where")
        if os.environ.get("RELAYTUI_DEBUG"):
            traceback.print_exc()
        return Exit.INTERNAL
