"""A private PostgreSQL server for tests: its own data directory, a unix socket, no port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


def programs() -> Path | None:
    """The directory of the newest server's programs, or None where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@contextmanager
def server() -> Iterator[str]:
    """Run a server and yield a URL of its `postgres` database; skips where it cannot be run."""
    bin_directory = programs()
    if bin_directory is None:
        pytest.skip("no PostgreSQL server is installed")
    as_user: list[str] = []
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root and there is no user postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="relaytui-pg-") as name:
        root = Path(name)
        if as_user:
            shutil.chown(root, "postgres", "postgres")
        data = root / "data"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": root}
        initdb = [str(bin_directory / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-N"]
        subprocess.run([*as_user, *initdb], **quiet)  # type: ignore[call-overload]  # options shared by two calls
        control = [*as_user, str(bin_directory / "pg_ctl"), "-D", str(data), "-w"]
        options = f"-c listen_addresses= -c unix_socket_directories={root} -c max_connections=40"
        start = [*control, "-l", str(root / "log"), "-o", options, "start"]
        subprocess.run(start, **quiet)  # type: ignore[call-overload]  # options shared by two calls
        try:
            yield f"postgresql://postgres@/postgres?host={root}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]  # as above


def fresh_database(url: str, name: str) -> str:
    """Create an empty database beside the one of `url` and return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return url.replace("/postgres?", f"/{name}?")


def drop_database(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
