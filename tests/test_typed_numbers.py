"""Typed numbers: whatever style a number is typed in, it is read as meant or refused, and never another number."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import random
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcgraph.errors import NumberError
from pcgraph.messages import LANGUAGES
from pcgraph.typed_numbers import number_text, read_between, read_number, read_values, read_whole_list
from tests.browser import ROOT

CASES = json.loads((ROOT / "tests" / "typed-numbers.json").read_text("utf-8"))
EXAMPLES = int(os.environ.get("FUZZ", 500))


@pytest.mark.parametrize(("text", "meant"), CASES["read"])
def test_numbers_of_every_style_are_read(text, meant):
    assert read_number(text) == meant
    assert math.copysign(1, read_number(text)) == math.copysign(1, meant)


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in CASES["refused"].items() for text in texts])
def test_what_is_no_single_number_is_refused(key, text):
    with pytest.raises(NumberError) as refused:
        read_number(text)
    assert refused.value.key == key
    assert all(refused.value.text(language) for language in LANGUAGES)


def test_a_refusal_quotes_shows_where_and_offers():
    told = {
        "1,234": "'1,234' can mean 1.234 or 1234.", "-12,345": "-12.345 or -12345", "5%": "Type 0.05 instead.",
        "5 kg": "'5 kg' is not a number: 'kg' can't be read.",
    }  # fmt: skip
    for text, sentence in told.items():
        with pytest.raises(NumberError) as refused:
            read_number(text)
        assert sentence in str(refused.value)


# ---------------------------------------------------------------- any number, any style

GROUPS = [
    ("", "."),
    ("", ","),
    (",", "."),
    (".", ","),
    (" ", ","),
    ("\u00a0", ","),
    ("\u202f", ","),
    ("'", "."),
    ("’", ","),
]
DIGITS = ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९"]
MINUS = "-−–‒－﹣"


def printed(number: float, places: int | None, group: str, point: str, minus: str, digits: str) -> tuple[str, float]:
    """Return a number as a locale prints it, and the number that this text means."""
    plain = f"{number:.{places}f}" if places is not None else number_text(number)
    mantissa, e, exponent = plain.removeprefix("-").partition("e")
    whole, dot, rest = mantissa.partition(".")
    if group:
        whole = f"{int(whole):,}".replace(",", group)
    text = f"{whole}{point if dot else ''}{rest}{e}{exponent}"
    text = ("-" if plain[0] == "-" else "") + text
    return text.replace("-", minus).translate(str.maketrans(DIGITS[0], digits)), float(plain)


styles = st.tuples(st.sampled_from(GROUPS), st.sampled_from(MINUS), st.sampled_from(DIGITS))
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e7, 1e7)


@settings(max_examples=EXAMPLES)
@given(numbers, st.none() | st.integers(0, 6), styles)
@example(1234.0, 0, ((",", "."), "-", DIGITS[0]))  # 1,234
@example(1.234, 3, (("", ","), "-", DIGITS[0]))  # 1,234 again
def test_any_number_in_any_style_is_never_another(number, places, style):
    (group, point), minus, digits = style
    text, meant = printed(number, places, group, point, minus, digits)
    try:
        found = read_number(text)
    except NumberError as refused:
        if refused.key == "error.number.readings":
            assert meant in (float(refused.slots["one"]), float(refused.slots["other"]))
        else:
            assert refused.key == "error.number.long"
        return
    # a single group with a point, 1.234, is a decimal number here as everywhere in the app
    german = group == "." and text.count(".") == 1 and "," not in text
    assert found == (float(text.translate(str.maketrans(digits + minus, DIGITS[0] + "-"))) if german else meant)


@settings(max_examples=EXAMPLES)
@given(st.text(alphabet="0123456789.,−-+ e×x10^/%'\u00a0_abc()[]¹½;\t\n", max_size=14) | st.text(max_size=10))
def test_any_text_is_a_finite_number_or_refused(text):
    """Where Python reads a text too, both read the same number."""
    try:
        found = read_number(text)
    except NumberError as refused:
        assert copy.copy(refused).text("zh") == refused.text("zh")
        return
    assert math.isfinite(found)
    with contextlib.suppress(ValueError):
        assert found == float(text)


def test_the_editor_reads_any_text_as_python_does():
    """One number or one sentence for both, from texts made of what numbers are made of."""
    draw, signs = random.Random(7), "0123456789012345.,,−-+ e×x10^/%' _½¹٣．"
    texts = ["".join(draw.choices(signs, k=draw.randint(1, 9))) for _ in range(8 * EXAMPLES)]
    done = subprocess.run(["node", "--input-type=module", "-e", READS], input=json.dumps(texts), capture_output=True,
                          text=True, check=True, cwd=ROOT)  # fmt: skip
    assert json.loads(done.stdout) == [python_reads(text) for text in texts]


READS = """
import { readFileSync } from "node:fs";
import { readNumber } from "./assets/typed-numbers.mjs";
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(readNumber)));
"""


def python_reads(text: str) -> Any:
    try:
        return read_number(text)
    except NumberError as error:
        return {"key": error.key, "slots": error.slots}


# ---------------------------------------------------------------- ranges and lists of whole numbers


def test_a_range_and_whole_numbers_are_checked():
    assert read_between("0,05", 0.0001, 10) == 0.05
    assert read_between("1 000", 0, 1000, whole=True) == 1000
    for text, whole, key in (
        ("11", False, "range"),
        ("−0,1", False, "range"),
        ("2,5", True, "whole"),
        ("11", True, "range"),
        ("abc", True, "whole"),
        ("3 kg", True, "whole"),
    ):
        with pytest.raises(NumberError) as refused:
            read_between(text, 0, 10, whole)
        assert refused.value.key == f"error.number.{key}" and "10" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("32 16", [32, 16]),
        ("32,16", [32, 16]),
        ("３２，１６", [32, 16]),
        ("4; 2;", [4, 2]),
        ("64 256", [64, 256]),
        ("8、4", [8, 4]),
    ],
)
def test_whole_numbers_are_read_whatever_separates_them(text, meant):
    assert read_whole_list(text) == meant


@pytest.mark.parametrize("text", ["", "12 x", "1.5", "-4", "1,000", "1_0", "²", "9" * 5000])
def test_what_is_no_list_of_whole_numbers_is_refused(text):
    with pytest.raises(NumberError, match="whole numbers"):
        read_whole_list(text)


# ---------------------------------------------------------------- several numbers


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5", 5), ("−0.5", -0.5), ("1, 2, 3", [1, 2, 3]), ("1 2 3", [1, 2, 3]), ("1; 2; 3", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]), ("1、2、3", [1, 2, 3]), ("1, 2, 3,", [1, 2, 3]), ("1\t2\t3", [1, 2, 3]),
        ("1\n2\n3\n", [1, 2, 3]), ("1\r\n2\r\n", [1, 2]), ("0,5\t1,5", [0.5, 1.5]), ("0,5; 1,5", [0.5, 1.5]),
        ("0,5;1,5", [0.5, 1.5]), ("0,5 1,5", [0.5, 1.5]), ("-1 −2 –3", [-1, -2, -3]),
        ("1\t2\r\n3\t4\r\n", [[1, 2], [3, 4]]), ("0,5\t1,5\n2,5\t3,5\n", [[0.5, 1.5], [2.5, 3.5]]),
        ("1 2\n3 4", [[1, 2], [3, 4]]), ("1 2; 3 4", [[1, 2], [3, 4]]), ("1, 2; 3, 4", [[1, 2], [3, 4]]),
        ("1, 2\n3, 4", [[1, 2], [3, 4]]), ("1;2\n3;4", [[1, 2], [3, 4]]), ("1 2;\n3 4;", [[1, 2], [3, 4]]),
        ("1\u00a0234,5\t2", [1234.5, 2]), ("1\u202f234 5", [1234, 5]), ("1.234,5; 2", [1234.5, 2]),
        ("1e-3 2e3", [0.001, 2000.0]),
        ("[1, 2]", [1, 2]), ("[0.5,1]", [0.5, 1]), ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("[[1. 2.]\n [3. 4.]]", [[1, 2], [3, 4]]), ("[0.5 1.5]", [0.5, 1.5]), ("[−1, ２]", [-1, 2]),
        ("[[[1]]]", [[[1]]]),
        ("[1,\n 2]", [1, 2]), ("［1，2］", [1, 2]), ("[[1,2], [3,4]]", [[1, 2], [3, 4]]),
    ],
)  # fmt: skip
def test_values_as_pasted_are_read(text, meant):
    assert read_values(text) == meant


@pytest.mark.parametrize(
    ("text", "shape", "meant"),
    [
        ("1,2", (), 1.2), ("1,2", (2,), [1, 2]), ("1,2\n3,4", (2,), [1.2, 3.4]),
        ("1,2\n3,4", (2, 2), [[1, 2], [3, 4]]),
        ("1 234", (), 1234), ("1 234", (2,), [1, 234]), ("1,234,567", (), 1234567), ("1,234", (2,), [1, 234]),
        ("0,5, 1,5", (2,), [0.5, 1.5]), ("0,5, 1,5", (4,), [0, 5, 1, 5]), ("1\n2", (2, 1), [[1], [2]]),
        ("1 2", (1, 2), [[1, 2]]), ("5", (1,), [5]), ("1 2 3", (2,), [1, 2, 3]), ("0,5", (1,), [0.5]),
    ],
)  # fmt: skip
def test_the_shape_decides_between_readings(text, shape, meant):
    assert read_values(text, shape) == meant


@pytest.mark.parametrize(
    ("text", "shape", "told"),
    [
        ("1,2", None, "can mean [1, 2] or 1.2"), ("1,2", (3,), "can mean"), ("1,234", (), "1.234 or 1234"),
        ("1,234\t5", None, "column 1: '1,234' can mean"), ("1,2\n3,4", None, "can mean"),
        ("0,5, 1,5", None, "can mean"),
        ("[0,5, 1,5]", None, "[0.5, 1.5] or [0, 5, 1, 5]"), ("1 234", None, "can mean"), ("1,2, 3", None, "can mean"),
        ("1\t2\n3", None, "Row 2"), ("[[1], [2, 3]]", None, "Row 2"), ("[1, [2]]", None, "Row 2"),
        ("1\t\t3", None, "column 2"), ("1\n\n3", None, "Row 2"), ("1\tx", None, "column 2: 'x'"),
        ("1\t2 345\t6", (3,), "'1 2 345 6'"),
        ("5 kg", (), "'kg'"),
        ("[1, 2", None, "brackets"), ("[1]]", None, "brackets"), ("[1] 2", None, "brackets"),
        ("[]", None, "brackets"),
        ("[" * 5000, None, "brackets"), ("[1, nan]", None, "finite"), ("[1 2, 3]", None, "not clear"),
        ("", None, "no number"),
        ("[1,,2]", None, "column 2"), ("NaN", (), "finite"), ("1 - 2", None, "'-'"), ("true", (), "'true'"),
        ("1e400", (), "64-bit"),
        ("[1e400]", None, "64-bit"), ("[0,5 1,5]", None, "not clear"), ("1 " * 300_000, None, "too long"),
    ],
)  # fmt: skip
def test_values_in_doubt_are_refused_with_place(text, shape, told):
    with pytest.raises(NumberError) as refused:
        read_values(text, shape)
    assert told in str(refused.value)
    assert all(refused.value.text(language) for language in LANGUAGES)


BETWEEN = [("\t", "\n"), ("; ", "\n"), (" ", "\n"), (", ", "\n"), (" ", "; "), (", ", "; ")]


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_any_block_is_read_back_or_refused(data):
    cells, rows = data.draw(st.sampled_from(BETWEEN))
    group, point = data.draw(st.sampled_from(GROUPS if cells == "\t" else GROUPS[:2]))
    sides = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    cell = st.tuples(st.floats(-1e5, 1e5), st.integers(0, 4), st.sampled_from(MINUS))
    drawn = [
        [
            printed(*data.draw(cell)[:2], group, point, data.draw(st.sampled_from(MINUS)), DIGITS[0])
            for _ in range(sides[1])
        ]
        for _ in range(sides[0])
    ]
    text = rows.join(cells.join(text for text, _ in row) for row in drawn)
    meant = [[number for _, number in row] for row in drawn]
    german = group == "." and any(text.count(".") == 1 and "," not in text for row in drawn for text, _ in row)
    try:
        found = read_values(text, sides)
    except NumberError:
        return
    assert german or found == meant


def test_a_block_of_many_numbers_is_read_in_time():
    rows = [[i * 0.5 + j for j in range(50)] for i in range(200)]
    assert read_values("\n".join("\t".join(str(each).replace(".", ",") for each in row) for row in rows)) == rows
