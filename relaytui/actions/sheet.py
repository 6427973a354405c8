"""The key sheet: every key as a Markdown page. `python -m relaytui.actions.sheet` writes it; a test holds it true."""

from __future__ import annotations

from pathlib import Path

from relaytui.actions.action import Action, Group, key_label
from relaytui.actions.catalog import ACTIONS

SHEET = Path(__file__).with_name("KEYS.md")


def grouped() -> dict[Group, list[Action]]:
    """Actions under their headings, in the order they are shown in."""
    return {group: [action for action in ACTIONS if action.group is group] for group in Group}


def key_sheet() -> str:
    """The page's text."""
    lines = [
        "# Keys",
        "",
        "Made from the action registry by `python -m relaytui.actions.sheet`. The prefix is ctrl+] unless configured.",
    ]
    for group, actions in grouped().items():
        lines += ["", f"## {group.value}", "", "| key | action | |", "|---|---|---|"]
        for action in actions:
            keys = ", ".join(f"`{key_label(key)}`" for key in action.keys).replace("|", "\\|")
            lines.append(f"| {keys} | {action.title} | {action.help} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    SHEET.write_text(key_sheet(), encoding="utf-8")
