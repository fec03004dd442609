"""PC Graph: predictive coding on computational graphs, step by step, beside backpropagation.

>>> import pcgraph as pc
>>> solution = pc.solve(pc.gallery["residual"], method="zil")
>>> round(float(solution.gradients["z3"]), 6)
-0.02592
"""

# These fill the tables by which solutions and problems go out.
import pcgraph.export
import pcgraph.latex
import pcgraph.notebook
import pcgraph.pictures.media  # noqa: F401
from pcgraph.compare import Comparison, Row, compare, difference
from pcgraph.errors import (
    DocumentError,
    FormulaError,
    GraphError,
    LimitError,
    OpError,
    PCGraphError,
    SettingError,
)
from pcgraph.evaluate import backprop, cotangents
from pcgraph.explain import Explanation, explain
from pcgraph.fast import zil_gradients
from pcgraph.formula import parse, to_formula
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, GraphBuilder, Node, check_graph, to_networkx
from pcgraph.inference import State, energy, feedback, inference_step
from pcgraph.layout import layout
from pcgraph.learning import Batches, fit, update, updates
from pcgraph.losses import CrossEntropy
from pcgraph.ops import OPS, Op, defop
from pcgraph.passes import identity_count, level_graph, levels, remove_dead_nodes
from pcgraph.payload import payload
from pcgraph.problem import LIMITS, Limits, Problem
from pcgraph.solve import METHODS, solve
from pcgraph.torch_import import from_torch
from pcgraph.trace import Result, Solution, Step

__version__ = "0.1.0"

__all__ = [
    "LIMITS", "METHODS", "OPS", "Batches", "Comparison", "CrossEntropy", "DocumentError", "Explanation", "FormulaError",
    "Graph", "GraphBuilder", "GraphError", "LimitError", "Limits", "Node", "Op", "OpError", "PCGraphError", "Problem",
    "Result", "Row", "SettingError", "Solution", "State", "Step", "backprop", "check_graph", "compare", "cotangents",
    "defop", "difference", "energy", "explain", "feedback", "fit", "forward", "from_torch", "gallery", "identity_count",
    "inference_step", "layout", "level_graph", "levels", "parse", "payload", "remove_dead_nodes", "solve", "to_formula",
    "to_networkx", "update", "updates", "zil_gradients",
]  # fmt: skip
