"""Why a module cannot be imported: one sentence for each cause, and none of torch's own lines on the screen."""

from __future__ import annotations

import inspect
import io
import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from pcgraph.errors import GraphError

WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")  # the last one is torch.compile's


def check_module(module: Any, args: tuple[Any, ...]) -> None:
    """Raise GraphError where a module, its tensors or its arguments are of a kind that no problem holds."""
    if torch.is_inference_mode_enabled():
        raise GraphError("error.torch.inference_mode")
    kind = type(module).__name__
    if not isinstance(module, nn.Module):
        raise GraphError("error.torch.no_module", got=getattr(module, "__name__", kind))
    if kind in WRAPPERS or isinstance(module, torch.jit.ScriptModule):
        raise GraphError("error.torch.wrapper", kind=kind)
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        _check_tensor(f"{kind}.{name}", value)
    for place, value in enumerate(pytree.tree_leaves(args), start=1):
        if isinstance(value, Tensor):
            _check_tensor(f"argument {place}", value)
        elif hasattr(value, "__array__"):
            raise GraphError("error.torch.array", place=place, got=type(value).__name__)
    try:
        inspect.signature(module.forward).bind(*args)
    except TypeError as cause:
        taken = str(inspect.signature(module.forward)).split(" -> ")[0]
        raise GraphError("error.torch.signature", module=kind, got=len(args), expected=taken) from cause


def _check_tensor(name: str, value: Tensor) -> None:
    """Raise GraphError for a tensor that is complex, sparse, without numbers, or made in inference mode."""
    if nn.parameter.is_lazy(value):
        raise GraphError("error.torch.lazy", tensor=name)
    if value.device.type == "meta":
        raise GraphError("error.torch.meta", tensor=name)
    if value.is_complex():
        raise GraphError("error.torch.complex", tensor=name)
    if value.layout != torch.strided:
        raise GraphError("error.torch.sparse", tensor=name)
    if value.is_inference():
        raise GraphError("error.torch.inference_tensor", tensor=name)


def not_called(module: nn.Module, args: tuple[Any, ...], cause: Exception) -> GraphError:
    """Return the sentence for a module that fails on its arguments by itself, before anything is exported."""
    given = ", ".join(_kind(each) for each in pytree.tree_leaves(args)) or "–"
    types = dict.fromkeys(_type(each) for each in module.parameters())
    key, innermost = "error.torch.call", traceback.extract_tb(cause.__traceback__)[-1].filename
    if isinstance(cause, IndexError):
        key = "error.torch.call_index"
    elif isinstance(cause, AttributeError | NameError | KeyError) or (
        not is_library(innermost) and not isinstance(cause, RuntimeError)
    ):
        key = "error.torch.call_reason"
    return GraphError(
        key, module=type(module).__name__, place=users_line(cause), given=given, types=", ".join(types) or "–",
        reason=_first_line(cause),
    )  # fmt: skip


def not_exported(module: nn.Module, cause: Exception) -> GraphError:
    """Return the sentence for a module that torch.export cannot read, by its cause."""
    text = f"{type(cause).__name__} {cause}"
    key = "error.torch.export"
    if any(word in text for word in ("DataDependent", "data-dependent", "Could not guard")):
        key = "error.torch.export_values"
    elif any(word in text for word in ("functorch", "fake tensor in the exported program")):
        key = "error.torch.export_gradient"
    return GraphError(key, module=type(module).__name__, place=users_line(cause))


def check_exported(module: nn.Module, exported: Any) -> None:
    """Raise GraphError where the exported graph writes into a parameter or holds graphs of its own."""
    for spec in exported.graph_signature.output_specs:
        if spec.kind.name == "PARAMETER_MUTATION":
            raise GraphError("error.torch.rewrites", module=type(module).__name__, leaf=spec.target)
    for node in exported.graph.nodes:
        held = getattr(exported.graph_module, node.target, None) if node.op == "get_attr" else None
        if isinstance(held, torch.fx.GraphModule):
            op = next(str(user.target).split(".")[-1] for user in node.users)
            raise GraphError("error.torch.branches", module=type(module).__name__, op=op)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch's warnings, log lines and printed graphs away: what went wrong is said in a sentence."""
    loggers = [each for name, each in logging.root.manager.loggerDict.items() if name.split(".")[0] == "torch"]
    torchs = [each for each in loggers if isinstance(each, logging.Logger)]
    for logger in torchs:
        logger.addFilter(_drop)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in torchs:
            logger.removeFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:
    return False


def users_line(cause: BaseException) -> str:
    """Return the last line of the user's own code that an error came through."""
    own = [frame for frame in traceback.extract_tb(cause.__traceback__) if not is_library(frame.filename)]
    return code_line(own[-1].filename, own[-1].lineno, own[-1].line) if own else ""


def is_library(file: str) -> bool:
    """Tell whether a file is Python's, torch's or our own."""
    libraries = (Path(torch.__file__).parent, Path(inspect.__file__).parent, Path(__file__).parent)
    return file.startswith("<") or any(Path(file).is_relative_to(each) for each in libraries)


def code_line(file: str, line: Any, code: str | None) -> str:
    """Return a line of the user's as the end of a sentence."""
    return f" ({Path(file).name}:{line}: {(code or '').strip()})"


def _first_line(cause: Exception) -> str:
    return next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__).rstrip(".")


def _kind(value: Any) -> str:
    return f"{_type(value)} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
