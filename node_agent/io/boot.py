"""Has this node's agent started with its machine: by the user's systemd where one answers, else by cron."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

import node_agent
from node_agent.io.start import agent_command

MARK = "# relaytui"
UNIT = "relaytui.service"
_LIMIT = 15.0
_UNIT_TEXT = """[Unit]
Description=relaytui node agent

[Service]
ExecStart={command}
# The keeper and the sessions are not the agent's to take along when it ends.
KillMode=process
Restart=no

[Install]
WantedBy=default.target
"""


class BootError(Exception):
    """Neither way is there; the message is one line."""


def install_boot(state: Optional[Path], env: Mapping[str, str] = os.environ) -> str:
    """Have the agent of state root `state` started with the machine; says how in words. Raises BootError."""
    command = boot_command(state)
    if _answers(["systemctl", "--user", "show-environment"], env):
        return _install_unit(command, env)
    if shutil.which("crontab", path=env.get("PATH")):
        return _install_crontab(command, env)
    raise BootError(
        "there is neither a systemd of the user nor crontab; start `node-agent probe --start` at boot yourself"
    )


def boot_command(state: Optional[Path]) -> List[str]:
    """What starts the agent, by a path that stays the same when the agent is replaced."""
    root = Path(node_agent.__file__).parent.parent
    pushed = root.parent.name == "agents"
    program = ["/bin/sh", str(root.parent.parent / "node-agent")] if pushed else agent_command()
    return [*program, "probe", "--start", *(["--state", str(state)] if state is not None else [])]


def _install_unit(command: Sequence[str], env: Mapping[str, str]) -> str:
    config = Path(env.get("XDG_CONFIG_HOME") or Path(env["HOME"]) / ".config")
    unit = config / "systemd" / "user" / UNIT
    unit.parent.mkdir(parents=True, exist_ok=True)
    quoted = " ".join(_systemd_word(word) for word in command)
    unit.write_text(_UNIT_TEXT.format(command=quoted), encoding="utf-8")
    _run(["systemctl", "--user", "daemon-reload"], env)
    _run(["systemctl", "--user", "enable", UNIT], env)
    return f"systemd unit {unit}"


def _systemd_word(word: str) -> str:
    """A word of ExecStart (systemd.service(5), COMMAND LINES; `%` and `$` would be expanded)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _install_crontab(command: Sequence[str], env: Mapping[str, str]) -> str:
    listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=_LIMIT, env=dict(env))
    kept = [line for line in listed.stdout.splitlines() if not line.endswith(MARK)] if listed.returncode == 0 else []
    words = shlex.join(command).replace("%", r"\%")  # crontab(5): a bare % ends the command
    lines = [*kept, f"@reboot {words} >/dev/null 2>&1 {MARK}"]
    _run(["crontab", "-"], env, "\n".join(lines) + "\n")
    return "a crontab line"


def _answers(command: Sequence[str], env: Mapping[str, str]) -> bool:
    try:
        _run(command, env)
    except BootError:
        return False
    return True


def _run(command: Sequence[str], env: Mapping[str, str], text: str = "") -> None:
    try:
        done = subprocess.run(list(command), input=text, capture_output=True, text=True, timeout=_LIMIT, env=dict(env))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BootError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise BootError(f"{shlex.join(command)} failed: {lines[-1] if lines else done.returncode}")
