"""The reference page: what it says of facts, numbers and publications is there, in both languages."""

from __future__ import annotations

import ast
import re

import pytest
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph.messages import LANGUAGES, say
from pcgraph.reference import FACTS, FOLDER, PARTS, REFERENCES, entries, numbers, text
from pcgraph.ui.settings import suggested
from pcgraph.ui.text import escaped
from tests.browser import ROOT


def page(language: str, **link: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages/reference.py"), default_timeout=120)
    at.session_state["language"] = language
    for name, value in link.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_is_shown_in_its_language(language):
    at = page(language)
    assert [tab.label for tab in at.tabs] == [say(f"page.reference.{part}", language) for part in PARTS]
    for tab in at.tabs:
        assert tab.markdown, tab.label
    told = "\n".join(each.value for each in at.markdown)
    for name in pc.gallery:
        assert f"## {escaped(pc.gallery.entry(name).title(language))}\n" in told
    for one in REFERENCES.values():
        assert f"[{one.title}]({one.address})" in told


def test_the_facts_are_f1_to_f18_and_each_names_every_test_that_holds_it():
    tree = ast.parse((ROOT / "tests/test_facts.py").read_text("utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert list(FACTS) == [f"F{number}" for number in range(1, 19)]
    for fact, held in FACTS.items():
        assert list(held) == [test for test in tests if test.startswith(f"test_{fact.lower()}_")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_and_literature_have_a_text_for_each_and_no_other(language):
    assert list(entries("facts", language)) == list(FACTS)
    assert set(entries("literature", language)) == set(REFERENCES)
    assert all(entries("facts", language).values()) and all(entries("literature", language).values())
    assert {path.stem for path in (FOLDER / language).glob("*.md")} == set(PARTS) - {"gallery"}


def test_the_two_languages_have_the_same_words_equations_marks_and_figures():
    english, chinese = (text("words", language).count("\n- ") for language in ("en", "zh"))
    assert english == chinese
    found = {language: re.findall(r"\$\$.*\$\$", text("equations", language)) for language in LANGUAGES}
    assert len(found["en"]) == len(found["zh"]) == 12
    for name in ("claims", "facts"):
        figures = [set(re.findall(r"\d[\d.e−]*\d|\d", text(name, language))) for language in LANGUAGES]
        assert figures[0] == figures[1]
        marks = [re.findall(r"\*\*[VSK]\*\*", text(name, language)) for language in LANGUAGES]
        assert marks[0] == marks[1]


def test_the_page_has_every_word_of_the_glossary():
    glossary = (ROOT / "docs/glossary.md").read_text("utf-8").split("## Methods")[0]
    words = re.findall(r"^\| (?!Our word|Name)([a-z][a-z ]*) \|", glossary, re.MULTILINE)
    told = re.findall(r"^- \*\*([a-z ]+)\*\*", text("words"), re.MULTILINE)
    assert len(words) > 20 and told == words


@pytest.mark.parametrize(
    ("name", "depth", "identities", "output", "cotangent"),
    [
        ("square-root", 3, 0, "9.0000", "4.0000"),
        ("residual", 4, 2, "0.1920", "−0.1080"),
        ("chain", 2, 0, "6.0000", "5.0000"),
    ],
)
def test_a_problems_numbers_are_those_that_a_hand_finds(name, depth, identities, output, cotangent):
    found = numbers(name)
    assert (found.depth, found.identities, found.output, found.cotangent) == (depth, identities, output, cotangent)


def test_z_il_is_bp_on_every_problem_when_levelled_and_not_on_three_when_not():
    """The largest relative difference on G2 without identity nodes is that of z3 (and of s, which is no parameter)."""
    found = [numbers(name) for name in pc.gallery]
    assert all(each.levelled <= 1e-12 for each in found)
    assert [each.name for each in found if each.unlevelled > 1e-9] == ["residual", "residual-block", "repeated"]
    assert found[0].unlevelled == pytest.approx((0.162 - 0.02592) / 0.02592, rel=1e-9)


def test_the_link_names_the_part_that_is_open_and_nonsense_opens_the_first():
    assert page("en", part="facts").query_params["part"] == "facts"
    assert "part" not in page("en", part="<script>").query_params


def test_a_problem_of_the_gallery_opens_on_step_through():
    at = AppTest.from_file(str(ROOT / "pcgraph/ui/navigation.py"), default_timeout=120)
    at.switch_page(str(ROOT / "pages/reference.py"))
    at.run()
    at.button(key="reference.open.chain").click()
    at.run()
    assert at.session_state["pages"]["step"] == suggested(("zil",), "chain")
