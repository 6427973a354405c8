"""What the configuration of each coding agent looks like with our hooks in it and without: text in, text out.

A hook runs the node agent's `signal` command. It reports a state and, by `--hook`, takes what is asked from the JSON
that the program hands its hooks. Whatever goes wrong in it must not stop the program, hence the `|| true`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

MARK = "# relaytui"
"""Ends every hook of ours, so that it is known again and nothing else is taken for one."""

_INDENT = re.compile(r"^([ \t]+)\S", re.M)


class HookError(Exception):
    """The configuration cannot be edited safely; the message says why and what to do."""


class Hook(NamedTuple):
    """One event of a program and the state it means. `matcher` narrows the event where the program knows one."""

    event: str
    state: str
    matcher: str = ""


class Switch(NamedTuple):
    """A setting in the same file, by its path, with which no hook runs while it has the value `off`."""

    path: Tuple[str, ...]
    off: bool
    versions: str = ""  # which versions heed it; "" is today's


class HookProgram(NamedTuple):
    """Where a program keeps its hooks: `file` in the directory that `variable` names, else in `folder` at home."""

    name: str
    variable: str
    folder: str
    file: str
    hooks: Tuple[Hook, ...] = ()  # none: the whole file is ours, a plugin
    timeout: int = 5  # in the program's own unit
    note: str = ""
    switches: Tuple[Switch, ...] = ()


_TURN = (
    Hook("PermissionRequest", "asking"),
    Hook("PostToolUse", "working"),
    Hook("UserPromptSubmit", "working"),
    Hook("Stop", "idle"),
)

PROGRAMS: Dict[str, HookProgram] = {
    # Its Notification event comes 12 s after the dialog it tells of, and for few of them: never that.
    "claude": HookProgram(
        "claude",
        "CLAUDE_CONFIG_DIR",
        ".claude",
        "settings.json",
        (*_TURN, Hook("SessionEnd", "done")),
        switches=(Switch(("disableAllHooks",), off=True),),
    ),
    "codex": HookProgram(
        "codex",
        "CODEX_HOME",
        ".codex",
        "hooks.json",
        _TURN,
        note="Codex runs new hooks only once you trust them: /hooks",
    ),
    "gemini": HookProgram(
        "gemini",
        "",
        ".gemini",
        "settings.json",
        (
            Hook("Notification", "asking", "ToolPermission"),
            Hook("BeforeAgent", "working"),
            Hook("AfterTool", "working"),
            Hook("AfterAgent", "idle"),
            Hook("SessionEnd", "done"),
        ),
        timeout=5000,
        switches=(
            Switch(("hooksConfig", "enabled"), off=False),
            Switch(("hooks", "enabled"), off=False, versions="an old Gemini CLI"),
        ),
    ),
    "opencode": HookProgram("opencode", "OPENCODE_CONFIG_DIR", ".config/opencode", "plugins/relaytui.js"),
}


def with_hooks(program: HookProgram, text: Optional[str], agent: str) -> str:
    """The configuration with our hooks in it, old ones of ours replaced. `agent` is the path of the agent's command.

    Everything else stays as it is, in its order and indentation. Raises HookError.
    """
    if not program.hooks:
        return _plugin(agent)
    document = _without(_parse(program, text))
    events = document.setdefault("hooks", {})
    for hook in program.hooks:
        entry: Dict[str, Any] = {"matcher": hook.matcher} if hook.matcher else {}
        command = _command(agent, hook.state, program.name)
        entry["hooks"] = [{"type": "command", "command": command, "timeout": program.timeout}]
        events.setdefault(hook.event, []).append(entry)
    return _dump(document, text)


def without_hooks(program: HookProgram, text: Optional[str]) -> Optional[str]:
    """The configuration without any hook of ours; None when the file is then not needed. Raises HookError."""
    if text is None or not program.hooks:
        return None
    if not is_installed(text):
        return text
    document = _without(_parse(program, text))
    return _dump(document, text) if document else None


def note_on(program: HookProgram, text: Optional[str]) -> str:
    """What the program wants of its user besides the hooks; above all, that its configuration `text` lets them run."""
    notes = [program.note] if program.note else []
    for switch in program.switches if text is not None else ():
        value: Any = _parse(program, text)
        for name in switch.path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is switch.off:
            who = switch.versions or program.name
            notes.append(
                f"{'.'.join(switch.path)} is {json.dumps(value)} there: {who} runs no hook until you change it"
            )
    return "; ".join(notes)


def is_installed(text: Optional[str]) -> bool:
    """Whether some hook of ours stands in the file."""
    return text is not None and MARK in text


def _parse(program: HookProgram, text: Optional[str]) -> Dict[str, Any]:
    try:
        document = json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise HookError(
            f"{program.file} of {program.name} is not plain JSON ({error}), and its comments would be lost; "
            "mend it or add the hooks by hand"
        ) from error
    events = document.get("hooks", {}) if isinstance(document, dict) else None
    if not isinstance(events, dict) or not all(_is_known_form(program, *item) for item in events.items()):
        raise HookError(f"{program.file} of {program.name} has hooks in an unknown form; nothing is changed")
    return dict(document)


def _is_known_form(program: HookProgram, name: str, value: Any) -> bool:
    """Whether it is an event's list, or a setting that stands beside the events, as in Gemini CLI."""
    if any(hook.event == name for hook in program.hooks):
        return isinstance(value, list)
    return not isinstance(value, dict)


def _without(document: Dict[str, Any]) -> Dict[str, Any]:
    """The document with every hook of ours taken out, and the lists that held only ours."""
    if "hooks" not in document:
        return document
    events = {}
    for event, entries in document["hooks"].items():
        if not isinstance(entries, list):
            events[event] = entries
            continue
        left = [entry for entry in map(_foreign, entries) if entry is not None]
        if left or not entries:
            events[event] = left
    rest = {key: value for key, value in document.items() if key != "hooks"}
    had_ours = events != document["hooks"]
    if had_ours and not events:
        return rest
    return {key: events if key == "hooks" else value for key, value in document.items()}


def _foreign(entry: Any) -> Any:
    """An event's entry without our hooks; None when nothing else is in it."""
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(hooks, list):
        return entry
    left: List[Any] = [hook for hook in hooks if not (isinstance(hook, dict) and MARK in str(hook.get("command", "")))]
    if len(left) == len(hooks):
        return entry
    return {**entry, "hooks": left} if left else None


def _dump(document: Dict[str, Any], text: Optional[str]) -> str:
    """JSON indented as the file was."""
    found = _INDENT.search(text or "")
    indent = found.group(1) if found else "  "
    end = "" if text and not text.endswith("\n") else "\n"
    return json.dumps(document, indent=indent, ensure_ascii=False) + end


def _command(agent: str, state: str, source: str) -> str:
    """The shell command of a hook: the agent of the session it runs in, else this node's, from outside any session."""
    return f'"${{RELAY_AGENT:-{_quoted(agent)}}}" signal {state} --hook {source} >/dev/null 2>&1 || true {MARK}'


def _quoted(path: str) -> str:
    """A path as it stands inside `"${NAME:-…}"`."""
    return re.sub(r'([\\"$`}])', r"\\\1", path)


_PLUGIN = """\
// Written by `relaytui hooks install opencode`; `relaytui hooks remove opencode` takes it away. {mark}
import {{ spawn }} from "node:child_process"

const agent = process.env.RELAY_AGENT || {agent}
const states = {{
  "permission.asked": "asking",
  "permission.updated": "asking",
  "permission.replied": "working",
  "question.asked": "asking",
  "question.replied": "working",
  "question.rejected": "working",
  "session.idle": "idle",
  "server.instance.disposed": "done",
}}

const report = (state, event) => {{
  const child = spawn(agent, ["signal", state, "--hook", "opencode"], {{ stdio: ["pipe", "ignore", "ignore"] }})
  child.on("error", () => {{}})
  child.stdin.on("error", () => {{}})
  const asked = event.properties || {{}}
  const about = asked.title || [asked.permission, ...(asked.patterns || [])].filter(Boolean).join(" ")
  child.stdin.end(JSON.stringify({{ session_id: asked.sessionID, message: about }}))
}}

export const Relaytui = async () => ({{
  event: async ({{ event }}) => {{
    if (states[event.type]) report(states[event.type], event)
  }},
  "chat.message": async (input) => report("working", {{ properties: {{ sessionID: input.sessionID }} }}),
}})
"""


def _plugin(agent: str) -> str:
    return _PLUGIN.format(mark=MARK, agent=json.dumps(agent))
