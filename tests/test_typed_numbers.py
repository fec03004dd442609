"""Typed numbers: whatever style a number is typed in, it is read as meant or refused, and never another number."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import random

import pytest

from pcgraph.errors import NumberError
from pcgraph.messages import LANGUAGES
from pcgraph.typed_numbers import read_between, read_number, read_values, read_whole_list
from tests.browser import ROOT
from tests.damaged import some_block, some_digits, some_number

CASES = json.loads((ROOT / "tests" / "typed-numbers.json").read_text("utf-8"))
FUZZ = int(os.environ.get("FUZZ", 500))


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


def test_any_number_in_any_style_is_never_another(record_property):
    for seed in range(FUZZ):
        text, meant = some_number(random.Random(f"printed {seed}"))
        try:
            found = read_number(text)
        except NumberError as refused:
            if refused.key == "error.number.readings":
                assert meant in (float(refused.slots["one"]), float(refused.slots["other"])), text
            else:
                assert refused.key == "error.number.long", text
            continue
        assert found == meant, text
    record_property("fuzz", f"{FUZZ} printed numbers")


def test_any_text_is_a_finite_number_or_refused(record_property):
    """Where Python reads a text too, both read the same number."""
    for seed in range(FUZZ):
        text = some_digits(random.Random(f"digits {seed}"))
        try:
            found = read_number(text)
        except NumberError as refused:
            assert copy.copy(refused).text("zh") == refused.text("zh")
            continue
        assert math.isfinite(found), text
        with contextlib.suppress(ValueError):
            assert found == float(text), text
    record_property("fuzz", f"{FUZZ} texts of digits and signs")


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


def test_any_block_is_read_back_or_refused(record_property):
    for seed in range(FUZZ):
        text, meant = some_block(random.Random(f"block {seed}"))
        try:
            found = read_values(text, (len(meant), len(meant[0])))
        except NumberError:
            continue
        assert found == meant, text
    record_property("fuzz", f"{FUZZ} blocks of numbers")


def test_a_block_of_many_numbers_is_read_in_time():
    rows = [[i * 0.5 + j for j in range(50)] for i in range(200)]
    assert read_values("\n".join("\t".join(str(each).replace(".", ",") for each in row) for row in rows)) == rows
