"""`python -m tests.bench [NAME…]`: measures, prints the tables README quotes, exits 1 when a promise was missed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile

from tests.bench.report import Report, machine

BENCHES = {
    "attach": "key to echo over SSH, beside ssh -t and tmux",
    "flood": "a key beside four floods, and ctrl+C, on a slow link",
    "throughput": "how fast a child may print, beside tmux",
    "footprint": "200 idle sessions, beside the tmux server",
    "cli": "relaytui ls and the console's first paint",
    "console": "36 busy tiles",
    "nodes": "a machine becomes a node, beside ssh host true",
    "engine": "the terminal engine beside pyte",
    "backlog": "a question after a flood of 200 MB",
    "asks": "prompt to toast over SSH, and an answer through the hub",
    "jobs": "claims, lists and dispatch, beside task-spooler",
    "detection": "probes and fusion of 200 sessions",
    "detector": "what needs a human, beside three other ways to tell; a quarter of an hour, only when named",
}

LONG = {"detector"}
"""Run only when named."""


def main() -> int:
    """Run the benches named, or all that are not long."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="\n".join(BENCHES))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    names = parser.parse_args().names or [name for name in BENCHES if name not in LONG]
    if unknown := set(names) - set(BENCHES):
        parser.error(f"no bench {', '.join(sorted(unknown))}; there is {', '.join(BENCHES)}")
    print(f"Machine: {machine()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="rt", dir="/tmp") as directory:
        for variable in ("RELAYTUI_CONFIG_DIR", "RELAYTUI_CACHE_DIR", "RELAYTUI_STATE_DIR", "RELAY_RUNTIME_DIR"):
            os.environ[variable] = f"{directory}/{variable}"  # nothing is left in the own of whoever measures
        return _measure(names)


def _measure(names: list[str]) -> int:
    missed = False
    for name in names:
        report: Report = importlib.import_module(f"tests.bench.{name}").measure()
        print(report.markdown(), flush=True)
        missed |= not report.is_good
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
