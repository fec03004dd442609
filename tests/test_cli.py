"""The command line: every command says what it should, and every wrong input gets one sentence and exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import pcgraph as pc
from pcgraph.__main__ import COMMANDS, main
from pcgraph.ops import OPS
from pcgraph.passes import levels
from pcgraph.random_graphs import random_problem
from pcgraph.verify import autograd, is_uneven, verify, worst_of

ROOT = Path(__file__).resolve().parent.parent
TANH = "x = input(0.5)\nw = parameter(0.8)\nh = tanh(w * x)\nminimise squared_error(h, 0.3)\n"


@pytest.fixture
def run(capsys):
    """Run a command in this process and return its exit code, what it printed, and what it complained of."""

    def run_one(*words):
        code = main(words)
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run_one


def row(text, name):
    """Return the cells of a table's row."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


# ---- solve


@pytest.mark.parametrize(
    ("words", "gradients"),
    [  # THEORY, G2
        ((), {"z1": "+0.155520", "z2": "−0.090720", "z3": "−0.025920", "s": "−0.013824"}),
        (("--no-level",), {"z1": "+0.155520", "z2": "+0.346707", "z3": "−0.162000", "s": "−0.086400"}),
        (("--method", "bp"), {"z1": "+0.155520", "z2": "−0.090720", "z3": "−0.025920", "s": "−0.013824"}),
        (
            ("--method", "zil", "--rate", "0.5"),
            {"z1": "+0.077760", "z2": "−0.022680", "z3": "−0.003240"},
        ),  # F6: γ^(d−1)
    ],
)
def test_solve_prints_the_papers_gradients_beside_bps(run, words, gradients):
    done = run("solve", "residual", *words)
    assert (done.code, done.err) == (0, "")
    for name, gradient in gradients.items():
        assert row(done.out, name)[1] == gradient
    bp = {"z1": "+0.155520", "z2": "−0.090720", "z3": "−0.025920", "s": "−0.013824"}
    assert {name: row(done.out, name)[2] for name in bp} == bp
    assert "Finished: every parameter was read, in 4 steps." in done.out


def test_solve_marks_what_is_equal_and_what_is_not(run):
    done = run("solve", "residual", "--no-level")
    assert row(done.out, "z1")[4:] == ["=", "to", "the", "last", "digit"]
    assert row(done.out, "z2")[3:] == ["4.82", "≠"]  # (0.346707 + 0.09072) / 0.09072


def test_solve_says_what_was_run(run):
    first = run("solve", "G4", "--method", "pc", "--rate", "0.02", "--steps", "500").out.splitlines()[0]
    assert first == "Millidge's graph · PC · γ = 0.02 · not levelled · 500 steps"


def test_solve_shows_a_dot_for_what_was_not_read(run):
    done = run("solve", "residual", "--steps", "2")
    assert row(done.out, "z3")[1:] == ["·", "−0.025920", "·", "·"]
    assert "Stopped before s, z3 could be read. Ask for 4 steps" in done.out


def test_solve_says_that_a_run_diverged(run):
    done = run("solve", "chain", "--method", "pc", "--rate", "0.21", "--steps", "400")  # F16: γ < 0.2
    assert done.code == 0 and "Diverged" in done.out


def test_solve_writes_the_trace_where_asked(run, tmp_path):
    html, table, trace = (tmp_path / f"out.{ending}" for ending in ("html", "csv", "json"))
    done = run("solve", "residual", "--html", str(html), "--csv", str(table), "--json", str(trace))
    assert done.out.splitlines()[-3:] == [f"Wrote {path}." for path in (html, table, trace)]
    solution = pc.solve(pc.gallery["residual"], "zil")
    assert html.read_text("utf-8") == solution.to_html()
    assert table.read_text("utf-8-sig") == solution.to_csv()
    assert json.loads(trace.read_text("utf-8")) == json.loads(solution.to_json())


def test_solve_writes_the_run_as_code_in_a_language(run, tmp_path):
    files = {kind: tmp_path / f"out.{kind}" for kind in ("program", "notebook", "latex")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    done = run("solve", "residual", *words, "--language", "zh")
    assert done.out.splitlines()[-3:] == [f"Wrote {file}." for file in files.values()]
    solution = pc.solve(pc.gallery["residual"], "zil")
    for kind, file in files.items():
        assert file.read_text("utf-8") == getattr(solution, f"to_{kind}")(language="zh")
    refused = run("solve", "residual", "--program", str(tmp_path / "no.py"), "--language", "klingon")
    assert refused.code == 2 and "klingon" in refused.err and not (tmp_path / "no.py").exists()


# ---- where a problem comes from


@pytest.mark.parametrize("words", [("--formula", "tanh(w2 * tanh(w1 * x))"), ("--formula=tanh(w2 * tanh(w1 * x))",)])
def test_a_formula_stands_in_for_a_name(run, words):
    done = run("solve", *words)
    assert done.code == 0
    expected = pc.backprop(pc.parse("tanh(w2 * tanh(w1 * x))"))
    for name in ("w1", "w2", "x"):
        assert float(row(done.out, name)[1].replace("−", "-")) == pytest.approx(expected[name].item(), abs=5e-7)


def test_a_formula_may_start_with_a_minus_sign(run):
    done = run("solve", "--formula", "-x*w", "--rate", "1.0")
    assert done.code == 0 and "Finished" in done.out


def test_options_may_stand_before_a_formula_and_its_node(run):
    assert run("explain", "--method", "bp", "--formula", "tanh(w * x)", "mul1", "0").code == 0


@pytest.mark.parametrize("ending", ["txt", "pcg", "PCG", "json"])
def test_files_of_formulas_and_documents_are_read(run, tmp_path, ending):
    path = tmp_path / f"mine.{ending}"
    path.write_text(pc.parse(TANH).to_json() if ending == "json" else f"\ufeff{TANH}", "utf-8")
    done = run("solve", str(path))
    # h = tanh(0.4) = 0.379949; δ = 0.079949; ∂w = δ (1 − h²) x = 0.034204
    assert (done.code, row(done.out, "w")[1]) == (0, "+0.034204")


# ---- the other commands


def test_compare_prints_every_method_and_where_they_part(run):
    done = run("compare", "residual", "--methods", "zil, pc")
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in done.out.splitlines() if line.startswith(("s ", "z"))}
    assert {method for _, method in rows} == {"bp", "zil", "pc"}
    assert rows["z3", "zil"][0] == "−0.025920" and rows["z3", "pc"][-1] == "≠"
    assert "Z-IL and BP never part. Finished" in done.out
    assert "PC and BP part at step 1." in done.out


def test_compare_without_levelling_shows_the_step_at_which_zil_parts(run):
    done = run("compare", "residual", "--methods", "zil", "--no-level")
    assert "Z-IL and BP part at step 2." in done.out  # c and out agree; b is reached at t = 2, when a has moved
    assert "+0.346707" in done.out


def test_compare_writes_a_page_with_a_lane_for_each(run, tmp_path):
    run("compare", "residual", "--methods", "zil,pc", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text("utf-8")
    assert [page.count(f'"method":"{method}"') for method in ("bp", "zil", "pc", "fixed")] == [1, 1, 1, 0]


def test_explain_fills_the_rules_with_numbers(run):
    done = run("explain", "residual", "b", "2")
    # at t = 2: μ = 1.2 × −1.2, and b has moved by the feedback −0.108 × 0.7 from −1.44
    assert "ε(b) = −1.4400 − −1.3644 = −0.0756" in done.out
    assert "Read for this: a, z2, c, z1." in done.out


def test_gallery_lists_every_problem(run):
    done = run("gallery")
    assert [line.split()[0] for line in done.out.splitlines()] == list(pc.gallery)


def test_bench_hands_its_words_on(run, monkeypatch):
    heard = []
    module = SimpleNamespace(main=lambda words: heard.append(words) or 3)
    monkeypatch.setitem(sys.modules, "pcgraph.bench", module)
    monkeypatch.setattr(pc, "bench", module, raising=False)
    assert run("bench", "--quick", "80").code == 3
    assert heard == [["--quick", "80"]]


# ---- verify


def test_verify_passes_and_says_how_many_unlevelled_graphs_fail(run):
    done = run("verify", "--graphs", "6", "--seed", "5")
    assert done.code == 0
    assert "14 problems of the gallery and 6 random graphs (from seed 5)" in done.out
    assert "Passed: no error is above 1e-9." in done.out
    report = verify(6, seed=5)
    assert all(worst.relative <= 1e-9 for worst in report.worst.values())
    assert f"wrong on {report.failed} of these 20 graphs" in done.out
    assert report.failed == report.uneven > 6  # F2


def test_verify_fails_when_a_derivative_is_wrong(run, monkeypatch):
    wrong = pc.Op(**{**vars(OPS["tanh"]), "vjp": lambda ct, out, x: (ct * (1 - out),)})
    monkeypatch.setitem(OPS, "tanh", wrong)
    done = run("verify", "--graphs", "0")
    assert done.code == 1 and "Failed: an error is above 1e-9" in done.out


def test_the_reference_is_the_hand_arithmetic():
    # G1: (√4 + 1)² = 9, δ = 9 − 5 = 4, ∂z2 = 4 · 2 · 3 = 24, ∂z1 = 24 / (2 √4) = 6
    assert {name: found.item() for name, found in autograd(pc.gallery["G1"]).items()} == {"z1": 6.0, "z2": 24.0}


def test_the_reference_knows_cross_entropy():
    problem = pc.parse("W = parameter([[0.5, -0.5]])\nx = input([[1.0]])\ny = x @ W\nminimise cross_entropy(y, [1])")
    p = torch.sigmoid(torch.tensor(1.0, dtype=torch.float64)).item()  # softmax of (0.5, −0.5)
    assert autograd(problem)["W"].tolist() == [pytest.approx([p, -p])]


def test_what_was_not_read_or_is_no_number_counts_as_infinitely_wrong():
    problem = pc.gallery["G1"]
    reference = autograd(problem)
    assert worst_of(problem, {"z1": reference["z1"]}, reference).leaf == "z2"
    nan = {"z1": torch.tensor(float("nan")), "z2": reference["z2"]}
    assert worst_of(problem, nan, reference).relative == float("inf")


@pytest.mark.parametrize(
    ("name", "uneven"), [("residual", True), ("rnn", False), ("diamond", False), ("repeated", True)]
)
def test_paths_of_different_length_are_found(name, uneven):
    assert is_uneven(pc.gallery[name]) is uneven


@pytest.mark.parametrize("nodes", [1, 2, 7, 20])
@pytest.mark.parametrize("skips", [True, False])
def test_random_problems_have_the_size_asked_for_and_no_dead_node(nodes, skips):
    for seed in range(30):
        graph = random_problem(seed, nodes, skips=skips).graph
        assert len(graph.inner) == nodes and set(levels(graph)) == set(graph.names), seed


def test_random_problems_mix_skips_shared_leaves_and_repeated_inputs_unless_told_otherwise():
    plain = {"skips": False, "shared": False, "repeated": False}
    for settings, expected in (({}, True), (plain, False)):
        graphs = [random_problem(seed, **settings).graph for seed in range(30)]
        shared = any(len(set(graph.users(leaf.name))) > 1 for graph in graphs for leaf in graph.leaves)
        repeated = any(len(set(node.inputs)) < len(node.inputs) for graph in graphs for node in graph.inner)
        skips = any(is_uneven(random_problem(seed, **settings)) for seed in range(30))
        assert (shared, repeated, skips) == (expected,) * 3
    assert random_problem(3).to_json() == random_problem(3).to_json() != random_problem(4).to_json()


# ---- help


def test_without_a_command_the_commands_are_listed(run):
    for words in ((), ("--help",), ("-h",)):
        done = run(*words)
        assert done.code == 0
        assert [line.split()[0] for line in done.out.splitlines()[3:-2]] == list(COMMANDS)


@pytest.mark.parametrize("command", [command for command, (_, names) in COMMANDS.items() if names is not None])
def test_every_command_and_argument_has_its_help(run, command):
    done = run(command, "--help")
    assert done.code == 0 and done.out.startswith(f"usage: python -m pcgraph {command}")
    for name in COMMANDS[command][1]:
        assert (name if name.startswith("-") else name.upper()) in done.out


# ---- wrong input


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["slove"],
            "'slove'. Known: solve, compare, explain, verify, gallery, site, app, bench. Did you mean 'solve'?",
        ),
        (["solve"], "The command line can't be read: the following arguments are required: PROBLEM."),
        (["solve", "residul"], "There is no problem 'residul'"),
        (["solve", "residul"], "Did you mean 'residual'?"),
        (["solve", "residual", "--method", "zli"], "The method 'zli' does not exist."),
        (
            ["solve", "residual", "--rate", "fast"],
            "The inference rate γ must be a finite number above 0, but got fast.",
        ),
        (["solve", "residual", "--rate", "-1e9"], "The inference rate γ must be a finite number above 0"),
        (["solve", "residual", "--rate", "1e400"], "but got 1e400."),
        (
            ["solve", "residual", "--steps", "2.5"],
            "The number of steps must be a whole number from 0 to 1000000, but got 2.5.",
        ),
        (["solve", "residual", "--steps", "9" * 5000], "The number of steps must be a whole number"),
        (["solve", "residual", "--rat", "1"], "The command line has '--rat', which this command does not take."),
        (["solve", "residual", "z1"], "The command line has 'z1'"),
        (["solve", "residual", "--formula", "x*w"], "The command line has '--formula'"),
        (["solve", "--formula"], "argument --formula: expected one argument"),
        (["solve", "--formula", ""], "The formula is empty."),
        (["solve", "residual", "--rate"], "argument --rate: expected one argument"),
        (["solve", "--formula", "tanh(w * x"], "Line 1, column 5: the bracket '(' is never closed."),
        (["solve", "--formula", "log(0 * x)"], "cannot compute log"),
        (["solve", "nowhere.json"], "The file 'nowhere.json' can't be read."),
        (["solve", "nowhere.txt"], "The file 'nowhere.txt' can't be read."),
        (["solve", "bad\0name.txt"], "can't be read."),
        (["compare", "residual", "--methods", "zil,,pc"], "The method '' does not exist."),
        (["explain", "residual", "q", "1"], "There is no node 'q' in this graph."),
        (["explain", "residual", "b", "9"], "The trace has no step 9: it runs from 0 to 4."),
        (["explain", "residual", "b", "-1"], "The trace has no step -1"),
        (["explain", "residual", "b", "two"], "The trace has no step two"),
        (["verify", "--graphs", "many"], "--graphs must be a whole number from 0, but got many."),
        (["gallery", "residual"], "The command line has 'residual'"),
    ],
)
def test_wrong_words_get_one_sentence(run, words, sentence):
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1 and "Traceback" not in done.err


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("big.json", b" " * 9_000_000, "The file 'big.json' is larger than"),
        ("big.txt", b" " * 90_000, "The file 'big.txt' is larger than 80000 bytes."),
        ("latin.pcg", "x = input(1) # \xe9".encode("latin-1"), "is not text in UTF-8 or UTF-16"),
        ("cut.json", b'{"version": 1', "The text is not JSON"),
        ("cycle.pcg", b"a = tanh(b)\nb = tanh(a)", "'b' is used before line 2 has defined it"),
        ("nan.json", b'{"version": 1, "output": "y", "target": NaN, "nodes": []}', "not finite"),
        (
            "loud.json",
            b'{"version": 1, "output": "y", "target": 0, "nodes": [], "\\u001b[31m": 1}',
            "the key '�[31m' does not exist",
        ),
    ],
)
def test_wrong_files_get_one_sentence(run, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    done = run("solve", str(tmp_path / name))
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err and done.err.count("\n") == 1 and "\x1b" not in done.err


def test_a_place_that_cannot_be_written_gets_one_sentence(run, tmp_path):
    done = run("solve", "residual", "--csv", str(tmp_path / "no" / "out.csv"))
    assert done.code == 2 and "can't be written: No such file or directory." in done.err


def test_a_title_cannot_steer_the_terminal(run, tmp_path):
    document = json.loads(pc.parse(TANH).to_json())
    (tmp_path / "loud.json").write_text(json.dumps({**document, "title": "a\x1b[31mb\nc"}), "utf-8")
    assert run("solve", str(tmp_path / "loud.json")).out.splitlines()[0].startswith("a�[31mb�c · Z-IL")


def test_as_a_program_it_prints_utf8_anywhere_and_returns_its_exit_code():
    command = [sys.executable, "-m", "pcgraph", "solve"]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, "residual"], env=environment, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"") and "−0.025920" in done.stdout.decode("utf-8")
    done = subprocess.run([*command, "γ"], env=environment, capture_output=True, timeout=120)
    assert done.returncode == 2 and done.stderr.decode("utf-8").startswith("There is no problem 'γ'")
