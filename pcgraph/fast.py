"""zil_gradients: Z-IL's front and nothing else, at BP's cost.

Going forward, every node keeps what its own derivative will read and no more; when the front arrives it sends
its feedback and lets go of it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pcgraph import aten
from pcgraph.forward import check_target, forward, learnable
from pcgraph.graph import Graph, Node
from pcgraph.ops import OPS, Op, laid_out, unbroadcast
from pcgraph.passes import levels
from pcgraph.problem import Problem


def zil_gradients(problem: Problem, inputs: bool = True) -> dict[str, Tensor]:
    """Return the gradients of levelled Z-IL with γ = 1, computing in every step the front alone.

    At step t the nodes of level t hold the errors that arrived, and every deeper node still has its forward
    value; so a node's error is the sum of what its users sent, and its parameters are read there and then.
    An identity node hands an error on unchanged: it is a wait, and takes no work. Same names and shapes as
    `backprop`; without `inputs` parameters only, and no error is sent to where no parameter stands.
    Cost: one forward pass and one vector–Jacobian product per node; memory as BP.

    >>> from pcgraph.gallery import gallery
    >>> round(float(zil_gradients(gallery["residual"])["z2"]), 9)
    -0.09072

    Source: Salvatori et al. (2022), Z-IL; the front-only form does the same products BP does.
    """
    return output_and_gradients(problem, inputs)[1]


def output_and_gradients(problem: Problem, inputs: bool = True) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the output's forward value and `zil_gradients`, from one pass."""
    names = [name for name in learnable(problem) if inputs or problem.graph[name].op == "parameter"]
    plan = _plan(problem.graph, names)
    with torch.no_grad():
        output, kept = _forward(plan, problem)
        errors = _send(plan, problem.loss_row.error(output, problem.target), kept)
    return output, {name: errors[name] if name in errors else torch.zeros_like(problem.values[name]) for name in names}


def _forward(plan: Plan, problem: Problem) -> tuple[Tensor, dict[str, Any]]:
    """Return the output and what every node keeps for the way back; values no later node reads are let go."""
    values, kept = dict(problem.values), {}
    try:
        for step in plan.steps:
            values[step.name], kept[step.name] = step.run([values[name] for name in step.inputs], step.wanted)
            for name in step.last:
                del values[name]
        output = values[plan.output]
        check_target(problem, output)
    except (RuntimeError, TypeError, ValueError, IndexError):
        forward(problem)  # says which node it was, what it got and what it expected
        raise
    if not torch.isfinite(output).all():
        forward(problem)
    return output, kept


def _send(plan: Plan, error: Tensor, kept: dict[str, Any]) -> dict[str, Tensor]:
    """Return the errors of the leaves: level by level, every node sends its error down to its inputs."""
    errors = {plan.output: error}
    own: set[str] = set()  # whose sum nobody else holds: the next part is added in place
    for step in plan.front:
        if step.name not in errors:
            continue  # an op without derivative stands between it and the output
        parts = step.back(errors.pop(step.name), kept.pop(step.name), step.wanted)
        for slot, name in step.sends:
            part = parts[slot]
            if part is None:
                continue
            if name not in errors:
                errors[name] = part
                fresh = step.fresh
            elif name in own:
                errors[name].add_(part)
                continue
            elif step.fresh:
                errors[name], fresh = part.add_(errors[name]), True
            else:
                errors[name], fresh = errors[name] + part, True
            if fresh:
                own.add(name)
    return errors


# ---------------------------------------------------------------- the plan

Run = Callable[[list[Tensor], Sequence[bool]], tuple[Tensor, Any]]
Back = Callable[[Tensor, Any, Sequence[bool]], Sequence[Tensor | None]]


@dataclass(frozen=True)
class PlanStep:
    """A node: how it runs and what it keeps, how it sends back and to whom, and which values no later node reads.

    `fresh`: nobody else holds what it sends.
    """

    name: str
    inputs: tuple[str, ...]
    wanted: tuple[bool, ...]
    sends: tuple[tuple[int, str], ...]
    last: tuple[str, ...]
    fresh: bool
    run: Run
    back: Back


@dataclass(frozen=True)
class Plan:
    """The nodes in forward order, and those that a gradient passes in the order of the front."""

    output: str
    steps: tuple[PlanStep, ...]
    front: tuple[PlanStep, ...]


def _plan(graph: Graph, names: Sequence[str]) -> Plan:
    """Return the plan of a graph for the gradients of some leaves; as long as a graph lives, so do its plans."""
    if id(graph) not in _plans:
        _plans[id(graph)] = {}
        weakref.finalize(graph, _plans.pop, id(graph), None)
    plans, key = _plans[id(graph)], tuple(names)
    if key not in plans:
        plans[key] = _make_plan(graph, names)
    return plans[key]


_plans: dict[int, dict[tuple[str, ...], Plan]] = {}


def _make_plan(graph: Graph, names: Iterable[str]) -> Plan:
    level, wanting = levels(graph), set(names)
    for node in graph.inner:
        if wanting.intersection(node.inputs):
            wanting.add(node.name)
    alive = [node for node in graph.inner if node.name in level]
    ends: dict[str, list[str]] = {}
    seen = {graph.output}
    for node in reversed(alive):
        ends[node.name] = [name for name in dict.fromkeys(node.inputs) if name not in seen]
        seen.update(node.inputs)
    steps = {}
    for node in alive:
        wanted = tuple(name in wanting for name in node.inputs)
        sends = tuple((slot, name) for slot, name in enumerate(node.inputs) if wanted[slot])
        run, back = _rules(node, any(wanted))
        steps[node.name] = PlanStep(
            node.name, node.inputs, wanted, sends, tuple(ends[node.name]), node.op in FRESH, run, back
        )
    front = sorted((name for name in reversed(steps) if name in wanting), key=level.__getitem__)
    return Plan(graph.output, tuple(steps.values()), tuple(steps[name] for name in front))


# ---------------------------------------------------------------- what a node keeps

# What a vjp reads beside its cotangent: "o" the output, digits the slots. A row not named here may read everything.
READS = {
    "add": "", "sub": "", "neg": "", "identity": "", "sum": "", "mean": "", "reshape": "", "transpose": "",
    "concat": "", "select": "", "mul": "01", "div": "1o", "abs": "0", "pow": "01o", "square": "0", "sqrt": "o",
    "exp": "o", "log": "0", "sin": "0", "cos": "0", "tan": "o", "tanh": "o", "sigmoid": "o", "relu": "o",
    "leaky_relu": "0", "softplus": "0", "gelu": "0", "silu": "0", "minimum": "01", "maximum": "01",
    "matmul": "01", "conv2d": "01", "softmax": "o", "log_softmax": "o",
    "aten.clone": "", "aten.expand": "", "aten.permute": "", "aten.slice.Tensor": "", "aten.embedding": "1",
    "aten.masked_fill.Scalar": "1",
}  # fmt: skip
FRESH = frozenset(
    """mul div square sqrt exp log sin cos tan tanh sigmoid relu leaky_relu softplus gelu silu matmul linear conv2d mean
    softmax log_softmax layer_norm select aten.batch_norm aten.max_pool2d aten.embedding aten.slice.Tensor
    aten.masked_fill.Scalar""".split()
)


def _rules(node: Node, wanted: bool) -> tuple[Run, Back]:
    """Return how a node runs, keeping what its derivative reads, and how it sends an error back."""
    op, attrs = OPS[node.op], node.attrs
    if not wanted:
        return (lambda inputs, wanted: (op.forward(*inputs, **attrs), None)), (lambda error, kept, wanted: ())
    if node.op in SAVING:
        run, back = SAVING[node.op]
        return partial(run, attrs), partial(back, attrs)
    if op.vjp is None:
        return partial(_run_recorded, op, attrs), _back_recorded
    reads = READS.get(node.op, "o" + "".join(map(str, range(len(node.inputs)))))
    keeps = tuple(str(slot) in reads for slot in range(len(node.inputs)))
    return partial(_run, op, attrs, keeps, "o" in reads), partial(_back, op, attrs)


def _run(
    op: Op,
    attrs: Mapping[str, Any],
    keeps: Sequence[bool],
    keep_output: bool,
    inputs: list[Tensor],
    wanted: Sequence[bool],
) -> Any:
    output = op.forward(*inputs, **attrs)
    kept = [x if keep else stand_in(x) for x, keep in zip(inputs, keeps)]  # noqa: B905
    return output, (output if keep_output else stand_in(output), kept)


def _back(
    op: Op, attrs: Mapping[str, Any], error: Tensor, kept: Any, wanted: Sequence[bool]
) -> Sequence[Tensor | None]:
    output, inputs = kept
    if op.picks:
        parts = op.vjp(error, output, *inputs, wanted=wanted, **attrs)  # type: ignore[misc]
    else:
        parts = op.vjp(error, output, *inputs, **attrs)  # type: ignore[misc]
    return [unbroadcast(part, x) if want else None for part, x, want in zip(parts, inputs, wanted)]  # noqa: B905


_nothing: dict[Any, Tensor] = {}


def stand_in(x: Tensor) -> Tensor:
    """Return a tensor of the same shape and type that takes no memory and reads as NaN."""
    key = (x.shape, x.dtype, x.device)
    found = _nothing.get(key)
    if found is None:
        nothing = float("nan") if x.is_floating_point() else 0
        found = _nothing[key] = torch.full((), nothing, dtype=x.dtype, device=x.device).expand(x.shape)
    return found


# ---- ops that torch differentiates: forward runs once, and is recorded


def _run_recorded(op: Op, attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    with torch.enable_grad():
        slots = [laid_out(x.detach()).requires_grad_() if want else x for x, want in zip(inputs, wanted, strict=True)]
        output = op.forward(*slots, **attrs)
    asked = [slot for slot, want in zip(slots, wanted, strict=True) if want]
    return output.detach(), (torch.autograd.graph.get_gradient_edge(output) if output.requires_grad else None, asked)


def _back_recorded(error: Tensor, kept: Any, wanted: Sequence[bool]) -> Sequence[Tensor | None]:
    edge, asked = kept
    if edge is None:
        return [None] * len(wanted)
    found = iter(torch.autograd.grad(edge, asked, laid_out(error), allow_unused=True))
    return [next(found) if want else None for want in wanted]


# ---- ops whose derivative wants more of forward than its output, or can do with less than their row does


def _run_linear(attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    x, weight = inputs[:2]
    if x.dim() > 2 and wanted[1] and not x.is_contiguous():
        output = _folded(x, weight.t())
        output = output.add_(inputs[2]) if len(inputs) == 3 else output
    else:
        output = torch.nn.functional.linear(*inputs)
    return output, (x if wanted[1] else None, weight if wanted[0] else None)


def _folded(x: Tensor, matrix: Tensor) -> Tensor:
    """Return x @ matrix as one product of rows, as torch itself does where the matrix has a gradient."""
    return x.reshape(-1, x.shape[-1]).mm(matrix).view(*x.shape[:-1], matrix.shape[1])


def _run_matmul(attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    x, y = inputs
    rows = x.dim() > 2 and y.dim() == 2 and wanted[1] and not x.is_contiguous()
    output = _folded(x, y) if rows else x @ y
    return output, (stand_in(output), inputs)


def _back_linear(attrs: Mapping[str, Any], error: Tensor, kept: Any, wanted: Sequence[bool]) -> Sequence[Tensor | None]:
    x, weight = kept
    rows = error if error.dim() == 2 else error.reshape(-1, error.shape[-1])
    to_x = to_weight = to_bias = None
    if wanted[0]:
        to_x = rows.mm(weight)
        to_x = to_x if error.dim() == 2 else to_x.view(*error.shape[:-1], weight.shape[1])
    if wanted[1]:
        to_weight = rows.t().mm(x if x.dim() == 2 else x.reshape(-1, x.shape[-1]))
    if len(wanted) == 3 and wanted[2]:
        to_bias = rows.sum(0)
    return (to_x, to_weight, to_bias)[: len(wanted)]


def _run_layer_norm(attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    x, weight, bias = [*inputs, None, None][:3]
    shape = attrs.get("normalized_shape") or x.shape[-1:]  # type: ignore[union-attr]
    output, mean, scale = torch.native_layer_norm(x, shape, weight, bias, attrs.get("eps", 1e-5))  # type: ignore[arg-type]
    return output, (x, shape, mean, scale, weight, bias)


def _back_layer_norm(
    attrs: Mapping[str, Any], error: Tensor, kept: Any, wanted: Sequence[bool]
) -> Sequence[Tensor | None]:
    asked = [*wanted, False, False][:3]
    return torch.ops.aten.native_layer_norm_backward.default(error, *kept, asked)[: len(wanted)]


def _run_batch_norm(attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    x, (weight, bias, mean, variance) = inputs[0], aten.norm_inputs(inputs[1:], attrs)
    output, *saved = torch.ops.aten.native_batch_norm.default(
        x, weight, bias, mean, variance, attrs["training"], 0.0, attrs["eps"]
    )
    return output, (x, weight, bias, mean, variance, *saved)


def _back_batch_norm(
    attrs: Mapping[str, Any], error: Tensor, kept: Any, wanted: Sequence[bool]
) -> Sequence[Tensor | None]:
    return aten.batch_norm_back(error, kept, wanted, attrs["training"], attrs["eps"])


def _run_max_pool(attrs: Mapping[str, Any], inputs: list[Tensor], wanted: Sequence[bool]) -> Any:
    output, where = torch.ops.aten.max_pool2d_with_indices.default(*inputs, *aten.pool_settings(attrs))
    return output, (inputs[0], where)


def _back_max_pool(
    attrs: Mapping[str, Any], error: Tensor, kept: Any, wanted: Sequence[bool]
) -> Sequence[Tensor | None]:
    x, where = kept
    return (torch.ops.aten.max_pool2d_with_indices_backward.default(error, x, *aten.pool_settings(attrs), where),)


SAVING: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "linear": (_run_linear, _back_linear),
    "matmul": (_run_matmul, partial(_back, OPS["matmul"])),
    "layer_norm": (_run_layer_norm, _back_layer_norm),
    "aten.batch_norm": (_run_batch_norm, _back_batch_norm),
    "aten.max_pool2d": (_run_max_pool, _back_max_pool),
}
