"""Every lesson played through in a browser, in both languages: in each scene a wrong answer, then the right one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from pcgraph.answers import judge
from pcgraph.formula import parse
from pcgraph.gates import option_text
from pcgraph.lessons import NAMES, Asked, Built, Choice, Scene, Try, lesson, texts
from pcgraph.messages import LANGUAGES, say
from pcgraph.questions import RIGHT
from tests.browser import PHONE, ROOT
from tests.e2e.test_access import violations

PROSE = ROOT / "tests/e2e/lesson-1.txt"  # reviewed by ear: change it only with the lesson's words


def _value(thumb) -> float:
    return float(thumb.evaluate("(one) => one.getAttribute('aria-valuenow') ?? one.value"))


class Learner:
    """A visitor who plays a lesson in a language."""

    def __init__(self, app, page, name: str, language: str = "en") -> None:
        self.app, self.page, self.language = app, page, language
        self.lesson, self.words = lesson(name), texts(name, language)
        self.text = page.locator(".st-key-learn-text")
        page.set_default_timeout(10_000)

    def begin(self, scene: int = 1) -> Learner:
        self.app.open("learn", l=self.lesson.name, s=scene, lang=self.language)
        return self

    def said(self, text: str) -> None:
        """Expect a sentence as the answer to an answer, however its blanks are drawn."""
        words = re.compile(r"\s+".join(map(re.escape, text.split())))
        expect(self.text.get_by_test_id("stAlert").last).to_contain_text(words)

    @property
    def next(self):
        return self.text.locator(f".st-key-learn-{self.lesson.name}-{self.scene.name}-next").get_by_role("button")

    def button(self, key: str, **slots: str):
        return self.text.get_by_role("button", name=say(key, self.language, **slots), exact=True)

    def answer(self, scene: Scene, right: bool) -> None:
        """Answer rightly, or wrongly in the way that the scene names, and read what is said of it."""
        kinds = {Asked: self._gate, Choice: self._choice, Try: self._try, Built: self._build}
        kinds[type(scene.task)](scene, right)

    def _gate(self, scene: Scene, right: bool) -> None:
        gate = scene.task.gate(scene.solution())
        accepted = gate.answer[0] if isinstance(gate.answer, tuple) else gate.answer
        given = accepted if right else gate.mistakes[0].answer
        if gate.kind in ("mover", "reader"):
            self.app.node(given, lane=scene.methods[-1]).click()
        elif gate.kind == "number":
            field = self.text.get_by_role("textbox").first
            field.fill(f"{given:.6g}")
            field.press("Enter")
        else:
            pills = self.text.get_by_test_id("stButtonGroup")
            pills.get_by_text(option_text(gate, given, self.language), exact=True).click()
        verdict = judge(gate, given)
        assert verdict.right == right
        self.said(verdict.message.text(self.language))

    def _choice(self, scene: Scene, right: bool) -> None:
        options = self.words.scenes[scene.name].options
        given = scene.task.right if right else next(one for one in scene.task.options if one != scene.task.right)
        at = scene.task.options.index(given)
        self.text.locator("label").filter(has=self.page.get_by_role("radio")).nth(at).click()
        self.said(RIGHT.text(self.language) if right else say("learn.not_quite", self.language))
        plain = options[given][1].split("**")[0].split("`")[0][:40]
        expect(self.text.get_by_test_id("stAlert").last).to_contain_text(plain.strip())

    def _try(self, scene: Scene, right: bool) -> None:
        task, value = scene.task, scene.task.solves if right else scene.task.fails
        if isinstance(value, bool):
            if not right:
                return  # a switch that is wrong has not been touched
            self.text.get_by_test_id("stCheckbox").locator("label").click()
        else:
            self._slide(float(value))
        self.said(task.judge(scene.changed(value).solution()).message.text(self.language))

    def _slide(self, value: float) -> None:
        """Move the slider to a value by its keys."""
        thumb = self.text.get_by_role("slider")
        now = _value(thumb)
        key = "ArrowRight" if value > now else "ArrowLeft"
        thumb.focus()
        for _ in range(500):
            before = _value(thumb)
            if abs(before - value) < 1e-6:
                break
            thumb.press(key)
        assert abs(_value(thumb) - value) < 1e-6

    def _build(self, scene: Scene, right: bool) -> None:
        formula = scene.task.solves if right else scene.task.fails
        self.text.get_by_role("textbox").fill(formula.strip())
        self.button("learn.use").click()
        self.said(scene.task.judge(parse(formula)).message.text(self.language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_can_be_done_by_doing_what_it_asks(app, page, name, language):
    learner = Learner(app, page, name, language).begin()
    for scene in learner.lesson.scenes:
        learner.scene = scene
        own = learner.words.scenes[scene.name]
        expect(learner.text.get_by_role("heading", name=own.title)).to_be_visible()
        expect(learner.next).to_be_disabled()
        learner.answer(scene, right=False)
        expect(learner.next).to_be_disabled()
        learner.answer(scene, right=True)
        expect(learner.next).to_be_enabled()
        learner.next.click()
    expect(learner.text).to_contain_text(say("learn.end", language, title=learner.words.title))
    page.reload()
    learner.app.ready()
    learner.button("learn.all").click()
    row = page.locator(f".st-key-learn-row-{name}")
    count = len(learner.lesson.scenes)
    switches = sum(isinstance(s.task, Try) and isinstance(s.task.fails, bool) for s in learner.lesson.scenes)
    done = say("learn.row", language, minutes=learner.lesson.minutes, done=count, count=count, right=switches)
    expect(row).to_contain_text(done)


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], indirect=True)
def test_the_course_is_accessible(app, page, options):
    learner = Learner(app, page, "graphs").begin()
    assert violations(page) == []
    learner.answer(learner.lesson.scenes[0], right=True)
    assert violations(page) == []
    learner.button("learn.all").click()
    expect(page.locator(".st-key-learn-row-graphs")).to_be_visible()
    assert violations(page) == []


def read_aloud(learner: Learner, page) -> str:
    """Return what a screen reader says of a scene: the text, then the stage's nodes and the sentence of its step."""
    spoken = learner.text.inner_text().split("\n")
    nodes = [str(one.get_attribute("aria-label")) for one in learner.app.node().all()]
    status = learner.app.stage.locator("[role=status].stage-caption").inner_text()
    return "\n".join(line.strip() for line in [*spoken, *nodes, status] if line.strip())


def test_lesson_1_reads_as_prose(app, page):
    learner = Learner(app, page, "graphs").begin()
    heard = []
    for scene in learner.lesson.scenes:
        learner.scene = scene
        expect(learner.text.get_by_role("heading", name=learner.words.scenes[scene.name].title)).to_be_visible()
        learner.answer(scene, right=True)
        expect(learner.next).to_be_enabled()
        expect(learner.text).to_contain_text(say("learn.again"))
        app.settled()
        heard.append(read_aloud(learner, page))
        learner.next.click()
    assert "\n\n".join(heard) + "\n" == PROSE.read_text("utf-8")


def test_the_language_changes_and_the_step_stays(app, page):
    learner = Learner(app, page, "graphs").begin(4)
    learner.answer(learner.lesson.scenes[3], right=True)
    page.wait_for_function("() => document.activeElement === document.body")  # the field is over
    app.press("ArrowRight", 3)
    page.get_by_role("button", name="中文", exact=True).click()
    expect(learner.text.get_by_role("heading", name=texts("graphs", "zh").scenes["gradient"].title)).to_be_visible()
    expect(app.stage).to_have_attribute("lang", "zh")
    app.at(3)
    learner.language = "zh"
    learner.said(RIGHT.text("zh"))
