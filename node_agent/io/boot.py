"""Has a node's agent started with its machine, or no longer: by the user's systemd where one answers, else by cron."""

from __future__ import annotations

import getpass
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
_TARGET = "default.target"
_UNIT_TEXT = """[Unit]
Description=relaytui node agent

[Service]
ExecStart={command}
# The keeper and the sessions are not the agent's to take along when it ends.
KillMode=process
Restart=no

[Install]
WantedBy={target}
"""


class BootError(Exception):
    """It cannot be arranged or taken back; the message is one line."""


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


def remove_boot(state: Optional[Path], env: Mapping[str, str] = os.environ) -> List[str]:
    """Take back what was installed for state root `state`; what was removed, in words. Raises BootError or OSError.

    What starts another node of this user stays, and so does lingering: other programs may rely on it.
    """
    removed = []
    unit = _unit_path(env)
    if unit.is_file() and _starts_state(unit.read_text("utf-8"), _systemd_words(_action(state))):
        # By hand: a login that removes the node may have no systemd to talk to.
        wanted = unit.parent / f"{_TARGET}.wants" / UNIT
        for path in (wanted, unit):
            if path.is_symlink() or path.exists():
                path.unlink()
        _answers(["systemctl", "--user", "daemon-reload"], env)
        removed.append(f"systemd unit {unit}")
    if shutil.which("crontab", path=env.get("PATH")):
        lines = _crontab_lines(env)
        kept = [line for line in lines if not line.endswith(_crontab_words(_action(state)))]
        if kept != lines:
            _write_crontab(kept, env)
            removed.append("a crontab line")
    return removed


def boot_command(state: Optional[Path]) -> List[str]:
    """What starts the agent, by a path that stays the same when the agent is replaced."""
    root = Path(node_agent.__file__).parent.parent
    pushed = root.parent.name == "agents"
    program = ["/bin/sh", str(root.parent.parent / "node-agent")] if pushed else agent_command()
    return [*program, *_action(state)]


def _action(state: Optional[Path]) -> List[str]:
    """The words that follow the program: by them it is known which node is started."""
    return ["probe", "--start", *(["--state", str(state)] if state is not None else [])]


def _unit_path(env: Mapping[str, str]) -> Path:
    config = Path(env.get("XDG_CONFIG_HOME") or Path(env.get("HOME") or os.path.expanduser("~")) / ".config")
    return config / "systemd" / "user" / UNIT


def _install_unit(command: Sequence[str], env: Mapping[str, str]) -> str:
    unit = _unit_path(env)
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(_UNIT_TEXT.format(command=_systemd_words(command), target=_TARGET), encoding="utf-8")
    _run(["systemctl", "--user", "daemon-reload"], env)
    _run(["systemctl", "--user", "enable", UNIT], env)
    if _answers(["loginctl", "--no-ask-password", "enable-linger"], env):  # else systemd waits for the user's login
        return f"systemd unit {unit}"
    return f"systemd unit {unit}, but it starts at your next login; there: loginctl enable-linger {_user()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no passwd entry and no variable names this user
        return str(os.getuid())


def _starts_state(unit: str, action: str) -> bool:
    """Whether a unit's text starts the agent with exactly these words."""
    return any(line.startswith("ExecStart=") and line.endswith(f" {action}") for line in unit.splitlines())


def _systemd_words(words: Sequence[str]) -> str:
    """Words of ExecStart (systemd.service(5), COMMAND LINES; `%` and `$` would be expanded)."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(f'"{word}"' for word in escaped)


def _install_crontab(command: Sequence[str], env: Mapping[str, str]) -> str:
    kept = [line for line in _crontab_lines(env) if not line.endswith(MARK)]
    _write_crontab([*kept, f"@reboot {_crontab_words(command)}"], env)
    return "a crontab line"


def _crontab_lines(env: Mapping[str, str]) -> List[str]:
    listed = _complete(["crontab", "-l"], env)
    return listed.stdout.splitlines() if listed.returncode == 0 else []


def _write_crontab(lines: Sequence[str], env: Mapping[str, str]) -> None:
    _run(["crontab", "-"], env, "".join(f"{line}\n" for line in lines))


def _crontab_words(words: Sequence[str]) -> str:
    """The command of a line of ours (crontab(5): a bare % ends it)."""
    escaped = shlex.join(words).replace("%", r"\%")
    return f"{escaped} >/dev/null 2>&1 {MARK}"


def _answers(command: Sequence[str], env: Mapping[str, str]) -> bool:
    try:
        _run(command, env)
    except BootError:
        return False
    return True


def _run(command: Sequence[str], env: Mapping[str, str], text: str = "") -> None:
    done = _complete(command, env, text)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise BootError(f"{shlex.join(command)} failed: {lines[-1] if lines else done.returncode}")


def _complete(command: Sequence[str], env: Mapping[str, str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(list(command), input=text, capture_output=True, text=True, timeout=_LIMIT, env=dict(env))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BootError(f"{command[0]} cannot be run: {error}") from error
