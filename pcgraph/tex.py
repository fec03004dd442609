"""tex: texts, names, numbers and formula trees as LaTeX; nothing a person named is ever read as a command."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from pcgraph.messages import number
from pcgraph.write import one_line

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "`": r"\`{}",
}  # fmt: skip
GREEK = dict(
    zip(
        "αβγδζηθικλμνξπρστυφχψω",
        """alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
        omega""".split(),
        strict=True,
    )
)
SIGNS = {
    **{letter: rf"$\{name}$" for letter, name in GREEK.items()},
    "ε": r"$\varepsilon$", "Σ": r"$\Sigma$", "Δ": r"$\Delta$", "Π": r"$\Pi$", "Ω": r"$\Omega$", "∂": r"$\partial$",
    "½": r"$\frac{1}{2}$", "−": "$-$", "×": r"$\times$", "÷": r"$\div$", "·": r"$\cdot$", "→": r"$\to$",
    "←": r"$\leftarrow$", "≠": r"$\neq$", "≈": r"$\approx$", "≤": r"$\leq$", "≥": r"$\geq$", "∞": r"$\infty$",
    "√": r"$\surd$", "′": "$'$", "″": "$''$", "‴": "$'''$", "²": "$^2$", "∗": "$*$", "‖": r"$\|$",
    "…": r"\dots{}", "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'",
}  # fmt: skip
BINDS = {"+": 1, "-": 1, "neg": 1, "*": 2, "@": 2, "**": 5}
COMPARED = {"<": "<", ">": ">", "<=": r"\leq", ">=": r"\geq", "==": "="}
TERMS = 3  # of a sum on one line
FUNCTIONS = ("sin", "cos", "tan", "tanh", "exp", "log")


def text(words: str, cjk: bool = False) -> str:
    r"""Return a text as LaTeX that shows it on one line; a letter LaTeX lacks becomes its number.

    >>> print(text("a_1 & 50 % of θ′ \\end"))
    a\_1 \& 50 \% of $\theta$$'$ \textbackslash{}end
    """
    return "".join(_letter(each, cjk) for each in one_line(words))


def _letter(letter: str, cjk: bool) -> str:
    found = SPECIAL.get(letter) or SIGNS.get(letter)
    if found or letter.isascii() or (cjk and unicodedata.east_asian_width(letter) in "WF"):
        return found or letter
    return rf"\texttt{{U+{ord(letter):04X}}}"


def name(word: str) -> str:
    r"""Return a node's name as it stands in a formula.

    >>> print(name("h_1′"))
    \text{h\_1$'$}
    """
    return rf"\text{{{text(word)}}}"


def digits(value: float, decimals: int = 4, signed: bool = False) -> str:
    r"""Return a number in a formula, printed as everywhere in the app.

    >>> print(digits(-0.0907), digits(1.2e-5))
    -0.0907 1.20\times 10^{-5}
    """
    if not math.isfinite(value):
        return r"\text{NaN}" if math.isnan(value) else r"-\infty" if value < 0 else r"\infty"
    return _digits(number(value, decimals, signed))


def _digits(printed: str) -> str:
    size, _, power = printed.replace("−", "-").partition("e")
    return rf"{size}\times 10^{{{power}}}" if power else size


def tensor(value: Tensor | None) -> str:
    """Return a number, or a tensor as its shape and largest absolute entry, in a formula."""
    if value is None:
        return r"\cdot"
    if value.numel() == 1:
        return digits(float(value))
    shape = r"\times ".join(map(str, value.shape))
    largest = float(value.abs().max()) if value.numel() else 0.0
    return rf"[{shape},\,\max {digits(largest)}]"


def bracketed(formula: str) -> str:
    """Return a formula that may follow a sign: what starts with a minus stands in brackets."""
    return f"({formula})" if formula.startswith(("-", "+")) else formula


def tree(content: Any, leaf: Callable[[Any], str], binds: int = 0) -> str:
    r"""Return a tree as LaTeX; `leaf` writes its names and places. Brackets stand only where they are needed.

    >>> print(tree(["*", ["+", "x", "y"], ["**", "x", 2]], {"x": "a", "y": "-1.5"}.get))
    (a + (-1.5)) \cdot a^{2}
    """
    if isinstance(content, str | tuple):
        shown = leaf(content)
        return bracketed(shown) if binds else shown
    if isinstance(content, int | float):
        shown = f"{content:.4g}"
        return bracketed(shown) if binds else shown
    head, *rest = content
    if head == "call":
        return _call(rest[0], [tree(part, leaf) for part in rest[1:]])
    if head == "d":
        return rf"\frac{{\partial {leaf(rest[-1])}}}{{\partial {leaf(rest[1 + rest[0]])}}}"
    if head == "total":
        return _total([tree(part, leaf) for part in rest], binds)
    if head == "if":
        condition, yes, no = (tree(part, leaf) for part in rest)
        return rf"\begin{{cases}} {yes} & {condition} \\ {no} & \text{{else}} \end{{cases}}"
    if head == "/":
        return rf"\frac{{{tree(rest[0], leaf)}}}{{{tree(rest[1], leaf)}}}"
    if head == "neg":
        return _in(f"-{tree(rest[0], leaf, 2)}", BINDS["neg"], binds)
    if head in COMPARED:
        return f"{tree(rest[0], leaf)} {COMPARED[head]} {tree(rest[1], leaf)}"
    own = BINDS[head]
    if head == "**":
        return _in(f"{_base(rest[0], leaf)}^{{{tree(rest[1], leaf)}}}", own, binds)
    if head == "*" and rest[1] in (1, -1):
        return tree(rest[0] if rest[1] == 1 else ["neg", rest[0]], leaf, binds)
    sign = {"*": r"\cdot", "@": r"\,"}.get(head, head)
    left = tree(rest[0], leaf, own if _compound(rest[0]) else 0)
    right = tree(rest[1], leaf, own + 1)
    return _in(f"{left} {sign} {bracketed(right) if own == 1 else right}", own, binds)


def _total(terms: Sequence[str], binds: int) -> str:
    """Return a sum; a long one goes on in the next lines of its alignment."""
    lines = [" + ".join([terms[0], *map(bracketed, terms[1:TERMS])])]
    for start in range(TERMS, len(terms), TERMS):
        lines.append(r"&\quad + " + " + ".join(map(bracketed, terms[start : start + TERMS])))
    joined = " \\\\\n".join(lines)
    return rf"\bigl( {joined} \bigr)" if binds else joined


def _compound(content: Any) -> bool:
    return isinstance(content, list)


def _base(content: Any, leaf: Callable[[Any], str]) -> str:
    shown = tree(content, leaf)
    plain = not _compound(content) and not shown.startswith("-") and "^" not in shown
    return shown if plain else f"({shown})"


def _in(formula: str, own: int, binds: int) -> str:
    return f"({formula})" if own < binds else formula


def _call(function: str, parts: list[str]) -> str:
    inside = ", ".join(parts)
    if function == "sqrt":
        return rf"\sqrt{{{inside}}}"
    if function == "transpose":
        return rf"{_group(inside)}^{{\top}}"
    if function == "abs":
        return rf"\lvert {inside} \rvert"
    if function == "sigmoid":
        return rf"\sigma({inside})"
    if function in FUNCTIONS:
        return rf"\{function}({inside})"
    return rf"\operatorname{{{text(function)}}}({inside})"


def _group(inside: str) -> str:
    return f"({inside})" if "^" in inside or " " in inside else inside
