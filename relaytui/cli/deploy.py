"""`relaytui deploy`: workflows of commands that the nodes' owners have listed, and keys that can do nothing else."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.jobs import HEADINGS, job_json, job_row, opened_queue, wait_for_jobs
from relaytui.cli.output import narrate, print_json, print_table
from relaytui.cli.workflow import load_workflow, refusing
from relaytui.config import config_dir, load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.workflow import Workflow

_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class DeployGroup(CommandGroup):
    """A group whose unknown commands are names of deploys."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "run", self.commands["run"], args
        return super().resolve_command(ctx, args)


@click.group(cls=DeployGroup, subcommand_metavar="NAME | COMMAND [ARGS]...")
def deploy() -> None:
    """Run what the nodes' owners have listed, and nothing else.

    NAME is a workflow with kind = "deploy": each of its steps must be, word for word, one that the node's owner lists
    for a deploy of that name in deploy.toml beside the node's rules. `relaytui deploy NAME` is short for
    `relaytui deploy run NAME`.
    """


@deploy.command()
@click.argument("name", metavar="NAME")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="A value of ${deploy.NAME}; repeatable.")
@click.option("--detach", is_flag=True, help="Print the run's id and do not wait for its end.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of its jobs.")
def run(name: str, given: tuple[str, ...], detach: bool, as_json: bool) -> int:
    """Deploy, and wait for the end; the exit code is 3 unless every step is done."""
    from relaytui.hub.jobs.runs import submit_run
    from relaytui.hub.jobs.states import JobState

    found = _with_values(name, given)
    operator = load_config().operator
    with opened_queue(dispatched=True) as queue:
        identity, jobs = refusing(submit_run, queue, found, operator, time.time())
    narrate(f"run {identity}: {', '.join(job.spec.step for job in jobs)}")
    if not detach:
        with opened_queue() as queue:
            wait_for_jobs(queue, [job.id for job in jobs])
            jobs = [queue.get(job.id) for job in jobs]
    if as_json:
        print_json([job_json(job) for job in jobs])
    elif detach:
        print(identity)
    else:
        print_table(("STEP", *HEADINGS), [(job.spec.step, *job_row(job)) for job in jobs])
    return Exit.OK if detach or all(job.state is JobState.DONE for job in jobs) else Exit.PARTIAL


@deploy.command()
@click.argument("name", metavar="NAME")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="A value of ${deploy.NAME}; repeatable.")
def check(name: str, given: tuple[str, ...]) -> None:
    """Print what would be run and the list a node's owner needs for it; nothing is run."""
    from relaytui.hub.jobs.deploys import allow_list_text

    found = _with_values(name, given) if given else load_workflow(name)
    print(refusing(allow_list_text, found), end="")


@deploy.command()
@click.argument("name", metavar="NAME")
@click.option("--node", metavar="NODE", help="The node it is for: the line then names the agent as it is run there.")
def key(name: str, node: str | None) -> None:
    """Make a key that can deploy and nothing else, and print its line for authorized_keys.

    The key is kept beside the config and made once; the line goes to the node, where sshd then gives this key nothing
    but listed deploys.
    """
    if not _KEY_NAME.fullmatch(name):
        raise click.UsageError(f"{name!r}: a key's name is letters, digits, '-' and '_', at most 64")
    path = config_dir() / "keys" / f"deploy-{name}"
    public = _public_key(path, f"relaytui deploy {name}")
    narrate(f"{path}: the key, for `identity` of a node in the config")
    print(f'restrict,command="{_bridge_command(node)}" {public}')


def _with_values(name: str, given: tuple[str, ...]) -> Workflow:
    from relaytui.hub.jobs.deploys import with_values

    values = {}
    for word in given:
        key_, mark, value = word.partition("=")
        if not (key_ and mark):
            raise click.UsageError(f"--set {word!r}: write NAME=VALUE")
        values[key_] = value
    return refusing(with_values, load_workflow(name), values)


def _bridge_command(node: str | None) -> str:
    """The command sshd runs in place of whatever is asked for."""
    if node is None:
        return "node-agent bridge --deploy-only"
    from relaytui.link.probe import restricted_bridge_command

    config = next((each for each in load_config().nodes if each.alias == node), None)
    if config is None:
        raise CommandError(f"there is no node {node!r}; `relaytui node ls` names them", Exit.CONFIG)
    return restricted_bridge_command(config.alias, config.agent, config.state)


def _public_key(path: Path, comment: str) -> str:
    """The public half of the key at `path`, which is made where there is none."""
    from relaytui.link.sshlib import asyncssh  # takes long to import

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            made = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(made.export_private_key())
        text: bytes = asyncssh.read_private_key(path).export_public_key()
    except (OSError, asyncssh.KeyImportError) as error:
        raise CommandError(f"{path}: {error}; move it away", Exit.CONFIG) from error
    return text.decode().strip()
