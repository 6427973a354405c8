"""Resolvers: tailscale and a command of the operator's, as programs on PATH."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from relaytui.config import ConfigError, NodeConfig, Resolver, load_config
from relaytui.link.address import address_options
from relaytui.link.errors import UnknownHost
from relaytui.link.joining import node_at
from relaytui.link.resolve import resolve
from tests.home import open_home

STATUS = {
    "Self": {"HostName": "desk", "DNSName": "desk.tail.ts.net.", "TailscaleIPs": ["100.64.0.1"]},
    "Peer": {
        "a": {"HostName": "GPU", "DNSName": "gpu-box.tail.ts.net.", "TailscaleIPs": ["fd7a::2", "100.64.0.2"]},
        "b": {"HostName": "lab", "DNSName": "lab.tail.ts.net.", "TailscaleIPs": None},
    },
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RELAYTUI_CACHE_DIR", str(tmp_path / "cache"))
    return directory


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def tailscale(programs: Path) -> None:
    program(
        programs,
        "tailscale",
        f"case $1 in status) echo '{json.dumps(STATUS)}';; "
        'ip) [ "$3" = lab ] && echo 100.64.0.3 || { echo "no such host $3" >&2; exit 1; };; esac',
    )


@pytest.mark.parametrize(
    ("host", "address"),
    [("gpu-box", "100.64.0.2"), ("gpu-box.tail.ts.net", "100.64.0.2"), ("gpu", "100.64.0.2"), ("lab", "100.64.0.3")],
)
async def test_tailscale_knows_its_machines(programs: Path, host: str, address: str) -> None:
    tailscale(programs)
    node = NodeConfig("box", host=host, resolver=Resolver.TAILSCALE)
    target = await resolve(node)
    assert target.hostname == address
    assert target.record_name == host


async def test_an_unknown_machine_is_said_with_tailscales_words(programs: Path) -> None:
    tailscale(programs)
    with pytest.raises(UnknownHost, match="no such host nowhere; check the name"):
        await address_options(NodeConfig("box", host="nowhere", resolver=Resolver.TAILSCALE))


async def test_the_last_good_address_is_remembered(programs: Path) -> None:
    node = NodeConfig("box", host="vm-7", resolver=Resolver.COMMAND, resolver_command="inventory --find")
    program(programs, "inventory", 'echo "10.0.0.7 $1 $2"')
    first = await address_options(node)
    assert "HostName=10.0.0.7" in first
    program(programs, "inventory", "exit 1")
    assert await address_options(node) == first
    (programs / "inventory").unlink()
    assert await address_options(node) == first


@pytest.mark.parametrize("says", ["", "-oProxyCommand=x", "$(id)"])
async def test_what_is_no_address_never_reaches_ssh(programs: Path, says: str) -> None:
    program(programs, "inventory", f"printf '%s\\n' '{says}'")
    node = NodeConfig("box", host="vm-7", resolver=Resolver.COMMAND, resolver_command="inventory")
    with pytest.raises(UnknownHost, match="must print an address"):
        await address_options(node)


def test_a_command_resolver_needs_its_command() -> None:
    with pytest.raises(ConfigError, match="go together"):
        NodeConfig("box", host="vm-7", resolver=Resolver.COMMAND)


@pytest.mark.parametrize(
    ("words", "alias", "host"),
    [
        ("gpu-box.lan", "gpu-box", "gpu-box.lan"),
        ("10.0.0.5", "10.0.0.5", "10.0.0.5"),
        ("ann@10.0.0.6", "10.0.0.6", "10.0.0.6"),
        ("fd7a::2", "fd7a--2", "fd7a::2"),
        ("ann@[fe80::1%eth0]", "fe80--1-eth0", "fe80::1%eth0"),
        ("::1", "0--1", "::1"),
        ("10.0.0.5.example.org", "10", "10.0.0.5.example.org"),
    ],
)
def test_a_machine_is_called_by_its_first_label_or_its_whole_address(words: str, alias: str, host: str) -> None:
    node = node_at(words)
    assert (node.alias, node.host) == (alias, host)
    assert node_at(words, "lab").alias == "lab"


def test_neighbours_by_address_are_two_nodes(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        for address in ("10.0.0.5", "10.0.0.6", "fd7a::2"):
            home.ok("node", "add", address, "--later")
        known = load_config(home.config_file).nodes
    assert {(node.alias, node.host) for node in known if node.host} == {
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.6", "10.0.0.6"),
        ("fd7a--2", "fd7a::2"),
    }
