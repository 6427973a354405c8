"""What a bench says: a table measured beside its peer in the same run, and the ratios that must hold."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """A promise about the figures; `is_kept` is this run's answer."""

    text: str
    is_kept: bool


@dataclass(frozen=True)
class Report:
    """One bench. The workload says enough to do it again."""

    title: str
    workload: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    checks: Sequence[Check] = field(default_factory=tuple)

    @property
    def is_good(self) -> bool:
        return all(check.is_kept for check in self.checks)

    def markdown(self) -> str:
        """The report as README quotes it."""
        lines = [f"**{self.title}.** {self.workload}", ""]
        lines.append("| " + " | ".join(self.headings) + " |")
        lines.append("|" + "---|" * len(self.headings))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        lines += [""] + [f"- {'kept' if check.is_kept else 'MISSED'}: {check.text}" for check in self.checks]
        return "\n".join(lines).rstrip() + "\n"


def machine() -> str:
    """The machine in one line."""
    cores = os.cpu_count()
    load = os.getloadavg()[0]
    return (
        f"{cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, load {load:.1f}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def resident(pid: int) -> int:
    """A process's resident memory in bytes (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """The processor time a process has used, user and system (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
