"""The agent is started with its machine, by whichever of systemd and cron is there; both stand in as programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from node_agent.io.boot import MARK, BootError, boot_command, install_boot


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    for name in ("cat", "mv"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    return {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}


def program(env: dict[str, str], name: str, script: str) -> None:
    path = Path(env["PATH"]) / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def crontab(env: dict[str, str]) -> Path:
    table = Path(env["HOME"]) / "crontab"
    program(env, "crontab", f'[ "$1" = -l ] && exec cat {table}; cat > {table}.new && mv {table}.new {table}')
    return table


def test_systemd_gets_a_unit(env: dict[str, str], tmp_path: Path) -> None:
    program(env, "systemctl", f'echo "$*" >> {tmp_path}/asked')
    crontab(env)
    assert "relaytui.service" in install_boot(Path("/data/100% mine"), env)
    unit = (tmp_path / ".config/systemd/user/relaytui.service").read_text()
    assert 'probe" "--start" "--state" "/data/100%% mine"' in unit
    assert "KillMode=process" in unit
    assert "--user enable relaytui.service" in (tmp_path / "asked").read_text()


def test_cron_gets_one_line_however_often_it_is_asked(env: dict[str, str]) -> None:
    program(env, "systemctl", "exit 1")
    table = crontab(env)
    table.write_text("5 4 * * * backup\n")
    for _ in range(2):
        assert install_boot(None, env) == "a crontab line"
    first, second = table.read_text().splitlines()
    assert first == "5 4 * * * backup"
    assert second.startswith("@reboot ")
    assert second.endswith(MARK)


def test_a_first_crontab_is_made(env: dict[str, str]) -> None:
    table = crontab(env)
    install_boot(None, env)
    assert len(table.read_text().splitlines()) == 1


def test_without_either_it_is_said(env: dict[str, str]) -> None:
    with pytest.raises(BootError, match="at boot yourself"):
        install_boot(None, env)


def test_the_command_is_one_that_runs(tmp_path: Path) -> None:
    command = [*boot_command(None)[: -len(["probe", "--start"])], "version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip()
