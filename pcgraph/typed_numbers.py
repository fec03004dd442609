"""typed_numbers: the numbers a person typed or pasted, each read as it was meant or refused with a sentence.

Every field, link and file reads its numbers here; the browser's twin for a single number is
`assets/typed-numbers.mjs`, and `tests/typed-numbers.json` holds both to one table.

One number:
- A point or a comma is the decimal sign. A comma with exactly three digits after a whole part of one to three digits
  (`1,234`) is refused, since half of the world writes 1234 so; `0,234` and `1234,567` have one reading.
- Signs between groups of three digits are left out where a decimal sign follows or they come twice: `1.234,5`,
  `1,234.5`, `1.234.567`, `12,34,567`; a space, a no-break or thin space and an apostrophe always.
- Every minus and plus sign, full-width, Arabic, Persian, Devanagari and Bengali digits, invisible signs of direction.
- `1e-3`, `3×10^-1`, `3·10⁻¹`, `10^3`, and a fraction of two numbers such as `1/3`.
- A percentage, NaN, an infinity, a number outside of what 64 bits hold, and any other text are refused.

Several numbers: nested lists in brackets (a comma separates), or rows as lines and, in a row, tabs, semicolons, commas
with a space, spaces, or commas alone. Beside one of the others a comma without a space is a decimal comma. Where a
text has two readings, the shape that the value has now decides; where that does not, both are offered.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from pcgraph.errors import NumberError

LONGEST = 400  # characters of one number
LONGEST_TEXT = 400_000  # characters of a block of numbers
DEEPEST = 16  # brackets in brackets

_DIGITS = {chr(ord(zero) + digit): str(digit) for zero in "０٠۰०০" for digit in range(10)}
_SIGNS = {"-": "−–—‒‐‑﹣－", "+": "＋﹢", ".": "．。｡٫", ",": "，﹐", ";": "；", "'": "’＇٬", "%": "％٪﹪", "/": "⁄／"}
_SPACES = {"\u00a0": "\u202f\u2007\u2008\u2009\u200a", " ": "\u2002\u2003\u2004\u2005\u2006\u3000"}
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_MEANT = str.maketrans(
    _DIGITS
    | {each: sign for sign, same in (_SIGNS | _SPACES).items() for each in same}
    | dict.fromkeys(_UNSEEN)
    | {"［": "[", "］": "]", "，": ",", "،": "、"}
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_PARTS = {"½": "1/2", "¼": "1/4", "¾": "3/4"}

_BODY = r"[.,]?\d[\d.,' \u00a0]*"
_POWER = r"10\s*(?:(?:\^|\*\*)\s*([-+]?\d+)|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
_WRITTEN = re.compile(
    rf"([-+]?)\s*(?:({_BODY})(?:\s*e\s*([-+]?\d+))?|(?:({_BODY})\s*[×·⋅∙✕*x]\s*)?{_POWER})", re.I | re.A
)
_BEGUN = re.compile(rf"\s*[-+]?\s*(?:{_BODY}(?:\s*e\s*[-+]?\d+)?)?", re.I | re.A)
_PLAIN = re.compile(r"\d+(?:\.\d*|,\d+)?|[.,]\d+", re.A)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([., '\u00a0])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?", re.A)
_INDIAN = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?", re.A)
_EITHER = re.compile(r"([1-9]\d{0,2}),(\d{3})", re.A)
_BOUNDLESS = re.compile(r"[-+]?\s*(?:nan|inf|infinity|∞)", re.I)


def read_number(text: str) -> float:
    """Return the number that a text means; raise NumberError, never return another one.

    >>> [read_number(text) for text in ("0,75", "−1.2", "1.234,5", "1 234 567", "３×10⁻¹", "1/4")]
    [0.75, -1.2, 1234.5, 1234567.0, 0.3, 0.25]
    >>> read_number("1,234")
    Traceback (most recent call last):
    pcgraph.errors.NumberError: '1,234' can mean 1.234 or 1234. Type the one that you mean.
    """
    return float(_number(text))


def read_between(text: str, least: float = -math.inf, most: float = math.inf, whole: bool = False) -> float:
    """Return a number within a range, an int where it must be whole; raise NumberError for any other text.

    >>> read_between("0,05", 0.0001, 10.0), read_between("1 000", 0, 5000, whole=True)
    (0.05, 1000)
    """
    slots = {"got": _clip(text), "least": f"{least:.15g}", "most": f"{most:.15g}"}
    try:
        number = _number(text)
    except NumberError as error:
        if whole and error.key in ("error.number.none", "error.number.place"):
            raise NumberError("error.number.whole", **slots) from None
        raise
    if whole and number != int(number):
        raise NumberError("error.number.whole", **slots)
    if not least <= number <= most:
        raise NumberError("error.number.range", **slots)
    return int(number) if whole else float(number)


def read_whole_list(text: str) -> list[int]:
    """Return whole numbers with spaces, commas or semicolons between them; raise NumberError.

    >>> read_whole_list("32, 16"), read_whole_list("１２;8")
    ([32, 16], [12, 8])
    """
    parts = re.split(r"[\s,;、]+", folded(text).strip(" ,;、\n"))
    for part in parts:
        if not re.fullmatch(r"0|[1-9]\d{0,17}", part, re.A):  # 1,024 is no list of 1 and 24
            raise NumberError("error.number.whole_list", got=_clip(text), found=_clip(part))
    return [int(part) for part in parts]


def number_text(value: float) -> str:
    """Return a number as a field shows it, every digit that it needs.

    >>> number_text(3.0), number_text(0.1), number_text(1e300)
    ('3', '0.1', '1e300')
    """
    return repr(value).replace("e+", "e").removesuffix(".0")


def folded(text: str) -> str:
    """Return a text with plain digits, signs and spaces in place of those of other scripts and widths.

    >>> folded("－１．５")
    '-1.5'
    """
    return re.sub(r"\r\n?|\u2028|\u2029|\x0b|\x0c|\x85", "\n", text.translate(_MEANT))


# ---------------------------------------------------------------- one number


def _number(text: str) -> int | float:
    """Return the number, an int where it is written without point and exponent."""
    if len(text) > LONGEST:
        raise NumberError("error.number.long", got=_clip(text), most=LONGEST)
    plain = folded(text).strip(" \u00a0\t\n")
    if not plain:
        raise NumberError("error.number.empty")
    sign, rest = (plain[0], plain[1:].strip()) if plain[0] in "+-" else ("", plain)
    over, slash, under = (sign + _PARTS.get(rest, rest)).partition("/")
    if slash:
        return _fraction(text, over, under)
    if found := _WRITTEN.fullmatch(plain):
        return _value(text, found)
    raise _refusal(text, plain)


def _value(text: str, found: re.Match[str]) -> int | float:
    """Return the number of a match, its digits joined."""
    sign, alone, e, times, power, raised = found.groups(default="")
    exponent = e or power or raised.translate(_RAISED)
    body = (alone or times).rstrip(" \u00a0")
    if either := _EITHER.fullmatch(body):
        end = f"e{int(exponent)}" if exponent else ""
        one, other = (f"{sign.strip('+')}{mark.join(either.groups())}{end}" for mark in (".", ""))
        raise NumberError("error.number.readings", got=_clip(text), one=one, other=other)
    digits = _joined(body) if body else "1"
    if digits is None:
        raise NumberError("error.number.separators", got=_clip(text))
    if not exponent and digits.isdigit():
        return _held(text, int(sign + digits))
    value = float(f"{sign}{digits}e{exponent or 0}")
    if value == 0 and re.search("[1-9]", digits):
        raise NumberError("error.number.size", got=_clip(text))
    return _held(text, value)


def _joined(body: str) -> str | None:
    """Return digits with a point and nothing else; None where the signs between them follow no rule."""
    if _PLAIN.fullmatch(body):
        return body.replace(",", ".")
    if found := _GROUPED.fullmatch(body):
        return body.replace(found[1], "").replace(",", ".")
    return body.replace(",", "") if _INDIAN.fullmatch(body) else None


def _fraction(text: str, over: str, under: str) -> float:
    """Return a quotient; raise NumberError where a side is no number: `1 1/2` is no fraction of 11."""
    sides = over.strip(), under.strip()
    try:
        if any(re.search(r"[ \u00a0/]", side) for side in sides):
            raise ValueError
        over_value, under_value = map(_number, sides)
        value = over_value / under_value
    except (ValueError, ZeroDivisionError):
        raise NumberError("error.number.fraction", got=_clip(text)) from None
    if value == 0 and over_value:
        raise NumberError("error.number.size", got=_clip(text))
    return float(_held(text, value))


def _held(text: str, value: Any) -> Any:
    """Return a value; raise NumberError where 64 bits do not hold it."""
    try:
        if math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise NumberError("error.number.size", got=_clip(text))


def _refusal(text: str, plain: str) -> NumberError:
    """Return what is wrong with a text that is no number, and where."""
    got = _clip(text)
    if _BOUNDLESS.fullmatch(plain):
        return NumberError("error.number.finite", got=got)
    if plain.endswith("%"):
        try:
            return NumberError("error.number.percent", got=got, wanted=f"{read_number(plain[:-1]) / 100:.15g}")
        except NumberError as wrong:
            return wrong
    begun = _BEGUN.match(plain)
    stop = plain[begun.end() :].strip() if begun else plain
    if not stop and re.search(r"\d", plain):
        return NumberError("error.number.separators", got=got)
    if stop in ("", plain):
        return NumberError("error.number.none", got=got)
    return NumberError("error.number.place", got=got, found=_clip(stop, 12))


def _clip(text: str, longest: int = 40) -> str:
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= longest else f"{line[:longest]}…"


# ---------------------------------------------------------------- several numbers

# How rows, and the cells of a row, may be separated: the surest sign first. None: a row is one number.
_SPACED = r" *, +| +, *| *、 *"
_STYLES: tuple[tuple[str, str | None], ...] = (
    (r"\n", r"\t"),
    (r"\n", r";"),
    (r";\n?", _SPACED),
    (r";\n?", r" +"),
    (r"\n", _SPACED),
    (r"\n", r" +"),
    (r"\n", r" *, *"),
    (r"\n", None),
)


def read_values(text: str, shape: Sequence[int] | None = None) -> Any:
    """Return a number or nested lists, as typed or as pasted from a spreadsheet; raise NumberError.

    shape: the shape that the value has now. It decides between two readings of a text, and whether a row or a column
    of numbers is a vector or a matrix; the result may have another one. Whole numbers stay ints.

    >>> read_values("0,5\\t1,5\\n2,5\\t3,5\\n"), read_values("[1, −2]"), read_values("1; 2; 3")
    ([[0.5, 1.5], [2.5, 3.5]], [1, -2], [1, 2, 3])
    >>> read_values("1,2", ()), read_values("1,2", (2,))
    (1.2, [1, 2])
    >>> read_values("1 2\\n3 4 5")
    Traceback (most recent call last):
    pcgraph.errors.NumberError: Row 2 is not as long as row 1: 3 instead of 2. Give every row as many numbers.
    """
    if len(text) > LONGEST_TEXT:
        raise NumberError("error.number.long", got=_clip(text[:LONGEST]), most=LONGEST_TEXT)
    plain = folded(text).strip(" \n")
    if not plain.strip():
        raise NumberError("error.number.empty")
    if plain.startswith("["):
        return _bracketed(text, plain)
    read, refused = _readings(plain)
    fitting = [value for value in (_fitted(each, shape) for each in read) if value is not None]
    unsure = next((error for error in refused if _is_unsure(error)), None)
    if len(fitting) == 1:
        return fitting[0]
    if len(read) == 1 and unsure is None:
        return read[0]
    if fitting or (read and unsure is None):
        raise _either(text, fitting or read)
    raise unsure or (refused[-1] if shape is not None and not shape else refused[0])


def value_of(text: str, name: str, shape: Sequence[int] | None = None) -> Any:
    """Return what `read_values` makes of the value of a leaf or the target; name it where that is refused."""
    try:
        return read_values(text, shape)
    except NumberError as reason:
        raise NumberError("error.value_text", node=name, reason=reason) from None


def _either(text: str, read: Sequence[Any]) -> NumberError:
    one, other = (_clip(json.dumps(value)) for value in read[:2])
    return NumberError("error.number.readings", got=_clip(text), one=one, other=other)


def _is_unsure(error: NumberError) -> bool:
    """Tell whether a text, or one cell of it, has two readings as a number."""
    return error.slots.get("reason", error).key == "error.number.readings"


def _readings(plain: str) -> tuple[list[Any], list[NumberError]]:
    """Return the different values that a text can mean, and why it is none in the other styles."""
    read: list[Any] = []
    refused: list[NumberError] = []
    for rows, cells in _STYLES:
        table = _table(plain, rows, cells)
        if table is None:
            continue
        try:
            value = _block(table)
        except NumberError as error:
            refused.append(error)
            continue
        if value not in read:
            read.append(value)
    return read, refused


def _table(plain: str, rows: str, cells: str | None) -> list[list[str]] | None:
    """Return a text in cells; None where it has not these separators, or others that are surer."""
    if cells is None:
        return [[line] for line in plain.split("\n")]
    by_semicolon = ";" in rows  # 1 2; 3 4
    surer = "" if cells == r"\t" else r"\t" if ";" in rows + cells else r"[\t;]"
    if (surer and re.search(surer, plain)) or (by_semicolon and "\n" in plain.replace(";\n", ";")):
        return None
    lines = [line.strip(" ") for line in re.split(rows, plain.rstrip(" ;") if by_semicolon else plain)]
    if (by_semicolon and len(lines) == 1) or not any(re.search(cells, line) for line in lines):
        return None
    table = [re.split(cells, line) for line in lines]
    table = [row[:-1] if len(row) > 1 and not row[-1].strip() else row for row in table]
    # Between tabs a space may be a line's end, which a browser makes a space where it pastes into a field of one line.
    mixed = cells in (" *, *", r"\t") and any(re.search(r"\S +\S", cell) for row in table for cell in row)
    return None if mixed else table


def _block(table: Sequence[Sequence[str]]) -> Any:
    """Return the numbers of rows of cells: a number, a list, or a list of rows."""
    alone = len(table) == 1 and len(table[0]) == 1
    rows = [[_cell(cell, i, j, alone) for j, cell in enumerate(row, 1)] for i, row in enumerate(table, 1)]
    if any(len(row) > 1 for row in rows):
        _check_lengths(rows)
        return rows if len(rows) > 1 else rows[0]
    return rows[0][0] if alone else [row[0] for row in rows]


def _cell(cell: str, row: int, column: int, alone: bool) -> int | float:
    try:
        return _number(cell)
    except NumberError as reason:
        if alone:
            raise
        raise NumberError("error.number.cell", row=row, column=column, reason=reason) from None


def _bracketed(text: str, plain: str) -> Any:
    """Return the nested lists of a text in brackets, those of NumPy, which has no commas, too."""
    wrong = NumberError("error.number.brackets", got=_clip(text))
    open_lists: list[list[Any]] = []
    found: list[Any] | None = None
    for part in re.findall(r"[\[\]]|[^\[\]]+", plain):
        if found is not None or (part == "[" and len(open_lists) == DEEPEST) or (part != "[" and not open_lists):
            raise wrong
        if part == "[":
            open_lists.append([])
        elif part == "]":
            closed = open_lists.pop()
            _check_lengths(closed)
            if open_lists:
                open_lists[-1].append(closed)
            else:
                found = closed
        elif not re.fullmatch(r"[\s,;、]*", part):
            open_lists[-1] += _listed(text, part.strip())
    if not found:
        raise wrong
    return found


def _listed(text: str, part: str) -> list[int | float]:
    """Return the numbers between two brackets; a comma separates, unless only some commas have a space."""
    part = part.rstrip(" ,;、\n\t")
    marks = re.search("[,;、]", part)
    cells = re.split(r"\s*[,;、]\s*", part) if marks else part.split()
    spaced = re.split(r",\s+|\s+,\s*|\s*[;、]\s*", part) if marks else cells
    if spaced != cells and len(spaced) > 1:
        try:
            others = [_number(cell) for cell in spaced]
        except NumberError as error:
            if _is_unsure(error):
                raise
        else:
            raise _either(text, [others, [_number(cell) for cell in cells]])
    for cell in cells:
        if re.search(r"[^\S\u00a0]", cell):
            raise NumberError("error.number.separators", got=_clip(cell))
    return [_cell(cell, 1, column, len(cells) == 1) for column, cell in enumerate(cells, 1)]


def _check_lengths(rows: Sequence[Any]) -> None:
    """Raise NumberError unless all rows have one shape."""
    shapes = [_shape(row) for row in rows]
    for number, shape in enumerate(shapes, 1):
        if shape != shapes[0]:
            got, expected = (" × ".join(map(str, one)) or "1" for one in (shape, shapes[0]))
            raise NumberError("error.number.ragged", row=number, got=got, expected=expected)


def _shape(value: Any) -> tuple[int, ...]:
    return (len(value), *_shape(value[0])) if isinstance(value, list) and value else (0,) if value == [] else ()


def _fitted(value: Any, shape: Sequence[int] | None) -> Any:
    """Return a value in a shape, sides of length 1 put in or left out; None where it does not fit."""
    if shape is None or [side for side in shape if side != 1] != [side for side in _shape(value) if side != 1]:
        return None
    flat = value
    for _ in _shape(value)[1:]:
        flat = [each for row in flat for each in row]
    numbers = iter(flat if isinstance(flat, list) else [flat])

    def build(sides: Sequence[int]) -> Any:
        return [build(sides[1:]) for _ in range(sides[0])] if sides else next(numbers)

    return build(shape)
