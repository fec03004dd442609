"""The cost of a weight update on five families of networks: each method's time over that of torch.autograd.

`run_bench` alternates the methods in one process and takes medians of ratios, so that a busy machine slows all
of them alike. `python -m pcgraph bench` prints its table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from pcgraph.errors import SettingError
from pcgraph.fast import zil_gradients
from pcgraph.graph import listing
from pcgraph.messages import say
from pcgraph.problem import Problem
from pcgraph.solve import solve
from pcgraph.torch_import import from_torch

# ---------------------------------------------------------------- the families


class Alexnet(nn.Module):
    """Five convolutions and three linear layers, as Krizhevsky's, for pictures of 64 × 64."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(256 * 9, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Recurrent(nn.Module):
    """h ← tanh(W h + U x), one step after the other, and a linear map of the last h."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.to_hidden, self.again, self.out = (
            nn.Linear(inputs, hidden),
            nn.Linear(hidden, hidden),
            nn.Linear(hidden, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.to_hidden(x[0]))
        for step in x[1:]:
            h = torch.tanh(self.to_hidden(step) + self.again(h))
        return self.out(h)


class Block(nn.Module):
    """Two convolutions and a way around them: the basic block of a residual network."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.around = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.around(x))


class Resnet18(nn.Module):
    """He's ResNet-18: eight residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        sizes = [
            (64, 64, 1),
            (64, 64, 1),
            (64, 128, 2),
            (128, 128, 1),
            (128, 256, 2),
            (256, 256, 1),
            (256, 512, 2),
            (512, 512, 1),
        ]
        self.blocks = nn.Sequential(*[Block(*size) for size in sizes])
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


@dataclass(frozen=True)
class Family:
    """A network, its inputs and its target at two sizes, and the paper's milliseconds for BP and Z-IL.

    `seconds`: about how long a bench of it takes, by size, with one thread.
    """

    name: str
    make: Callable[..., tuple[nn.Module, Tensor, Tensor, str]]
    paper: tuple[float, float]
    sizes: Mapping[str, Mapping[str, int]]
    seconds: Mapping[str, float]

    def problem(
        self, dtype: torch.dtype = torch.float32, seed: int = 0, size: str = "real"
    ) -> tuple[nn.Module, Tensor, Tensor, str]:
        """Return module, input, target and loss, the same for the same seed."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module, x, target, loss = self.make(**self.sizes[size])
            return module.to(dtype), x.to(dtype), target.to(dtype) if target.is_floating_point() else target, loss


def _classes(module: nn.Module, *shape: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    return module, torch.randn(shape), torch.randint(0, 10, (shape[0],)), "cross_entropy"


def _mlp(batch: int, width: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    layers = [nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    return _classes(nn.Sequential(*layers), batch, 784)


def _cnn(batch: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    return _classes(Alexnet(), batch, 3, 64, 64)


def _rnn(steps: int, batch: int, width: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    target = torch.randint(0, 10, (batch,))
    return Recurrent(64, width, 10), torch.randn(steps, batch, 64), target, "cross_entropy"


def _resnet18(batch: int, side: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    return _classes(Resnet18(), batch, 3, side, side)


def _transformer(batch: int, width: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True)
    return layer, torch.randn(batch, 64, width), torch.randn(batch, 64, width), "squared_error"


def _family(
    make: Callable[..., Any],
    paper: tuple[float, float],
    real: Mapping[str, int],
    small: Mapping[str, int],
    seconds: tuple[float, float],
) -> Family:
    name = make.__name__.removeprefix("_")
    return Family(name, make, paper, {"real": real, "small": small}, {"real": seconds[0], "small": seconds[1]})


FAMILIES = {
    family.name: family
    for family in (
        _family(_mlp, (3.72, 3.81), {"batch": 128, "width": 512}, {"batch": 32, "width": 256}, (10, 6)),
        _family(_cnn, (8.61, 8.86), {"batch": 32}, {"batch": 4}, (20, 6)),
        _family(
            _rnn, (5.64, 5.67),
            {"steps": 32, "batch": 64, "width": 256}, {"steps": 16, "batch": 32, "width": 128}, (15, 4),
        ),
        _family(_resnet18, (12.43, 12.53), {"batch": 8, "side": 64}, {"batch": 2, "side": 32}, (75, 8)),
        _family(_transformer, (20.43, 20.53), {"batch": 8, "width": 256}, {"batch": 2, "width": 128}, (45, 4)),
    )
}  # fmt: skip
SIZES = {"small": 5, "real": 5}  # rounds that a bench of the app makes

# ---------------------------------------------------------------- the methods

Gradients = Mapping[str, Tensor]
Run = Callable[[], Any]


def autograd(module: nn.Module, x: Tensor, target: Tensor, loss: str) -> dict[str, Tensor]:
    """Return torch.autograd's gradient of the loss for every parameter."""
    output = module(x)
    value = (
        nn.functional.cross_entropy(output, target, reduction="sum")
        if loss == "cross_entropy"
        else 0.5 * ((output - target) ** 2).sum()
    )
    names, parameters = zip(*module.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(value, parameters), strict=True))


METHODS: dict[str, Callable[[Problem], Gradients]] = {
    "zil": lambda problem: zil_gradients(problem, inputs=False),
    "fixed": lambda problem: solve(problem, "fixed", rate=1.0, save="last").gradients,
    "pc": lambda problem: solve(problem, "pc", rate=0.01, steps=20, save="last").gradients,
}
SLOW = 5  # methods but Z-IL run once in so many rounds

# ---------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Row:
    """A method on a family: median milliseconds, and the median over rounds of its time over BP's in the same round.

    `difference` is the largest relative difference of a parameter's gradient from BP's; `memory` is peak over peak,
    measured for Z-IL; `paper` is the published ratio, where there is one.
    """

    family: str
    method: str
    milliseconds: float
    bp_milliseconds: float
    ratio: float
    difference: float
    memory: float | None
    paper: float | None
    nodes: int
    rounds: int


@dataclass(frozen=True)
class Seen:
    """How far a bench is: so many rounds of all are done, and it is about to measure this family."""

    family: str
    done: int
    total: int


def run_bench(
    families: Iterable[str] | None = None,
    repeats: int = 20,
    methods: Iterable[str] | None = None,
    progress: Callable[[str, int, int], Any] | None = None,
    device: str | None = None,
    size: str = "real",
) -> list[Row]:
    """Return a row for every family and method: their cost beside torch.autograd's, parameters' gradients only.

    In every round BP runs, then each method (the slow ones in every fifth round only). `progress` is given a
    family's name, how many rounds are done and how many there will be. On the GPU where there is one.
    """
    rows = []
    for found in measure(families, repeats, methods, device, size):
        if isinstance(found, Row):
            rows.append(found)
        elif progress is not None:
            progress(found.family, found.done, found.total)
    return rows


def measure(
    families: Iterable[str] | None = None,
    repeats: int = 20,
    methods: Iterable[str] | None = None,
    device: str | None = None,
    size: str = "real",
) -> Iterator[Seen | Row]:
    """Yield how far `run_bench` is, before and after every round, and a family's rows as soon as it has them."""
    families, methods = _chosen("families", families, FAMILIES), _chosen("methods", methods, METHODS)
    _chosen("sizes", [size], SIZES)
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise SettingError("error.bench.repeats", got=str(repeats))
    return chain.from_iterable(
        _measure_family(FAMILIES[name], methods, repeats, device, size, number, len(families))
        for number, name in enumerate(families)
    )


def _measure_family(
    family: Family,
    methods: Sequence[str],
    repeats: int,
    device: str | None,
    size: str,
    number: int,
    count: int,
) -> Iterator[Seen | Row]:
    before, total = number * repeats, count * repeats
    yield Seen(family.name, before, total)
    bench, times = WarmFamily(family, device, size), Times(methods)
    for done in range(1, repeats + 1):
        bench.round(times)
        yield Seen(family.name, before + done, total)
    yield from bench.rows(times)


class Times:
    """Seconds of BP and of some methods by round, and each method's ratio to BP in the same round."""

    def __init__(self, methods: Iterable[str]) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in ("bp", *methods)}
        self.ratios: dict[str, list[float]] = {name: [] for name in self.seconds if name != "bp"}

    def go(self, bp: Run, methods: Mapping[str, Run], seconds: Callable[[Run], float], slow: int = SLOW) -> None:
        """Run BP, then each method; the slow ones in one of so many rounds."""
        times, done = self.seconds, len(self.seconds["bp"])
        times["bp"].append(seconds(bp))
        for name, run in methods.items():
            if name == "zil" or done % slow == 0:
                times[name].append(seconds(run))
                self.ratios[name].append(times[name][-1] / times["bp"][-1])

    def milliseconds(self, name: str) -> float:
        return 1000 * statistics.median(self.seconds[name])

    def ratio(self, name: str) -> float:
        return statistics.median(self.ratios[name])


class WarmFamily:
    """A family's module and imported problem, warmed up."""

    def __init__(self, family: Family, device: str | None, size: str) -> None:
        self.family = family
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        module, x, target, loss = family.problem(size=size)
        self.given = (module.to(self.device), x.to(self.device), target.to(self.device), loss)
        module, x, target, loss = self.given
        self.problem = from_torch(module, (x,), target, loss)
        self.exact = self.bp()

    def bp(self) -> Gradients:
        return autograd(*self.given)

    def round(self, times: Times) -> None:
        """Add a round of all methods to the times."""
        times.go(self.bp, {name: partial(METHODS[name], self.problem) for name in times.ratios}, self.seconds)

    def rows(self, times: Times) -> Iterator[Row]:
        """Yield what the rounds come to."""
        nodes, published = len(self.problem.graph.inner), self.family.paper[1] / self.family.paper[0]
        for name, ratios in times.ratios.items():
            memory, paper = (self.memory_ratio(), published) if name == "zil" else (None, None)
            found = (times.milliseconds(name), times.milliseconds("bp"), times.ratio(name), self.difference(name))
            yield Row(self.family.name, name, *found, memory, paper, nodes, len(ratios))

    def seconds(self, run: Callable[[], Any]) -> float:
        """Return how long a run takes, until the device has finished."""
        self.wait()
        start = time.perf_counter()
        run()
        self.wait()
        return time.perf_counter() - start

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def difference(self, method: str) -> float:
        """Return the largest relative difference of a parameter's gradient from BP's."""
        found = METHODS[method](self.problem)
        return max(float((found[name] - exact).norm() / exact.norm()) for name, exact in self.exact.items())

    def memory_ratio(self) -> float:
        """Return Z-IL's peak memory over BP's, leaves not counted."""
        module, x, target, _ = self.given
        leaves = [
            *module.parameters(),
            *module.buffers(),
            x,
            target,
            *self.problem.values.values(),
            self.problem.target,
        ]
        peaks = []
        for run in (self.bp, partial(METHODS["zil"], self.problem)):
            with PeakMemory(*leaves) as memory:
                run()
            peaks.append(memory.peak)
        return peaks[1] / peaks[0]


def _chosen(setting: str, names: Iterable[str] | None, known: Mapping[str, Any]) -> list[str]:
    chosen = list(known if names is None else names)
    for name in chosen:
        if name not in known:
            raise SettingError("error.setting", setting=setting, got=name, known=listing(known))
    return chosen


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors made while it is on and still held, and keeps the largest count."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()
        self.known = {tensor.untyped_storage()._cdata for tensor in known}
        self.held: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for each in torch.utils._pytree.tree_leaves(output):
            if isinstance(each, Tensor):
                storage = each.untyped_storage()
                if storage._cdata not in self.known:
                    self.held.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self.held = {key: (storage, size) for key, (storage, size) in self.held.items() if not storage.expired()}
        self.peak = max(self.peak, sum(size for _, size in self.held.values()))
        return output


# ---------------------------------------------------------------- JSON, Markdown, the command line


def to_json(rows: Sequence[Row]) -> str:
    """Return rows as JSON, with the machine they were measured on."""
    content = {"version": 1, "machine": machine(), "rows": [asdict(row) for row in rows]}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def to_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table, the machine below it."""
    return f"{to_table(rows)}\n\n{say('cli.bench.machine', **machine())}\n"


def to_table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    columns = ("family", "method", "milliseconds", "bp", "ratio", "paper", "difference", "memory", "nodes", "rounds")
    lines = [[say(f"cli.bench.column.{column}") for column in columns], ["---"] * 2 + ["---:"] * 8]
    for row in rows:
        optional = ["" if each is None else f"{each:.3f}" for each in (row.paper, row.memory)]
        numbers = [
            f"{row.milliseconds:.2f}",
            f"{row.bp_milliseconds:.2f}",
            f"{row.ratio:.3f}",
            optional[0],
            f"{row.difference:.1e}",
            optional[1],
        ]
        lines.append([row.family, row.method, *numbers, str(row.nodes), str(row.rounds)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, threads, torch."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "device": device,
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m pcgraph bench`: measure, print the table, write the files asked for."""
    options = _parser().parse_args(argv)
    if options.threads:
        torch.set_num_threads(options.threads)

    def tell(family: str, done: int, total: int) -> None:
        end = "\n" if done == total else ""
        print(
            f"\r{say('cli.bench.progress', family=family, done=done, total=total)}\x1b[K",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    rows = run_bench(
        _names(options.families), options.repeats, _names(options.methods), tell if sys.stderr.isatty() else None,
        size=options.size,
    )  # fmt: skip
    for path, text in ((options.json, to_json(rows)), (options.markdown, to_markdown(rows))):
        if path:
            Path(path).write_text(text, "utf-8")
    print(to_markdown(rows), end="")
    return 0


def _names(text: str | None) -> list[str] | None:
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("pcgraph bench", description=say("cli.bench.help"))
    parser.add_argument("--families", help=say("cli.bench.families", known=", ".join(FAMILIES)))
    parser.add_argument("--methods", help=say("cli.bench.methods", known=", ".join(METHODS)))
    parser.add_argument("--repeats", type=int, default=20, help=say("cli.bench.repeats"))
    parser.add_argument("--size", choices=tuple(SIZES), default="real", help=say("cli.bench.size"))
    parser.add_argument("--threads", type=int, help=say("cli.bench.threads"))
    parser.add_argument("--json", help=say("cli.bench.json"))
    parser.add_argument("--markdown", help=say("cli.bench.markdown"))
    return parser
