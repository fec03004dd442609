"""palette: the colours of pictures: those of the stage in light and dark (assets/stage.css)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pcgraph.errors import SettingError


@dataclass(frozen=True)
class Palette:
    """The colours of a theme: blue where positive, orange where negative, amber where the front is."""

    pos: str
    neg: str
    ink: str
    mute: str
    line: str
    soft: str
    quiet: str
    page: str
    surface: str
    column: str
    front: str
    front_line: str
    passed: str
    pill: str
    token_ink: str

    def hue(self, sign: str) -> str:
        """Return the colour of a sign; a tensor has none."""
        return {"pos": self.pos, "neg": self.neg, "bad": self.neg, "tensor": self.ink}.get(sign, self.mute)


LIGHT = Palette(
    pos="#0072b2", neg="#b35900", ink="#1f2937", mute="#5b6472", line="#94a3b8", soft="#dfe3e8", quiet="#e8eaeb",
    page="#fbfbfa", surface="#ffffff", column="#f1f3f5", front="#fff3d6", front_line="#c98a00", passed="#f6f7f9",
    pill="#e8eaeb", token_ink="#ffffff",
)  # fmt: skip
DARK = Palette(
    pos="#56b4e9", neg="#e69f00", ink="#f3f4f6", mute="#a3adbb", line="#64748b", soft="#334155", quiet="#475569",
    page="#0f172a", surface="#1e293b", column="#162033", front="#3a2f12", front_line="#e0a100", passed="#182235",
    pill="#334155", token_ink="#0f172a",
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}


def palette(theme: str) -> Palette:
    """Return the colours of a theme. Raises SettingError for an unknown one.

    >>> palette("dark").front_line
    '#e0a100'
    """
    if theme not in THEMES:
        raise SettingError("error.picture.theme", got=theme, known=", ".join(THEMES))
    return THEMES[theme]


def on_tint(colours: Palette) -> Palette:
    """Return the colours on the front's tint, where blue and orange must be darker to be read."""
    return replace(colours, pos="#00659e", neg="#9a4c00") if colours is LIGHT else colours


def mix(one: str, share: float, other: str) -> str:
    """Return the colour that lies between two, a share of the first.

    >>> mix("#ffffff", 0.5, "#000000")
    '#808080'
    """
    pairs = zip(_bytes(one), _bytes(other), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def _bytes(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
