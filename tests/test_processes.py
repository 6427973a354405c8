"""What a test ends is its own: the processes of its directory, not those of one whose name begins alike."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import end_processes_of, processes_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program that waits, with these further arguments and variables."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, **env: str) -> subprocess.Popen[bytes]:
        command = ["sh", "-c", "echo; read line", *arguments]
        started.append(subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert started[-1].stdout is not None
        started[-1].stdout.readline()  # it runs, so its command line and environment are its own
        return started[-1]

    yield run
    for process in started:
        with process:
            process.kill()


@pytest.mark.parametrize("where", ["{}", "{}/state", "--state={}", "/bin:{}:/sbin", "cd {}; make", "'{}'"])
def test_they_are_found_by_what_names_the_directory(start: Start, tmp_path: Path, where: str) -> None:
    naming = where.format(tmp_path)
    told_so, with_a_variable = start(naming), start(PLACE=naming)
    assert sorted(processes_of(tmp_path)) == sorted([told_so.pid, with_a_variable.pid])


@pytest.mark.parametrize("where", ["{}0", "{}.old", "{}-2/state", "{}_", "/mnt{}", "other"])
def test_a_directory_of_another_name_is_not_it(start: Start, tmp_path: Path, where: str) -> None:
    start(where.format(tmp_path))
    assert processes_of(tmp_path) == []


def test_ending_them_leaves_a_neighbours_alone(start: Start, tmp_path: Path) -> None:
    ours, neighbours = start(PLACE=f"{tmp_path}/b1"), start(PLACE=f"{tmp_path}/b10")
    end_processes_of(tmp_path / "b1")
    assert ours.wait(10) < 0
    assert neighbours.poll() is None
