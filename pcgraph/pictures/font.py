"""font: the app's own face for pictures made without a browser: its files, its widths, the letters it has."""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# Letters of ours that the face lacks, as others that look alike; Latin ligatures of primes stand apart.
ALIKE = str.maketrans({"‴": "″′", "⁗": "″″", "∗": "*", "ᵀ": "T"})
UNKNOWN = "□"
MEASURED = 100.0  # px at which widths are read

# Where systems keep their fonts, and the fonts that have Chinese.
FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": (r"C:\Windows\Fonts",),
}
CHINESE = (
    *("notosanscjk", "notosanssc", "notosanshans", "sourcehansans", "wqy-microhei", "wqy", "droidsansfallback"),
    *("pingfang", "hiragino sans gb", "stheiti", "msyh", "simhei", "deng", "simsun", "arphic", "uming"),
)  # fmt: skip


def font_file(bold: bool = False) -> Path:
    """Return the file of the face, Source Sans Pro: regular or bold."""
    import font_source_sans_pro

    return Path(font_source_sans_pro.__file__).parent / "files" / f"SourceSansPro-{'Bold' if bold else 'Regular'}.ttf"


@cache
def chinese_font() -> Path | None:
    """Return a file of this machine's fonts that has Chinese, None where there is none; looked for once."""
    found: list[tuple[int, str]] = []
    for folder in FOLDERS.get(sys.platform, FOLDERS["linux"]):
        for place, _, files in os.walk(Path(folder).expanduser()):
            for file in files:
                rank = next((i for i, name in enumerate(CHINESE) if file.lower().startswith(name)), None)
                if rank is not None and file.lower().endswith((".ttc", ".ttf", ".otf")) and _is_upright(file):
                    found.append((rank, str(Path(place) / file)))
    return Path(min(found)[1]) if found else None


def _is_upright(file: str) -> bool:
    return not any(word in file.lower() for word in ("black", "thin", "light", "bold", "mono", "serif"))


def language_of_pictures(language: str) -> str:
    """Return the language that pictures can be written in on this machine: English where letters of another lack."""
    return language if language == "en" or chinese_font() else "en"


@cache
def _letters() -> frozenset[int]:
    from reportlab.pdfbase.ttfonts import TTFontFile

    return frozenset(TTFontFile(str(font_file())).charToGlyph)


def has(letter: str) -> bool:
    """Tell whether the face has a letter."""
    return " " <= letter <= "~" or ord(letter) in _letters()


def is_chinese(letter: str) -> bool:
    """Tell whether a letter is one of those that fill a square: Chinese, and what is set with it."""
    return unicodedata.east_asian_width(letter) in "WF"


def written(text: str, *, chinese: bool) -> str:
    """Return a text in letters that can be drawn: the face's own, Chinese where asked, a box for any other.

    >>> written("a‴ ⊛", chinese=False)
    'a″′ □'
    """
    text = text.translate(ALIKE)
    return "".join(one if has(one) or (chinese and is_chinese(one)) else UNKNOWN for one in text)


def width(text: str, size: float = 1.0, bold: bool = False) -> float:
    """Return how wide a text is at a size.

    >>> round(width("00", 10.0), 2) == round(2 * width("0", 10.0), 2)
    True
    """
    return _width(text, bold) * size


@lru_cache(maxsize=20_000)
def _width(text: str, bold: bool) -> float:
    own = "".join(one for one in text if has(one))
    squares = sum(1 if is_chinese(one) else 0.6 for one in text if not has(one))
    return _face(bold).getlength(own) / MEASURED + squares


@cache
def _face(bold: bool) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(str(font_file(bold)), int(MEASURED))


def cut(text: str, most: float, size: float, bold: bool = False) -> str:
    """Return a text that is at most so wide, its middle left out where it must be: module paths differ at both ends.

    >>> cut("layer4.1.conv2.weight", 80, 17, bold=True)
    'laye…ight'
    """
    if width(text, size, bold) <= most:
        return text
    for kept in range(min(len(text) - 1, 200), 1, -1):
        shorter = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if width(shorter, size, bold) <= most:
            return shorter
    return f"{text[:1]}…"


def wrap(text: str, most: float, size: float) -> list[str]:
    """Return a text as lines that are at most so wide, broken between words, or between Chinese letters.

    >>> wrap("to be or not to be", 60, 16)
    ['to be or', 'not to be']
    """
    lines, line = [], ""
    for word in _words(text):
        if line and width((line + word).rstrip(), size) > most:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
    return [*lines, line.rstrip()] if line.strip() else lines


NO_START = "，。：；？！）」』、%”"  # no line starts with one of these


def _words(text: str) -> list[str]:
    """Return a text in pieces that a line may break between: each with the space after it."""
    pieces: list[str] = []
    for letter in text:
        joins = pieces and (letter in NO_START or letter == " " or not (_breaks(pieces[-1][-1]) or is_chinese(letter)))
        if joins:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _breaks(letter: str) -> bool:
    return letter == " " or is_chinese(letter)
