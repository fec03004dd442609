"""The exports hold the trace to the last digit, and the page plays it alone: from disk, the network off."""

from __future__ import annotations

import base64
import codecs
import csv
import io
import json
import math
import os
import re
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import pcgraph as pc
from pcgraph.bundle import bundle
from pcgraph.export import notebook_html, trace_csv, trace_html
from pcgraph.graph import Graph, Node
from pcgraph.messages import table
from pcgraph.payload import payload, to_text
from tests.traces import solve

EVIL = "</script><img src=x onerror=alert(1)>"
RUNS = [
    ("residual", "zil", {}),
    ("residual", "zil", {"level": False}),
    ("residual", "bp", {}),
    ("millidge", "pc", {"steps": 7}),
    ("chain", "ipc", {"steps": 5}),
    ("mlp", "zil", {}),
    ("attention", "fixed", {}),
    ("convolution", "bp", {}),
]
each_run = pytest.mark.parametrize(("name", "method", "settings"), RUNS, ids=lambda part: str(part))


def same(number, tensor):
    """Tell whether nested lists from a file are a tensor, bit for bit."""
    return torch.equal(torch.tensor(number, dtype=tensor.dtype), tensor)


# ---- JSON


@each_run
def test_json_reads_back_as_the_trace_to_the_last_digit(name, method, settings):
    solution = solve(name, method, **settings)
    trace = json.loads(solution.to_json(), parse_constant=pytest.fail)
    assert (trace["version"], trace["method"], trace["result"]) == (1, method, solution.result.value)
    assert trace["message"] == solution.message
    assert trace["settings"] == {
        "rate": solution.rate,
        "steps": len(solution.steps) - 1,
        "levelled": solution.levelled,
    }
    assert list(trace["gradients"]) == list(solution.gradients)
    assert all(same(trace["gradients"][leaf], found) for leaf, found in solution.gradients.items())
    assert [step["t"] for step in trace["steps"]] == list(range(len(solution.steps)))
    for written, step in zip(trace["steps"], solution.steps, strict=True):
        assert written["energy"] == step.energy and written["energy_by_node"] == dict(step.energy_by_node)
        for part in ("values", "predictions", "errors", "read"):
            tensors = getattr(step, part)
            assert set(written[part]) == set(tensors)
            assert all(same(written[part][node], tensors[node]) for node in tensors)
        sent = {(edge["user"], edge["slot"]): edge["value"] for edge in written["feedback"]}
        assert set(sent) == set(step.feedback)
        assert all(same(sent[edge], step.feedback[edge]) for edge in sent)


def test_json_holds_the_papers_numbers():
    trace = json.loads(solve().to_json())
    wanted = {"s": -0.013824, "z3": -0.02592, "z2": -0.09072, "z1": 0.15552}  # THEORY, G2
    assert trace["gradients"] == pytest.approx(wanted, rel=1e-12)
    assert [step["energy"] for step in trace["steps"]] == pytest.approx([0.0058, 0.0175, 0.097, 0.59, 3.7], rel=0.02)


def test_the_document_inside_the_json_gives_the_same_gradients_again():
    trace = json.loads(solve("rnn").to_json())
    again = pc.solve(pc.Problem.from_json(json.dumps(trace["document"])), "zil", level=False)
    assert {leaf: again.gradients[leaf].item() for leaf in again.gradients} == trace["gradients"]


def broken():
    """Return a trace whose last step holds an infinite value and an error that is no number."""
    solution = solve(method="pc", steps=1)
    last = solution.steps[-1]
    values = {**last.values, "a": torch.tensor(math.inf), "b": torch.tensor(-math.inf)}
    state = replace(last.state, values=values, errors={**last.errors, "a": torch.tensor(math.nan)})
    return replace(solution, steps=(solution.steps[0], replace(last, state=state, energy=math.nan)))


def test_json_writes_what_is_not_finite_as_text():
    last = json.loads(broken().to_json(), parse_constant=pytest.fail)["steps"][-1]
    found = (last["values"]["a"], last["values"]["b"], last["errors"]["a"], last["energy"])
    assert found == ("Infinity", "-Infinity", "NaN", "NaN")


def test_json_keeps_a_rate_given_by_node():
    assert json.loads(solve(rate={"a": 0.5}).to_json())["settings"]["rate"] == {"a": 0.5}


# ---- CSV


def rows_of(text):
    rows = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        rows[int(row["t"]), row["node"]].append(row)
    return rows


@each_run
def test_csv_reads_back_as_the_trace_to_the_last_digit(name, method, settings):
    solution = solve(name, method, **settings)
    rows = rows_of(solution.to_csv())
    assert len(rows) == len(solution.steps) * len(solution.problem.graph.nodes)
    for step in solution.steps:
        for node in solution.problem.graph.nodes:
            found = rows[step.t, node.name]
            assert {(row["op"], row["level"]) for row in found} == {(node.op, str(solution.levels[node.name]))}
            for column, tensors in {"value": step.values, "prediction": step.predictions, "error": step.errors}.items():
                cells = [row[column] for row in found]
                wanted = tensors[node.name].flatten().tolist() if node.name in tensors else None
                assert set(cells) == {""} if wanted is None else [float(cell) for cell in cells] == wanted
        energies = [float(row["energy"]) for node in step.energy_by_node for row in rows[step.t, node] if row["energy"]]
        assert sum(energies) == step.energy
    for leaf, gradient in solution.gradients.items():
        cells = [float(row["gradient"]) for row in rows[len(solution.steps) - 1, leaf]]
        assert cells == gradient.flatten().tolist()


def test_csv_gives_a_tensor_a_row_an_element_with_its_place():
    rows = rows_of(solve("mlp").to_csv())[0, "W2"]
    assert [row["index"] for row in rows] == [f"[{row}, {column}]" for row in range(2) for column in range(4)]
    assert [row["value"] for row in rows] == ["0.6", "-0.5", "0.4", "0.3", "-0.7", "0.2", "0.5", "-0.6"]


def test_csv_leaves_a_cell_empty_where_nothing_is_there_yet():
    rows = rows_of(solve(method="bp").to_csv())
    assert (rows[0, "a"][0]["error"], rows[0, "z3"][0]["prediction"], rows[0, "z3"][0]["gradient"]) == ("", "", "")
    assert float(rows[0, "out"][0]["error"]) == pytest.approx(-0.108)
    gradients = [rows[t, "z1"][0]["gradient"] for t in range(3)]  # z1 is read at t = 1, at level 1
    assert gradients[0] == "" and [float(each) for each in gradients[1:]] == pytest.approx([0.15552, 0.15552])


def test_csv_says_what_is_not_finite():
    row = rows_of(broken().to_csv())[1, "a"][0]
    assert (row["value"], row["error"]) == ("Infinity", "NaN")


@pytest.mark.parametrize(
    "name", ["=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "＝1+1", "\tx", "\r=1+1", "x\n=1+1", "x\r=1+1"]
)
def test_csv_has_no_name_that_a_spreadsheet_would_run(name):
    graph = Graph([Node(name, "parameter"), Node("y", "tanh", (name,))], "y")
    solution = pc.solve(pc.Problem(graph, {name: 0.5}, 0.1), "zil")
    cells = [cell for row in csv.reader(solution.to_csv().splitlines()) for cell in row]
    assert any(cell.endswith(name[-3:]) for cell in cells)
    for cell in cells:
        if cell.startswith(("=", "+", "-", "@", "＝", "\t", "\r")):
            float(cell)  # only numbers may start so


def test_a_csv_file_shows_a_spreadsheet_chinese_names(tmp_path):
    """A byte-order mark says that the file is UTF-8; numbers are bare, with a point, so that they stay numbers."""
    pc.solve(
        pc.parse(
            "输入 = input(1.5)\n权重 = parameter(0.5)\n输出 = tanh(权重 * 输入)\nminimise squared_error(输出, 0.1)"
        ),
        "zil",
    ).to_csv(tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    assert data.startswith(codecs.BOM_UTF8) and data.count(codecs.BOM_UTF8) == 1 and b"\r" not in data
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert {"输入", "权重", "输出"} <= {row["node"] for row in rows}
    assert all(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", row["value"]) for row in rows)


def test_files_hold_what_is_returned(tmp_path):
    solution = solve("rnn")  # its identity nodes have primes in their names
    for write, encoding in ((trace_csv, "utf-8-sig"), (lambda one, path: trace_html([one], path), "utf-8")):
        text = write(solution, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == text.encode(encoding)
    assert "w′" in trace_csv(solution)


# ---- HTML, as text


class Page(HTMLParser):
    """What a browser would find in a page: its elements, and the text inside each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], defaultdict(list), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(dict(attrs).get("id") or dict(attrs).get("type") or tag)

    def handle_endtag(self, tag):
        if tag not in ("meta", "img"):
            self.open.pop()

    def handle_data(self, data):
        self.texts[self.open[-1] if self.open else ""].append(data)

    def text(self, place):
        return "".join(self.texts[place])

    def tags(self):
        return {tag for tag, _ in self.elements}


def evil_solution():
    name = f"h{EVIL}"
    graph = Graph([Node("w", "parameter"), Node(name, "tanh", ("w",)), Node("y", "square", (name,))], "y")
    return pc.solve(pc.Problem(graph, {"w": 0.5}, 0.1, title=EVIL), "zil")


def modules_of(page):
    (module,) = re.findall(r'^import load from "data:text/javascript;base64,(.+)";$', page, re.M)
    return base64.b64decode(module).decode()


def test_the_page_holds_the_payload_and_the_sentences():
    solutions = [solve(method="bp", level=True), solve()]
    page = Page(trace_html(solutions))
    assert json.loads(page.text("payload")) == json.loads(to_text(payload(solutions)))
    sentences = json.loads(page.text("messages"))
    assert sentences.items() <= table().items()
    source = modules_of(trace_html(solutions))
    said = set(re.findall(r"""\bsay\(\s*["'`]([^"'`$]+)["'`]""", source))
    lanes = payload(solutions)["lanes"]
    said |= {caption["key"] for lane in lanes for caption in [lane["message"], *lane["captions"]]}
    assert said and said <= set(sentences)


def test_the_page_carries_the_stage_and_what_it_needs_and_no_more():
    source = modules_of(trace_html([solve()]))
    assert source == bundle("stage.mjs")
    assert '"stage.mjs": () => {' in source and '"dom.mjs": () => {' in source and "editor" not in source


def test_the_page_asks_nobody_for_anything():
    text = trace_html([solve()])
    assert not re.search(r"https?:|\burl\(|@import", text)
    page = Page(text)
    assert page.tags() == {
        *("html", "head", "meta", "title", "style", "script", "body", "main", "h1", "div", "noscript"),
    }
    assert not [attrs for _, attrs in page.elements if {"src", "href"} & set(attrs)]
    (policy,) = [attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    sources = [source for rule in policy.split(";") for source in rule.split()[1:]]
    assert all(source == "'none'" or source.startswith("'nonce-") for source in sources)


def test_a_title_or_a_name_that_is_a_tag_stays_a_text():
    page = Page(trace_html([evil_solution()]))
    assert "img" not in page.tags()
    assert [tag for tag, _ in page.elements].count("script") == 3
    assert page.text("title") == f"{EVIL} · PC Graph" and page.text("h1") == EVIL
    assert json.loads(page.text("payload"))["nodes"][1]["name"] == f"h{EVIL}"


def test_a_page_without_a_title_has_a_name_all_the_same():
    solution = pc.solve(pc.parse("tanh(w * x)"), "zil")
    page = Page(trace_html([solution]))
    assert (page.text("title"), page.text("h1")) == ("PC Graph", "")


def test_the_notebook_shows_the_same_page_in_a_frame_that_cannot_reach_the_notebook():
    for solution in (solve(), evil_solution()):
        frame = Page(solution._repr_html_())
        ((tag, attrs),) = frame.elements
        assert tag == "iframe" and attrs["srcdoc"] == trace_html([solution])
        assert attrs["sandbox"] == "allow-scripts" and attrs["title"] == solution.problem.title


def test_the_notebook_shows_a_problem_by_its_zil_trace_and_prints_one_that_cannot_be_computed():
    assert pc.gallery["residual"]._repr_html_() == pc.solve(pc.gallery["residual"], "zil")._repr_html_()
    assert pc.parse("log(x)").with_values({"x": -1.0})._repr_html_() is None


# ---- HTML, in a browser


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags.split()
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page from disk with the network off; at the end, hold it to have said and asked nothing."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    said: list[str] = []
    path: Path = tmp_path / "page.html"

    def note(request):
        if request.url != path.as_uri() and not request.url.startswith("data:text/javascript"):
            said.append(request.url)

    def open_page(text: str):
        path.write_text(text, "utf-8")
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", note)
        page.goto(path.as_uri())
        return page

    yield open_page
    context.close()
    assert said == []


@pytest.mark.e2e
def test_the_page_plays_from_disk_with_the_network_off(visit):
    from playwright.sync_api import expect

    solution = solve()
    page = visit(trace_html([solution]))
    stage = page.get_by_test_id("stage")
    expect(stage).to_have_attribute("data-steps", "4")
    node = page.locator('[data-node="b"]')
    for key, t in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 4), ("Home", 0), ("PageDown", 1)]:
        page.keyboard.press(key)
        expect(stage).to_have_attribute("data-t", str(t))
        assert float(node.get_attribute("data-error")) == solution.steps[t].errors["b"].item()
    assert page.title() == "Residual graph (the paper) · PC Graph"


@pytest.mark.e2e
def test_the_page_plays_two_lanes_on_one_clock(visit):
    from playwright.sync_api import expect

    page = visit(trace_html([solve(method="bp", level=True), solve()]))
    expect(page.locator("[data-lane]")).to_have_count(2)
    page.keyboard.press("ArrowRight")
    errors = [
        page.locator(f'[data-lane="{lane}"] [data-node="c"]').get_attribute("data-error") for lane in ("bp", "zil")
    ]
    assert [float(error) for error in errors] == pytest.approx([-0.108, -0.108], rel=1e-12)


# ---- HTML of a large network, in a browser


@pytest.fixture(scope="module")
def deep():
    """A network with more nodes than fit the board: six residual blocks between two layers."""

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

        def forward(self, x):
            return x + self.two(torch.tanh(self.one(x)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(*[Block() for _ in range(8)], torch.nn.Linear(4, 2)).double()
        x, target = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    problem = pc.from_torch(module, x, target=target)
    return problem, pc.solve(problem, "zil")


def group(page, name):
    return page.locator(f'[data-group="{name}"]')


@pytest.mark.e2e
def test_a_large_network_opens_folded_and_a_module_unfolds_and_folds_again(visit, deep):
    from playwright.sync_api import expect

    page = visit(trace_html([deep[1]]))
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator("[data-group]")).to_have_count(len(payload([deep[1]])["folded"]["groups"]))
    expect(page.locator("[data-node]")).to_have_count(0)
    levels = deep[1].levels
    inside = [node.name for node in deep[0].graph.inner if node.name.startswith("6.")]
    first = min(levels[name] for name in inside)
    for _ in range(first):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("stage")).to_have_attribute("data-t", str(first))
    label = group(page, "6").get_attribute("aria-label")
    assert "front is here" in label and label.startswith("Module 6")
    found = {t: step.errors for t, step in enumerate(deep[1].steps)}
    (here,) = [name for name in inside if levels[name] == first]
    assert float(group(page, "6").get_attribute("data-error")) == found[first][here].abs().max().item()

    group(page, "6").focus()
    page.keyboard.press("Enter")
    node = page.locator(f'[data-node="{here}"]')
    expect(node).to_be_in_viewport()
    assert float(node.get_attribute("data-error")) == found[first][here].abs().max().item()
    expect(page.get_by_role("button", name="Show the graph by module")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("stage")).to_have_attribute("data-t", str(first + 1))
    page.keyboard.press("Escape")
    expect(group(page, "6")).to_be_visible()
    page.get_by_role("button", name="Show every node").click()
    expect(page.locator("[data-node]")).to_have_count(len(deep[1].problem.graph.nodes))


@pytest.mark.e2e
def test_the_strip_of_levels_shows_what_is_seen_and_moves_it(visit, deep):
    from playwright.sync_api import expect

    page = visit(trace_html([deep[1]]))
    strip = page.get_by_role("scrollbar")
    group(page, "0").wait_for()
    expect(strip).to_be_hidden()
    group(page, "0").click()
    expect(strip).to_be_visible()
    output = page.locator(f'[data-node="{deep[1].problem.graph.output}"]')
    expect(output).not_to_be_in_viewport()
    box = strip.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    expect(output).to_be_in_viewport()
    before = int(strip.get_attribute("aria-valuenow"))
    strip.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("stage")).to_have_attribute("data-t", "0")
    assert int(strip.get_attribute("aria-valuenow")) < before
    page.get_by_role("button", name="Fit the whole graph").click()
    expect(strip).to_be_hidden()


@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_large_network_folded_and_unfolded(browser, tmp_path, deep, scheme):
    """In a page without the policy that keeps foreign scripts such as axe out."""
    (tmp_path / "page.html").write_text(trace_html([deep[1]]), "utf-8")
    page = browser.new_page(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    page.goto((tmp_path / "page.html").as_uri())
    page.add_script_tag(path=Path(__file__).resolve().parent.parent / "node_modules/axe-core/axe.min.js")
    for action in (lambda: page.keyboard.press("End"), lambda: group(page, "3").click()):
        action()
        page.wait_for_timeout(500)
        found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]] == []
    page.context.close()


@pytest.mark.e2e
def test_a_tag_in_a_title_or_a_name_does_nothing_in_a_browser(visit):
    page = visit(trace_html([evil_solution()]))
    page.get_by_test_id("stage").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == EVIL


@pytest.mark.e2e
def test_the_frame_of_a_notebook_plays_too(visit):
    from playwright.sync_api import expect

    page = visit(f"<!doctype html><title>notebook</title>{notebook_html([solve()])}")
    stage = page.frame_locator("iframe").get_by_test_id("stage")
    stage.get_by_role("button", name="Step forward").click()
    expect(stage).to_have_attribute("data-t", "1")
