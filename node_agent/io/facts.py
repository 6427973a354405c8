"""What can be probed of the machine: the facts that placement reads and the heartbeat carries."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import socket
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from node_agent.protocol.entities import NodeFacts

GPU_EVERY = 60.0
"""Seconds between looks at the GPUs: their tools take up to a second of CPU time."""

PROGRAMS = (
    "bash", "claude", "codex", "copilot", "docker", "gcc", "gemini", "git", "make", "node", "nvcc", "podman",
    "python3", "rsync", "screen", "slurm", "tmux", "uv", "zsh",
)  # fmt: skip  # words, as many as fit a row
"""Programs whose presence is a fact that work can be placed by."""

SEARCH = os.pathsep.join(
    (os.environ.get("PATH", ""), os.path.expanduser("~/.local/bin"), "/usr/local/bin", "/usr/bin", "/bin")
)
"""Where they are looked for: an agent started over SSH has a short PATH."""

_GPU_LIMIT = 10.0
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free,utilization.gpu", "--format=csv,noheader,nounits")
_ROCM = ("rocm-smi", "--showproductname", "--csv")


class Facts:
    """The facts as last probed. What a machine does not tell is left out, not guessed."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._values: Dict[str, Any] = {}
        self._probed = 0.0
        self._gpus: List[Dict[str, Any]] = []
        self._gpus_probed: Optional[float] = None
        self._constant = {
            "os": platform.system(),
            "release": platform.release(),
            "arch": platform.machine(),
            "hostname": socket.gethostname(),
            "python": platform.python_version(),
            "cores": os.cpu_count() or 1,
        }

    def now(self, at: float) -> NodeFacts:
        return NodeFacts(dict(self._values), max(0.0, at - self._probed) if self._values else 0.0)

    async def probe(self, at: float) -> None:
        """Look at the machine again. Nothing here waits for a disk or a program in the event loop."""
        if self._gpus_probed is None or at - self._gpus_probed >= GPU_EVERY:
            self._gpus_probed = at
            self._gpus = await _probe_gpus()
        values = await asyncio.get_running_loop().run_in_executor(None, self._probe_blocking)
        self._values = {**self._constant, **values, "gpus": self._gpus}
        self._probed = at

    def _probe_blocking(self) -> Dict[str, Any]:
        values: Dict[str, Any] = {"programs": [name for name in PROGRAMS if shutil.which(name, path=SEARCH)]}
        try:
            values["load"] = [round(load, 2) for load in os.getloadavg()]
        except OSError:
            pass
        values.update(_memory())
        try:
            disk = shutil.disk_usage(self._state)
            values.update(disk_total=disk.total, disk_free=disk.free)
        except OSError:
            pass
        return values


def _memory() -> Dict[str, int]:
    """Bytes of memory, all and available (proc(5), meminfo); only all of it where there is no /proc."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        try:
            return {"memory_total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")}
        except (OSError, ValueError):
            return {}
    fields = {line.partition(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}
    names = {"MemTotal": "memory_total", "MemAvailable": "memory_available"}
    return {name: int(fields[key]) * 1024 for key, name in names.items() if key in fields}


async def _probe_gpus() -> List[Dict[str, Any]]:
    lines = await _lines_of(_NVIDIA)
    if lines:
        return [gpu for gpu in map(_nvidia_gpu, lines) if gpu]
    return [{"name": line.split(",")[1].strip()} for line in await _lines_of(_ROCM) if line.startswith("card")]


def _nvidia_gpu(line: str) -> Dict[str, Any]:
    """One line of `nvidia-smi --format=csv,noheader,nounits`; memory is in MiB there and in bytes here."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 4:
        return {}
    gpu: Dict[str, Any] = {"name": parts[0]}
    for name, text, unit in (
        ("memory_total", parts[1], 1 << 20),
        ("memory_free", parts[2], 1 << 20),
        ("load", parts[3], 1),
    ):
        if text.isdigit():
            gpu[name] = int(text) * unit
    return gpu


async def _lines_of(command: Sequence[str]) -> List[str]:
    """What a program prints, or nothing where it is missing, fails or takes too long."""
    if shutil.which(command[0]) is None:
        return []
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _GPU_LIMIT)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return []
    return output.decode("utf-8", "replace").splitlines() if process.returncode == 0 else []
