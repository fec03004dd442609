"""The grammar of formulas: a Pratt parser that makes trees of text. See docs/formula.md; nothing is evaluated.

What has one reading is read. What has two, or none, is a sentence that marks the place and, where one can be
guessed, holds the whole text repaired.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pcgraph.errors import FormulaError
from pcgraph.ops import LEAF_OPS, OPS
from pcgraph.problem import LIMITS
from pcgraph.tokens import ALIKE, SUPER, Source, Token

BINDS = {"+": 10, "-": 10, "*": 20, "·": 20, "/": 20, "@": 20, "**": 40, "^": 40, "⊤": 50}
PRODUCT, SIGN, ATOM = 25, 30, 60  # a product without a sign, a sign before its operand, one operand alone
BINARY = frozenset(["+", "-", "*", "/", "@", "**"])
CONSTANTS = frozenset(["e", "pi", "π"])
ALIASES = {"max": "maximum", "min": "minimum", "ln": "log", "σ": "sigmoid"}
WORDS = frozenset(["True", "False", "None"])
CLOSING = frozenset([")", "}", "|"])
SHORT = re.compile(r"[^\W\d_](?:_?\d+)?[′″‴]*")  # names that people write side by side for a product


class Part(NamedTuple):
    """A part of a formula: an operator with its parts, or a number, name, call, attr, list, tuple, text or word."""

    kind: str
    start: int
    end: int
    value: Any = None
    parts: tuple[Any, ...] = ()


Commas = tuple[Token, Token, Token]  # two whole numbers and the comma between them, without a space


class Statement(NamedTuple):
    """A line of kind "assign" with its name, "minimise" or "bare"."""

    kind: str
    name: str
    start: int
    end: int
    tree: Part


def function(name: str) -> str | None:
    """Return the op that a function's name stands for, in any case; None where it stands for none.

    >>> function("ReLU"), function("ln"), function("foo")
    ('relu', 'log', None)
    """
    if name in OPS or name in LEAF_OPS:
        return name
    plain = name.lower().replace("_", "") if name.isascii() else name
    return _plain_names(len(OPS)).get(ALIASES.get(plain, plain))


@lru_cache(maxsize=1)
def _plain_names(count: int) -> dict[str, str]:
    """Return every function by its name without underscores; made again when an op was added."""
    return {op.replace("_", ""): op for op in (*OPS, *LEAF_OPS)}


class Parser:
    """Reads the tokens of a text once, from left to right."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = [self._command(token) for token in source.tokens()]
        self.at = self.depth = self.bars = self.inside = 0
        self.exponent = -1  # the place where the last exponent without brackets ends
        self.commas: dict[int, list[Commas]] = {}  # those between digits, by the end of the brackets they stand in
        pairs = list(zip(self.tokens, self.tokens[1:], strict=False))
        before = [Token("line", "", 0, 0), *self.tokens]
        names = [(token, after, before[i]) for i, (token, after) in enumerate(pairs) if token.kind == "name"]
        assigned = {token.text for token, after, last in names if after.text == "=" and last.kind == "line"}
        self.defined = assigned - OPS.keys() - set(LEAF_OPS)
        # A name that stands somewhere as a value is a leaf, so that x(w + 1) is a product.
        values = {token.text for token, after, _ in names if after.text not in ("(", "=")}
        self.known = self.defined | CONSTANTS | {name for name in values if function(name) is None}

    # ---- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def is_sign(self, *texts: str, ahead: int = 0) -> bool:
        token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return token.kind in ("sign", "line") and token.text in texts

    def expect(self, text: str) -> Token:
        if not self.is_sign(text):
            raise self.unexpected()
        return self.take()

    def _command(self, token: Token) -> Token:
        """Return a token without the backslash of LaTeX; raise FormulaError for a command that is no function."""
        if token.kind != "name" or not token.text.startswith("\\"):
            return token
        if function(token.text[1:]) is None:
            raise self.source.error("latex", token.start, found=self.source.excerpt(token.start, token.end))
        return token._replace(text=token.text[1:])

    # ---- lines

    def statements(self) -> list[Statement]:
        """Return the lines; raise FormulaError, saying where, for what is no formula."""
        found = []
        while self.token.kind != "end":
            if self.token.kind == "line":
                self.take()
            else:
                found.append(self.statement())
                if self.token.kind not in ("line", "end"):
                    raise self.unexpected()
        return found

    def statement(self) -> Statement:
        first, kind = self.token, "bare"
        if first.kind == "name" and self.is_sign("=", ahead=1) and "." not in first.text:
            self._check_word(first, assigned=True)
            kind = "assign"
            self.at += 2
        elif first.kind == "name" and first.text.lower() in ("minimise", "minimize"):
            kind = "minimise"
            self.take()
        tree = self.expression()
        if self.is_sign("="):
            raise self._assigned(tree, kind)
        return Statement(kind, first.text, first.start, tree.end, tree)

    def _assigned(self, tree: Part, kind: str) -> FormulaError:
        """Return the error of `a = b = x`, `x[0] = …`, `y(x) = …`; the last is repaired to `y = …`."""
        repair = ""
        if tree.kind == "call" and kind == "bare":
            repair = self.source.replaced(tree.start, tree.end, tree.value)
        found = self.source.excerpt(tree.start, tree.end)
        return self.source.error("assigned", tree.start, repair, found=found)

    # ---- expressions

    def expression(self, least: int = 0) -> Part:
        """Return the tree of what binds more tightly than `least`."""
        self.depth += 1
        if self.depth > LIMITS.nesting:
            raise self.source.error("deep", self.token.start, most=LIMITS.nesting)
        left = self.operand()
        while (binds := self.binding()) > least:
            left = self.infix(left, binds)
        self.depth -= 1
        return left

    def binding(self) -> int:
        """Return how tightly the next token binds to what stands before it; 0 where it does not."""
        if self.token.kind == "sign" and self.token.text in BINDS:
            return BINDS[self.token.text]
        return PRODUCT if self.starts_operand() else 0

    def starts_operand(self) -> bool:
        token = self.token
        opens = token.kind == "sign" and token.text in ("(", "{", "√", "frac", *([] if self.bars else ["|"]))
        return opens or token.kind == "number" or (token.kind == "name" and not keyword.iskeyword(token.text))

    def infix(self, left: Part, binds: int) -> Part:
        token = self.token
        if token.kind != "sign" or token.text not in BINDS:
            return self.product(left)
        self.take()
        if token.text == "⊤":
            return Part("call", left.start, token.end, "transpose", (left,))
        if token.text in ("**", "^"):
            return self.power(left, token)
        right = self.expression(binds)
        if token.text in ("/", "@") and right.value == "near":  # 1/2x, 1/2 x
            one, other = right.parts
            glued = one.end == other.start
            new = f"({self.source.text[right.start : right.end]})" if glued else " * "
            start, end = (right.start, right.end) if glued else (one.end, other.start)
            raise self._two_readings(left.start, right.end, self.source.replaced(start, end, new))
        if token.text == "·" and left.kind == right.kind == "number" and right.start - left.end == 1:  # 0·5
            new = "." if left.value == 0 else " * "
            raise self._two_readings(left.start, right.end, self.source.replaced(left.end, right.start, new))
        dot = token.text == "·"
        return Part("*" if dot else token.text, left.start, right.end, "dot" if dot else None, (left, right))

    def power(self, left: Part, sign: Token) -> Part:
        if self.source.text[left.end - 1] in SUPER:  # x²^3
            raise self.source.error("powers", sign.start, found=self.source.excerpt(left.start, self.token.end))
        right = self.expression(BINDS["**"] - 1)
        if self.tokens[self.at - 1].text not in CLOSING:
            self.exponent = right.end
        if right.kind == "name" and right.value == "T" and "T" not in self.defined:
            repair = self.source.replaced(sign.start, right.end, "ᵀ")
            raise self.source.error("transpose", sign.start, repair, found=self.source.excerpt(left.start, right.end))
        if left.kind == "name" and left.value == "e" and "e" not in self.defined:
            return Part("call", left.start, right.end, "exp", (right,))
        return Part("**", left.start, right.end, None, (left, right))

    def product(self, left: Part) -> Part:
        """Return the product of what stands side by side, where that is its one reading."""
        last, token = self.tokens[self.at - 1], self.token
        if token.kind == "number" or not self._side_by_side(last, token):
            new = " * " if not self.is_sign("=", ahead=1) else ", " if self.inside else "\n"
            numbers = last.kind == token.kind == "number"  # 1 000 may be 1000
            repair = "" if numbers else self.source.replaced(last.end, token.start, new)
            slots = {"one": self.source.excerpt(last.start, last.end), "other": self.source.excerpt(*token[2:])}
            raise self.source.error("between", token.start, repair, **slots)
        if last.end == token.start == self.exponent:  # x^2y
            repair = self.source.replaced(last.end, token.start, " * ")
            raise self._two_readings(left.start, token.end, repair)
        right = self.expression(PRODUCT)
        return Part("*", left.start, right.end, "near", (left, right))

    def _side_by_side(self, last: Token, token: Token) -> bool:
        """Tell whether two tokens beside each other are a product: prose and forgotten commas are none."""
        if self.is_sign("=", ahead=1) or token.kind != "name":
            return token.kind != "name"
        calls = self.is_sign("(", "√", "|", ahead=1) or self.tokens[self.at + 1].kind in ("number", "name")
        if calls and (self.is_sign("(", ahead=1) or function(token.text)):
            return True
        return self._is_short(token) and (last.kind != "name" or self._is_short(last))

    def _is_short(self, token: Token) -> bool:
        return token.text in self.defined | CONSTANTS or bool(SHORT.fullmatch(token.text))

    def _two_readings(self, start: int, end: int, repair: str) -> FormulaError:
        return self.source.error("readings", start, repair, found=self.source.excerpt(start, end))

    # ---- operands

    def operand(self) -> Part:
        token = self.take()
        match token.kind, token.text:
            case "number", _:
                return Part("number", token.start, token.end, self._value(token))
            case "text", _:
                text = _unescaped(self.source.text[token.start + 1 : token.end - 1])
                return Part("text", token.start, token.end, text)
            case "name", _:
                return self.name(token)
            case "sign", "+" | "-" as sign:
                inner = self.expression(SIGN)
                return Part("neg" if sign == "-" else "pos", token.start, inner.end, None, (inner,))
            case "sign", "(" | "{":
                return self.group(token)
            case "sign", "[":
                parts, end = self.items("]")
                return Part("list", token.start, end, None, parts)
            case "sign", "|" if not self.is_sign("|"):
                return self.absolute(token)
            case "sign", "√":
                return self.bare(token, "sqrt")
            case "sign", "frac" if self.is_sign("{"):
                over = self.group(self.take())
                under = self.group(self.expect("{"))
                return Part("/", token.start, under.end, None, (over, under))
        self.at -= 1
        raise self.unexpected()

    def name(self, token: Token) -> Part:
        op = None if token.text in self.defined else function(token.text)
        if token.text in WORDS:
            return Part("word", token.start, token.end, {"True": True, "False": False, "None": None}[token.text])
        self._check_word(token)
        if op and self.is_sign("^"):
            return self.raised(token, op)
        if self.is_sign("(") and (op or token.text not in self.known):
            return self.call(token, op or token.text)
        if op and self.starts_operand():
            return self.bare(token, op)
        return Part("name", token.start, token.end, token.text)

    def call(self, token: Token, op: str) -> Part:
        self.take()
        parts, end = self.items(")", attrs=True)
        return Part("call", token.start, end, op, parts)

    def bare(self, token: Token, op: str) -> Part:
        """Return `sin x` or `√x` as a call where nothing follows that may belong to it too."""
        bracketed = self.is_sign("(", "{", "|")
        inner = self.expression(ATOM)
        if inner.kind == "number" and op != "sqrt" and self.binding() == PRODUCT:  # sin 2x
            inner = self.product(inner)
        follows = self.binding() >= BINDS["*"] + (token.text == "√")
        if not bracketed and (follows or token.text == "σ"):
            repair = self.source.replaced(inner.start, inner.end, f"({self.source.text[inner.start : inner.end]})")
            raise self._two_readings(token.start, self.token.end if follows else inner.end, repair)
        return Part("call", token.start, inner.end, op, (inner,))

    def raised(self, token: Token, op: str) -> Part:
        """Return `sin²(x)` as the square of the sine; `sin⁻¹` may be the inverse function."""
        sign = self.take()
        power = self.expression(ATOM - 1)
        if power.kind != "number":
            found = self.source.excerpt(token.start, power.end)
            raise self.source.error("function_power", sign.start, found=found, name=token.text)
        if not self.starts_operand():
            raise self.source.error("function", token.start, name=token.text)
        inner = self.call(token, op) if self.is_sign("(") else self.bare(token, op)
        return Part("**", token.start, inner.end, None, (inner, power))

    def group(self, opening: Token) -> Part:
        """Return what stands in brackets: one expression, or a tuple where a comma follows."""
        closing = ")" if opening.text == "(" else "}"
        parts, end = self.items(closing)
        if len(parts) != 1 or self.tokens[self.at - 2].text == ",":
            return Part("tuple", opening.start, end, None, parts)
        (inner,) = parts
        return inner._replace(start=opening.start, end=end, value=None if inner.kind == "*" else inner.value)

    def absolute(self, opening: Token) -> Part:
        self.bars += 1
        inner = self.expression()
        if not self.is_sign("|"):
            raise self.source.error("open", opening.start, found="|", closing="|")
        self.bars -= 1
        return Part("call", opening.start, self.take().end, "abs", (inner,))

    def items(self, closing: str, attrs: bool = False) -> tuple[tuple[Part, ...], int]:
        """Return what stands between commas up to a closing bracket, and the place after it."""
        bars, self.bars, self.inside = self.bars, 0, self.inside + 1
        opening, found = self.tokens[self.at - 1], []
        tight: list[Commas] = []
        spaced = False
        while not self.is_sign(closing):
            key = self.take() if attrs and self.token.kind == "name" and self.is_sign("=", ahead=1) else None
            self.at += key is not None
            part = self.expression()
            found.append(part if key is None else Part("attr", key.start, part.end, key.text, (part,)))
            if not self.is_sign(closing):
                comma = self.expect(",")
                tight += self._between_digits(self.at - 1)
                spaced |= ALIKE.get(self.source.text[comma.end], self.source.text[comma.end]) == " "
        end = self.take().end
        self.bars, self.inside = bars, self.inside - 1
        self.commas[end] = tight
        if tight and spaced:  # 0,5, 1,5
            repair = self.decimal_comma(tight).slots["repair"]
            raise self.source.error("commas", opening.start, repair, found=self.source.excerpt(opening.start, end))
        return tuple(found), end

    # ---- what is wrong

    def _between_digits(self, at: int) -> list[Commas]:
        """Return the comma at a place with the whole numbers on both sides of it, where it may be a decimal comma."""
        if not at:
            return []
        before, comma, after = self.tokens[at - 1 : at + 2]
        digits = before.kind == after.kind == "number" and before.text.isdigit() and after.text[0] != "."
        return [(before, comma, after)] if digits and before.end == comma.start and comma.end == after.start else []

    def decimal_comma(self, commas: Sequence[Commas]) -> FormulaError:
        """Return the error of decimal commas, repaired; 1,000 may be 1000 too."""
        (one, comma, other), text = commas[0], self.source.text
        slots = {"found": text[one.start : other.end], "point": f"{one.text}.{other.text}"}
        if len(other.text) == 3 and other.text.isdigit() and len(one.text) < 4 and one.text != "0":
            return self.source.error("thousands", one.start, found=slots["found"], whole=one.text + other.text)
        for _, each, _ in commas:
            text = f"{text[: each.start]}.{text[each.end :]}"
        return self.source.error("decimal_comma", comma.start, text, **slots)

    def decimal_comma_in(self, call: Part) -> FormulaError | None:
        """Return the error of decimal commas right inside a call's brackets; None where there are none."""
        commas = self.commas.get(call.end)
        return self.decimal_comma(commas) if commas else None

    def unexpected(self) -> FormulaError:
        """Return the error of a token that can't stand where it stands."""
        token = self.token
        found = self.source.excerpt(token.start, token.end)
        if token.kind == "name":
            try:
                self._check_word(token, inside=True)
            except FormulaError as error:
                return error
        if self.is_sign(","):
            tight = self._between_digits(self.at)
            return self.decimal_comma(tight) if tight else self.source.error("comma", token.start)
        if token.kind in ("line", "end") or (token.kind == "sign" and (token.text in BINDS or token.text in ")]}=")):
            return self._missing(token)
        repair = self.source.replaced(token.start, token.end, "=") if token.text in (":=", "==") else ""
        return self.source.error("sign", token.start, repair, found=found)

    def _missing(self, token: Token) -> FormulaError:
        """Return the error of an operand that is missing before a token."""
        if token.kind in ("line", "end"):
            return self.source.error("missing_end", self.tokens[self.at - 1].end if self.at else token.start)
        return self.source.error("missing", token.start, found=self.source.excerpt(token.start, token.end))

    def _check_word(self, token: Token, assigned: bool = False, inside: bool = False) -> None:
        """Raise FormulaError for a word of Python; where it is meant as a name, the repair gives it another one."""
        if not keyword.iskeyword(token.text) or (token.text in WORDS and not assigned):
            return
        new = "λ" if token.text == "lambda" else f"{token.text}_1"
        as_name = assigned or not (inside or self.starts_operand() or self.is_sign(":", "[", "{"))
        repair = re.sub(rf"\b{token.text}\b", new, self.source.text) if as_name else ""
        raise self.source.error("word", token.start, repair, name=token.text, new=new)

    def _value(self, token: Token) -> int | float:
        """Return a number; raise FormulaError for one that a float64 holds as 0 or as infinite."""
        text = token.text.replace("_", "")
        base = {"x": 16, "b": 2, "o": 8}.get(text[1:2].lower())
        value = int(text[2:], base) if base else int(text) if text.isdigit() and len(text) < 400 else float(text)
        if not value and re.search("[1-9]", re.split("[eE]", text)[0]):
            raise self.source.error("too_small", token.start, found=self.source.excerpt(token.start, token.end))
        return value


def _unescaped(text: str) -> str:
    """Return a text between quotes as it was before it was written: `\\n`, `\\'`, `\\u03b8`."""
    plain = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
    return re.sub(
        r"\\(?:x(..)|u(.{4})|U(.{8})|(.))",
        lambda match: plain.get(match[4], match[4]) if match[4] else chr(int(match[1] or match[2] or match[3], 16)),
        text,
        flags=re.DOTALL,
    )
