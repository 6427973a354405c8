"""The agent is started with its machine, by whichever of systemd and cron is there; both stand in as programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from node_agent.io.boot import MARK, BootError, boot_command, install_boot, remove_boot
from tests.home import open_home


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


def systemd(env: dict[str, str], linger: str = "exit 0") -> Path:
    """Stand-ins that note what they are asked in the file this gives; `enable` does what systemctl does."""
    asked = Path(env["HOME"]) / "asked"
    wants = Path(env["HOME"]) / ".config/systemd/user/default.target.wants"
    enable = f'[ "$2" != enable ] || {{ mkdir -p {wants}; ln -sf ../$3 {wants}/$3; }}'
    program(env, "systemctl", f'echo "$*" >> {asked}; {enable}')
    program(env, "loginctl", f'echo "$*" >> {asked}; {linger}')
    for name in ("mkdir", "ln"):
        (Path(env["PATH"]) / name).symlink_to(f"/bin/{name}")
    return asked


def test_the_user_lingers_so_that_the_unit_starts_with_the_machine(env: dict[str, str]) -> None:
    asked = systemd(env)
    assert install_boot(None, env).endswith("relaytui.service")
    assert asked.read_text().splitlines()[-1] == "--no-ask-password enable-linger"


def test_where_the_user_may_not_linger_it_is_said(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    systemd(env, "echo denied >&2; exit 1")
    monkeypatch.setenv("LOGNAME", "ann")
    said = install_boot(None, env)
    assert said.endswith("relaytui.service, but it starts at your next login; there: loginctl enable-linger ann")


@pytest.mark.parametrize("state", [None, Path("/data/100% mine")])
def test_a_unit_is_removed_with_its_node_alone(state: Path | None, env: dict[str, str], tmp_path: Path) -> None:
    asked = systemd(env)
    install_boot(state, env)
    assert remove_boot(Path("/data/other"), env) == []
    units = tmp_path / ".config/systemd/user"
    assert (units / "default.target.wants/relaytui.service").exists()
    assert remove_boot(state, env) == [f"systemd unit {units}/relaytui.service"]
    assert [path for path in units.rglob("*") if not path.is_dir()] == []
    assert asked.read_text().splitlines()[-1] == "--user daemon-reload"
    assert remove_boot(state, env) == []


@pytest.mark.parametrize("state", [None, Path("/data/100% mine")])
def test_a_crontab_line_is_removed_with_its_node_alone(state: Path | None, env: dict[str, str]) -> None:
    table = crontab(env)
    table.write_text("5 4 * * * backup\n")
    install_boot(state, env)
    assert remove_boot(Path("/data/other"), env) == []
    assert remove_boot(state, env) == ["a crontab line"]
    assert table.read_text() == "5 4 * * * backup\n"
    assert remove_boot(state, env) == []


def test_local_starts_with_its_machine(env: dict[str, str], tmp_path: Path) -> None:
    systemd(env)
    with open_home(tmp_path / "o") as home:
        path = f"{env['PATH']}{os.pathsep}{os.environ['PATH']}"
        done = home.run("node", "upgrade", "local", "--boot", env={"PATH": path})
        unit = home.directory / "home/.config/systemd/user/relaytui.service"
        assert done.returncode == 0, done.stderr
        assert f"local: its start with the machine: systemd unit {unit}" in done.stderr
        assert unit.is_file()


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
