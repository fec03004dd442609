"""payload: the stage's JSON, against docs/payload.md and against the trace it comes from, in full precision."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import pytest
import torch

import pcgraph as pc
from pcgraph.messages import say
from pcgraph.payload import CELLS, _weights, cell, payload, to_text
from tests.strategies import random_problem

SCHEMA = (Path(__file__).resolve().parent.parent / "docs/payload.md").read_text("utf-8")
G2 = pc.gallery["residual"]
RUNS = [
    ("residual", {"method": "bp", "level": True}),
    ("residual", {"method": "zil"}),
    ("residual", {"method": "zil", "level": False}),
    ("residual", {"method": "zil", "steps": 1}),
    ("rnn", {"method": "zil"}),
    ("rnn", {"method": "zil", "level": False, "steps": 4}),
    ("repeated", {"method": "pc", "rate": 0.05, "steps": 8}),
    ("chain", {"method": "ipc", "steps": 8}),
    ("chain", {"method": "pc", "rate": 0.21, "steps": 300}),
    ("millidge", {"method": "fixed"}),
    ("mlp", {"method": "zil"}),
    ("attention", {"method": "pc", "steps": 4}),
    ("convolution", {"method": "fixed", "rate": {"c": 0.5}}),
]
RUN_NAMES = [f"{name} {' '.join(map(str, settings.values()))}" for name, settings in RUNS]
every_run = pytest.mark.parametrize("name, settings", RUNS, ids=RUN_NAMES)


def made(name, settings):
    """Return a trace, and its payload as a reader in another language gets it."""
    solution = pc.solve(pc.gallery[name], **settings)
    return solution, strict(to_text(payload([solution])))


def strict(text):
    """Read JSON that has no NaN or Infinity words in it."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def entry(series, t):
    return None if series is None else series[min(t, len(series) - 1)]


def number(entry):
    """Return the float of an entry: the words stand for what JSON has no number for."""
    return float({"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(entry, entry))


def same(entry, value):
    """Tell whether an entry is a tensor of the trace, bit for bit."""
    if value is None or entry is None:
        return value is None and entry is None
    if value.ndim == 0:
        return number(entry) == value.item() or (math.isnan(number(entry)) and math.isnan(value.item()))
    flat = value.flatten().tolist()
    assert entry["whole"] and math.prod(entry["grid"]) == len(flat)
    assert entry["grid"][-1] == value.shape[-1]
    return [number(cell) for cell in entry["cells"]] == flat and number(entry["max"]) == float(value.abs().max())


# ---------------------------------------------------------------- the shape of it


def keys_in_docs(heading):
    """Return the keys of an object as the document shows them: those at the first depth of its braces."""
    block = SCHEMA.split(heading, 1)[1].split("```", 2)[1]
    depth, keys = 0, []
    for token in re.findall(r'"(\w+)":|([{}\[\]])', block):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[1], 0)
        keys += [token[0]] if token[0] and depth == 1 else []
    return set(keys)


def test_the_documents_keys_are_the_payloads_and_no_others():
    bp, zil = pc.solve(G2, "bp", level=True), pc.solve(G2, "zil")
    found = payload([bp, zil])
    assert set(found) == keys_in_docs("# What the stage reads")
    assert all(set(lane) == keys_in_docs("**LANE**") for lane in found["lanes"])
    assert set(found["compare"]) == keys_in_docs("**COMPARE**")


@pytest.mark.parametrize("text", ["ε", "</script>", "日本語", "😀 ε <", "\ud800", 'a"b\\c\n', ""])
@pytest.mark.parametrize("number", [0.1, -1e-9, 5e-324, 1.7976931348623157e308, 2**53 + 1, 2**70, -0.0, True, None])
def test_the_text_of_a_payload_says_what_it_is_given_in_ascii_and_safe_in_html(text, number):
    content = {"name": [text, number, (1.0, text)], text: {}}
    found = to_text(content)
    assert found.isascii() and "<" not in found
    assert repr(strict(found)) == repr({"name": [text, number, [1.0, text]], text: {}})


@every_run
def test_nodes_edges_and_lanes_have_the_documented_form(name, settings):
    solution, found = made(name, settings)
    graph = solution.problem.graph
    assert found["version"] == 1 and found["title"] == pc.gallery[name].title and found["compare"] is None
    assert [node["name"] for node in found["nodes"]] == list(graph.names)
    for node in found["nodes"]:
        assert set(node) == {"name", "op", "kind", "level", "x", "y", "shape", "inputs", "stands_for", "attrs", "group"}
        row = graph[node["name"]]
        kind = row.op if row.is_leaf else "identity" if row.op == "identity" and row.stands_for else "node"
        assert (node["kind"], node["op"], tuple(node["inputs"])) == (kind, row.op, row.inputs)
        assert node["level"] == solution.levels[row.name] and node["x"] == found["depth"] - node["level"]
        assert node["shape"] == list(solution.steps[0].values[row.name].shape) and node["stands_for"] == row.stands_for
    assert found["depth"] == max(solution.levels.values())
    edges = [(edge["from"], edge["to"], edge["slot"]) for edge in found["edges"]]
    assert edges == [(i, node.name, slot) for node in graph.nodes for slot, i in enumerate(node.inputs)]
    (lane,) = found["lanes"]
    assert (lane["method"], lane["levelled"]) == (settings["method"], solution.levelled)
    assert lane["steps"] == len(solution.steps) - 1 and lane["symbol"] == ("δ" if settings["method"] == "bp" else "ε")
    assert lane["front"] is (settings["method"] in ("bp", "zil"))
    assert (
        lane["result"] in ("finished", "converged", "max_steps", "diverged") and lane["result"] == solution.result.value
    )
    for part in ("values", "predictions", "errors"):
        assert len(lane[part]) == len(found["nodes"])
    assert (
        len(lane["feedback"]) == len(found["edges"])
        and len(lane["energy"]) == len(lane["captions"]) == lane["steps"] + 1
    )


# ---------------------------------------------------------------- the budget of a large trace


def entries(lane):
    columns = [series for part in ("values", "predictions", "errors", "feedback") for series in lane[part]]
    return [one for series in [*columns, *lane["gradients"].values()] for one in series or [] if isinstance(one, dict)]


def test_beyond_the_budget_tensors_travel_as_their_size_and_heat_maps_by_need(monkeypatch):
    solution = pc.solve(pc.gallery["mlp"], "pc", rate=0.05, steps=9)
    (whole,) = payload([solution])["lanes"]
    assert all("cells" in one for one in entries(whole))
    parts = ["gradients", "errors", "values", "predictions", "feedback"]
    cells = _weights([solution])
    assert list(cells) == parts and sum(cells.values()) >= sum(len(one["cells"]) for one in entries(whole))
    for kept in range(len(parts)):
        monkeypatch.setattr(sys.modules["pcgraph.payload"], "BUDGET", sum(cells[part] for part in parts[:kept]))
        (lane,) = payload([solution])["lanes"]
        for part in parts:
            series = [*lane[part].values()] if part == "gradients" else lane[part]
            found = [one for each in series for one in each or [] if isinstance(one, dict)]
            assert found and all(("cells" in one) is (part in parts[:kept]) for one in found), (kept, part)
    for one, other in zip(entries(whole), entries(lane), strict=True):
        assert one["max"] == other["max"]


def test_the_size_of_a_tensor_is_its_largest_absolute_entry_to_the_last_bit():
    for value in (torch.tensor([1.0, -3.0, 2.0]), torch.tensor([0.1, 0.2], dtype=torch.float32), torch.zeros(2, 0)):
        assert cell(value)["max"] == (float(value.abs().max()) if value.numel() else 0.0)
    assert cell(torch.tensor([1.0, math.nan]))["max"] == "NaN"
    assert cell(torch.tensor([1.0, -math.inf]))["max"] == "Infinity"


def test_block_means_are_rounded_only_where_asked():
    value = torch.arange(1.0, 1001.0, dtype=torch.float64).reshape(10, 100) / 7
    means = torch.nn.functional.adaptive_avg_pool2d(value[None], (8, 8))[0].flatten().tolist()
    assert cell(value)["cells"] == means and not cell(value)["whole"]
    assert cell(value, digits=3)["cells"] == [float(f"{mean:.3g}") for mean in means]
    assert cell(torch.zeros(10, 100), digits=3)["cells"] == [0.0] * 64


# ---------------------------------------------------------------- the numbers


@every_run
def test_every_number_is_the_traces_bit_for_bit(name, settings):
    solution, found = made(name, settings)
    graph, (lane,) = solution.problem.graph, found["lanes"]
    for t, step in enumerate(solution.steps):
        for row, node in enumerate(graph.nodes):
            assert same(entry(lane["values"][row], t), step.values[node.name])
            for part in ("predictions", "errors"):
                expected = None if node.is_leaf else getattr(step, part).get(node.name)
                assert same(entry(lane[part][row], t), expected), (part, node.name, t)
        for row, (_, user, slot) in enumerate(graph.edges):
            assert same(entry(lane["feedback"][row], t), step.feedback.get((user, slot)))
        if solution.method == "bp":
            assert lane["energy"][t] is None
        else:
            assert number(lane["energy"][t]) == step.energy or math.isnan(step.energy)


@every_run
def test_gradients_fill_as_they_are_read_and_end_at_the_solutions(name, settings):
    solution, found = made(name, settings)
    (lane,), learnable = found["lanes"], [leaf for leaf in solution.problem.graph.leaves if leaf.op != "constant"]
    assert list(lane["gradients"]) == [leaf.name for leaf in learnable]
    for leaf, series in lane["gradients"].items():
        last = entry(series, lane["steps"])
        assert same(last, solution.gradients.get(leaf))
        first = min((step.t for step in solution.steps if leaf in step.read), default=None)
        if series is not None:
            assert all(entry(series, t) is None for t in range(first)) and entry(series, first) is not None
    assert lane["reads"] == {
        leaf: max(step.t for step in solution.steps if leaf in step.read)
        for leaf in lane["gradients"]
        if leaf in solution.gradients and any(leaf in step.read for step in solution.steps)
    }


def test_a_bp_series_is_null_until_the_front_has_come():
    _, found = made("residual", {"method": "bp", "level": True})
    names = [node["name"] for node in found["nodes"]]
    errors = found["lanes"][0]["errors"][names.index("b")]
    assert errors[:2] == [None, None] and errors[2] == pytest.approx(-0.0756, rel=1e-12)


def test_a_constant_series_has_one_entry():
    _, found = made("residual", {"method": "zil"})
    for row, node in enumerate(found["nodes"]):
        if node["kind"] in ("input", "parameter"):
            assert found["lanes"][0]["values"][row] == [float(G2.values[node["name"]])]
            assert found["lanes"][0]["predictions"][row] is None and found["lanes"][0]["errors"][row] is None


def test_x_times_x_is_two_edges_each_with_its_feedback():
    solution = pc.solve(pc.parse("x = input(3.0)\nq = x * x\nminimise squared_error(q, 1.0)"), "zil")
    found = payload([solution])
    assert [(edge["from"], edge["to"], edge["slot"]) for edge in found["edges"]] == [("x", "q", 0), ("x", "q", 1)]
    assert [series[0] for series in found["lanes"][0]["feedback"]] == [24, 24]


def test_numbers_that_json_has_none_for_are_words():
    solution = pc.solve(pc.gallery["rnn"], "zil")
    assert any(math.isnan(step.energy) for step in solution.steps) and any(math.isinf(s.energy) for s in solution.steps)
    found = strict(to_text(payload([solution])))
    assert {"NaN", "Infinity"} <= set(map(str, found["lanes"][0]["energy"]))


def test_a_tensor_travels_whole_up_to_64_numbers_and_as_block_means_beyond():
    rows = [pc.Node("x", "input"), pc.Node("w", "parameter"), pc.Node("y", "mul", ("x", "w"))]

    def entry_of(*shape):
        values = torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape)
        problem = pc.Problem(pc.Graph(rows, "y"), {"x": values, "w": 1.0}, torch.zeros(shape, dtype=torch.float64))
        found = payload([pc.solve(problem, "zil")])
        assert found["nodes"][0]["shape"] == list(shape)
        return values, found["lanes"][0]["values"][0][0]

    values, small = entry_of(8, 8)
    assert CELLS == 64 and small["whole"] and small["grid"] == [8, 8] and small["cells"] == values.flatten().tolist()
    assert entry_of(7)[1]["grid"] == [1, 7] and entry_of(2, 3, 4)[1]["grid"] == [6, 4]
    values, large = entry_of(16, 24)
    blocks = values.reshape(8, 2, 8, 3).mean((1, 3))
    assert not large["whole"] and large["grid"] == [8, 8] and large["max"] == 16 * 24 - 1
    assert large["cells"] == pytest.approx(blocks.flatten().tolist(), rel=1e-14)


# ---------------------------------------------------------------- rules and sentences


def assert_tree(content):
    if isinstance(content, int | float | str):
        return
    head, *rest = content
    arities = {"neg": 1, "if": 3} | dict.fromkeys(["+", "-", "*", "/", "**", "@", "<", ">", "<=", ">=", "=="], 2)
    if head == "call":
        assert isinstance(rest[0], str)
        rest = rest[1:]
    else:
        assert len(rest) == arities[head], content
    for part in rest:
        assert_tree(part)


@pytest.mark.parametrize("name", list(pc.gallery))
def test_every_op_has_a_symbol_a_formula_and_partials_as_trees(name):
    found = payload([pc.solve(pc.gallery[name], "zil")])
    inner = [node for node in found["nodes"] if node["kind"] in ("node", "identity")]
    assert {op.split("/")[0] for op in found["ops"]} == {node["op"] for node in inner}
    for op in found["ops"].values():
        assert set(op) == {"symbol", "formula", "partials"} and op["symbol"]
        assert_tree(op["formula"])
        for partial in op["partials"]:
            assert_tree(partial)


def test_the_trees_of_mul():
    assert payload([pc.solve(G2, "zil")])["ops"]["mul"] == {
        "symbol": "×",
        "formula": ["*", "x", "y"],
        "partials": ["y", "x"],
    }


@every_run
def test_every_caption_and_message_is_a_sentence_of_the_table(name, settings):
    solution, found = made(name, settings)
    (lane,) = found["lanes"]
    assert say(lane["message"]["key"], **lane["message"]["slots"]).endswith(".")
    assert lane["message"]["key"] == solution.message_key
    for caption in lane["captions"]:
        assert set(caption) == {"key", "slots"}
        sentence = say(caption["key"], **caption["slots"])
        assert "{" not in sentence and sentence.endswith(".")


def test_captions_follow_the_front():
    keys = [caption["key"] for caption in payload([pc.solve(G2, "zil")])["lanes"][0]["captions"]]
    assert keys == [
        "caption.front.start",
        "caption.front.read",
        "caption.front.read",
        "caption.front.read",
        "caption.front.after",
    ]
    keys = [caption["key"] for caption in payload([pc.solve(G2, "bp")])["lanes"][0]["captions"]]
    assert keys == ["caption.bp.start", "caption.bp.read", "caption.bp.read", "caption.bp.read", "caption.bp.after"]


def test_captions_of_pc_say_whether_the_energy_fell():
    falls = [
        caption["key"]
        for caption in payload([pc.solve(pc.gallery["chain"], "pc", rate=0.05, steps=3)])["lanes"][0]["captions"]
    ]
    assert falls[:2] == ["caption.relax.start", "caption.relax.falls"] and falls[-1] == "caption.relax.falls.read"
    rises = payload([pc.solve(pc.gallery["chain"], "pc", rate=0.3, steps=3)])["lanes"][0]["captions"]
    assert rises[1]["key"] == "caption.relax.rises"


def test_a_wrong_run_is_never_captioned_as_bps():
    for settings in ({"level": False}, {"rate": 0.5}):
        lane = payload([pc.solve(G2, "zil", **settings)])["lanes"][0]
        assert lane["reading"] in ("moved", "scaled")
        said = " ".join(say(caption["key"], **caption["slots"]) for caption in lane["captions"][2:])
        assert "so what is read now is BP's gradient" not in said


# ---------------------------------------------------------------- comparisons


def test_two_lanes_are_compared_leaf_by_leaf():
    bp, wrong = pc.solve(G2, "bp"), pc.solve(G2, "zil", level=False)
    found = strict(to_text(payload([bp, wrong])))["compare"]
    assert [(row["name"], row["kind"]) for row in found["rows"]] == [
        ("s", "input"), ("z3", "parameter"), ("z2", "parameter"), ("z1", "parameter"),
    ]  # fmt: skip
    for row in found["rows"]:
        expected = pc.difference(wrong.gradients[row["name"]], bp.gradients[row["name"]])
        (cell,) = row["cells"]
        assert cell == {
            "lane": 1,
            "absolute": expected.absolute,
            "relative": expected.relative,
            "cosine": expected.cosine,
            "equal": expected.equal,
        }
    assert found["parts"] == [None, 2]


def test_three_lanes_share_nodes_and_positions():
    lanes = [pc.solve(G2, method, level=True) for method in ("bp", "zil", "pc")]
    found = payload(lanes)
    assert [lane["method"] for lane in found["lanes"]] == ["bp", "zil", "pc"]
    assert found["compare"]["parts"] == [None, None, 1] and len(found["compare"]["rows"][0]["cells"]) == 2
    alone = payload(lanes[:1])
    assert (found["nodes"], found["edges"], found["problem"]) == (alone["nodes"], alone["edges"], alone["problem"])


def test_a_leaf_one_lane_did_not_read_has_no_cell():
    found = payload([pc.solve(G2, "bp", level=True), pc.solve(G2, "zil", steps=1)])["compare"]
    assert {row["name"]: len(row["cells"]) for row in found["rows"]} == {"s": 0, "z3": 0, "z2": 0, "z1": 1}


# ---------------------------------------------------------------- identity, safety, size


def test_a_new_id_means_new_numbers_and_the_same_problem_keeps_its_hash():
    base = payload([pc.solve(G2, "zil")])
    assert payload([pc.solve(G2, "zil")]) == base
    changed = [
        [pc.solve(G2, "zil", rate=0.5)],
        [pc.solve(G2.with_values(target=0.4), "zil")],
        [pc.solve(G2.with_values({"z1": 0.71}), "zil")],
        [pc.solve(G2, "zil", steps=3)],
        [pc.solve(G2, "pc", level=True)],
        [pc.solve(G2, "bp", level=True), pc.solve(G2, "zil")],
        [pc.solve(G2, "zil", level=False)],
    ]
    found = [payload(solutions) for solutions in changed]
    assert len({base["id"], *(each["id"] for each in found)}) == len(found) + 1
    assert {each["problem"] for each in found} == {base["problem"]}
    assert payload([pc.solve(pc.gallery["chain"], "pc")])["problem"] != base["problem"]


def test_text_is_safe_inside_a_script_element():
    rows = [pc.Node("<script>", "input"), pc.Node("w", "parameter"), pc.Node("</script>", "mul", ("<script>", "w"))]
    problem = pc.Problem(pc.Graph(rows, "</script>"), {"<script>": 1.0, "w": 2.0}, 0.5, title="<!-- a < b -->")
    text = to_text(payload([pc.solve(problem, "zil")]))
    assert "<" not in text and "\\u003c/script>" in text
    assert strict(text)["nodes"][0]["name"] == "<script>" and strict(text)["title"] == "<!-- a < b -->"


def test_text_is_ascii_so_that_a_letter_does_not_double_its_memory():
    graph = pc.Graph([pc.Node("ε", "input"), pc.Node("y", "tanh", ("ε",))], "y")
    problem = pc.Problem(graph, {"ε": 1.0}, 0.5, title="图 😀")
    text = to_text(payload([pc.solve(problem, "zil")]))
    assert text.isascii()
    assert strict(text)["nodes"][0]["name"] == "ε" and strict(text)["title"] == "图 😀"


def test_text_refuses_what_is_no_json():
    with pytest.raises(ValueError):
        to_text({"energy": math.nan})


@pytest.mark.parametrize("method, rate", [("pc", 0.1), ("zil", 1.0)])
def test_80_nodes_60_steps_and_two_lanes_stay_below_300_kb(method, rate):
    """A deep network of single units, a weight each, every number in full."""
    lines = ["h0 = input(0.7)"]
    for i in range(1, 40):
        lines += [f"w{i} = parameter({0.9 if i % 2 else -1.1})", f"h{i} = w{i} * h{i - 1}"]
    problem = pc.parse("\n".join([*lines, "y = tanh(h39)", "minimise squared_error(y, 0.3)"]))
    lanes = [pc.solve(problem, "bp", steps=60), pc.solve(problem, method, rate=rate, steps=60, level=False)]
    assert len(problem.graph.nodes) == 80 and all(len(lane.steps) == 61 for lane in lanes)
    assert len(to_text(payload(lanes)).encode()) <= 300_000


def test_a_number_costs_at_most_24_bytes_however_many_change():
    problem = random_problem(2, nodes=60)
    lanes = [pc.solve(problem, "bp", steps=60), pc.solve(problem, "pc", rate=0.02, steps=60)]
    numbers = 61 * (3 * len(problem.graph.inner) + len(problem.graph.edges))
    assert len(to_text(payload(lanes)).encode()) <= 24 * numbers + 60_000


def test_attributes_travel_as_lists():
    rows = [pc.Node("x", "input"), pc.Node("y", "reshape", ("x",), {"shape": (4,)})]
    found = payload([pc.solve(pc.Problem(pc.Graph(rows, "y"), {"x": [[1.0, 2.0], [3.0, 4.0]]}, 0.0), "zil")])
    assert found["nodes"][1]["attrs"] == {"shape": [4]}
