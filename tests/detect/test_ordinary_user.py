"""An ordinary user's agent: it may not read a setuid program, and a question of one is an ask all the same."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home import Home, open_home

USER = "nobody"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an agent as another user"),
    pytest.mark.skipif(shutil.which("su") is None, reason="su is not installed"),
]


class Ordinary:
    """The product as an ordinary user runs it."""

    def __init__(self, home: Home, python: Path) -> None:
        self._home = home
        self._program = [str(python), "-m", "relaytui"]
        user = pwd.getpwnam(USER)
        for path in (home.directory, home.directory / "home"):
            os.chown(path, user.pw_uid, user.pw_gid)

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._program, *words],
            user=USER,
            group=pwd.getpwnam(USER).pw_gid,
            extra_groups=[],
            env=self._home.env,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def session(self, key: str) -> Any:
        return next(item for item in json.loads(self.run("ls", "--json")) if f"local/{item['id']}" == key)

    def until_asking(self, key: str) -> Any:
        deadline = time.monotonic() + 30
        while (session := self.session(key))["ask"] is None:
            assert time.monotonic() < deadline, self.run("explain", key)
        return session["ask"]


def python_for_all(directory: Path) -> Path:
    """An interpreter that any user may run, with what this one has installed: ours may lie in root's home."""
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if system is None:
        pytest.skip("there is no Python outside root's home")
    subprocess.run([system, "-m", "venv", "--without-pip", str(directory)], check=True, timeout=60)
    (packages,) = directory.glob("lib/python*/site-packages")
    if packages.parent.name != f"python{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"the Python outside root's home is another one: {packages.parent.name}")
    paths = [str(Path(__file__).parents[2]), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    (packages / "all.pth").write_text("\n".join(paths))
    return directory / "bin" / "python"


@pytest.fixture(scope="module")
def ordinary() -> Iterator[Ordinary]:
    with tempfile.TemporaryDirectory(prefix="relaytui-user-") as directory, open_home(Path(directory)) as home:
        ordinary = Ordinary(home, python_for_all(home.directory / "venv"))
        try:
            ordinary.run("--version")
        except (AssertionError, PermissionError) as error:
            pytest.skip(f"{USER} may not read this installation: {error}")
        yield ordinary


def test_the_password_question_of_a_setuid_program_is_an_ask(ordinary: Ordinary) -> None:
    key = ordinary.run("start", "--detach", "--", "su", "root", "-c", "true").strip()
    ask = ordinary.until_asking(key)
    assert ask["kind"] == "password"
    assert "Password" in ask["excerpt"]
    explained = json.loads(ordinary.run("explain", key, "--json"))
    assert "termios" in {item["source"] for item in explained["evidence"]}
    ordinary.run("kill", key)


def test_a_quiet_job_of_an_ordinary_user_is_no_ask(ordinary: Ordinary) -> None:
    key = ordinary.run("start", "--detach", "--", "sh", "-c", "echo 'Continue? [y/N]'; exec sleep 1000").strip()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert ordinary.session(key)["attention"] not in ("asking", "idle")
    ordinary.run("kill", key)
