"""Build: any graph by mouse alone, by keyboard alone, as text, by link and by file; what can't be is told why."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pcgraph.document import from_dict, to_dict, to_json
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.messages import say
from tests.almost import almost
from tests.browser import LAPTOP
from tests.e2e.app import App
from tests.e2e.build import HANDS, Build
from tests.e2e.test_access import BOTH, violations

# THEORY, 4, G2: the paper's residual graph, out = c + a. Name, op, value; places on the canvas by column and row.
LEAVES = {"s": ("input", 1.5), "z3": ("parameter", 0.8), "z2": ("parameter", -1.2), "z1": ("parameter", 0.7)}
OPS = {"a": ("mul", "s", "z3"), "b": ("mul", "a", "z2"), "c": ("mul", "b", "z1"), "out": ("add", "c", "a")}
PLACES = {
    "s": (0, 0), "z3": (0, 1), "a": (1, 0), "z2": (1, 2), "b": (2, 1), "z1": (2, 2), "c": (3, 1), "out": (4, 0),
}  # fmt: skip
TARGET, LEARNT = 0.3, -0.02592
FORWARD = {"s": 1.5, "z3": 0.8, "z2": -1.2, "z1": 0.7, "a": 1.2, "b": -1.44, "c": -1.008, "out": 0.192}


@pytest.fixture
def build(page, address):
    page.add_init_script(HANDS)
    return Build(page, address)


def is_the_papers_graph(document):
    """Expect a document to mean the paper's graph, whatever stands where."""
    problem, wanted = from_dict(document), gallery["residual"]
    ops = lambda one: {node.name: (node.op, node.inputs) for node in one.graph.nodes}  # noqa: E731
    assert ops(problem) == ops(wanted)
    assert problem.graph.output == "out" and problem.target.item() == TARGET
    assert {name: value.item() for name, value in problem.values.items()} == {n: v for n, (_, v) in LEAVES.items()}


def solves_to_the_papers_gradient(page, address):
    """Expect the stage to run levelled Z-IL, and to read the paper's gradient of z3 at the end."""
    app = App(page, address).ready()
    expect(app.stage).to_have_attribute("data-method", "zil")
    expect(app.node("a′")).to_have_count(1)  # an identity node: levelled
    app.press("End", app.steps)
    assert app.number("z3", "gradient") == pytest.approx(LEARNT, rel=1e-12)


# ---------------------------------------------------------------- by mouse, by keyboard


def test_the_papers_graph_by_mouse_alone(build, page):
    build.open().start_empty()
    for name, (column, row) in PLACES.items():
        op = (LEAVES | OPS)[name][0]
        before = set(build.values())
        build.drag_op(op, 78 + 157 * column, 110 + 130 * row)
        build.has(len(before) + 1)
        (new,) = set(build.values()) - before
        build.node(new).dblclick()
        build.fill(build.editor.get_by_label(say("editor.rename"), exact=True), name)
        expect(build.node(name)).to_have_count(1)
    for name, (_, value) in LEAVES.items():
        build.node(name).click()
        build.fill(build.field("value"), str(value))
    for name, (_, *inputs) in OPS.items():
        for slot, source in enumerate(inputs):
            build.wire(f"{source}:out", f"{name}:{slot}")
    build.fill(build.field("target"), str(TARGET))
    expect(build.editor).to_have_attribute("data-complete", "true")
    assert build.values() == pytest.approx(FORWARD)
    built = build.document()
    is_the_papers_graph(built)
    build.button("page.step.title").click()
    solves_to_the_papers_gradient(page, build.address)
    assert page.evaluate("hands.keys") == 1  # End, on the stage

    page.get_by_role("link", name=say("page.build.title")).click()
    build.ready().links_to(built)
    undo, redo = (build.editor.get_by_role("button", name=say(f"editor.{way}")) for way in ("undo", "redo"))
    edits = 0
    while build.values():
        undo.click()
        edits += 1
        assert edits < 60, f"undo leaves {build.values()}"
    build.links_to({**built, "nodes": [], "output": None, "target": 0, "title": ""})
    for _ in range(edits):
        redo.click()
    build.links_to(built)
    assert edits == len(PLACES) * 2 + len(LEAVES) + 2 * len(OPS) + 1  # placed and named, valued, wired, the target


def test_the_papers_graph_by_keyboard_alone(build, page):
    build.open()
    build.tab_to(page.get_by_test_id("stPopover").get_by_role("button", name=say("page.build.start")))
    build.keys("Enter")
    build.tab_to(page.get_by_test_id("stPopoverBody").get_by_role("button", name=say("page.build.empty")))
    build.keys("Enter")
    build.has(0)
    build.keys("Escape")

    def add(op, name):
        build.keys("/")
        build.type(op)
        build.keys("Enter", "F2")
        build.type(name)
        build.keys("Enter")
        expect(build.node(name)).to_be_focused()

    def mark(name, way):
        build.tab_to(build.node(name), way)
        build.keys("Space")

    for name in PLACES:
        op, *rest = (LEAVES | OPS)[name]
        if name in LEAVES:
            add(op, name)
            build.keys("Enter")
            build.type(str(rest[0]))
            build.keys("Enter", "Escape")
        else:  # what is marked goes into the new node, in order
            first, second = rest
            order = list(build.values())
            mark(first, "Shift+Tab")
            mark(second, "Tab" if order.index(second) > order.index(first) else "Shift+Tab")
            add(op, name)
    build.tab_to(build.field("target"))
    build.type(str(TARGET))
    build.keys("Enter")
    expect(build.editor).to_have_attribute("data-complete", "true")
    assert build.values() == pytest.approx(FORWARD)
    built = build.document()
    is_the_papers_graph(built)
    build.tab_to(build.button("page.step.title"), "Shift+Tab")
    build.keys("Enter")
    solves_to_the_papers_gradient(page, build.address)

    build.tab_to(page.get_by_role("link", name=say("page.build.title")), "Shift+Tab")
    build.keys("Enter")
    build.ready().links_to(built)
    edits = 0
    while build.values():
        build.keys("Control+z")
        edits += 1
        assert edits < 60, f"undo leaves {build.values()}"
    build.links_to({**built, "nodes": [], "output": None, "target": 0, "title": ""})
    for _ in range(edits):
        build.keys("Control+y")
    build.links_to(built)
    assert page.evaluate("hands.pointer") == 0


# ---------------------------------------------------------------- what can't be


def test_an_edge_that_would_close_a_cycle_is_refused_and_says_why(build):
    build.open(p="residual")
    before = build.document()
    reason = say("editor.refuse.cycle", "en", **{"from": "c", "to": "a", "path": "a → b → c → a"})
    assert "would close a cycle" in reason and "a → b → c → a" in reason
    build.wire("c:out", "a:0")
    expect(build.refusal).to_have_text(reason)
    assert build.document() == before
    build.page.mouse.click(*build.at(30, 520))
    expect(build.refusal).to_have_text("")
    build.tab_to(build.node("c"))
    build.keys("c")
    while "slot x of a" not in build.editor.get_by_role("status").inner_text():
        build.keys("Tab")
    build.keys("Enter")
    expect(build.refusal).to_have_text(reason)
    assert build.document() == before


# ---------------------------------------------------------------- formula and canvas


def test_formula_and_canvas_follow_each_other(build, page):
    build.open(p="residual")
    build.formula.fill("x = input(2.0)\nw = parameter(0.5)\ny = x * w\nminimise squared_error(y, 0.0)")
    build.button("page.formula.use").click()
    build.has(3)
    build.followed()
    assert build.values() == {"x": 2.0, "w": 0.5, "y": 1.0}
    build.node("w").click()
    build.fill(build.field("value"), "0.25")
    expect(build.formula).to_have_value(
        "x = input(2.0)\nw = parameter(0.25)\ny = x * w\nminimise squared_error(y, 0.0)\n"
    )
    assert build.values()["y"] == 0.5
    build.node("y").click()
    build.field("op").select_option("add")
    expect(build.formula).to_have_value(
        "x = input(2.0)\nw = parameter(0.25)\ny = x + w\nminimise squared_error(y, 0.0)\n"
    )
    expect(build.node("y")).to_have_attribute("data-value", "2.25")


def test_a_formula_s_sentence_and_repair_are_in_sight(build):
    build.open(p="residual")
    build.formula.fill("tanh(0,5*x) + b")
    build.button("page.formula.use").click()
    repair = build.button("page.formula.repair")
    for part in (build.alerts, repair):
        expect(part).to_be_in_viewport(ratio=0.99)
    repair.click()
    expect(build.formula).to_have_value("tanh(0.5*x) + b")
    expect(build.alerts).to_have_count(0)


def test_a_wrong_formula_keeps_the_graph_and_says_line_column_and_remedy(build, page):
    build.open(p="residual")
    kept = build.document()
    wrong = "x = input(2.0)\nh = tanh(x)\ny = h * * x"
    build.formula.fill(wrong)
    build.formula.press("Control+Enter")
    expect(build.alerts).to_have_count(1)
    told = build.alerts.inner_text()
    assert "line 3" in told.lower() and "column 9" in told.lower()
    assert told.rstrip().endswith(".") and told.count(".") >= 2  # what is wrong, and what to do
    expect(build.formula).to_have_value(wrong)
    assert build.values() == pytest.approx(FORWARD)
    assert build.document() == kept
    build.formula.fill("x = input(2.0)\ny = tanh(x)")
    build.formula.press("Control+Enter")
    build.has(2)
    expect(build.alerts).to_have_count(0)


def test_the_leaves_are_a_view_of_their_own(build, page):
    build.open(p="residual")
    build.view("leaves")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    expect(build.formula).to_have_count(0)
    cell = page.locator("#portal").get_by_role("textbox")
    for _ in range(20):  # the table takes a while until it hears the mouse
        box = table.bounding_box()
        page.mouse.dblclick(box["x"] + 200, box["y"] + 2.5 * box["height"] / 6)  # the value of s: second row
        page.wait_for_timeout(300)
        if cell.count():
            break
    cell.fill("3")
    cell.press("Enter")
    expect(build.node("s")).to_have_attribute("data-value", "3")
    expect(build.node("a")).to_have_attribute("data-value", "2.4000000000000004")
    build.view("formula")
    expect(build.formula).to_have_value(re.compile(r"s = input\(3\.0\)"))


# ---------------------------------------------------------------- link and file


def test_a_link_and_a_file_open_exactly_that_document(build, page, browser, tmp_path):
    build.open(p="residual-block")
    before, url = build.document(), page.url
    build.node("h").click()
    build.keys("Shift+ArrowDown")  # moved by one place
    build.elsewhere()
    page.wait_for_function("(old) => location.href !== old", arg=url)
    built = build.document()
    assert built != before
    file = build.saved(tmp_path)
    assert json.loads(file.read_text()) == built
    numbers = {name: value.item() for name, value in forward(gallery["residual-block"]).items()}
    for open_it in (lambda other: other.open_url(page.url), lambda other: other.open().load(file)):
        other = Build(browser.new_context(viewport=LAPTOP).new_page(), build.address)
        open_it(other)
        expect(other.node("h")).to_have_count(1)
        other.links_to(built)
        assert other.values() == pytest.approx(numbers)
        other.page.context.close()


def test_an_almost_right_file_keeps_the_canvas_and_opens_mended(build, page, tmp_path):
    build.open(p="chain")
    before = build.document()
    wrong = to_dict(gallery["residual"])
    wrong["nodes"][4]["inputs"], wrong["nodes"][7]["name"] = "s, zz3", "c"  # a text with a misspelt name; c twice
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(wrong), "utf-16")
    build.load(file)
    expect(build.alerts).to_contain_text("'zz3' becomes 'z3'")
    assert build.document() == before, "the canvas and the address keep what they had"
    build.button("page.build.mend.use").click()
    build.has(8)
    assert build.document()["nodes"][4]["inputs"] == ["s", "z3"]
    expect(build.alerts).to_have_count(0)
    build.editor.get_by_role("button", name=say("editor.undo")).click()
    build.has(5)


def test_a_file_that_is_no_text_is_told_and_none_is_uploaded(build, page, tmp_path):
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    build.open(p="chain")
    file = tmp_path / "picture.json"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    build.load(file)
    expect(build.alerts).to_have_text(say("error.document.utf8", file="picture.json"))
    assert build.values() and set(sent) == {"GET"}


def test_almost_right_files_never_break_build(build, page):
    """Open a few files one after another, mended where that is offered; test_almost_right.py draws thousands."""
    finished = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: finished.append(is_finished(frame))))
    build.open(p="residual")
    for seed in range(12):
        file = almost(seed)
        answered(page, finished, lambda file=file: build.load({"name": "graph.json", **MIME, "buffer": file.content}))
        if seed % 2 and page.evaluate(PRESS, say("page.build.mend.use")):
            answered(page, finished, lambda: None)
        shown = page.evaluate(SHOWN)
        assert shown["said"] == shown["drawn"] and not shown["failed"], (seed, file.edit, shown)
        assert page.watch.complaints == [], (seed, file.edit)
        if not shown["drawn"]:
            answered(page, finished, lambda: build.load(KNOWN))
    build.open_url(page.url)
    assert build.values(), "a reload shows a graph"


MIME = {"mimeType": "application/json"}
KNOWN = {"name": "residual.json", **MIME, "buffer": to_json(gallery["residual"]).encode()}
PRESS = """(name) => {
    const button = [...document.querySelectorAll("button")].find((one) => one.textContent.trim() === name);
    button?.click();
    return Boolean(button);
}"""
SHOWN = """() => {
    const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean);
    const editor = roots.map((root) => root.querySelector('[data-testid="editor"]')).find(Boolean);
    return {
        said: Number(editor?.dataset.nodes ?? -1),
        drawn: editor?.querySelectorAll("[data-node]").length,
        failed: document.querySelectorAll('[data-testid="stException"]').length,
    };
}"""


def is_finished(frame):
    message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else b"")
    return message.WhichOneof("type") == "script_finished"


def answered(page, finished, act):
    """Do something and wait until the server's script has answered it."""
    before = sum(finished)
    act()
    end = time.monotonic() + 20
    while sum(finished) == before:
        assert time.monotonic() < end, "no answer"
        page.wait_for_timeout(10)
    page.wait_for_timeout(60)


# ---------------------------------------------------------------- access


@pytest.mark.parametrize("scheme, size", BOTH)
def test_axe_finds_nothing_with_everything_open(build, page, scheme, size):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    build.open(p="residual")
    expect(build.editor).to_have_attribute("data-theme", scheme)
    assert violations(page) == [], "the page"
    build.node("out").focus()
    build.keys("F2")
    expect(build.editor.get_by_label(say("editor.rename"), exact=True)).to_be_focused()
    assert violations(page) == [], "a name is edited"
    build.keys("Escape", "Shift+F10")
    expect(build.editor.get_by_role("menu")).to_be_visible()
    assert violations(page) == [], "a node's menu"
    build.keys("Escape", "a")
    expect(build.editor.get_by_role("listbox")).to_be_visible()
    assert violations(page) == [], "the box that adds a node"
    build.keys("Escape", "?")
    expect(build.editor.get_by_role("dialog")).to_be_visible()
    assert violations(page) == [], "the help"
    build.keys("Escape")
    build.view("leaves")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    assert violations(page) == [], "the leaves"
    for label in ("template", "save"):
        build.popover(f"page.build.{label}")
        assert violations(page) == [], f"popover {label}"
        build.keys("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def test_a_link_is_not_overruled_by_an_old_draft(build, page):
    """The draft that grew from the link's graph is offered; a reload goes on with it."""
    build.open(p="chain")
    shared = page.url
    before = build.document()
    name = build.node().first.get_attribute("data-node")
    build.node(name).click()
    page.keyboard.press("Delete")
    expect(build.node(name)).to_have_count(0)
    page.goto("about:blank")
    build.open(p="chain")
    assert build.document() == before, shared
    offer = page.get_by_text(say("editor.draft_kept"))
    expect(offer).to_be_visible()
    page.get_by_role("button", name=say("editor.draft_take")).click()
    expect(build.node(name)).to_have_count(0)
    expect(offer).to_have_count(0)
