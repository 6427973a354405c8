"""Builds the zipapp that is pushed to machines where nothing is installed: this package and what it imports.

The program is named by a digest of its files, so that one that is on a node already is known without being packed. The
archive holds only Python and data; compiled parts of the bundled libraries are left out, each has a fallback in Python.
Runs on Python 3.9 and newer.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path, PurePosixPath
from typing import Iterator, List, NamedTuple, Tuple

from node_agent import installer

LIBRARIES = ("pyte", "wcwidth", "tomli")
"""Distributions that the agent imports; tomli only where Python has no tomllib (before 3.11)."""

MAIN = b"""import sys

from node_agent.__main__ import main

sys.exit(main())
"""

INSTALLER_MARKER = installer.MARKER.encode()
"""Begins each line the installer says."""

_KEPT = (".py", ".toml", ".typed", ".json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can state


class BundleError(Exception):
    """A part of the bundle is not installed; one line."""


File = Tuple[str, bytes]
"""A file's path in the bundle and what it holds."""


class Bundle(NamedTuple):
    """A program and what names it: `digest` is a SHA-256 in hex of its files, in the order of their names."""

    files: Tuple[File, ...]
    digest: str

    def pack(self) -> bytes:
        """The same as a zip archive, with the licences of what is in it. Raises BundleError."""
        import zipfile  # seldom needed, and slow to import

        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, content in (*self.files, *_licences()):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, content)
        return out.getvalue()


def read_bundle() -> Bundle:
    """The agent of this very installation, with a `__main__.py`. Raises BundleError."""
    files = sorted(_files())
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(b"%s %d\n%s" % (name.encode(), len(content), content))
    return Bundle(tuple(files), digest.hexdigest())


def _files() -> Iterator[File]:
    yield "__main__.py", MAIN
    for package in ("node_agent", *LIBRARIES):
        yield from _package(package)


def _package(name: str) -> Iterator[File]:
    """The files of a package, found without importing it, also where it is installed as editable."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BundleError(f"{name} is not installed here, and the bundle needs it; reinstall relaytui")
    folders: List[Tuple[str, Path]] = [(name, Path(spec.submodule_search_locations[0]))]
    while folders:
        path, folder = folders.pop()
        for entry in folder.iterdir():
            inner = f"{path}/{entry.name}"
            if entry.is_dir():
                if entry.name != "__pycache__":
                    folders.append((inner, entry))
            elif entry.name.endswith(_KEPT):
                yield inner, entry.read_bytes()


def _licences() -> Iterator[File]:
    """The libraries' licences, which must go where their code goes."""
    from importlib import metadata  # slow to import

    for name in LIBRARIES:
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise BundleError(f"{name} is here without its licence; reinstall relaytui") from error
        for file in distribution.files or []:
            path = PurePosixPath(str(file))
            is_licence = path.name.upper().startswith(("LICENSE", "COPYING", "AUTHORS", "NOTICE"))
            if ".dist-info" in path.parts[0] and is_licence:
                yield f"licenses/{name}/{path.name}", file.read_binary()


def installer_source() -> bytes:
    """The program that puts a bundle in place, as text for a Python on a node."""
    return Path(installer.__file__).read_bytes()
