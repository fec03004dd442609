"""reference: what the reference page tells: publications, tested facts, the gallery in numbers, texts of `reference/`.

A text is `reference/LANGUAGE/NAME.md`. Facts and literature have an entry a heading, so that each can be named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pcgraph.evaluate import cotangents
from pcgraph.explain import text as shown
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.goals import gaps
from pcgraph.passes import identity_count, levels
from pcgraph.solve import solve

FOLDER = Path(__file__).resolve().parent.parent / "reference"
PARTS = ("words", "equations", "gallery", "facts", "claims", "literature")


@dataclass(frozen=True)
class Publication:
    """A publication that lessons point to."""

    authors: str
    year: int
    title: str
    venue: str
    address: str


REFERENCES = {
    "salvatori2022": Publication(
        "T. Salvatori, Y. Song, Z. Xu, T. Lukasiewicz, R. Bogacz", 2022,
        "Reverse Differentiation via Predictive Coding",
        "Proceedings of the AAAI Conference on Artificial Intelligence 36; arXiv:2103.04689",
        "https://arxiv.org/abs/2103.04689",
    ),
    "song2020": Publication(
        "Y. Song, T. Lukasiewicz, Z. Xu, R. Bogacz", 2020,
        "Can the Brain Do Backpropagation? Exact Implementation of Backpropagation in Predictive Coding Networks",
        "Advances in Neural Information Processing Systems 33",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC7610561/",
    ),
    "millidge2020": Publication(
        "B. Millidge, A. Tschantz, C. L. Buckley", 2020,
        "Predictive Coding Approximates Backprop along Arbitrary Computation Graphs",
        "arXiv:2006.04182; Neural Computation 34(6), 2022",
        "https://arxiv.org/abs/2006.04182",
    ),
    "rosenbaum2022": Publication(
        "R. Rosenbaum", 2022,
        "On the relationship between predictive coding and backpropagation",
        "PLoS ONE 17(3), e0266102; arXiv:2106.13082",
        "https://arxiv.org/abs/2106.13082",
    ),
    "zahid2023": Publication(
        "U. Zahid, Q. Guo, Z. Fountas", 2023,
        "Predictive Coding as a Neuromorphic Alternative to Backpropagation: A Critical Evaluation",
        "Neural Computation 35(12); arXiv:2304.02658",
        "https://arxiv.org/abs/2304.02658",
    ),
    "song2024": Publication(
        "Y. Song, B. Millidge, T. Salvatori, T. Lukasiewicz, Z. Xu, R. Bogacz", 2024,
        "Inferring neural activity before plasticity as a foundation for learning beyond backpropagation",
        "Nature Neuroscience 27(2)",
        "https://doi.org/10.1038/s41593-023-01514-1",
    ),
    "bogacz2017": Publication(
        "R. Bogacz", 2017,
        "A tutorial on the free-energy framework for modelling perception and learning",
        "Journal of Mathematical Psychology 76",
        "https://doi.org/10.1016/j.jmp.2015.11.003",
    ),
}  # fmt: skip

# The tests of tests/test_facts.py that hold each fact.
FACTS = {
    "F1": (
        "test_f1_unlevelled_zil_gets_z1_right_and_everything_deeper_wrong",
        "test_f1_two_identity_nodes_make_zil_exact",
    ),
    "F2": ("test_f2_levelled_zil_equals_autograd_on_random_graphs",),
    "F3": (
        "test_f3_reading_later_does_not_repair_unlevelled_zil",
        "test_f3_fixed_predictions_are_exact_on_any_graph_after_depth_many_steps",
        "test_f3_fixed_predictions_stopped_two_steps_early_are_wrong",
    ),
    "F4": ("test_f4_identity_nodes_fill_every_gap_and_change_nothing_else",),
    "F5": (
        "test_f5_when_the_front_arrives_error_is_cotangent_and_deeper_nodes_have_not_moved",
        "test_f5_fails_without_identity_nodes",
    ),
    "F6": ("test_f6_with_any_rate_a_leaf_of_level_d_reads_rate_to_the_d_minus_1_times_bp",),
    "F7": (
        "test_f7_a_rate_of_0_99999_costs_1_2e_5",
        "test_f7_reading_one_step_late_costs_2_4",
        "test_f7_one_value_off_by_a_thousandth_at_the_start_costs_0_12",
    ),
    "F8": (
        "test_f8_at_rate_1_the_energy_of_levelled_g2_rises",
        "test_f8_at_rate_1_the_energy_of_a_chain_falls",
        "test_f8_energy_falls_for_rates_below_2_over_the_largest_eigenvalue_and_rises_above",
    ),
    "F9": ("test_f9_live_pc_settles_in_balance_away_from_bp",),
    "F10": (
        "test_f10_fixed_predictions_rest_at_the_cotangents_on_any_graph",
        "test_f10_at_any_time_a_fixed_error_is_the_cotangent_times_a_binomial_tail",
    ),
    "F11": (
        "test_f11_a_shared_parameter_is_summed_over_its_edges_and_applied_once",
        "test_f11_the_last_edge_alone_is_not_the_gradient",
    ),
    "F12": ("test_f12_an_unshared_parameter_may_move_in_its_own_step_from_the_same_snapshot",),
    "F13": (
        "test_f13_weak_clamping_of_the_chain_is_its_closed_form",
        "test_f13_gradients_tend_to_bps_as_clamping_weakens",
        "test_f13_a_small_output_error_does_not_make_pc_equal_bp",
    ),
    "F14": ("test_f14_one_step_at_rate_1_obeys_the_error_identity",),
    "F15": (
        "test_f15_rewriting_the_graph_changes_live_pc_and_nothing_else",
        "test_f15_splitting_a_node_changes_live_pc_and_nothing_else",
    ),
    "F16": (
        "test_f16_linear_chain_rests_at_energy_1_25",
        "test_f16_linear_chain_converges_below_0_2_swings_at_0_2_and_diverges_above",
    ),
    "F17": ("test_f17_stopped_early_pc_carries_a_signal_that_fades_with_depth",),
    "F18": (
        "test_f18_bp_evaluates_8_edges_of_g2",
        "test_f18_the_front_alone_needs_10_edges_of_levelled_g2",
        "test_f18_zil_with_every_node_in_every_step_evaluates_40_edges",
        "test_f18_a_trace_evaluates_what_the_front_has_reached",
        "test_f18_pc_on_a_chain_needs_steps_that_grow_with_the_square_of_its_length",
    ),
}


@cache
def text(name: str, language: str = "en") -> str:
    """Return a text of the reference in a language."""
    return (FOLDER / language / f"{name}.md").read_text("utf-8").strip()


@cache
def entries(name: str, language: str = "en") -> dict[str, str]:
    """Return the entries of a text by their headings.

    >>> entries("facts")["F11"]
    'A parameter with several users must be summed over its edges and applied once.'
    """
    parts = re.split(r"^## (\S+)$", text(name, language), flags=re.MULTILINE)
    return {heading: body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


@dataclass(frozen=True)
class Numbers:
    """A problem of the gallery in numbers.

    `depth` is its deepest level, `identities` how many identity nodes levelling adds. `levelled` and `unlevelled` are
    the largest relative differences of Z-IL's gradients of parameters from BP's.
    """

    name: str
    nodes: int
    depth: int
    identities: int
    output: str
    cotangent: str
    levelled: float
    unlevelled: float


def numbers(name: str) -> Numbers:
    """Return a problem of the gallery in numbers, each computed.

    >>> found = numbers("residual")
    >>> found.nodes, found.depth, found.identities, found.output, found.cotangent
    (8, 4, 2, '0.1920', '−0.1080')
    """
    problem = gallery[name]
    output = problem.graph.output
    levelled, unlevelled = (max(gaps(solve(problem, "zil", level=each)).values()) for each in (True, False))
    return Numbers(
        name,
        nodes=len(problem.graph.names),
        depth=max(levels(problem.graph).values()),
        identities=identity_count(problem.graph),
        output=shown(forward(problem)[output]),
        cotangent=shown(cotangents(problem)[output]),
        levelled=levelled,
        unlevelled=unlevelled,
    )
