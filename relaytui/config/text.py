"""Changes tables in the text of a TOML file and leaves the rest as its writer had it: order, comments, spacing.

A table begins with the comment right above its header. What stands otherwise than in tables with headers is not
understood; the caller reads the result back and compares.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

import tomli_w

_HEADER = re.compile(r"\s*\[[^\[\]]+\]\s*(?:#.*)?")
Path = tuple[str, ...]


class Block(NamedTuple):
    """One table's text: the comment above, the header and what follows. The path of what stands before all is ()."""

    path: Path
    comment: str
    body: str


def edited(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """`text`, which holds the tables `old`, with what differs in `new` replaced, removed or added at the end."""
    blocks = _blocks(text)
    for name in (*old, *(name for name in new if name not in old)):
        blocks = _change(blocks, (name,), old.get(name, {}), new.get(name, {}))
    return "".join(block.comment + block.body for block in blocks)


def _change(blocks: list[Block], path: Path, old: Any, new: Any) -> list[Block]:
    """Change the table at `path`, or where it holds nothing but tables those that differ."""
    if old == new or not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return blocks
    if not _is_group(old) or not _is_group(new):
        return _change_keys(blocks, path, old, new)
    renamed = dict(zip(old, new, strict=True)) if len(old) == len(new) else {name: name for name in old}
    for name, table in old.items():
        after = renamed[name]
        if after != name or after not in new:
            blocks = _replace(blocks, (*path, name), (*path, after), new.get(after))
        else:
            blocks = _change_keys(blocks, (*path, name), table, new[name])
    for name in new:
        if name not in old and name not in renamed.values():
            blocks = _replace(blocks, (*path, name), (*path, name), new[name])
    return blocks


def _change_keys(blocks: list[Block], path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Block]:
    """Change the lines of those keys alone that differ, where each has a line; else the whole table."""
    keys = [key for key in (*old, *(key for key in new if key not in old)) if old.get(key) != new.get(key)]
    mine = [block for block in blocks if block.path == path]
    if len(mine) != 1 or any(isinstance(table.get(key), Mapping) for table in (old, new) for key in keys):
        return _replace(blocks, path, path, new) if keys else blocks
    body = mine[0].body
    for key in keys:
        body = _with_line(body, key, tomli_w.dumps({key: new[key]}) if key in new else "")
    return [Block(path, block.comment, body) if block is mine[0] else block for block in blocks]


def _with_line(body: str, key: str, line: str) -> str:
    """`body` with the line of `key` replaced by `line`, which is added where there is none."""
    lines = _lines(body)
    for place, known in enumerate(lines):
        if _path(known) == (key,) and "=" in known:
            return "".join([*lines[:place], line, *lines[place + 1 :]])
    space = len(body) - len(body.rstrip("\n"))
    return f"{body.rstrip(chr(10))}\n{line}{body[len(body) - space + 1 :]}" if line else body


def _replace(blocks: list[Block], path: Path, after: Path, table: Any) -> list[Block]:
    """Put `table` at `after` in the place of what is at `path`, its comment kept; no table removes both."""
    mine = [block for block in blocks if block.path[: len(path)] == path]
    if not table:
        return [block for block in blocks if block not in mine]
    if not mine:
        return [*_ended(blocks), Block(after, "", _text(after, table))]
    changed = Block(after, mine[0].comment, _text(after, table) + _space_after(mine[-1]))
    return [changed if block is mine[0] else block for block in blocks if block not in mine[1:]]


def _text(path: Path, table: Any) -> str:
    for name in reversed(path):
        table = {name: table}
    return tomli_w.dumps(table)


def _ended(blocks: list[Block]) -> list[Block]:
    """The same with an empty line at the end, if there is anything."""
    text = "".join(block.comment + block.body for block in blocks).rstrip("\n")
    return _blocks(text + "\n\n") if text else []


def _space_after(block: Block) -> str:
    return "\n" if block.body.endswith("\n\n") else ""


def _is_group(value: Any) -> bool:
    """Whether it is a table of nothing but tables, such as that of all nodes."""
    return isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values())


def _blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    path: Path = ()
    comment, body = "", ""
    for line in _lines(text):
        if _HEADER.fullmatch(line.rstrip("\n")):
            above = _comment_above(body)
            blocks.append(Block(path, comment, body[: len(body) - len(above)]))
            path, comment, body = _path(line), above, line
        else:
            body += line
    return [*blocks, Block(path, comment, body)]


def _lines(text: str) -> list[str]:
    """The lines as TOML has them: other characters that end a line elsewhere may stand within one."""
    return io.StringIO(text, newline="\n").readlines()


def _comment_above(body: str) -> str:
    """The lines of comment that end `body`."""
    lines = _lines(body)
    count = 0
    while count < len(lines) and lines[-1 - count].lstrip().startswith("#"):
        count += 1
    return "".join(lines[len(lines) - count :])


def _path(line: str) -> Path:
    """The keys in a table's header, or the key a line sets; a line that is no TOML by itself has none of them."""
    try:
        table: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ("",)
    names: list[str] = []
    while isinstance(table, dict) and table:
        name, table = next(iter(table.items()))
        names.append(name)
    return tuple(names)
