"""Plant one-line bugs in a copy of the engine, one at a time, and see that a fast part of the suite finds each.

    python -m tests.mutants            all of them; exit status 1 when one survives
    python -m tests.mutants rate sign  only those whose name holds one of the words

Every bug is one that a predictive-coding code has had or could have. A bug whose line is no longer in the
engine is an error too: it has to be planted anew. Each runs in a process forked after torch is loaded.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401 (loaded once, before forking)
import pytest
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent

# The fast part: cheap and telling tests first, of many seeds a few.
SUBSET = """
    test_facts.py::test_f1_unlevelled_zil_gets_z1_right_and_everything_deeper_wrong
    test_facts.py::test_f1_two_identity_nodes_make_zil_exact
    test_gallery.py::test_zil_fixed_and_bp_equal_autograd[diamond]
    test_gallery.py::test_zil_fixed_and_bp_equal_autograd[mlp]
    test_gallery.py::test_zil_fixed_and_bp_equal_autograd[repeated]
    test_gallery.py::test_g6_prospective_configuration_pc_spares_the_right_output_and_bp_moves_the_wrong_one_faster
    test_solve.py::test_every_number_of_a_pc_trace_is_the_plain_loops
    test_vector.py::test_a_graph_of_all_ops_gives_the_same_bits_both_ways[pc 12 mapping mapping]
    test_solve.py::test_ipc_moves_values_and_parameters_from_one_snapshot_and_sums_what_it_read
    test_solve.py::test_energy_weighs_each_nodes_part_by_its_precision
    test_solve.py::test_a_value_that_leaves_the_ops_domain_is_told_with_step_node_and_op
    test_solve.py::test_a_tiny_rate_is_no_rest
    test_solve.py::test_a_batch_twice_as_long_has_twice_the_gradient_in_every_method
    test_solve.py::test_cross_entropy_gradients_and_energy_are_torchs_sum_over_the_batch
    test_solve.py::test_dead_nodes_are_left_out_and_what_only_they_read_has_gradient_0
    test_solve.py::test_x_times_x_has_two_edges_and_gradient_2_x_delta
    test_solve.py::test_pc_sends_x_times_x_both_feedbacks
    test_solve.py::test_steps_is_the_number_of_value_updates
    test_solve.py::test_the_output_stays_clamped_to_the_target_and_leaves_stay_where_they_are
    test_solve.py::test_pc_and_fixed_read_everything_at_the_last_state
    test_solve.py::test_a_rate_per_node_moves_each_node_at_its_own
    test_solve.py::test_a_shared_parameter_half_read_is_not_read
    test_facts.py::test_f2_levelled_zil_equals_autograd_on_random_graphs[2]
    test_facts.py::test_f3_fixed_predictions_are_exact_on_any_graph_after_depth_many_steps[3]
    test_facts.py::test_f4_identity_nodes_fill_every_gap_and_change_nothing_else[4]
    test_facts.py::test_f5_when_the_front_arrives_error_is_cotangent_and_deeper_nodes_have_not_moved[residual-block]
    test_facts.py::test_f6_with_any_rate_a_leaf_of_level_d_reads_rate_to_the_d_minus_1_times_bp[mlp-0.5]
    test_facts.py::test_f10_at_any_time_a_fixed_error_is_the_cotangent_times_a_binomial_tail[residual]
    test_facts.py::test_f12_an_unshared_parameter_may_move_in_its_own_step_from_the_same_snapshot
    test_facts.py::test_f14_one_step_at_rate_1_obeys_the_error_identity[5]
"""


@dataclass(frozen=True)
class Mutant:
    """A one-line bug: its name, the module, the text that stands there once, and what is put in its place."""

    name: str
    module: str
    right: str
    wrong: str


MUTANTS = [
    # The step of `inference`, which tensors take.
    Mutant(
        "sign of the error",
        "inference",
        "else prediction - values[name]",
        "else values[name] - prediction",
    ),
    Mutant(
        "in-place sweep: errors at values that have moved already",
        "inference",
        "rate_of(n, rate) * (errors[n] -",
        "rate_of(n, rate) * (predict(problem, values)[n] - values[n] -",
    ),
    Mutant("rate forgotten", "inference", "rate_of(n, rate) * (errors[n]", "(errors[n]"),
    Mutant("feedback added", "inference", "(errors[n] - received(", "(errors[n] + received("),
    Mutant(
        "derivatives at the predictions, not the values",
        "inference",
        "inputs = [at.values[name] for",
        "inputs = [at.predictions.get(name, at.values[name]) for",
    ),
    Mutant("output left free", "inference", "for node in problem.graph.hidden:", "for node in problem.graph.inner:"),
    Mutant("output not clamped", "inference", "{**values, output: clamped}", "{**values}"),
    Mutant(
        "cross entropy treated as a difference",
        "inference",
        "problem.loss_row.error(predictions[output], problem.target)",
        "predictions[output] - values[output]",
    ),
    Mutant(
        "a prediction is kept while its inputs move", "inference", "is before.values[name] for", "is values[name] for"
    ),
    Mutant("precision ignored", "inference", "{name: error * precision.get(name, 1.0) for", "{name: error for"),
    Mutant("energy without its half", "inference", "parts[name] = 0.5 * float", "parts[name] = float"),
    # The same step for graphs of single numbers.
    Mutant("sign of the error, numbers", "vector", "errors = predictions - values", "errors = values - predictions"),
    Mutant("rate forgotten, numbers", "vector", "(gamma * change)", "change"),
    Mutant(
        "output left free, numbers",
        "vector",
        "torch.cat([leaves, moved, output])",
        "torch.cat([leaves, moved, output + change[-1:]])",
    ),
    Mutant(
        "output not clamped, numbers",
        "vector",
        "vector[-1] = self.problem.target",
        "vector[-1] = values[self.problem.graph.output]",
    ),
    Mutant("feedback of several users overwritten, numbers", "vector", ".index_add(0,", ".index_copy(0,"),
    Mutant(
        "derivatives at the value held, not the prediction, numbers",
        "vector",
        "vector_of(at.predictions).split",
        "vector_of(at.values).split",
    ),
    Mutant("precision ignored, numbers", "vector", "if not precision:", "if True:"),
    Mutant("parameters climb, numbers", "vector", "parameters - learning_rate", "parameters + learning_rate"),
    # The loop.
    Mutant("fixed predictions not frozen", "solve", 'state if method == "fixed" else None', "None"),
    Mutant("read one step late", "solve", "return {user: times[user] for", "return {user: times[user] + 1 for"),
    Mutant("read one step early", "solve", '"ipc" else steps)', '"ipc" else max(steps - 1, 0))'),
    Mutant(
        "gradient of a shared parameter overwritten",
        "solve",
        "totals[name] = totals[name] + part if name in totals else part",
        "totals[name] = part",
    ),
    Mutant(
        "half-read gradients kept",
        "solve",
        "if t > last for user, slot in due",
        "if t > last + 99 for user, slot in due",
    ),
    Mutant(
        "iPC's parameters read the new values",
        "solve",
        "run.learn(state, sent,",
        "run.learn(state, run.feedback(state.errors, state),",
    ),
    Mutant("NaN not noticed", "solve", "not energies[-1] <= UNBOUNDED", "energies[-1] > UNBOUNDED"),
    Mutant("slow taken for still", "solve", "STILL * slowest * size", "STILL * size"),
    Mutant("dead parameters forgotten", "solve", "if name not in problem.graph}", "if not problem.graph}"),
    # Graphs.
    Mutant("level is the shortest path", "passes", "max(found.get(name, 0),", "min(found.get(name, 10**9),"),
    Mutant("an identity node too few", "passes", "for _ in range(gap - 1):", "for _ in range(gap - 2):"),
    Mutant(
        "edges of leaves not levelled",
        "passes",
        "level[name] - level[node.name] if node.name in level else 1",
        "level[name] - level[node.name] if node.name in level and not graph[name].is_leaf else 1",
    ),
    Mutant("repeated edges merged", "graph", "in enumerate(node.inputs):", "in enumerate(dict.fromkeys(node.inputs)):"),
    # BP, losses, ops.
    Mutant(
        "cotangents overwritten",
        "evaluate",
        "found[name] = found[name] + part if name in found else part",
        "found[name] = part",
    ),
    Mutant(
        "mean instead of sum in the error",
        "losses",
        "error=lambda prediction, target: prediction - _as_numbers(prediction, target),",
        "error=lambda prediction, target: (prediction - _as_numbers(prediction, target)) / prediction.numel(),",
    ),
    Mutant(
        "mean instead of sum in the loss",
        "losses",
        "masked_fill(wanted == 0, 0).sum()",
        "masked_fill(wanted == 0, 0).mean()",
    ),
    Mutant(
        "partial derivatives of a product swapped",
        "ops",
        "vjp=lambda ct, out, x, y: (ct * y, ct * x),",
        "vjp=lambda ct, out, x, y: (ct * x, ct * y),",
    ),
    Mutant(
        "tanh differentiated at its input",
        "ops",
        "_aten.tanh_backward.default(ct, out)",
        "_aten.tanh_backward.default(ct, x)",
    ),
]


def warm_up() -> None:
    """Let torch load, before forking, what every process would load again."""
    torch.empty(1, 1, device="meta") @ torch.empty(1, device="meta")
    scores = torch.zeros(2, 3, dtype=torch.float64)
    F.cross_entropy(scores, torch.softmax(scores, -1))
    F.one_hot(torch.tensor([0, 1]), 3)


def copy_of_the_project(folder: Path) -> None:
    """Copy what the tests need: engine, sentences, the tests themselves."""
    for part in ("pcgraph", "assets/messages", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "e2e", "js"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def passes(folder: Path) -> bool:
    """Tell whether the fast part passes on the copy, in a process of its own."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        with open(folder / "output.txt", "w") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            names = [f"tests/{name.strip()}" for name in SUBSET.strip().splitlines()]
            options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-x", "-q"]
            os._exit(pytest.main([*options, "--rootdir", str(folder), *names]))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, 1, 2):  # 1: a test failed, 2: the engine could not even be imported
        raise RuntimeError(f"pytest ended with {code}:\n{(folder / 'output.txt').read_text()}")
    return code == 0


def plant(folder: Path, mutant: Mutant) -> None:
    """Put a bug into the copy; raise where its line does not stand in the engine exactly once."""
    source = (ROOT / "pcgraph" / f"{mutant.module}.py").read_text("utf-8")
    if source.count(mutant.right) != 1:
        raise RuntimeError(
            f"{mutant.name}: pcgraph/{mutant.module}.py holds {source.count(mutant.right)} × {mutant.right!r}"
        )
    planted = folder / "pcgraph" / f"{mutant.module}.py"
    planted.write_text(source.replace(mutant.right, mutant.wrong), "utf-8")
    age = time.time() + 10 * MUTANTS.index(mutant)  # no two alike, so that no compiled file is taken for another's
    os.utime(planted, (age, age))


def heal(folder: Path, mutant: Mutant) -> None:
    shutil.copy2(ROOT / "pcgraph" / f"{mutant.module}.py", folder / "pcgraph")


def main(words: list[str]) -> int:
    torch.set_num_threads(1)
    warm_up()
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    survivors = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy_of_the_project(folder)
        if not passes(folder):
            print((folder / "output.txt").read_text())
            print("The fast part fails on the engine as it is: mend that first.")
            return 1
        for mutant in chosen:
            started = time.perf_counter()
            plant(folder, mutant)
            survived = passes(folder)
            heal(folder, mutant)
            survivors += [mutant.name] if survived else []
            print(
                f"{'SURVIVED' if survived else 'found':9} {time.perf_counter() - started:5.1f} s  {mutant.name}",
                flush=True,
            )
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} planted bugs found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
