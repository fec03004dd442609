"""What a visitor of Train can set: one typed table, checked on the way in, and written to the link on the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pcgraph.batched import batched, fits
from pcgraph.chunk import Chunk
from pcgraph.datasets import SEEDS, SOURCES, load
from pcgraph.document import from_json
from pcgraph.errors import PCGraphError, SettingError
from pcgraph.gallery import gallery
from pcgraph.graph import listing
from pcgraph.inspect import check_work
from pcgraph.models import ACTIVATIONS, FAMILIES, LOSSES, build, check
from pcgraph.optimizers import OPTIMIZERS
from pcgraph.problem import Problem, check_run
from pcgraph.training import RUNNERS, Plan, Run, advance, begun
from pcgraph.typed_numbers import number_text, read_whole_list
from pcgraph.ui.settings import (
    LINK_VERSION,
    Row,
    check_link,
    count_between,
    number_between,
    pack_document,
    unpack_document,
)

GRAPH = "graph"  # the model that is a graph of the gallery, or one's own
MODELS = (*FAMILIES, GRAPH)
OWN = "own"  # the data set that is a graph's own example
MOST_RUNNERS = 4
RATES, STEPS = (0.01, 1.0), (1, 200)  # γ and T of PC
LEARNING_RATES = (0.0001, 10.0)
BATCHES, UPDATES = (1, 256), (10, 5_000)


@dataclass(frozen=True)
class Training:
    """What is learned, from what, and how.

    `model` is a family of networks made for the data set, or GRAPH: the gallery's `problem`, or the graph of `document`
    where there is one. `data` is a data set or, for a graph, OWN: its own example. `rate`, `steps`: γ and T of PC.
    """

    data: str = "digits"
    model: str = "mlp"
    problem: str = "residual"
    document: str = ""
    widths: tuple[int, ...] = (32,)
    activation: str = "tanh"
    loss: str = "cross_entropy"
    runners: tuple[str, ...] = ("bp", "zil", "pc")
    rate: float = 0.2
    steps: int = 20
    optimizer: str = "adam"
    lr: float = 0.01
    batch: int = 32
    updates: int = 300
    seed: int = 0


def _one_of(name: str, known: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise SettingError("error.link.choice", setting=name, got=text[:40], known=listing(known))
        return text

    return read


def _many_of(known: tuple[str, ...], most: int) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        asked = set(text.split(","))
        unknown = sorted(asked - set(known))
        if unknown:
            raise SettingError("error.link.method", method=unknown[0][:40], known=listing(known))
        if len(asked) > most:
            raise SettingError("error.train.runners", most=most)
        return tuple(label for label in known if label in asked)

    return read


def widths_of(text: str) -> tuple[int, ...]:
    """Return the widths of layers that someone typed, such as "32 16". Raises SettingError."""
    found = tuple(read_whole_list(text))
    check("mlp", found, ACTIVATIONS[0], LOSSES[0])
    return found


def _document(text: str) -> str:
    text = unpack_document(text)
    from_json(text)
    return text


TABLE = {
    "data": Row("data", _one_of("data", (*SOURCES, OWN)), str),
    "model": Row("model", _one_of("model", MODELS), str),
    "problem": Row("p", lambda text: gallery.entry(text).name, str),
    "document": Row("d", _document, pack_document),
    "widths": Row("w", widths_of, lambda widths: " ".join(map(str, widths))),
    "activation": Row("f", _one_of("f", ACTIVATIONS), str),
    "loss": Row("loss", _one_of("loss", LOSSES), str),
    "runners": Row("m", _many_of(tuple(RUNNERS), MOST_RUNNERS), ",".join),
    "rate": Row("rate", number_between("γ", *RATES), number_text),
    "steps": Row("steps", count_between("T", *STEPS), str),
    "optimizer": Row("opt", _one_of("opt", tuple(OPTIMIZERS)), str),
    "lr": Row("lr", number_between("α", *LEARNING_RATES), number_text),
    "batch": Row("batch", count_between("batch", *BATCHES), str),
    "updates": Row("n", count_between("n", *UPDATES), str),
    "seed": Row("seed", count_between("seed", *SEEDS), str),
}


def from_link(link: Mapping[str, str]) -> tuple[Training, list[PCGraphError]]:
    """Return the settings of a link and what is wrong with it. What can't be read keeps its default.

    >>> settings, errors = from_link({"data": "xor", "lr": "-1"})
    >>> settings.data, settings.lr, errors[0].slots["got"]
    ('xor', 0.01, '-1')
    """
    found, errors = Training(), []
    if link.get("v", str(LINK_VERSION)) != str(LINK_VERSION):
        return found, [SettingError("error.link.version", got=link["v"][:40], known=LINK_VERSION)]
    for name, row in TABLE.items():
        if row.link in link:
            try:
                found = replace(found, **{name: row.read(link[row.link])})
            except PCGraphError as error:
                errors.append(error)
    if found.model == GRAPH and "data" not in link:
        found = replace(found, data=OWN)
    if found.model != GRAPH and found.data == OWN:
        found = replace(found, data=Training.data)
    return _planned(found, errors)


def _planned(found: Training, errors: list[PCGraphError]) -> tuple[Training, list[PCGraphError]]:
    """Return settings that can be run: a graph that can't learn a data set learns its own example, or it is left."""
    own, network = replace(found, data=OWN), replace(found, model=Training.model, data=Training.data)
    for instead in (own, network) if found.data != OWN else (network,):
        try:
            plan_of(found)
            break
        except PCGraphError as error:
            errors = [*errors, error]
            found = instead
    return found, errors


def to_link(settings: Training) -> dict[str, str]:
    """Return the query parameters that say what differs from the default.

    >>> to_link(Training(data="xor", lr=0.5))
    {'v': '1', 'data': 'xor', 'lr': '0.5'}
    """
    graph = settings.model == GRAPH
    default, unused = (Training(data=OWN), ()) if graph else (Training(), ("problem", "document"))
    changed = {
        row.link: row.write(getattr(settings, name))
        for name, row in TABLE.items()
        if name not in unused and getattr(settings, name) != getattr(default, name)
    }
    check_link(changed)
    return {"v": str(LINK_VERSION), **changed} if changed else {}


def plan_of(settings: Training) -> Plan:
    """Return the run that the settings describe. Raises PCGraphError."""
    inference: dict[str, Any] = {"rate": settings.rate, "steps": settings.steps}
    runners = {label: inference if label == "pc" else {} for label in settings.runners}
    rest = (settings.optimizer, settings.lr, settings.batch, settings.updates, settings.seed)
    if settings.model == GRAPH:
        return _plan_of_graph(settings, runners, rest)
    data = load(settings.data, settings.seed)
    made = (settings.model, data, settings.widths, settings.activation, settings.loss, settings.seed)
    return Plan(build(*made), runners, data, (), *rest)


def _plan_of_graph(settings: Training, runners: Mapping[str, Any], rest: tuple[Any, ...]) -> Plan:
    graph = graph_of(settings).alive()
    if not graph.graph.parameters:
        raise SettingError("error.train.no_parameters")
    check_run(graph, settings.steps, level=True)
    check_work(graph, settings.steps, level=True)
    if settings.data == OWN:
        return Plan(graph, runners, None, (), *rest)
    data = load(settings.data, settings.seed)
    found = batched(graph, data)
    return Plan(found.problem, runners, data, found.reads, *rest)


planned = lru_cache(8)(plan_of)  # of the runs that a process is at


def learn(state: tuple[Training, Run | None], n: int) -> Chunk:
    """Make n updates more of the run that the settings describe: work of `pcgraph.jobs`."""
    settings, run = state
    plan = planned(settings)
    after, news = advance(plan, run or begun(plan), n)
    return Chunk(after and (settings, after), news.latest[0], plan.updates, news)


def graph_of(settings: Training) -> Problem:
    return from_json(settings.document) if settings.document else gallery[settings.problem]


def data_for(settings: Training) -> tuple[str, ...]:
    """Return the data sets that the model can learn; a graph always has its own example."""
    if settings.model != GRAPH:
        return tuple(SOURCES)
    try:
        graph = graph_of(settings).alive()
        return (OWN, *(name for name in SOURCES if fits(graph, load(name))))
    except PCGraphError:
        return (OWN,)
