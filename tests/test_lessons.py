"""The course as data: every lesson can be played through, has its words in both languages, and points to proof."""

from __future__ import annotations

import ast
import re

import pytest

from pcgraph.answers import judge
from pcgraph.formula import parse
from pcgraph.lessons import FOLDER, NAMES, Asked, Built, Choice, Scene, Try, lesson, texts
from pcgraph.messages import LANGUAGES
from pcgraph.passes import levels
from pcgraph.reference import REFERENCES
from tests.browser import ROOT

MOST_WORDS = 120  # between two interactions


def words(text: str, language: str) -> int:
    """Return how many words a text has; of Chinese, a word is about one and a half characters."""
    if language == "zh":
        return round(len(re.findall(r"[\u4e00-\u9fff]", text)) / 1.5)
    return len(re.findall(r"[\w√∂δμεγΣ½²₀-₉]+", text))


WRITTEN = [name for name in NAMES if (FOLDER / f"{name}.toml").exists()]
SCENES = [pytest.param(scene, id=f"{name}-{scene.name}") for name in WRITTEN for scene in lesson(name).scenes]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_lesson_takes_5_to_10_minutes_asks_before_it_shows_and_ends_with_a_graph_of_ones_own(name):
    one = lesson(name)
    tasks = [scene.task for scene in one.scenes]
    assert 5 <= one.minutes <= 10
    assert 5 <= len(one.scenes) <= 10
    assert sum(isinstance(task, Asked) for task in tasks) >= 2
    assert any(isinstance(task, Try) for task in tasks)
    assert isinstance(tasks[-1], Built)
    assert len({scene.name for scene in one.scenes}) == len(one.scenes)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WRITTEN)
def test_every_scene_has_its_words_and_no_more_than_120_between_two_interactions(name, language):
    said, before = texts(name, language), ""
    assert said.title and said.promise
    assert list(said.scenes) == [scene.name for scene in lesson(name).scenes]
    for scene in lesson(name).scenes:
        own = said.scenes[scene.name]
        assert own.title and own.text and own.then
        assert words(f"{before} {own.text}", language) <= MOST_WORDS, (
            scene.name,
            words(f"{before} {own.text}", language),
        )
        before = own.then
        wanted = set(scene.task.options) if isinstance(scene.task, Choice) else set()
        assert set(own.options) == wanted
        assert all(label and why for label, why in own.options.values())


def test_there_is_no_file_that_no_lesson_uses():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(NAMES)
    for language in LANGUAGES:
        assert {path.stem for path in (FOLDER / language).glob("*.md")} == set(NAMES)


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_opens_on_a_step_of_its_run_and_its_gate_is_there_exactly_once(scene: Scene):
    solution = scene.solution()
    assert 0 <= scene.t < len(solution.steps)
    assert scene.select is None or scene.select in solution.problem.graph
    if isinstance(scene.task, Asked):
        gate = scene.task.gate(solution)
        right = gate.answer[0] if isinstance(gate.answer, tuple) else gate.answer
        assert judge(gate, right).right
        assert gate.mistakes and not judge(gate, gate.mistakes[0].answer).right
        assert scene.t == gate.t
    if isinstance(scene.task, Choice):
        assert scene.task.right in scene.task.options and len(scene.task.options) >= 3


@pytest.mark.parametrize("scene", [each for each in SCENES if isinstance(each.values[0].task, Try | Built)])
def test_every_goal_can_be_met_and_missed(scene: Scene):
    task = scene.task
    if isinstance(task, Try):
        assert not task.judge(scene.solution()).right, "the goal is met before anything is changed"
        assert task.judge(scene.changed(task.solves).solution()).right
        assert not task.judge(scene.changed(task.fails).solution()).right
    else:
        assert isinstance(task, Built)
        assert not task.judge(parse(task.start)).right, "the goal is met before anything is changed"
        assert not task.judge(parse(task.fails)).right
        assert task.judge(parse(task.solves)).right
        assert max(levels(parse(task.solves).graph).values()) >= 1


def names_of_tests() -> set[str]:
    found = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        found |= {
            f"tests/{path.name}::{node.name}"
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
    return found


THERE = names_of_tests()


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_scene_claims_points_to_a_fact_that_is_tested_a_test_or_a_publication(scene: Scene):
    assert scene.sources
    for source in scene.sources:
        fact = re.fullmatch(r"F\d+", source) and any(f"::test_{source.lower()}_" in each for each in THERE)
        assert fact or source in THERE or source in REFERENCES, source
