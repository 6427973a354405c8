"""Builds the zipapp that is pushed to machines where nothing is installed: this package and what it imports.

The archive is reproducible: the same files give the same bytes, so its SHA-256 names it. It holds only Python and
data; compiled parts of the bundled libraries are left out, each has a fallback in Python. Runs on Python 3.9 and newer.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib import metadata, resources
from pathlib import PurePosixPath
from typing import Iterator, List, NamedTuple, Tuple

from node_agent.installer import MARKER

LIBRARIES = ("pyte", "wcwidth", "tomli")
"""Distributions that the agent imports; tomli only where Python has no tomllib (before 3.11)."""

MAIN = b"""import sys

from node_agent.__main__ import main

sys.exit(main())
"""

INSTALLER_MARKER = MARKER.encode()
"""Begins each line the installer says."""

_KEPT = (".py", ".toml", ".typed", ".json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can state


class BundleError(Exception):
    """A part of the bundle is not installed; one line."""


class Bundle(NamedTuple):
    """`digest` is the SHA-256 of `data` in hex."""

    data: bytes
    digest: str


def build_bundle() -> Bundle:
    """The agent of this very installation as a zip archive with a `__main__.py`. Raises BundleError."""
    files = sorted(_files())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
    data = out.getvalue()
    return Bundle(data, hashlib.sha256(data).hexdigest())


def _files() -> Iterator[Tuple[str, bytes]]:
    yield "__main__.py", MAIN
    yield from _package("node_agent")
    for library in LIBRARIES:
        yield from _library(library)


def _package(name: str) -> Iterator[Tuple[str, bytes]]:
    """The files of an importable package, also of one installed as editable."""
    folders: List[Tuple[str, resources.abc.Traversable]] = [(name, resources.files(name))]
    while folders:
        path, folder = folders.pop()
        for entry in folder.iterdir():
            inner = f"{path}/{entry.name}"
            if entry.is_dir():
                if entry.name != "__pycache__":
                    folders.append((inner, entry))
            elif entry.name.endswith(_KEPT):
                yield inner, entry.read_bytes()


def _library(name: str) -> Iterator[Tuple[str, bytes]]:
    """A library's Python files and its licence, which must go where its code goes."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        raise BundleError(f"{name} is not installed here, and the bundle needs it; reinstall relaytui") from error
    yield from _package(name)
    for file in distribution.files or []:
        path = PurePosixPath(str(file))
        if ".dist-info" in path.parts[0] and path.name.upper().startswith(("LICENSE", "COPYING", "AUTHORS", "NOTICE")):
            yield f"licenses/{name}/{path.name}", file.read_binary()


def installer_source() -> bytes:
    """The program that puts a bundle in place, as text for a Python on a node."""
    return (resources.files("node_agent") / "installer.py").read_bytes()
