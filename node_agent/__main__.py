"""`node-agent`: serve a node, bridge or probe it, run its keeper, or report from inside a session."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import List, Optional

import node_agent

FAILED = 1


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line; the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["keeper"]:
        from node_agent.keeper.__main__ import main as keeper_main

        sys.argv[1:] = words[1:]
        return keeper_main()
    options = _parser().parse_args(words)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="node-agent", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve this node until told to end")
    serve.set_defaults(run=_serve)
    bridge = commands.add_parser("bridge", help="join stdin and stdout to the agent's socket")
    bridge.add_argument("--no-start", action="store_true", help="fail when no agent runs")
    bridge.add_argument("--deploy-only", action="store_true", help="for a key that may only deploy")
    bridge.set_defaults(run=_bridge)
    probe = commands.add_parser("probe", help="print one line of JSON on this installation and what runs")
    probe.add_argument("--start", action="store_true", help="start the agent first when none runs")
    probe.set_defaults(run=_probe)
    probe.add_argument("--replace", action="store_true", help="start this agent in place of one that is no newer")
    probe.add_argument("--replace-keeper", action="store_true", help="replace the keeper's program in place, too")
    probe.add_argument("--boot", action="store_true", help="have the agent started with the machine")
    remove = commands.add_parser("remove", help="end every session, the keeper and the agent of this node")
    remove.add_argument("--journals", action="store_true", help="remove its state, journals and all")
    remove.add_argument("--program", action="store_true", help="remove the agent where it was pushed")
    remove.set_defaults(run=_remove)
    for command in (serve, bridge, probe, remove):
        command.add_argument("--state", type=Path, help="where state lives (default: $RELAY_STATE_DIR)")
    tmux = commands.add_parser("tmux", help="list the tmux sessions of this machine as JSON")
    tmux.add_argument("--state", type=Path, help=argparse.SUPPRESS)  # every command may be given one
    tmux.set_defaults(run=_tmux)
    report = commands.add_parser("signal", help="say what this session is doing")
    report.add_argument("report", choices=("asking", "working", "idle", "done"))
    report.add_argument("words", nargs="?", default="", metavar="TEXT")
    report.add_argument("--text", default="", help="what is asked")
    report.add_argument("--source", default="", help="who says so")
    report.add_argument("--hook", default="", metavar="PROGRAM", help="PROGRAM says so, in JSON on stdin")
    report.set_defaults(run=_signal)
    commands.add_parser("keeper", help="run the keeper (see its own --help)")
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from node_agent.io.serve import serve

    return serve(options.state)


def _bridge(options: argparse.Namespace) -> int:
    from node_agent.io.bridge import bridge
    from node_agent.io.paths import PathError, node_paths
    from node_agent.io.ssh_agent import note_ssh_agent
    from node_agent.io.start import StartError, connect, ensure_agent

    try:
        paths = node_paths(options.state)
        if not options.deploy_only:
            note_ssh_agent(paths.ssh_agent)
        if not options.no_start:
            ensure_agent(paths, options.state)
        with connect(paths, only_deploys=options.deploy_only) as connection:
            return bridge(connection)
    except (PathError, StartError, OSError) as error:
        return _fail(error)


def _probe(options: argparse.Namespace) -> int:
    from node_agent.io.failure import failure_of, words_for
    from node_agent.io.paths import PathError, node_paths
    from node_agent.io.ssh_agent import note_ssh_agent
    from node_agent.io.start import StartError, ensure_agent
    from node_agent.io.status import node_status

    try:
        paths = node_paths(options.state)
        note_ssh_agent(paths.ssh_agent)
        if options.replace or options.replace_keeper:
            from node_agent.io.replace import replace_agent  # asyncio takes long to import, and probes are many

            replace_agent(paths, options.state, options.replace_keeper)
        elif options.start:
            ensure_agent(paths, options.state)
        report = node_status(paths)
        if options.boot and not (options.replace and report["newer"]):
            report["boot"] = _install_boot(options.state)
        sys.stdout.write(json.dumps(report, separators=(",", ":")) + "\n")
    except (PathError, StartError, OSError) as error:
        failure = error.failure if isinstance(error, StartError) else failure_of(error)
        sys.stdout.write(json.dumps({"error": words_for(error), "failure": failure.name.lower()}) + "\n")
        return _fail(error)
    return 0


def _install_boot(state: Optional[Path]) -> str:
    """How it was done, or why not: an agent that runs is worth more than one that starts by itself."""
    from node_agent.io.boot import BootError, install_boot

    try:
        return install_boot(state)
    except (BootError, OSError) as error:
        return f"not arranged: {error}"


def _remove(options: argparse.Namespace) -> int:
    from node_agent.io.paths import PathError, node_paths
    from node_agent.io.removal import remove_node
    from node_agent.io.start import StartError

    try:
        report = remove_node(node_paths(options.state), options.state, options.journals, options.program)
        sys.stdout.write(json.dumps(report) + "\n")
    except (PathError, StartError, OSError) as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return _fail(error)
    return 0


def _tmux(_: argparse.Namespace) -> int:
    from node_agent.io.tmux import TmuxError, tmux_sessions

    try:
        sys.stdout.write(json.dumps({"sessions": tmux_sessions()}) + "\n")
    except TmuxError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return _fail(error)
    return 0


def _signal(options: argparse.Namespace) -> int:
    from node_agent.io.exchange import ExchangeError
    from node_agent.io.origin import find_origin
    from node_agent.io.paths import PathError, node_paths
    from node_agent.io.signal import LARGEST_EVENT, read_hook_event, send_signal
    from node_agent.io.start import connect

    session, text, source = os.environ.get("RELAY_SESSION", ""), options.text or options.words, options.source
    if options.hook:
        event = read_hook_event("" if sys.stdin.isatty() else sys.stdin.read(LARGEST_EVENT))
        text, source = text or event.text, source or options.hook
        if not session:
            source = f"{source} {event.conversation[:8]}".strip()  # each conversation asks for itself
    try:
        with connect(node_paths()) as connection:
            origin = find_origin() if options.hook and not session else None
            send_signal(connection, session, options.report, text, source, origin)
    except (PathError, ExchangeError, OSError) as error:
        return _fail(error)
    return 0


def _version(_: argparse.Namespace) -> int:
    sys.stdout.write(node_agent.__version__ + "\n")
    return 0


def _fail(error: Exception) -> int:
    sys.stderr.write(f"node-agent: {error}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
