"""`relaytui policy`: the rules, what they decided, and the switch that suspends all of them."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from node_agent.protocol.settings import GetSettings, NodeSettings
from relaytui.cli.exits import Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.output import age, print_json, print_table
from relaytui.cli.reach import run_async, surveyed
from relaytui.config import load_config
from relaytui.config.paths import policy_ledger
from relaytui.hub.ledger import Ledger
from relaytui.notify.switches import change_settings, suspending


@click.group(cls=CommandGroup)
def policy() -> None:
    """Answers by rule: the hub gives them, the config's [rules] say which."""


@policy.command("ls")
def ls_command() -> None:
    """List the rules; those on a dry run only say what they would do."""
    rows = [
        (
            rule.name,
            rule.action.value,
            "dry run" if rule.dry_run else "acts",
            rule.answer or "-",
            ", ".join(
                f"{name} {value}"
                for name, value in asdict(rule).items()
                if value and name in ("program", "command", "node", "tag", "kind", "cap", "window", "expires")
            ),
        )
        for rule in load_config().rules
    ]
    print_table(("RULE", "ACTION", "MODE", "ANSWER", "WHERE"), rows)


@policy.command("log")
@click.option("--limit", default=50, show_default=True, help="At most so many, the latest.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def log_command(limit: int, as_json: bool) -> None:
    """Show what the rules decided on this machine, latest last."""
    entries = Ledger(policy_ledger()).entries()[-limit:]
    if as_json:
        print_json([asdict(entry) for entry in entries])
    else:
        rows = [(age(time.time() - e.at), f"{e.node}/{e.session}", e.reason, e.outcome) for e in entries]
        print_table(("AGE", "SESSION", "DECISION", "OUTCOME"), rows)


@policy.command()
def suspend() -> int:
    """Suspend all automatic answers on all nodes, for every hub."""
    return run_async(_set(True))


@policy.command()
def resume() -> int:
    """Let rules answer again."""
    return run_async(_set(False))


@policy.command()
def status() -> int:
    """Show on which nodes automatic answers are suspended."""
    return run_async(_status())


async def _set(is_suspended: bool) -> int:
    config = load_config()
    async with surveyed(config, config.nodes) as survey:
        for client in survey.clients.values():
            await change_settings(client.request, suspending(is_suspended=is_suspended))
    survey.report_missing()
    return Exit.PARTIAL if survey.missing else Exit.OK


async def _status() -> int:
    config = load_config()
    rows = []
    async with surveyed(config, config.nodes) as survey:
        for alias, client in survey.clients.items():
            settings: NodeSettings = await client.request(GetSettings())
            rows.append((alias, "suspended" if settings.policy_suspended else "on"))
    print_table(("NODE", "AUTOMATIC ANSWERS"), rows)
    survey.report_missing()
    return Exit.PARTIAL if survey.missing else Exit.OK
