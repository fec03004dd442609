"""The browser tells the engine's chains and sentences: of every number and node its modules say what pcgraph says."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import torch

import pcgraph as pc
from pcgraph.errors import PCGraphError
from pcgraph.explain import reads
from pcgraph.origin import Place, entry
from pcgraph.payload import payload, to_text
from tests.strategies import random_problem

ROOT = Path(__file__).resolve().parent.parent
RUNS = {
    "bp": {"method": "bp"},
    "bp levelled": {"method": "bp", "level": True},
    "zil": {"method": "zil"},
    "zil un-levelled": {"method": "zil", "level": False},
    "zil longest": {"method": "zil", "level": False, "read_at": "longest"},
    "zil cut short": {"method": "zil", "steps": 1},
    "fixed": {"method": "fixed", "rate": 0.5, "steps": 4},
    "pc": {"method": "pc", "rate": 0.05, "steps": 5},
    "pc levelled": {"method": "pc", "rate": 0.05, "steps": 4, "level": True},
    "ipc": {"method": "ipc", "rate": 0.05, "steps": 4, "learning_rate": 0.02},
}
QUANTITIES = ("value", "prediction", "error", "gradient")

# Asks the modules about places of several payloads at once, one answer a line of input.
PROGRAM = """
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { entryOf, numberAt, readsAt } from "ASSETS/origin.mjs";
import { explainNode } from "ASSETS/explain.mjs";
import { createSay } from "ASSETS/messages.mjs";
const say = createSay(JSON.parse(readFileSync(new URL("ASSETS/messages/en.json"), "utf8")));
for await (const line of createInterface({ input: process.stdin })) {
  const { payload, places, nodes } = JSON.parse(line);
  const entries = places.map((place) => {
    const found = entryOf(payload, 0, place);
    return found && { ...found, numbers: found.restsOn.map((one) => numberAt(payload, 0, one)) };
  });
  const read = nodes.map(([name, t]) => readsAt(payload, payload.lanes[0], name, t));
  const told = (list) => list.map(({ key, slots }) => say(key, slots)).join(" ");
  const said = nodes.map(([name, t]) => told(explainNode(payload, 0, name, t)));
  console.log(JSON.stringify({ entries, read, said }));
}
"""


def asked(questions):
    """Return what the JavaScript modules answer to each {payload, places, nodes}."""
    program = PROGRAM.replace("ASSETS", (ROOT / "assets").as_uri())
    command = ["node", "--input-type=module", "--eval", program]
    lines = "\n".join(to_text(question) for question in questions) + "\n"
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def some(steps, count):
    """Return up to `count` steps of 0…T, the first, the last and some between."""
    last = len(steps) - 1
    return sorted({round(last * i / (count - 1)) for i in range(count)})


def found_by_python(solution, place):
    try:
        return entry(solution, place)
    except PCGraphError:
        return None


def places_of(solution, steps):
    graph = solution.problem.graph
    here = [Place(quantity, name, t) for quantity in QUANTITIES for name in graph.names for t in steps]
    return [*here, *(Place("feedback", user, t, slot) for _, user, slot in graph.edges for t in steps)]


def assert_same(problem, runs):
    """Compare every number's kind and what it rests on, and what every node read; return how often each kind came."""
    solutions = [pc.solve(problem, **run) for run in runs]
    questions = []
    for solution in solutions:
        places = places_of(solution, some(solution.steps, 3))
        nodes = [(name, t) for name in solution.problem.graph.names for t in some(solution.steps, 4)]
        questions.append({"payload": payload([solution]), "places": [one._asdict() for one in places], "nodes": nodes})
    kinds = Counter()
    for solution, question, answer in zip(solutions, questions, asked(questions), strict=True):
        where = f"{problem.title}, {solution.method}, levelled {solution.levelled}"
        for place, got in zip(question["places"], answer["entries"], strict=True):
            assert_same_entry(solution, Place(**place), got, where)
            kinds[got["kind"] if got else "none"] += 1
        for (name, t), got in zip(question["nodes"], answer["read"], strict=True):
            assert tuple(got) == reads(solution, name, t), f"{where}: what {name} reads at {t}"
        for (name, t), got in zip(question["nodes"], answer["said"], strict=True):
            assert got == pc.explain(solution, name, t).sentence, f"{where}: {name} at {t}"
    return kinds


def assert_same_entry(solution, place, got, where):
    expected = found_by_python(solution, place)
    if place.quantity == "gradient" and place.node not in solution.gradients:
        expected = None  # half read: no gradient, so none travels
    assert (got is None) == (expected is None), f"{where}: {place}"
    if not expected:
        return
    assert got["kind"] == expected.kind, f"{where}: {place}"
    assert [Place(**one) for one in got["restsOn"]] == list(expected.rests_on), f"{where}: {place}"
    assert got["sentence"]["key"] == f"origin.{expected.kind}" and got["sentence"]["slots"]["node"] == place.node
    assert None not in got["numbers"], f"{where}: {place} rests on a number that did not travel"
    assert got["lines"], f"{where}: {place} has no rule"


@pytest.mark.parametrize("name", pc.gallery)
def test_the_browser_finds_the_same_chains_and_readers_in_every_gallery_problem(name):
    kinds = assert_same(pc.gallery[name], RUNS.values())
    assert {"leaf", "forward", "prediction", "error", "start", "cotangent", "clamped", "feedback"} <= set(kinds)


def test_all_kinds_of_rules_are_compared():
    kinds = assert_same(pc.gallery["residual"], RUNS.values())
    assert {"move", "learned", "gradient", "none"} <= set(kinds)


@pytest.mark.parametrize("seed", range(6))
def test_the_browser_finds_the_same_chains_and_readers_on_random_graphs(seed):
    assert_same(random_problem(seed, nodes=7, tensors=seed % 2 == 0), RUNS.values())


def test_where_an_op_does_not_tell_its_derivatives_every_input_is_read():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Softsign(), torch.nn.Hardtanh()).double()
    problem = pc.from_torch(module, (torch.tensor([0.3, -0.6], dtype=torch.float64),), target=torch.tensor([0.1, 0.2]))
    assert any(not op["partials"] for op in payload([pc.solve(problem, "bp")])["ops"].values())
    assert_same(problem, RUNS.values())


def test_a_run_that_diverges_early_is_told_the_same():
    runs = [{"method": method, "rate": 50.0, "steps": 60} for method in ("pc", "ipc")]
    assert any(len(pc.solve(pc.gallery["chain"], **run).steps) < 61 for run in runs)
    assert_same(pc.gallery["chain"], runs)
