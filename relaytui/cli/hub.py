"""`relaytui hub`: the core without a screen, in the foreground, detached, or as a systemd user unit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import click

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.output import narrate, print_json, print_table
from relaytui.config import load_config
from relaytui.config.paths import hub_log, hub_socket, writing_state
from relaytui.hub.place import HubLock, prepare

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0
_LOOK_EVERY = 0.05


@click.group(cls=CommandGroup)
def hub() -> None:
    """Keep links and send notifications with no console open."""


@hub.command()
def run() -> None:
    """Run the hub in the foreground until it is interrupted."""
    from relaytui.hub.daemon import run_hub  # links and channels, which the other commands do without
    from relaytui.logs import log_to

    config = load_config()
    log_to(hub_log())
    asyncio.run(run_hub(config))


@hub.command()
def start() -> None:
    """Run the hub detached; returns when it serves."""
    if (pid := HubLock().holder()) is not None:
        narrate(f"it runs already, process {pid}")
        return
    load_config()
    with writing_state(hub_log()):
        prepare(hub_log().parent)
        log = hub_log().open("ab")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "relaytui", "hub", "run"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + _START_SECONDS
    while asyncio.run(_ask_status()) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise CommandError(f"the hub did not start; {hub_log()} says why", Exit.HUB_FAILED)
        time.sleep(_LOOK_EVERY)
    process.returncode = 0  # it outlives us, and is nobody's to wait for
    narrate(f"started, process {process.pid}")


@hub.command()
def stop() -> None:
    """End the hub; sessions, nodes and consoles go on."""
    lock = HubLock()
    pid = lock.holder()
    if pid is None:
        raise CommandError("no hub runs", Exit.NO_HUB)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while lock.holder() == pid:
        if time.monotonic() > deadline:
            raise CommandError(f"process {pid} does not end; look into {hub_log()}", Exit.HUB_FAILED)
        time.sleep(_LOOK_EVERY)


@hub.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def status(as_json: bool) -> None:
    """Show whether a hub runs and how its links stand."""
    found = asyncio.run(_ask_status()) if HubLock().holder() is not None else None
    if found is None:
        raise CommandError("no hub runs; `relaytui hub start` starts one", Exit.NO_HUB)
    if as_json:
        print_json(found)
        return
    narrate(f"process {found['pid']}, {found['shared']} shared links")
    print_table(("NODE", "LINK"), [(node["name"], node["words"]) for node in found["nodes"]])


@hub.command()
def unit() -> None:
    """Print a systemd user unit; save it as ~/.config/systemd/user/relaytui-hub.service."""
    print(
        "[Unit]\nDescription=relaytui hub\nAfter=network.target\n\n"
        f"[Service]\nExecStart={sys.executable} -m relaytui hub run\nRestart=on-failure\n\n"
        "[Install]\nWantedBy=default.target"
    )


async def _ask_status() -> dict[str, Any] | None:
    """The hub's own word, None where it does not answer."""
    from relaytui.link.peer import stranger_at
    from relaytui.link.shared import STATUS

    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_unix_connection(str(hub_socket()))
            try:
                if stranger_at(writer.get_extra_info("socket")) is not None:
                    return None
                writer.write(f"{STATUS}\n".encode())
                found: dict[str, Any] = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return None
    return found
