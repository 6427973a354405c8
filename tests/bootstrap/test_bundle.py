"""The bundle is reproducible, pure Python, and runs under every interpreter a node may have."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

import node_agent
from node_agent.bundle import Bundle, read_bundle
from tests.interpreters import OLDEST, interpreters

SOURCES = sorted(Path(node_agent.__file__).parent.rglob("*.py"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle()


@pytest.fixture(scope="module")
def unpacked(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as it lies on a node."""
    root = tmp_path_factory.mktemp("bundle")
    zipfile.ZipFile(io.BytesIO(bundle.pack())).extractall(root)
    return root


def run(python: str, *words: str) -> str:
    """What a program prints that can import nothing but the standard library and what it is given."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RELAY"))}
    result = subprocess.run(
        [python, "-E", "-s", "-S", "-B", *words], capture_output=True, text=True, timeout=60, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_same_files_give_the_same_bytes(bundle: Bundle) -> None:
    assert read_bundle() == bundle
    assert bundle.pack() == bundle.pack()


def test_nothing_compiled_is_in_it_and_every_licence_is(bundle: Bundle) -> None:
    names = zipfile.ZipFile(io.BytesIO(bundle.pack())).namelist()
    assert not [
        name for name in names if not name.endswith((".py", ".toml", ".typed", ".json")) and "licenses/" not in name
    ]
    assert {name.split("/")[1] for name in names if name.startswith("licenses/")} == {"pyte", "wcwidth", "tomli"}


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: ".".join(map(str, version)))
def test_it_runs_without_anything_installed(version: tuple[int, int], unpacked: Path) -> None:
    python = interpreters()[version]
    assert run(python, str(unpacked), "version").strip() == node_agent.__version__


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: ".".join(map(str, version)))
def test_every_module_of_the_node_imports(version: tuple[int, int], unpacked: Path) -> None:
    names = [
        ".".join(path.relative_to(unpacked).with_suffix("").parts)
        for path in sorted((unpacked / "node_agent").rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
    ]
    code = "import importlib, json, sys; [importlib.import_module(name) for name in json.loads(sys.argv[2])]"
    script = f"import sys; sys.path.insert(0, sys.argv[1]); {code}"
    run(interpreters()[version], "-c", script, str(unpacked), json.dumps(names))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SOURCES[0].parent)))
def test_the_nodes_code_is_written_for_the_oldest_python(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=OLDEST)
