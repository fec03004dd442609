"""The forward pass of a problem, the leaves that have a gradient, and whether its target fits."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from pcgraph.errors import OpError
from pcgraph.losses import CrossEntropy, are_classes
from pcgraph.ops import OPS, apply
from pcgraph.problem import Problem


def forward(problem: Problem) -> dict[str, Tensor]:
    """Return the value of every node, computed in topological order.

    Raises OpError naming the node when shapes do not fit, a value lies outside the op's domain,
    the output is NaN, or the target does not fit the output.

    >>> from pcgraph.formula import parse
    >>> forward(parse("x = input(2.0)\\nw = parameter(3.0)\\ny = w * x\\nminimise squared_error(y, 1.0)"))["y"]
    tensor(6., dtype=torch.float64)
    """
    values = dict(problem.values)
    for node in problem.graph.inner:
        values[node.name] = apply(OPS[node.op], [values[name] for name in node.inputs], node.attrs, node.name)
    check_target(problem, values[problem.graph.output])
    if values[problem.graph.output].isnan().any():  # what is −∞ may be a mask; NaN is never meant
        node = next(node for node in problem.graph.inner if values[node.name].isnan().any())
        raise OpError("error.op_nan", node=node.name, op=node.op)
    return values


def learnable(problem: Problem) -> tuple[str, ...]:
    """Return the leaves that have a gradient: parameters and floating-point inputs."""
    leaves = problem.graph.leaves
    return tuple(
        leaf.name for leaf in leaves if leaf.op != "constant" and problem.values[leaf.name].is_floating_point()
    )


def check_target(problem: Problem, output: Tensor) -> None:
    """Raise OpError unless the target fits the output under the loss, in one way."""
    if problem.loss == "cross_entropy":
        _check_classes(problem, output)
    elif problem.target.ndim and problem.target.shape != output.shape:
        raise _misfit(problem, output, shape_text(output))


def _check_classes(problem: Problem, output: Tensor) -> None:
    """Raise OpError unless a target of cross-entropy has one dimension of classes, and they exist."""
    settings, target, name = problem.loss_settings, problem.target, problem.graph.output
    dims = settings.dims(output, target)
    if not dims:
        raise _no_classes(problem, output)
    if len(dims) > 1:
        raise OpError("error.target_dimension", node=name, got=shape_text(target), output=shape_text(output))
    classes = output.shape[dims[0]]
    if settings.weight is not None and len(settings.weight) != classes:
        raise OpError("error.target_weight", node=name, got=len(settings.weight), expected=classes)
    if are_classes(output, target):
        numbers = target.long()[settings.counts(target)]
        outside = numbers[(numbers < 0) | (numbers >= classes)]
        if outside.numel():
            raise OpError("error.target_class", got=int(outside[0]), last=classes - 1)
    elif settings.ignore_index >= 0:
        raise OpError("error.target_ignored", index=settings.ignore_index)


def _no_classes(problem: Problem, output: Tensor) -> OpError:
    """Return the sentence for a target of cross-entropy whose shape fits the output in no way."""
    target = problem.target
    dims = sorted({min(1, output.ndim - 1), output.ndim - 1}) if output.ndim else []
    expected = " / ".join(shape_text(output.sum(dim)) for dim in dims)
    if not dims or (target.is_floating_point() and target.ndim == output.ndim):
        return _misfit(problem, output, shape_text(output))
    slots = {"node": problem.graph.output, "got": shape_text(target), "output": shape_text(output)}
    key = "error.target_labels" if target.is_floating_point() else "error.target_classes"
    return OpError(key, **slots, expected=expected)


def _misfit(problem: Problem, output: Tensor, expected: str) -> OpError:
    slots = {"node": problem.graph.output, "got": shape_text(problem.target), "expected": expected}
    return OpError("error.target_shape", **slots)


def check_written(problem: Problem, last: bool = False) -> None:
    """Raise OpError where a text has no words for the loss: texts know cross-entropy without settings.

    `last`: it knows classes in the output's last dimension only, and none that are ignored.
    """
    settings, plain, target = problem.loss_settings, CrossEntropy(), problem.target
    if problem.loss != "cross_entropy" or (settings == plain and not last):
        return
    output = forward(problem)[problem.graph.output]
    dims = settings.dims(output, target)
    known = replace(settings, dim=None) == plain and plain.dims(output, target) == dims
    if last:
        known = known and dims == [output.ndim - 1] and not (are_classes(output, target) and (target < 0).any())
    if not known:
        raise OpError("error.loss_not_written")


def shape_text(value: Tensor) -> str:
    """Return a shape as text: "a number" or "3 × 4"."""
    return " × ".join(str(size) for size in value.shape) or "a number"
