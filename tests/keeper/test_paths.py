"""Where state and sockets are, and whom they are kept from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from node_agent.io.paths import (
    MAX_SOCKET_PATH,
    PathError,
    machine_id,
    make_private,
    network_file_system,
    node_paths,
    state_root,
    write_private,
)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Short: a socket's path has at most 107 bytes, however deep the tests' own directory is."""
    with tempfile.TemporaryDirectory(prefix="rt") as name:
        yield Path(name)


MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:5 / /home rw - nfs4 server:/home rw
31 30 0:6 / /home/local\040disk rw - xfs /dev/sdb rw
32 22 0:7 / /data rw - ext4 /dev/sdc rw
33 32 0:8 / /data rw - fuse.sshfs host: rw
a line that is no mount
"""


@pytest.mark.parametrize(
    ("env", "root"),
    [
        ({"RELAY_STATE_DIR": "/a", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_STATE_HOME": "/b", "HOME": "/c"}, "/b/relaytui"),
        ({"HOME": "/c"}, "/c/.local/state/relaytui"),
    ],
)
def test_variables_move_the_state(env: dict[str, str], root: str) -> None:
    assert state_root(env) == Path(root)


def test_each_state_directory_has_sockets_of_its_own(tmp_path: Path) -> None:
    env = {"RELAY_RUNTIME_DIR": str(tmp_path / "run")}
    first, second = node_paths(tmp_path / "a", env), node_paths(tmp_path / "b", env)
    assert first.keeper_socket != second.keeper_socket
    assert first == node_paths(tmp_path / "a", env)
    assert first.state == tmp_path / "a" / machine_id()
    for directory in (first.state, first.sessions, first.runtime):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_login_with_other_variables_finds_the_same_sockets(tmp_path: Path) -> None:
    runtime = tmp_path / "session"
    runtime.mkdir(0o700)
    first = node_paths(tmp_path / "state", {"XDG_RUNTIME_DIR": str(runtime)})
    assert first.runtime.is_relative_to(runtime)
    assert node_paths(tmp_path / "state", {}) == first


def test_a_runtime_directory_that_vanished_is_chosen_anew(tmp_path: Path) -> None:
    runtime = tmp_path / "session"
    runtime.mkdir(0o700)
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    first = node_paths(tmp_path / "state", env)
    first.runtime.rmdir()
    assert node_paths(tmp_path / "state", env) == first
    assert first.runtime.is_dir()


def test_a_shared_runtime_directory_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    shared = tmp_path / "shared"
    shared.mkdir(0o777)
    shared.chmod(0o777)
    paths = node_paths(tmp_path / "state", {"XDG_RUNTIME_DIR": str(shared)})
    assert paths.runtime.parent == tmp_path / f"relaytui-{os.geteuid()}"


def test_a_path_too_long_for_a_socket_says_what_to_do(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    assert len(str(deep)) + 30 > MAX_SOCKET_PATH
    with pytest.raises(PathError, match="set RELAY_RUNTIME_DIR to a shorter place"):
        node_paths(tmp_path / "state", {"RELAY_RUNTIME_DIR": str(deep)})


def test_directories_others_can_change_are_refused(tmp_path: Path) -> None:
    opened, linked, file = tmp_path / "open", tmp_path / "link", tmp_path / "file"
    opened.mkdir()
    opened.chmod(0o755)
    linked.symlink_to(tmp_path)
    file.touch()
    for path, message in ((opened, "chmod 700"), (linked, "symbolic link"), (file, "cannot make")):
        with pytest.raises(PathError, match=message):
            make_private(path)
    assert opened.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory away needs root")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir(0o700)
    os.chown(foreign, 65534, 65534)
    with pytest.raises(PathError, match="belongs to another user"):
        make_private(foreign)


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("one", "two"):
        write_private(path, text)
        assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/x", "nfs4"), ("/home/local disk/x", None), ("/homely", None), ("/data", "fuse.sshfs"), ("/", None)],
)
def test_network_file_systems_are_known(tmp_path: Path, path: str, kind: str | None) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    assert network_file_system(Path(path), {"RELAY_MOUNTINFO": str(table)}) == kind


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, {"RELAY_MOUNTINFO": str(tmp_path / "none")}) is None
