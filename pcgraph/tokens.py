"""Tokens of the formula language: signs as people paste them, numbers, names, and the place of each in the text.

Nothing here knows what a formula means. A token keeps the place where it was typed, so that an error can mark it
and a repair can change the user's own text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

from pcgraph.document import clip
from pcgraph.errors import FormulaError

NEWLINES = str.maketrans(dict.fromkeys("\r\v\x85\u2028\u2029", "\n"))
HIDDEN = frozenset("\u00ad\u2060\ufeff").union(
    map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
SPACES = "\f\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# Signs that people paste, each with the one that the grammar knows.
ALIKE = {
    **{chr(0xFF01 + place): chr(0x21 + place) for place in range(94)},  # full-width forms of ASCII
    **dict.fromkeys(SPACES, " "),
    **dict.fromkeys("−–—‒‐‑﹣", "-"),
    **dict.fromkeys("×∗✕", "*"),
    **dict.fromkeys("⋅∙•", "·"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”", '"'),
    "、": ",",
    "ᵀ": "⊤",
}  # fmt: skip
SUPER = dict(zip(
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", "0123456789+-()abcdefghijklmnoprstuvwxyz", strict=True,
))  # fmt: skip
GREEK = dict(zip(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
    "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True,
))  # fmt: skip
SIGNS = {"cdot": "·", "times": "*", "div": "/", "sqrt": "√", "frac": "frac", "left": "", "right": ""}  # of LaTeX
PRIMES = {"'": 1, "′": 1, '"': 2, "″": 2, "‴": 3}

DIGITS = r"[0-9](?:_?[0-9])*"
NUMBER = re.compile(
    r"0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+"
    rf"|(?:{DIGITS}(?:\.(?:{DIGITS})?)?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?"
)
# What may not follow a number directly: more of a number, an exponent without digits, a suffix of another language.
NO_TAIL = re.compile(r"[.\d_]|[eE](?![^\W\d_])|[jJfFlL](?!\w)|[dD][0-9]|[xX][0-9]+(?!\w)")
NO_BASE = re.compile(
    r"0[xXbBoO](?![0-9a-fA-F])|0[bB](?:_?[01])*[2-9a-zA-Z]|0[oO](?:_?[0-7])*[89a-zA-Z]|0[xX][0-9a-fA-F_]*[g-zG-Z]"
)
WHOLE = re.compile(r"[\w.]+")
WORD = r"[^\W\d][\w\u0300-\u036f]*"  # a letter may have its accent as a character of its own
TOKEN = re.compile(
    r"(?P<skip>[ \t$]+|#[^\n]*|\\\n|\\[,;:! ])"
    r"|(?P<line>[\n;])"
    r"|(?P<number>\.?[0-9])"
    rf"|(?P<name>\\?{WORD}(?:(?<=_)\{{\w+\}})?(?:\.{WORD})*['\"′″‴]*)"
    r"|(?P<text>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<sign>\*\*|//|[=!<>:]=|->|[-+*/@^=,:()\[\]{}|<>%~&!?.⊤√·])"
)
CLOSES = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A word of the language: `text` as the grammar knows it, typed from `start` to `end`."""

    kind: str  # number, name, text, sign, line, end
    text: str
    start: int
    end: int


class Source:
    """The text of a formula, its tokens, and errors that say where in it something is wrong."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").translate(NEWLINES)
        self.clean, self.places = _cleaned(self.text)

    def error(self, key: str, start: int, repair: str = "", **slots: Any) -> FormulaError:
        """Return the error of a place; `source` is its line, `repair` a whole text that may be what was meant."""
        begin = self.text.rfind("\n", 0, start) + 1
        place = {"line": self.text.count("\n", 0, start) + 1, "column": start - begin + 1}
        source = self.text[begin:].split("\n")[0]
        return FormulaError(f"error.formula.{key}", **place, source=source, repair=repair, **slots)

    def excerpt(self, start: int, end: int) -> str:
        """Return a part of the text, its first line at most."""
        return clip(self.text[start:end].split("\n")[0].strip())

    def replaced(self, start: int, end: int, new: str) -> str:
        """Return the whole text with a part replaced."""
        return self.text[:start] + new + self.text[end:]

    def tokens(self) -> list[Token]:
        """Return the tokens, the last of kind "end"; raise FormulaError for what is none and for lonely brackets."""
        found: list[Token] = []
        at = 0
        while at < len(self.clean):
            match = TOKEN.match(self.clean, at)
            if match is None:
                raise self._unreadable(self.places[at])
            kind, text = str(match.lastgroup), match[0]
            if kind == "number":
                text = self._number(at)
            end = at + len(text)
            if kind == "name":
                kind, text = self._name(text, self.places[at])
            if kind != "skip":
                found.append(Token(kind, text, self.places[at], self.places[end - 1] + 1))
            at = end
        length = len(self.text)
        return self._balanced([*found, Token("end", "", length, length)])

    def _number(self, at: int) -> str:
        """Return the number at a place; raise FormulaError where what follows makes it none, or another one."""
        match = NUMBER.match(self.clean, at)
        text = match[0] if match else ""
        if text and not NO_TAIL.match(self.clean, at + len(text)) and not NO_BASE.match(self.clean, at):
            return text
        whole = WHOLE.match(self.clean, at)
        found = whole[0] if whole else text
        start, end = self.places[at], self.places[at + len(found) - 1] + 1
        # 2x10 may be twice the name x10, or 20.
        product = not NO_BASE.match(found) and re.fullmatch(r"([0-9.]+)([a-zA-Z]\d*)", found)
        unfinished = found[-1:] in "eE" and self.clean[at + len(found) :][:1] != "^"  # 1e, but not 2e^x
        repair = self.replaced(start, end, f"{product[1]} * {product[2]}") if product and not unfinished else ""
        raise self.error("no_number", start, repair, found=clip(found, 20))

    def _name(self, typed: str, start: int) -> tuple[str, str]:
        """Return kind and text of a name: subscripts on the line, primes as primes, a Greek command as its letter.

        Other commands of LaTeX that are no signs keep their backslash.
        """
        name = typed.rstrip("'\"′″‴")
        primes = sum(PRIMES[each] for each in typed[len(name) :])
        slash = name[:1] if name.startswith("\\") else ""
        command, line, below = name[len(slash) :].partition("_")
        if slash and command in SIGNS and not line:
            return ("sign" if SIGNS[command] else "skip"), SIGNS[command]
        if slash and command in GREEK:
            slash, command = "", GREEK[command]
        name = unicodedata.normalize("NFKC", command + line + below.replace("{", "").replace("}", ""))
        if not re.fullmatch(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", name):
            raise self._unreadable(start)
        return "name", slash + name + (["", "′", "″", "‴"][primes] if primes < 4 else "′" * primes)

    def _unreadable(self, start: int) -> FormulaError:
        character = self.text[start]
        if character in "'\"":
            return self.error("quote", start, found=character)
        code = f"U+{ord(character):04X}"
        return self.error("character", start, found=f"{character} ({code})" if character.isprintable() else code)

    def _balanced(self, tokens: list[Token]) -> list[Token]:
        """Return the tokens without line ends in brackets; raise FormulaError for a bracket without its pair."""
        opened: list[Token] = []
        kept = []
        for token in tokens:
            if token.kind == "sign" and token.text in CLOSES:
                opened.append(token)
            elif token.kind == "sign" and token.text in CLOSES.values():
                self._check_closing(token, opened.pop() if opened else None)
            elif token.kind == "line" and opened:
                if token.text == ";":
                    raise self.error("semicolon", token.start, self.replaced(token.start, token.end, ","))
                continue
            kept.append(token)
        if opened:
            last = opened[-1]
            closing = "".join(CLOSES[each.text] for each in reversed(opened))
            raise self.error("open", last.start, self.text.rstrip() + closing, found=last.text, closing=closing[0])
        return kept

    def _check_closing(self, token: Token, opening: Token | None) -> None:
        if opening is None:
            repair = self.replaced(token.start, token.end, "")
            raise self.error("close", token.start, repair, found=token.text)
        expected = CLOSES[opening.text]
        if token.text != expected:
            repair = self.replaced(token.start, token.end, expected)
            slots = {"found": token.text, "opening": opening.text, "expected": expected}
            raise self.error("pair", token.start, repair, **slots)


def _cleaned(text: str) -> tuple[str, list[int]]:
    """Return a text with one sign for each meaning, and the place that each of its characters was typed at."""
    clean: list[str] = []
    places: list[int] = []
    raised = False
    for place, character in enumerate([*text, ""]):
        if character in HIDDEN:
            continue
        above = SUPER.get(character)
        if raised and above is None:
            clean.append(")")
            places.append(place - 1)
        new = ("" if raised else "^(") + above if above else ALIKE.get(character, character)
        clean += new
        places += [place] * len(new)
        raised = above is not None
    return "".join(clean), places
