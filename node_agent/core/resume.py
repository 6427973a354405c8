"""How coding agents take up a conversation again after their session was lost, from what each program documents.

A program is started with the words that resume its latest conversation in the directory, and keeps the options it was
started with; a prompt among its words was given already and is left out. An option this table does not know might
hold a limit that must not be dropped, so such a command is nobody's to change.
"""

from __future__ import annotations

import posixpath
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

Words = Tuple[str, ...]


class Resume(NamedTuple):
    """One program. Options take no word (`flags`), one (`options`), or all up to the next option (`lists`).

    `latest` resumes the directory's last conversation, `pick` lets the operator choose, where another session of the
    program in the same directory makes the last one ambiguous. With one of `as_is` the command is no conversation, or
    names the one it resumes.
    """

    latest: Words
    pick: Words
    flags: FrozenSet[str] = frozenset()
    options: FrozenSet[str] = frozenset()
    lists: FrozenSet[str] = frozenset()
    as_is: FrozenSet[str] = frozenset()


def _words(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


PROGRAMS: Dict[str, Resume] = {
    "claude": Resume(
        latest=("--continue",),
        pick=("--resume",),
        flags=_words("--dangerously-skip-permissions --verbose --ide --chrome --strict-mcp-config"),
        options=_words("--model --permission-mode --settings --append-system-prompt --agent --fallback-model"),
        lists=_words(
            "--add-dir --allowedTools --allowed-tools --disallowedTools --disallowed-tools --tools --mcp-config"
        ),
        as_is=_words(
            "-c --continue -r --resume -p --print --session-id"
            " mcp config update doctor install setup-token plugin agents"
        ),
    ),
    "codex": Resume(
        latest=("resume", "--last"),
        pick=("resume",),
        flags=_words("--oss --full-auto --search --no-alt-screen --dangerously-bypass-approvals-and-sandbox"),
        options=_words(
            "-m --model -p --profile -c --config -s --sandbox -a --ask-for-approval -C --cd --add-dir --enable"
            " --disable --local-provider"
        ),
        as_is=_words("resume fork exec e review login logout mcp apply completion cloud sandbox debug"),
    ),
    "gemini": Resume(
        latest=("--resume",),
        pick=(),
        flags=_words("-s --sandbox -y --yolo -d --debug"),
        options=_words("-m --model --approval-mode"),
        lists=_words("--include-directories --allowed-tools --allowed-mcp-server-names -e --extensions"),
        as_is=_words("-r --resume -p --prompt mcp extensions --list-sessions"),
    ),
    "opencode": Resume(
        latest=("--continue",),
        pick=(),
        options=_words("-m --model --agent --port --hostname"),
        as_is=_words("-c --continue -s --session run serve web attach auth agent models mcp upgrade"),
    ),
    "copilot": Resume(
        latest=("--continue",),
        pick=("--resume",),
        flags=_words("--allow-all-tools --allow-all-paths --no-color --banner"),
        options=_words("--model --agent --add-dir --log-level --allow-tool --deny-tool"),
        as_is=_words("--continue --resume -p --prompt help"),
    ),
}


def program_of(command: Sequence[str]) -> str:
    """The name in this table of the program a session was started as, "" where it is none of them."""
    name = posixpath.basename(command[0]) if command else ""
    return name if name in PROGRAMS else ""


def resume_command(command: Sequence[str], is_ambiguous: bool = False) -> Optional[Words]:
    """What starts `command` again after it was lost; None where that cannot be told.

    `is_ambiguous`: another conversation of the program is held in the same directory.
    """
    resume = PROGRAMS.get(program_of(command))
    if resume is None or any(word in resume.as_is for word in command[1:]):
        return tuple(command)
    kept = _kept(command[1:], resume)
    return None if kept is None else (command[0], *(resume.pick if is_ambiguous else resume.latest), *kept)


def _kept(words: Sequence[str], resume: Resume) -> Optional[List[str]]:
    """The options among `words` with what belongs to each, without any prompt; None where one is unknown."""
    kept: List[str] = []
    wants = 0  # words the last option still takes; negative: all that come
    for word in words:
        if word == "--":
            break
        name, equals, _ = word.partition("=")
        if word.startswith("-") and len(word) > 1 and wants <= 0:
            if name not in resume.flags | resume.options | resume.lists:
                return None
            wants = 0 if equals or name in resume.flags else -1 if name in resume.lists else 1
            kept.append(word)
        elif wants:
            wants -= wants > 0
            kept.append(word)
    return kept
