"""Reads the node's allow-list of deploys, which must be its owner's alone to change."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from node_agent.core.deploys import AllowList, AllowListError, parse_allow_list

if sys.version_info >= (3, 11):  # noqa: UP036 - the node agent runs on 3.9
    import tomllib
else:
    import tomli as tomllib

LARGEST = 1024 * 1024


def read_allow_list(path: Path) -> AllowList:
    """The list as it is on disk now; raises AllowListError where it is missing, faulty or others could change it."""
    try:
        directory = os.stat(path.parent)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise AllowListError(f"{path}: {error.strerror}; its owner writes there which deploys may run") from error
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise AllowListError(f"{path} is not a regular file; move it away")
        for status, name in ((found, path), (directory, path.parent)):
            if status.st_uid not in (0, os.geteuid()):
                raise AllowListError(f"{name} belongs to another user (uid {status.st_uid}); take it over or move it")
            if stat.S_IMODE(status.st_mode) & 0o022:
                raise AllowListError(f"others may change {name}; chmod go-w it")
        if found.st_size > LARGEST:
            raise AllowListError(f"{path} is too large to be a list of deploys")
        try:
            return parse_allow_list(tomllib.loads(file.read(LARGEST).decode("utf-8")))
        except ValueError as error:  # TOML and UTF-8 alike
            raise AllowListError(f"{path}: {error}") from error
        except AllowListError as error:
            raise AllowListError(f"{path}: {error}") from error
