"""Settings and the link: what is written is read back the same, and nonsense keeps its default and is told."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import pcgraph as pc
from pcgraph.errors import PCGraphError
from pcgraph.solve import METHODS
from pcgraph.ui.settings import LONGEST_LINK, RATES, STEPS, TABLE, Settings, build, from_link, suggested, to_link

METHOD = st.sampled_from([name for name, row in METHODS.items() if row.rate])
NUMBER = st.floats(-1e6, 1e6).map(lambda number: json.dumps(number))


@st.composite
def visits(draw):
    """Return the settings of a visitor of a residual graph."""
    return Settings(
        problem="residual",
        methods=(draw(METHOD),),
        rates=draw(st.dictionaries(METHOD, st.floats(*RATES), max_size=3)),
        steps=draw(st.none() | st.integers(*STEPS)),
        level=draw(st.booleans()),
        target=draw(st.just("") | NUMBER),
        leaves=draw(st.dictionaries(st.sampled_from(["s", "z1", "z2", "z3"]), NUMBER)),
    )


@examples(max_examples=60)
@given(visits())
def test_a_link_brings_back_every_setting(visit):
    found, errors = from_link(to_link(visit, ("zil",)), ("zil",))
    assert errors == []
    assert found.methods == visit.methods
    assert all(found.rate(name) == visit.rate(name) for name in METHODS)
    assert (found.steps, found.level, found.target) == (visit.steps, visit.level, visit.target)
    assert {name: json.loads(text) for name, text in found.leaves.items()} == {
        name: json.loads(text) for name, text in visit.leaves.items()
    }


@pytest.mark.parametrize("name", pc.gallery)
def test_a_gallery_problem_needs_no_more_in_the_link_than_its_name(name):
    start = suggested(("zil",), name)
    link = to_link(start, ("zil",))
    assert link == ({} if name == "residual" else {"v": "1", "p": name})
    assert from_link(link, ("zil",)) == (start, [])


@examples(max_examples=200)
@given(st.dictionaries(st.sampled_from([*(row.link for row in TABLE.values()), "v", "other"]), st.text(max_size=60)))
def test_any_text_in_a_link_gives_settings_that_run_and_sentences(link):
    found, errors = from_link(link, ("zil",))
    build(found)
    assert all(isinstance(error, PCGraphError) and str(error) for error in errors)
    assert RATES[0] <= found.rate("zil") <= RATES[1]
    assert found.steps is None or STEPS[0] <= found.steps <= STEPS[1]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"rate": "-1e9"}, "-1e9"), ({"rate": "0"}, "0.01 to 2"), ({"rate": "nan"}, "finite"),
        ({"rate": "1e400"}, "64-bit"),
        ({"rate": "zil:"}, "finite"), ({"rate": "magic:1"}, "magic"), ({"steps": "1.5"}, "1.5"),
        ({"steps": "-1"}, "-1"),
        ({"steps": "99999"}, "1000"), ({"t": "-1"}, "-1"), ({"level": "2"}, "0 or 1"),
        ({"m": "zill"}, "Did you mean 'zil'?"),
        ({"p": "residul"}, "Did you mean 'residual'?"), ({"f": "tanh("}, "Line 1"), ({"f": "~x"}, "cut off"),
        ({"f": "~" + base64.urlsafe_b64encode(b"\xff").decode()}, "cut off"), ({"y": "[1, 2]"}, "target"),
        ({"y": "NaN"}, "NaN"), ({"x": "{"}, "leaf values"), ({"x": "[" * 5000}, "leaf values"),
        ({"x": '{"q": 1}'}, "'q'"),
        ({"x": '{"z1": NaN}'}, "leaf values"), ({"x": '{"z1": [1, 2]}'}, "z1"), ({"x": '{"z1": "a"}'}, "z1"),
        ({"x": '{"z1": 1e400}'}, "z1"), ({"v": "2"}, "version 2"),
    ],
)  # fmt: skip
def test_nonsense_in_a_link_is_one_sentence_that_names_it_and_the_default_stays(link, told):
    found, errors = from_link(link, ("zil",))
    assert len(errors) == 1
    assert told in str(errors[0])
    assert found == suggested(("zil",))


def test_one_bad_setting_leaves_the_others():
    found, errors = from_link({"p": "chain", "rate": "-1e9", "steps": "30", "level": "0"}, ("pc",))
    assert len(errors) == 1
    assert (found.problem, found.steps, found.level, found.rate("pc")) == (
        "chain",
        30,
        False,
        suggested(("pc",), "chain").rate("pc"),
    )


def test_a_packed_bomb_unpacks_no_further_than_a_formula_may_be_long():
    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(b"x" * 50_000_000, 9)).decode()
    found, errors = from_link({"f": bomb}, ("zil",))
    assert found == suggested(("zil",))
    assert len(errors) == 1


def test_a_formula_of_50_mb_is_refused_in_a_sentence():
    with pytest.raises(PCGraphError, match=r"50,?000,?000 characters"):
        pc.parse("x" * 50_000_000)


def test_a_long_formula_is_packed_and_one_too_long_for_any_link_is_told():
    lines = "\n".join(f"h{i + 1} = tanh(h{i})" for i in range(300))
    program = f"x = input(1.0)\nh0 = tanh(x)\n{lines}\nminimise squared_error(h300, 0.5)"
    link = to_link(Settings(formula=program), ("zil",))
    assert link["f"].startswith("~") and len(link["f"]) < len(program) / 2
    assert from_link(link, ("zil",))[0].formula == program
    numbers = ", ".join(str(i * 0.7310585786300049) for i in range(900))
    with pytest.raises(PCGraphError, match=f"{LONGEST_LINK}"):
        to_link(Settings(formula=f"x = input([{numbers}])\ny = sum(x)\nminimise squared_error(y, 0.5)"), ("zil",))
