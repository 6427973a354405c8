"""How things look: a theme and a symbol set together, and every style made from them, once."""

from __future__ import annotations

from functools import cached_property, lru_cache

from rich.color import Color, ColorType, blend_rgb
from rich.style import Style

from relaytui.widgets.symbols import ASCII, UNICODE, Border, Symbols
from relaytui.widgets.theme import Theme, theme_named
from relaytui.widgets.view import Status


class Look:
    """The styles and symbols widgets draw with."""

    def __init__(self, theme: Theme, symbols: Symbols) -> None:
        self.theme = theme
        self.symbols = symbols
        self.pen = lru_cache(maxsize=8192)(self._make_pen)

    @cached_property
    def base(self) -> Style:
        return self.theme.style("text", on="background")

    @cached_property
    def bar(self) -> Style:
        """Status line and footer."""
        return self.theme.style("muted", on="surface")

    @cached_property
    def text(self) -> Style:
        return self.theme.style("text")

    @cached_property
    def strong(self) -> Style:
        return self.theme.style("text", bold=True)

    @cached_property
    def muted(self) -> Style:
        return self.theme.style("muted")

    @cached_property
    def faded(self) -> Style:
        """A session's screen that may no longer be true."""
        return self.theme.style("lost", on="background")

    @cached_property
    def border_line(self) -> Style:
        return self.theme.style("border")

    @cached_property
    def focus(self) -> Style:
        return self.theme.style("focus")

    @cached_property
    def key(self) -> Style:
        """A key that can be pressed."""
        return self.theme.style("focus", bold=True)

    def status(self, status: Status) -> Style:
        return self.theme.style(status.value, bold=status is Status.ASKING)

    def filled(self, role: str) -> Style:
        """A bar in the colour of `role`: the focused title, the chosen line."""
        if self.theme.native:
            return Style(color=self.theme.color(role), reverse=True, bold=True)
        return self.theme.style("background", on=role, bold=True)

    def border(self, *, is_heavy: bool) -> Border:
        return self.symbols.heavy if is_heavy else self.symbols.light

    def _make_pen(self, code: str) -> Style:
        style = self.base + pen_style(code, self.theme.palette)
        return style if self.theme.native else _in_rgb(style)


_DIMMED = 0.6
"""How much of its colour dim text keeps; the rest is the background's."""


def _in_rgb(style: Style) -> Style:
    """`style` as the toolkit would make it for each frame: 24-bit colours, dim text blended."""
    foreground, background = (
        color and Color.from_triplet(color.get_truecolor()) for color in (style.color, style.bgcolor)
    )
    if style.dim and foreground and background and foreground.triplet and background.triplet:
        foreground = Color.from_triplet(blend_rgb(background.triplet, foreground.triplet, _DIMMED))
        style += Style(dim=False)
    return style + Style.from_color(foreground, background)


_ATTRIBUTES = {
    "1": "bold",
    "2": "dim",
    "3": "italic",
    "4": "underline",
    "5": "blink",
    "7": "reverse",
    "8": "conceal",
    "9": "strike",
    "53": "overline",
}


def pen_style(code: str, palette: tuple[str, ...] = ()) -> Style:
    """The style of a wire pen (SGR parameters after a reset); what it does not know is left out, never raised."""
    attributes: dict[str, bool] = {}
    colors: dict[str, Color] = {}
    parts = code.split(";") if code else []
    index = 0
    while index < len(parts):
        part = parts[index]
        index += 1
        if part in ("38", "48", "58"):
            color, index = _extended_color(parts, index, palette)
            if color is not None and part != "58":
                colors["color" if part == "38" else "bgcolor"] = color
        elif part in _ATTRIBUTES:
            attributes[_ATTRIBUTES[part]] = True
        elif part.startswith("4:"):
            attributes["underline2" if part == "4:2" else "underline"] = True
        elif part.isdecimal():
            number = int(part)
            for base, field in ((30, "color"), (40, "bgcolor")):
                if base <= number < base + 8:
                    colors[field] = _indexed(number - base, palette)
                elif base + 60 <= number < base + 68:
                    colors[field] = _indexed(number - base - 52, palette)
    return Style(
        color=colors.get("color"),
        bgcolor=colors.get("bgcolor"),
        **attributes,  # type: ignore[arg-type]  # every name of _ATTRIBUTES is a flag of Style
    )


def _extended_color(parts: list[str], index: int, palette: tuple[str, ...]) -> tuple[Color | None, int]:
    kind = parts[index] if index < len(parts) else ""
    count = {"5": 1, "2": 3}.get(kind, 0)
    values = parts[index + 1 : index + 1 + count]
    if len(values) < count or not all(value.isdecimal() and int(value) < 256 for value in values):
        return None, len(parts)
    index += 1 + count
    if kind == "5":
        return _indexed(int(values[0]), palette), index
    if kind == "2":
        return Color.from_rgb(*(int(value) for value in values)), index
    return None, index


def _indexed(number: int, palette: tuple[str, ...]) -> Color:
    if number < len(palette):
        return Color.parse(palette[number])
    if number < 16:
        return Color(f"ansi{number}", ColorType.STANDARD, number=number)
    return Color.from_ansi(number)


@lru_cache(maxsize=8)
def look_named(theme: str, *, ascii_only: bool = False) -> Look:
    """The look of the theme `theme`; raises ThemeError."""
    return Look(theme_named(theme), ASCII if ascii_only else UNICODE)
