"""`relaytui doctor`: what is wrong here or on the nodes, each with the line that mends it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click

import node_agent
from relaytui.cli.exits import Exit
from relaytui.cli.output import clean, print_json
from relaytui.cli.reach import run_async
from relaytui.config import Clipboard, Config, NodeConfig, Transport, load_config
from relaytui.link.connect import open_node
from relaytui.link.errors import LinkError
from relaytui.link.prompts import Desk
from relaytui.link.remote import ask_agent
from relaytui.link.versions import is_newer, is_ours_to_replace

_PATIENCE = 20.0
_TMUX_PATIENCE = 5.0
_SKEW = 5.0
_LITTLE = 1 << 30
"""Bytes of free disk under which a node is short: journals have a floor of their own."""


class Finding(NamedTuple):
    """One thing looked at. `remedy` is a command or a setting, "" where all is well."""

    where: str
    what: str
    remedy: str = ""


@click.command()
@click.argument("name", metavar="[NODE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def doctor(name: str | None, as_json: bool) -> int:
    """Look for what is wrong with this terminal and with the nodes, and say what mends it.

    The exit code is 3 when something is wrong.
    """
    config = load_config()
    nodes = (config.node(name),) if name else config.nodes
    here = [] if name else list(look_here(config, os.environ))
    findings = [*here, *run_async(_look_at_all(config, nodes))]
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            print(f"{'!' if finding.remedy else '·'} {clean(finding.where)}: {clean(finding.what)}")
            if finding.remedy:
                print(f"    {clean(finding.remedy)}")
    return Exit.PARTIAL if any(finding.remedy for finding in findings) else Exit.OK


def look_here(config: Config, env: Mapping[str, str]) -> Iterator[Finding]:
    """What the operator's own terminal and machine lack."""
    term = env.get("TERM", "")
    if term in ("", "dumb"):
        yield Finding("here", f"TERM is {term or 'not set'}: no screen works", "export TERM=xterm-256color")
    elif env.get("COLORTERM") not in ("truecolor", "24bit"):
        yield Finding("here", "the terminal does not announce 24-bit colours", "export COLORTERM=truecolor")
    else:
        yield Finding("here", f"TERM is {term}, 24-bit colours")
    charset = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if "utf8" not in charset.lower().replace("-", ""):
        yield Finding("here", f"the locale is {charset or 'not set'}, not UTF-8", "export LC_CTYPE=C.UTF-8")
    if shutil.which("ssh", path=env.get("PATH")) is None:
        yield Finding("here", "there is no ssh program: its config is read less exactly", "install OpenSSH's client")
    if env.get("TMUX"):
        yield from _look_at_tmux(config, env)


def _look_at_tmux(config: Config, env: Mapping[str, str]) -> Iterator[Finding]:
    """What tmux (1) holds back: `set-clipboard external`, its default, lets no program inside write the clipboard."""
    wanted = [("allow-passthrough", "notifications do not pass tmux")]
    if config.ui.clipboard is not Clipboard.DENY:
        wanted.append(("set-clipboard", "sessions cannot write the clipboard through tmux"))
    for option, consequence in wanted:
        try:
            value = _tmux_option(option, env)
        except (OSError, subprocess.SubprocessError) as error:
            remedy = f"have `tmux show -gv {option}` answer, or unset TMUX where this is no tmux"
            yield Finding("here", f"tmux cannot be asked what it lets through: {error}", remedy)
            return
        if value not in ("on", "all", None):
            yield Finding("here", f"tmux has {option} {value}: {consequence}", f"tmux set -g {option} on")


def _tmux_option(name: str, env: Mapping[str, str]) -> str | None:
    """An option's value, None where tmux is too old to have it. Raises OSError or SubprocessError."""
    command = ["tmux", "show", "-gv", name]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=_TMUX_PATIENCE, env=dict(env))
    if shown.returncode == 0:
        return shown.stdout.strip()
    if f"option: {name}" in shown.stderr:
        return None
    raise subprocess.SubprocessError(shown.stderr.strip().partition("\n")[0] or f"exit code {shown.returncode}")


async def _look_at_all(config: Config, nodes: tuple[NodeConfig, ...]) -> list[Finding]:
    found = await asyncio.gather(*(_look_at(config, item) for item in nodes))
    return [finding for findings in found for finding in findings]


async def _look_at(config: Config, item: NodeConfig) -> list[Finding]:
    """One node: its link, then what its agent says of its machine."""
    try:
        async with open_node(item, operator=config.operator, timeout=_PATIENCE) as client:
            note, version = client.note, client.node.agent.version
        before = time.time()
        report = {} if item.socket else await ask_agent(item, Desk(item.alias, None), "probe")
    except LinkError as error:
        what, _, remedy = str(error).removeprefix(f"{item.alias}: ").rpartition("; ")
        return [Finding(item.alias, what, remedy) if what else Finding(item.alias, remedy, "try again")]
    findings = [Finding(item.alias, f"agent {version}{f', {note}' if note else ''}")]
    findings += judge_link(item, note, version)
    findings += judge_machine(item, report, (before + time.time()) / 2)
    return findings


def judge_link(item: NodeConfig, note: str, version: str) -> Iterator[Finding]:
    """What could be better about the way to a node and the agent at its end."""
    differ = f"its agent is {version}, this relaytui is {node_agent.__version__}"
    if is_newer(version):
        yield Finding(item.alias, differ, "upgrade relaytui here")
    elif version != node_agent.__version__ and is_ours_to_replace(item):
        yield Finding(item.alias, differ, f"relaytui node upgrade {item.alias}")
    if item.transport is Transport.ASYNCSSH and note == "through the exec bridge":
        yield Finding(
            item.alias,
            "its sshd forwards no unix sockets; every link starts a process there",
            "AllowStreamLocalForwarding yes, in its sshd_config",
        )


def judge_machine(item: NodeConfig, report: Mapping[str, Any], now: float) -> Iterator[Finding]:
    """What in an agent's report will one day hurt; `now` is our wall clock when it was made."""
    where = item.alias
    user = report.get("user") or "$USER"
    if report.get("kills_processes") and not report.get("lingers"):
        what = "logind kills what a login leaves (KillUserProcesses): sessions end when you log out"
        yield Finding(where, what, f"loginctl enable-linger {user}")
    elif report.get("systemd") and not report.get("lingers"):
        what = "the agent does not start with the machine: the user does not linger"
        there = f"there: {item.agent} probe --start --boot"
        yield Finding(where, what, f"relaytui node upgrade {where} --boot" if is_ours_to_replace(item) else there)
    if kind := report.get("network_file_system"):
        what = f"its state is on {kind}, a network file system: locks and SQLite cannot be trusted"
        yield Finding(where, what, "--state DIR on a local disk when adding it")
    if report.get("noexec"):
        yield Finding(where, "programs cannot run from its home (noexec)", "inside sessions use `sh $RELAY_AGENT`")
    free = report.get("disk_free")
    if isinstance(free, int) and free < _LITTLE:
        yield Finding(where, f"{free >> 20} MiB of disk are left", "make room, or move its state with --state")
    clock = report.get("time")
    if isinstance(clock, float) and abs(clock - now) > _SKEW:
        what = f"its clock is {abs(clock - now):.0f} s {'ahead' if clock > now else 'behind'}"
        yield Finding(where, what, "timedatectl set-ntp true, there")
