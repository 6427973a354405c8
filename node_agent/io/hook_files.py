"""Plans and carries out changes to the configuration files of coding agents: whole, at once, with a copy of the old."""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path
from typing import Mapping, Optional

from node_agent.core.hooks import PROGRAMS, HookError, HookProgram, is_installed, note_on, with_hooks, without_hooks
from node_agent.io.agent import Agent
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.hooks import HookPlan, HooksApplied

BACKUP = ".before-relaytui"
"""Ends the name of the copy of a file as it was before its last change."""

LARGEST = 4 * 1024 * 1024


class HookFile:
    """The file in which a program's hooks stand. `env` says where, `agent` is the path of the agent's command."""

    def __init__(self, name: str, agent: Path, env: Mapping[str, str]) -> None:
        if name not in PROGRAMS:
            raise RequestError(ErrorCode.BAD_REQUEST, f"hooks are known for {', '.join(PROGRAMS)}, not {name!r}")
        self._program = PROGRAMS[name]
        self._agent = str(agent)
        self.path = _place(self._program, env)

    def plan(self, remove: bool) -> HookPlan:
        """What would change. Raises RequestError."""
        before = self._read()
        return HookPlan(
            program=self._program.name,
            path=str(self.path),
            diff=_diff(before, self._wanted(before, remove), str(self.path)),
            digest=_digest(before),
            is_installed=is_installed(before),
            note="" if remove else note_on(self._program, before),
        )

    def apply(self, remove: bool, digest: str) -> HooksApplied:
        """Make it so, if the file is still the one of `digest`. Raises RequestError."""
        before = self._read()
        if _digest(before) != digest:
            raise RequestError(ErrorCode.STALE_VERSION, f"{self.path} was changed meanwhile; look at the change again")
        wanted = self._wanted(before, remove)
        if wanted == before:
            return HooksApplied(str(self.path))
        backup = self.path.with_name(self.path.name + BACKUP)
        try:
            mode = self.path.stat().st_mode & 0o777 if before is not None else 0o600
            if before is not None and self._program.hooks:
                _write(backup, before, mode)
            if wanted is None:
                self.path.unlink()
            else:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(self.path, wanted, mode)
        except OSError as error:
            raise RequestError(ErrorCode.REFUSED, f"{self.path} cannot be written: {error.strerror}") from error
        return HooksApplied(str(self.path), str(backup) if before is not None and self._program.hooks else "")

    def _wanted(self, before: Optional[str], remove: bool) -> Optional[str]:
        if not self._program.hooks and before is not None and not is_installed(before):
            raise RequestError(ErrorCode.REFUSED, f"{self.path} is not ours; move it away")
        try:
            return without_hooks(self._program, before) if remove else with_hooks(self._program, before, self._agent)
        except HookError as error:
            raise RequestError(ErrorCode.REFUSED, str(error)) from error

    def _read(self) -> Optional[str]:
        try:
            if self.path.stat().st_size > LARGEST:
                raise RequestError(ErrorCode.REFUSED, f"{self.path} is too large to be a configuration")
            return self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise RequestError(ErrorCode.REFUSED, f"{self.path} cannot be read: {error}") from error


async def hook_file(agent: Agent, name: str) -> HookFile:
    """The file of that program's hooks, where the user's login environment has it. Raises RequestError."""
    return HookFile(name, agent.paths.wrapper, await agent.environment.read())


def _place(program: HookProgram, env: Mapping[str, str]) -> Path:
    """The file itself, also where a link stands for it, as in homes kept under version control."""
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    folder = env.get(program.variable) if program.variable else None
    return Path(os.path.realpath((Path(folder) if folder else home / program.folder) / program.file))


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file at once and whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink()
        raise


def _digest(text: Optional[str]) -> str:
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()


def _diff(before: Optional[str], after: Optional[str], path: str) -> str:
    old, new = (before or "").splitlines(keepends=True), (after or "").splitlines(keepends=True)
    lines = difflib.unified_diff(
        old, new, "/dev/null" if before is None else path, "/dev/null" if after is None else path
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
