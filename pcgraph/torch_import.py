"""from_torch: an nn.Module becomes a Problem, through torch.export.

torch.export gives the network as a graph of ATen operations without in-place changes. Its values are told apart
by running it once: what a gradient reaches becomes a node; what none reaches becomes a constant; and what
cannot be a node (an index, a mask that depends on nodes, a tuple, −∞) becomes part of the nodes that use it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from pcgraph.aten import (
    Fixed,
    Line,
    Program,
    Ref,
    Seeded,
    aten,
    aten_op,
    is_random,
    own_op,
    program_op,
    split_args,
    target_name,
)
from pcgraph.constant_branches import Decided, decisions
from pcgraph.errors import GraphError, OpError, SettingError
from pcgraph.graph import Graph, Node, Nodes, listing
from pcgraph.losses import read_loss
from pcgraph.problem import Problem, tensor
from pcgraph.torch_causes import check_exported, check_module, code_line, not_called, not_exported, quiet

GRAINS = ("ops", "modules")
WHOLE = (nn.MultiheadAttention,)  # uses its child's weights without calling it
UNCHANGED = {
    aten.clone.default, aten.alias.default, aten.view.default, aten.reshape.default, aten._unsafe_view.default,
    aten.expand.default, aten.contiguous.default,
}  # fmt: skip

# How far a gradient may be from the module's own, relative to its size: rounding stays below, a hook does not.
TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
ROUGH = 3e-2
# Functions of torch's own: one calls a module's backward hooks, one is torch.cond. What they do is checked elsewhere.
TORCHS = ("BackwardHookFunction", "CondAutogradOp")

Call = tuple[str, str]  # a module's path, and which call of it
Derived = dict[str, tuple[tuple[str, ...], Program]]


def from_torch(
    module: nn.Module, args: Any, target: Any, loss: Any = "squared_error", nodes: str = "ops", seed: int = 0
) -> TorchProblem:
    """Return a module, applied to `args`, as a problem.

    args: the module's inputs: a tensor or a tuple. Floating-point inputs get gradients too.
    target, loss: as in `Problem`; a loss is a sum over the batch. Class weights, ignored classes and label
        smoothing come with `CrossEntropy` or torch.nn.CrossEntropyLoss(…, reduction="sum").
    nodes: "ops" makes every operation a node. "modules" makes every child of a Sequential one node, and every
        module without children; what the others compute themselves stays as operations.
    seed: what dropout in training draws; the same as after `torch.manual_seed(seed)`.

    Parameters keep their state_dict names, and a shared one is one leaf; frozen ones, buffers and what
    depends on no gradient are constants. The values are copies: the problem and the module never change each other.
    The module is left as it was: weights, running statistics, gradients, mode and random numbers. Raises GraphError
    or OpError, with operation and line, for what cannot be exported or differentiated, and where a gradient is not
    the module's own: where a hook changes it, for example.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> problem = from_torch(net, torch.ones(4, 2), target=torch.zeros(4, 1))
    >>> [node.name for node in problem.graph.inner]
    ['0.linear', '1.tanh', '2.linear']
    >>> problem.graph.parameters
    ('0.weight', '0.bias', '2.weight', '2.bias')
    """
    if nodes not in GRAINS:
        raise SettingError("error.setting", setting="nodes", got=str(nodes), known=listing(GRAINS))
    return TorchNetwork(module, args, nodes).problem(args, target, loss, seed)


class TorchNetwork:
    """An exported module: problems for other inputs of the same shapes, without exporting again.

    `open_sizes`: the sizes that may be others too, as dimensions of the arguments. `writer` wrote the last problem.
    """

    def __init__(
        self, module: nn.Module, args: Any, nodes: str = "ops", open_sizes: Mapping[int, set[int]] | None = None
    ) -> None:
        self.module, self.nodes = module, nodes
        args = _as_tuple(args)
        check_module(module, args)
        with quiet(), _restored(module):
            _run_module(module, args, 0)
        with _shown_identities(module if nodes == "modules" else None):
            self.exported = _export(module, pytree.tree_map(_fresh, args), open_sizes)
        self.checked = False

    def problem(self, args: Any, target: Any, loss: Any = "squared_error", seed: int = 0) -> TorchProblem:
        """Return the problem of some inputs and their target; see `from_torch`."""
        args = _as_tuple(args)
        values, output = _run(self.exported, _leaf_values(self.exported, self.module, args), seed)
        if not self.checked:
            _check_against_module(self.module, args, seed, values, output)
            self.checked = True
        for value in values:
            value.result = pytree.tree_map(_detached, value.result)
        self.writer = _Writer(values, output, self.module, self.nodes)
        graph, leaves, derived = self.writer.write()
        target = tensor(target, "target", read_loss(loss)[0] == "cross_entropy")
        dtype = output.result.dtype if target.is_floating_point() else target.dtype
        target = target.to(dtype, copy=True)
        return TorchProblem(graph, leaves, target, loss, type(self.module).__name__, derived=derived)


@dataclass(frozen=True)
class TorchProblem(Problem):
    """An imported problem. `derived` says how constants that depend on whole-number inputs alone are computed
    from them: masks and positions follow when `with_values` changes the inputs.
    """

    derived: Derived = field(default_factory=dict)

    def with_values(self, values: Mapping[str, Any] | None = None, target: Any = None) -> Problem:
        """Return the problem with some leaf values, or the target, replaced."""
        given = {**self.values, **(values or {})}
        for name, (inputs, program) in self.derived.items():
            if name in given and name not in (values or {}) and set(inputs) & set(values or {}):
                given[name] = program(*(given[each] for each in inputs))
        return super().with_values(given, target)


# ---------------------------------------------------------------- export


def _as_tuple(args: Any) -> tuple[Any, ...]:
    return tuple(args) if isinstance(args, tuple | list) else (args,)


def _export(module: nn.Module, args: tuple[Any, ...], open_sizes: Mapping[int, set[int]] | None) -> Any:
    """Return the module as an exported program of ATen operations, none of which changes its inputs."""
    export = partial(torch.export.export, module, args, dynamic_shapes=_dynamic(args, open_sizes))
    with quiet(), _restored(module):
        try:
            exported = _decide_and_export(module, args, export)
            _cut_no_grad(exported)
            exported = exported.run_decompositions({})
        except Exception as cause:  # torch raises many kinds
            raise not_exported(module, cause) from cause
    check_exported(module, exported)
    return exported


def _decide_and_export(module: nn.Module, args: tuple[Any, ...], export: Callable[[], Any]) -> Any:
    """Return what `export` gives; where it fails, the module's branches on constants are decided first."""
    try:
        return export()
    except Exception:  # torch has no public name for a refused branch
        made = decisions(module, args)
        if not any(decision is not None for decision in made):
            raise
        with Decided(made):
            return export()


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Let a module run on copies of its buffers and plain attributes, and give it back its own."""
    own = [(part, dict(part.__dict__)) for part in module.modules()]
    for part, attributes in own:
        part.__dict__.update(pytree.tree_map(_copied_attribute, attributes))
    try:
        yield
    finally:
        for part, attributes in own:
            part.__dict__.clear()
            part.__dict__.update(attributes)


def _copied_attribute(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) and not isinstance(value, nn.Parameter) else value


def _fresh(value: Any) -> Any:
    """Return a tensor of its own: torch.export takes the same tensor given twice for one input."""
    return value.detach().clone().requires_grad_(value.requires_grad) if isinstance(value, Tensor) else value


def _dynamic(args: tuple[Any, ...], open_sizes: Mapping[int, set[int]] | None) -> Any:
    """Return torch.export's way to say which sizes of which arguments stay open."""
    if not open_sizes:
        return None
    return tuple(dict.fromkeys(open_sizes.get(place, ()), torch.export.Dim.AUTO) or None for place in range(len(args)))


@contextmanager
def _shown_identities(module: nn.Module | None) -> Iterator[None]:
    """Let every nn.Identity leave a trace while a module is exported: as a child of a Sequential it is a node."""
    parts = [each for each in module.modules() if isinstance(each, nn.Identity)] if module is not None else []
    hooks = [each.register_forward_hook(lambda module, args, output: aten.alias.default(output)) for each in parts]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _cut_no_grad(exported: Any) -> None:
    """Detach what comes out of `with torch.no_grad()`: the blocks are dissolved in the next step."""
    for node in exported.graph.nodes:
        if "wrap_with_set_grad_enabled" in str(node.target) and node.args[0] is False:
            graph = getattr(exported.graph_module, node.args[1].target).graph
            end = next(each for each in graph.nodes if each.op == "output")
            for source in end.all_input_nodes:
                with graph.inserting_after(source):
                    cut = graph.call_function(aten.detach.default, (source,))
                cut.meta = dict(source.meta)
                end.replace_input_with(source, cut)
            graph.owning_module.recompile()


def _leaf_values(exported: Any, module: nn.Module, args: tuple[Any, ...]) -> dict[str, Value]:
    """Return the values of an exported graph's placeholders; a parameter with two names is one value."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    flat = iter(pytree.tree_leaves((args, {})))
    found: dict[str, Value] = {}
    shared: dict[str, Value] = {}
    for spec in exported.graph_signature.input_specs:
        kind, name = spec.kind.name, spec.target
        if kind == "USER_INPUT":
            value = next(flat)
            if isinstance(value, Tensor):
                found[spec.arg.name] = Value(spec.arg.name, op="input", result=value.detach().clone())
            continue
        held = exported.constants[name] if kind == "CONSTANT_TENSOR" else operator.attrgetter(name)(module)
        if kind == "PARAMETER":
            name = names[id(held)]
        op = "parameter" if kind == "PARAMETER" and held.requires_grad else "constant"
        if name not in shared:
            shared[name] = Value(name, op=op, result=held.detach().clone())
        found[spec.arg.name] = shared[name]
    return found


# ---------------------------------------------------------------- one run


@dataclass(eq=False)
class Value:
    """What a node of the exported graph computed: a leaf (`op`), or a call whose arguments are other values.

    `live`: a gradient reaches it. `still`: it depends on nothing that a gradient reaches. `calls`: the modules
    it was computed in, outermost first, each as (path, which call of it). `place`: the line, for errors.
    """

    name: str
    op: str = ""
    target: Any = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    live: bool = False
    still: bool = False
    calls: tuple[Call, ...] = ()
    place: str = ""

    @property
    def inputs(self) -> list[Value]:
        """The values it reads, in order, as often as it reads them."""
        return [each for each in pytree.tree_leaves((self.args, dict(self.kwargs))) if isinstance(each, Value)]

    @cached_property
    def is_plain(self) -> bool:
        """Tell whether a node or a leaf can hold it: a finite tensor."""
        return isinstance(self.result, Tensor) and (
            not self.result.is_floating_point() or bool(torch.isfinite(self.result).all())
        )


def _run(exported: Any, leaves: Mapping[str, Value], seed: int) -> tuple[list[Value], Value]:
    """Run the exported graph once; return all values in order, and the output.

    Random numbers are drawn in the module's own order from its own seed, and other people's stay as they are.
    """
    values: dict[Any, Value] = {}
    devices = {leaf.result.device.index for leaf in leaves.values() if leaf.result.is_cuda}
    with torch.enable_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for leaf in leaves.values():
            learns = leaf.op != "constant" and leaf.result.is_floating_point()
            leaf.live, leaf.still = learns, not learns
            leaf.result = leaf.result.detach().requires_grad_(learns)
        for node in exported.graph.nodes:
            if node.op == "placeholder" and node.name in leaves:
                values[node] = leaves[node.name]
            elif node.op == "call_function":
                values[node] = _compute(node, values)
            elif node.op == "output":
                output = _output(exported, node, values)
    return list(dict.fromkeys(values.values())), output


def _compute(node: Any, values: Mapping[Any, Value]) -> Value:
    """Return the value of one call, computed by torch with its gradient's graph."""
    args, kwargs = pytree.tree_map(lambda each: _known(values, each), (node.args, dict(node.kwargs)))
    calls = _module_calls(node)
    target, args, kwargs = _rewritten(node.target, args, kwargs, calls)
    value = Value(node.name, target=target, args=args, kwargs=kwargs, calls=calls, place=_line_of(node))
    value.still = all(each.still for each in value.inputs)
    drawn = Seeded(target, _device(value.inputs)) if is_random(target) else None
    value.result = target(*_results(args), **_results(kwargs))
    if drawn and drawn.has_drawn():
        value.target = drawn
    value.live = isinstance(value.result, Tensor) and value.result.requires_grad and value.result.is_floating_point()
    return value


def _known(values: Mapping[Any, Value], given: Any) -> Any:
    """Return an argument as the value that an earlier node computed; a size that was left open is its number."""
    value = values.get(given, given) if isinstance(given, torch.fx.Node) else given
    return value.result if isinstance(value, Value) and isinstance(value.result, int) else value


def _device(inputs: Sequence[Value]) -> torch.device:
    return next((each.result.device for each in inputs if isinstance(each.result, Tensor)), torch.device("cpu"))


def _results(value: Any) -> Any:
    return pytree.tree_map(lambda each: each.result if isinstance(each, Value) else each, value)


def _rewritten(target: Any, args: Any, kwargs: Any, calls: tuple[Call, ...]) -> tuple[Any, Any, Any]:
    """Return a call as one that changes nothing and draws nothing where it need not.

    Batch norm and instance norm in training lose their running statistics, which their output does not depend on;
    dropout becomes a product with a mask, drawn here; an entry of an unbound tensor is selected; what is copied over
    another tensor no longer names that one. torch.export may have recorded another memory layout than the one that
    an operation leaves here, so that a view becomes a reshape.
    """
    if target in (aten.view.default, aten._unsafe_view.default):
        return aten.reshape.default, args, kwargs
    if target is aten.instance_norm.default:
        x, weight, bias, mean, variance, from_batch, momentum, eps, _ = args
        if from_batch:
            return target, (x, weight, bias, None, None, True, momentum, eps, False), {}
        return aten.batch_norm.default, (x, weight, bias, mean, variance, False, momentum, eps, False), {}
    if target is operator.getitem:
        source, index = args
        if source.target is aten._native_batch_norm_legit_functional.default and index == 0:
            x, weight, bias, _, _, training, momentum, eps = source.args
            return aten.batch_norm.default, (x, weight, bias, None, None, training, momentum, eps, False), {}
        if source.target is aten._native_batch_norm_legit_no_training.default and index == 0:
            x, weight, bias, mean, variance, momentum, eps = source.args
            return aten.batch_norm.default, (x, weight, bias, mean, variance, False, momentum, eps, False), {}
        if source.target is _masked and index == 0:
            return (aten.mul.Tensor, source.args, {}) if source.args[1] else (aten.alias.default, source.args[:1], {})
        if source.target is aten.unbind.int:
            return aten.select.int, (source.args[0], (source.args[1:] or (0,))[0], index), {}
    if target is aten.copy.default:
        into, source = args[0].result, args[1]
        if source.result.dtype == into.dtype:
            return aten.expand.default, (source, list(into.shape)), {}
        return _copied, (source, into.dtype, tuple(into.shape)), {}
    if target is aten.native_dropout.default:
        x, probability, training = args
        if probability == 0 or not training:
            return _masked, (x, None), {}
        drawn, shape = Seeded(_mask, x.result.device), (tuple(x.result.shape), x.result.stride())
        mask = Value("mask", op="constant", target=drawn, args=(*shape, x.result.dtype, x.result.device, probability))
        mask.result, mask.still, mask.calls = drawn.redraw(*mask.args), True, calls
        return _masked, (x, mask), {}
    return target, args, kwargs


def _copied(source: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    return source.to(dtype).expand(shape)


def _mask(shape: Any, stride: Any, dtype: torch.dtype, device: torch.device, probability: float) -> Tensor:
    """Return the mask that dropout draws for a tensor of this shape and layout."""
    return torch.dropout(torch.empty_strided(shape, stride, dtype=dtype, device=device).fill_(1), probability, True)


def _masked(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return what dropout does once its mask is drawn: a product with it; nothing where it drops nothing."""
    return (x, None) if mask is None else (x * mask, mask)


def _module_calls(node: Any) -> tuple[Call, ...]:
    """Return the calls of modules a node was recorded in, outermost first, as (path, which call)."""
    stack = node.meta.get("nn_module_stack") or {}
    return tuple((path.partition("@")[0], key.partition("@")[2]) for key, (path, _) in stack.items())


def _line_of(node: Any) -> str:
    found = re.findall(r'File "(.+?)", line (\d+), in .*\n(.*)', node.meta.get("stack_trace") or "")
    found = [each for each in found if not each[0].startswith("<")]
    return code_line(*found[-1]) if found else ""


def _output(exported: Any, node: Any, values: Mapping[Any, Value]) -> Value:
    """Return the one tensor a module returns; raise GraphError where it returns none or several."""
    specs = exported.graph_signature.output_specs
    returned = [each for each, spec in zip(node.args[0], specs, strict=True) if spec.kind.name == "USER_OUTPUT"]
    if len(returned) != 1 or returned[0] not in values:
        raise GraphError("error.torch.outputs", got=len(returned))
    output = values[returned[0]]
    if not output.live:
        raise GraphError(
            "error.torch.output_still",
            op=target_name(output.target) if output.target else output.op,
            place=output.place,
        )
    return output


def _check_against_module(
    module: nn.Module, args: tuple[Any, ...], seed: int, values: Sequence[Value], output: Value
) -> None:
    """Raise GraphError or OpError unless the module itself computes the same output and the same gradients.

    The module's gradients are taken for an error 1024 times as large too: a hook that clips shows there alone.
    """
    leaves = [value for value in values if value.op and value.live]
    draw = torch.Generator().manual_seed(seed)
    error = torch.randn(output.result.shape, generator=draw, dtype=torch.float64).to(output.result)
    gradients = _gradients(leaves, values, output, error)
    with _restored(module):
        _run_module(module, args, seed)
        own, owned = _run_module(module, args, seed)  # another output where calls leave a state behind
        inputs = [leaf.name for leaf in leaves if leaf.op == "input"]
        names = [inputs[name] if isinstance(name, int) else name for name in owned]
        if not own.requires_grad:
            raise GraphError("error.torch.own_still", module=type(module).__name__)
        close = TOLERANCE.get(own.dtype, ROUGH)
        if not torch.allclose(own.detach(), output.result.detach(), close, close, equal_nan=True):
            raise GraphError("error.torch.differs", module=type(module).__name__)
        for scale in (1.0, 1024.0) if torch.finfo(own.dtype).max > 1e30 else (1.0,):
            found = torch.autograd.grad(own, list(owned.values()), scale * error, retain_graph=True, allow_unused=True)
            exact = {name: part / scale for name, part in zip(names, found, strict=True) if part is not None}
            _check_gradients(module, gradients, exact, close)


def _gradients(leaves: Sequence[Value], values: Sequence[Value], output: Value, error: Tensor) -> dict[str, Tensor]:
    """Return the gradients of the leaves that the exported graph's output depends on.

    Raises OpError, with operation and line, where an operation on the way has no derivative.
    """
    results = [leaf.result for leaf in leaves]
    try:
        found = torch.autograd.grad(output.result, results, error, retain_graph=True, allow_unused=True)
    except RuntimeError as cause:
        named = re.search(r"derivative for '?(?:aten::)?(\w+)", str(cause))
        calls = [value for value in values if not value.op and named and _stem(value) == named[1].strip("_")]
        place = calls[0].place if calls else ""
        raise OpError(
            "error.torch.gradient", op=f"aten.{named[1]}" if named else str(cause).split("\n")[0], place=place
        ) from cause
    return {leaf.name: part for leaf, part in zip(leaves, found, strict=True) if part is not None}


def _run_module(module: nn.Module, args: tuple[Any, ...], seed: int) -> tuple[Tensor, dict[int | str, Tensor]]:
    """Return the module's own output, and the leaves it has gradients for: inputs numbered, parameters by name.

    The module reads copies and writes to nothing of its own. Raises GraphError or OpError where it fails, where no
    gradient reaches its output, and where a torch.autograd.Function is on the way.
    """
    args = pytree.tree_map(_watched, args)
    given = [arg for arg in pytree.tree_leaves(args) if isinstance(arg, Tensor) and arg.requires_grad]
    leaves: dict[int | str, Tensor] = dict(enumerate(given))
    leaves.update((name, each) for name, each in module.named_parameters() if each.requires_grad)
    tensors = (*module.named_parameters(), *module.named_buffers())
    devices = {each.device.index for _, each in tensors if each.is_cuda}
    with torch.enable_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        copies = {name: each.clone() for name, each in tensors}
        try:
            found = torch.func.functional_call(module, copies, pytree.tree_map(_cloned, args))
        except Exception as cause:  # the user's own code runs here
            raise not_called(module, args, cause) from cause
    outputs = [each for each in pytree.tree_leaves(found) if isinstance(each, Tensor)]
    if len(outputs) != 1:
        raise GraphError("error.torch.outputs", got=len(outputs))
    function = _own_derivative(outputs[0])
    if function == "CheckpointFunction":
        raise OpError("error.torch.checkpoint")
    if function:
        raise OpError("error.torch.custom", function=function)
    return outputs[0], leaves


def _check_gradients(module: nn.Module, found: Mapping[str, Tensor], exact: Mapping[str, Tensor], close: float) -> None:
    """Raise GraphError, naming the leaf, where a gradient is not the module's own.

    One that is 0 but for rounding, such as that of a bias before batch norm, is measured by the largest one.
    """
    largest = max((float(part.to_dense().nan_to_num(0, 0, 0).norm()) for part in exact.values()), default=0.0)
    for name, part in {**found, **exact}.items():
        none = torch.zeros_like(part.to_dense())
        ours, own = found.get(name, none).to_dense(), exact.get(name, none).to_dense()
        same = (ours == own) | (ours.isnan() & own.isnan())
        far, size = float((ours - own).masked_fill(same, 0).norm()), float(own.nan_to_num(0, 0, 0).norm())
        if not far <= close * (size + largest / 100):
            raise GraphError(
                "error.torch.gradient_differs", module=type(module).__name__, leaf=name, far=far / (size or far)
            )


def _watched(value: Any) -> Any:
    return value.detach().requires_grad_(value.is_floating_point()) if isinstance(value, Tensor) else value


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _own_derivative(output: Tensor) -> str:
    """Return the name of a torch.autograd.Function of the user's own on the way to the output, "" if there is none."""
    waiting: list[Any] = [output.grad_fn]
    seen = set()
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        name = type(function).__name__.removesuffix("Backward")
        if isinstance(function, torch.autograd.function.BackwardCFunction) and name not in TORCHS:
            return name
        waiting += [source for source, _ in function.next_functions]
    return ""


# ---------------------------------------------------------------- writing the graph


class _Writer:
    """Writes a node for every value that the output needs and that can be one."""

    def __init__(self, values: Sequence[Value], output: Value, module: nn.Module, grain: str) -> None:
        self.values, self.output = values, output
        self.order = {value: number for number, value in enumerate(values)}
        self.blocks = _blocks(module) if grain == "modules" else {}
        self.names: dict[Value, str] = {}
        self.leaves: dict[str, tuple[str, Tensor]] = {}
        self.nodes: dict[str, Node] = {}
        self.derived: Derived = {}

    def write(self) -> tuple[Graph, dict[str, Tensor], Derived]:
        for value in self.values:
            if value.op in ("input", "parameter"):
                self.leaf(value)
        for value in self.needed():
            self.names[value] = self.repeated(value) or self.node(value)
        leaves = [Node(name, op) for name, (op, _) in self.leaves.items()]
        graph = Graph(Nodes([*leaves, *self.nodes.values()]), self.names[self.output])
        return graph, {name: value for name, (_, value) in self.leaves.items()}, self.derived

    # ---- what becomes a node

    def needed(self) -> list[Value]:
        """Return the values that become nodes, in order: the output, and what the nodes found so far read."""
        found, waiting = {self.output}, [self.output]
        while waiting:
            for value in self.around(self.parts(waiting.pop())):
                if value.live and value.is_plain and not value.op and value not in found:
                    found.add(value)
                    waiting.append(value)
        return sorted(found, key=self.order.__getitem__)

    def parts(self, value: Value) -> list[Value]:
        """Return the calls that make up a value's node, in order: its own, and those that no other node holds."""
        found, waiting = {value}, [value]
        while waiting:
            for each in waiting.pop().inputs:
                if each not in found and not self.outside(each, value):
                    found.add(each)
                    waiting.append(each)
        return sorted(found, key=self.order.__getitem__)

    def outside(self, value: Value, user: Value) -> bool:
        """Tell whether a value that a node reads is a leaf or a node of its own."""
        return bool(value.op) or (value.is_plain and (value.still or (value.live and not self.together(value, user))))

    def together(self, value: Value, other: Value) -> bool:
        """Tell whether two values were computed in the same call of a module that is one node."""
        block = self.block(value)
        return block is not None and block == self.block(other)

    def block(self, value: Value) -> tuple[Call, ...] | None:
        """Return the call of a module that is one node in which a value was computed, None where there is none."""
        depth = next((depth for depth, (path, _) in enumerate(value.calls, start=1) if path in self.blocks), None)
        return value.calls[:depth] if depth else None

    def around(self, parts: Sequence[Value]) -> list[Value]:
        """Return what the calls of a node read from outside it, each once."""
        return list(dict.fromkeys(each for part in parts for each in part.inputs if each not in parts))

    def repeated(self, value: Value) -> str | None:
        """Return the name of the node that a value is a mere copy of, None where it is not."""
        if value.target not in UNCHANGED or self.block(value.args[0]) != self.block(value):
            return None
        source, own = value.args[0].result, value.result
        return self.names.get(value.args[0]) if (source.shape, source.stride()) == (own.shape, own.stride()) else None

    # ---- nodes

    def node(self, value: Value) -> str:
        """Write the node of a value and return its name."""
        parts = self.parts(value)
        op, inputs, attrs, stem = self.own(value, parts) or self.operation(value, parts) or self.program(value, parts)
        block = self.block(value)
        name = self.fresh(block[-1][0]) if block else self.fresh(_path(value), stem)
        self.nodes[name] = Node(name, op, tuple(inputs), attrs)
        return name

    def own(self, value: Value, parts: Sequence[Value]) -> Written | None:
        """Return the node as an op of our own, None where none means exactly the same."""
        found = own_op(value.target, value.args, value.kwargs, value.result) if len(parts) == 1 else None
        if found is None:
            return None
        op, given, attrs = found
        tensors = [each for each in given if isinstance(each, Value)]
        if not all(each.is_plain and each.result.dtype == value.result.dtype for each in tensors):
            return None
        if op == "identity" and tensors[0].result.stride() != value.result.stride():
            return None
        return op, [self.input(each, value) for each in given], attrs, op

    def operation(self, value: Value, parts: Sequence[Value]) -> Written | None:
        """Return the node as one ATen operation, or one of its outputs; None where it is several."""
        one_of = value.target is operator.getitem and len(parts) == 2
        call = parts[0]
        if len(parts) > 1 + one_of or not hasattr(call.target, "_schema"):
            return None
        given, attrs = split_args(call.target, call.args, call.kwargs)
        if not all(isinstance(each, Value) and each.is_plain for each in given):
            return None
        op = aten_op(call.target)
        if one_of:
            attrs["result"] = value.args[1]
        return op, [self.input(each, value) for each in given], attrs, op.split(".")[1]

    def program(self, value: Value, parts: Sequence[Value]) -> Written:
        """Return the node as a program of several calls."""
        inputs = [each for each in self.around(parts) if each.is_plain]
        stems = list(dict.fromkeys(map(_stem, reversed(parts))))
        if len(parts) == 1:  # the plain name is that of the operation's own row
            stems.append("drawn" if isinstance(value.target, Seeded) else "fixed")
        block = self.block(value)
        kind = f"module.{self.blocks[block[-1][0]]}" if block else f"aten.{'+'.join(stems[:3])}"
        attrs = {"program": _program(parts, inputs)}
        return program_op(kind), [self.input(each, value) for each in inputs], attrs, stems[0]

    # ---- leaves and names

    def input(self, given: Any, user: Value) -> str:
        """Return the name of a node's input; a number, or what no gradient reaches, becomes a constant."""
        if not isinstance(given, Value):
            given = Value(
                "c", op="constant", result=torch.tensor(given, dtype=user.result.dtype, device=user.result.device)
            )
        return self.names.get(given) or self.leaf(given)

    def leaf(self, value: Value) -> str:
        """Write a leaf and return its name: its own in the module, or where it was computed."""
        name = self.fresh(_path(value), value.name if value.op else _stem(value))
        self.names[value] = name
        self.leaves[name] = (value.op or "constant", value.result)
        parts = _history(value)
        inputs = [each for each in self.around(parts) if each.op == "input"]
        if inputs:
            program = _program(sorted(parts, key=self.order.__getitem__), inputs)
            self.derived[name] = (tuple(self.names[each] for each in inputs), program)
        return name

    def fresh(self, *words: str) -> str:
        """Return a name that no other node has: the words with dots, numbered from the second on."""
        stem = ".".join(filter(None, words))
        name, count = stem, 1
        while name in self.leaves or name in self.nodes:
            count += 1
            name = f"{stem}_{count}"
        return name


Written = tuple[str, list[str], dict[str, Any], str]  # op, inputs, attrs, and what the node is called


def _blocks(module: nn.Module) -> dict[str, str]:
    """Return the modules that are one node, as path → class: children of a Sequential, and those without children."""
    found: dict[str, str] = {}
    waiting = [("", module)]
    while waiting:
        path, parent = waiting.pop()
        for name, child in parent.named_children():
            own = f"{path}.{name}" if path else name
            if isinstance(parent, nn.Sequential) or isinstance(child, WHOLE) or not list(child.children()):
                found[own] = type(child).__name__
            else:
                waiting.append((own, child))
    return found


def _history(value: Value) -> list[Value]:
    """Return the calls that computed a constant, as far back as they draw no random numbers."""
    found: dict[Value, None] = {}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if not each.op and not isinstance(each.target, Seeded) and each not in found:
            found[each] = None
            waiting += each.inputs
    return list(found)


def _program(parts: Sequence[Value], inputs: Sequence[Value]) -> Program:
    """Return calls as a program over its inputs; any other value they read becomes part of it."""
    places = {value: Ref(place) for place, value in enumerate([*inputs, *parts])}

    def written(value: Any) -> Any:
        return places.get(value) or Fixed(value.result) if isinstance(value, Value) else value

    lines = [Line(part.target, *pytree.tree_map(written, (tuple(part.args), dict(part.kwargs)))) for part in parts]
    return Program(len(inputs), tuple(lines))


def _path(value: Value) -> str:
    return value.calls[-1][0] if value.calls else ""


def _stem(value: Value) -> str:
    """Return what a call is named after: "max_pool2d" of aten.max_pool2d.default."""
    if value.target is operator.getitem:
        return _stem(value.args[0])
    target = value.target.target if isinstance(value.target, Seeded) else value.target
    return target_name(target).removeprefix("aten.").split(".")[0].strip("_")
