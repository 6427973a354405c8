"""Themes: colours by role, read from `themes/*.toml`.

A role says what a colour means; no other module names a colour. The files stand beside the package in a checkout and
inside it in a wheel, so both places are looked at.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from rich.color import Color, ColorParseError
from rich.style import Style

ROLES: Final = (
    "background",
    "surface",
    "text",
    "muted",
    "border",
    "focus",
    "asking",
    "working",
    "idle",
    "done",
    "failed",
    "unknown",
    "lost",
)
PALETTE_SIZE: Final = 16
DEFAULT_THEME: Final = "dark"

_PACKAGE = Path(__file__).resolve().parent.parent


class ThemeError(ValueError):
    """A theme that cannot be used; the message is one line naming the file and what is wrong."""


@dataclass(frozen=True)
class Theme:
    """One set of colours. `native` themes speak in the terminal's own sixteen and are never converted to RGB."""

    name: str
    dark: bool
    native: bool
    roles: tuple[tuple[str, str], ...]
    palette: tuple[str, ...] = ()  # RGB of the colours 0-15 a session may use; empty: the terminal's own

    def color(self, role: str) -> str:
        """The colour of `role` as Rich writes it."""
        return dict(self.roles)[role]

    def style(self, role: str, *, on: str | None = None, bold: bool = False) -> Style:
        """Text in the colour of `role`, on the colour of role `on` where given."""
        return Style(color=self.color(role), bgcolor=None if on is None else self.color(on), bold=bold or None)


def theme_directories() -> tuple[Path, ...]:
    """Where theme files may stand: inside the installed package, and beside it in a checkout."""
    return (_PACKAGE / "themes", _PACKAGE.parent / "themes")


def _theme_files() -> Iterator[Path]:
    for directory in theme_directories():
        yield from sorted(directory.glob("*.toml"))


@cache
def themes() -> dict[str, Theme]:
    """Every theme found, by name; the first of a name wins."""
    found: dict[str, Theme] = {}
    for path in _theme_files():
        theme = load_theme(path)
        found.setdefault(theme.name, theme)
    return found


def theme_named(name: str) -> Theme:
    """The theme `name`; raises ThemeError with the names there are."""
    known = themes()
    if name not in known:
        raise ThemeError(f"there is no theme {name!r}; choose one of {', '.join(sorted(known)) or 'none installed'}")
    return known[name]


def load_theme(path: Path) -> Theme:
    """Read one theme file; raises ThemeError."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ThemeError(f"theme {path.name} cannot be read: {error}") from error
    roles = data.get("roles", {})
    missing = [role for role in ROLES if role not in roles]
    if missing:
        raise ThemeError(f"theme {path.name} lacks the roles {', '.join(missing)}")
    palette = tuple(data.get("palette", {}).get("colors", ()))
    if palette and len(palette) != PALETTE_SIZE:
        raise ThemeError(f"theme {path.name} has {len(palette)} palette colours, {PALETTE_SIZE} are needed")
    for color in (*(roles[role] for role in ROLES), *palette):
        _check_color(color, path)
    return Theme(
        name=str(data.get("name", path.stem)),
        dark=bool(data.get("dark", True)),
        native=bool(data.get("native", False)),
        roles=tuple((role, roles[role]) for role in ROLES),
        palette=palette,
    )


def _check_color(color: object, path: Path) -> None:
    try:
        Color.parse(str(color))
    except ColorParseError as error:
        raise ThemeError(f"theme {path.name}: {color!r} is no colour") from error
