"""inspect: what is right and what is wrong with a draft, in many places at once (docs/editor.md). It never raises.

A draft is a document on its way: nodes without inputs, an output not chosen yet, a value half typed. Reading
it is tolerant where `pcgraph.document` is strict; the sentences are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from pcgraph.budget import Budget
from pcgraph.cells import cell
from pcgraph.document import (
    DOCUMENT_KEYS,
    NODE_KEYS,
    VERSION,
    Table,
    clip,
    describe,
    from_dict,
    read_json,
    read_node,
    read_numbers,
)
from pcgraph.errors import DocumentError, GraphError, LimitError, OpError, PCGraphError, did_you_mean
from pcgraph.formula import to_formula
from pcgraph.forward import check_target
from pcgraph.graph import Node, listing
from pcgraph.losses import LOSSES
from pcgraph.ops import CATEGORIES, LEAF_OPS, OPS, Op, apply, attr_names, slot_name
from pcgraph.passes import levels
from pcgraph.problem import LIMITS, NAME, Problem, check_name
from pcgraph.typed_numbers import value_of

MOST_FINDINGS = 1_000
MOST_HINTS = 20  # looking for a near word or a node to connect takes time: the first few get it
MOST_CYCLES = 10
LOOSE = 1e6  # what stands to the right of its user counts as this much farther away


@dataclass(frozen=True)
class Repair:
    """One click that mends a finding: `do` is connect, remove, rename, output or value (no node: the target's)."""

    do: str
    node: str | None
    slot: int | None = None
    to: Any = None

    def to_dict(self) -> dict[str, Any]:
        return {"do": self.do, "node": self.node, "slot": self.slot, "to": self.to}


@dataclass(frozen=True)
class Finding:
    """What is wrong with a node, or with the draft (`node` None): a sentence, and a repair where there is one.

    `stops` False is advice: the draft can be solved all the same.
    """

    node: str | None
    error: PCGraphError
    repair: Repair | None = None
    stops: bool = True

    def to_dict(self) -> dict[str, Any]:
        repair = self.repair.to_dict() if self.repair else None
        return {"node": self.node, **_sentence(self.error), "repair": repair}


def _sentence(error: PCGraphError) -> dict[str, Any]:
    """Return an error for the browser: its key and its slots, each a number, a text or a sentence again."""

    def slot(part: Any) -> Any:
        if isinstance(part, PCGraphError):
            return _sentence(part)
        return part if isinstance(part, int | float) else str(part)

    return {"key": error.key, "slots": {name: slot(part) for name, part in error.slots.items()}}


@dataclass(frozen=True)
class Inspection:
    """What `inspect_draft` found. `problem` is the draft as a Problem where it is complete, else None.

    `values` holds the forward value of every node that can be computed, `levels` the level of every node that
    reaches the output, `dead` those that do not, `gaps` the (input, user, slot, gap) of edges that skip levels.
    """

    nodes: tuple[str, ...] = ()
    values: Mapping[str, Tensor] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    gaps: tuple[tuple[str, str, int, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    formula: str | None = None
    identities: int = 0

    @property
    def complete(self) -> bool:
        """Whether the draft is a Problem and can be solved."""
        return self.problem is not None

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that stop the draft from being solved."""
        return tuple(finding for finding in self.findings if finding.stops)

    def to_dict(self) -> dict[str, Any]:
        """Return the INSPECTION of docs/editor.md, as plain JSON."""
        return {
            "complete": self.complete,
            "nodes": {name: self._node(name) for name in self.nodes},
            "gaps": [dict(zip(("from", "to", "slot", "gap"), each, strict=True)) for each in self.gaps],
            "problems": [finding.to_dict() for finding in self.findings],
            "formula": self.formula,
            "identities": self.identities,
        }

    def _node(self, name: str) -> dict[str, Any]:
        value = self.values.get(name)
        return {
            "value": None if value is None else cell(value),
            "shape": None if value is None else list(value.shape),
            "level": self.levels.get(name),
            "dead": name in self.dead,
        }


def inspect_draft(draft: Mapping[str, Any] | str) -> Inspection:
    """Return everything that is right and wrong with a draft, given as a document or as its JSON text.

    One topological sweep computes every node whose inputs can be computed. Never raises on anything that JSON
    can hold; work is bounded by `LIMITS`. Cost: linear in nodes and edges, and the forward pass.

    >>> found = inspect_draft({"version": 1, "output": None, "nodes": [
    ...     {"name": "x", "op": "input", "value": 2}, {"name": "y", "op": "square", "inputs": ["x"]},
    ...     {"name": "z", "op": "add", "inputs": ["y", None]}]})
    >>> found.complete, found.values["y"].item(), [finding.error.key for finding in found.findings]
    (False, 4.0, ['error.draft.target', 'error.draft.slot', 'error.draft.output'])
    """
    try:
        data = read_json(draft) if isinstance(draft, str) else draft
        _part(data, DOCUMENT_KEYS)
    except PCGraphError as error:
        return Inspection(findings=(Finding(None, error),))
    return _Reader(data).inspection()


def op_rows() -> list[dict[str, Any]]:
    """Return what the editor's palette shows: every op of ours by category, with its arity and its attrs' defaults."""
    return [
        {
            "name": op.name,
            "category": op.category,
            "symbol": op.symbol,
            "arity": [op.arity, op.arity] if isinstance(op.arity, int) else list(op.arity),
            "attrs": {name: _default(op, name) for name in attr_names(op)},
        }
        for op in sorted(OPS.values(), key=lambda op: CATEGORIES.index(op.category))
        if "." not in op.name
    ]


def _default(op: Op, attr: str) -> Any:
    default = signature(op.forward).parameters[attr].default
    return default if isinstance(default, int | float | str) else None


# ---------------------------------------------------------------- how much a problem computes


def check_work(problem: Problem, steps: int = 0, level: bool = False) -> None:
    """Raise LimitError when a run would hold or multiply more numbers than an app open to a class can bear.

    Raises OpError where the problem can't be computed forward.
    """
    budget, values = _budget(), dict(problem.values)
    for node in problem.graph.inner:
        inputs = [values[name] for name in node.inputs]
        budget.spend(node, inputs)
        values[node.name] = compute(node, inputs)
    if level:
        depth = levels(problem.graph)
        for name, user, _ in problem.graph.edges:
            if user in depth:
                budget.numbers += (depth[name] - depth[user] - 1) * values[name].numel()
    budget.check(steps + 1)


def _budget() -> Budget:
    return Budget(LIMITS.elements, LIMITS.numbers, LIMITS.work)


def compute(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Return a node's output; raise OpError whatever torch objects to."""
    try:
        with torch.no_grad():
            return apply(OPS[node.op], inputs, node.attrs, node.name)
    except PCGraphError:
        raise
    except Exception as reason:  # attrs from outside reach torch, whose complaints are of many kinds
        shapes = ", ".join(str(tuple(each.shape)) for each in inputs)
        first = (str(reason).splitlines() or [type(reason).__name__])[0][:200]
        raise OpError("error.op_failed", node=node.name, op=node.op, shapes=shapes, reason=first) from reason


# ---------------------------------------------------------------- reading a draft


class _Reader:
    """Reads one draft, part by part; what goes wrong in a part becomes a finding."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.findings: list[Finding] = []
        self.hints = 0
        self.nodes: dict[str, Node] = {}
        self.slots: dict[str, list[str | None]] = {}  # what each node reads; None is an empty slot
        self.users: dict[str, list[str]] = {}
        self.values: dict[str, Tensor] = {}
        self.positions: dict[str, tuple[float, float]] = {}
        self.broken: set[str] = set()  # nodes that have a finding
        self.output: str | None = None
        self.loss = "squared_error"

    def inspection(self) -> Inspection:
        self.read_top()
        self.read_nodes()
        self.read_edges()
        self.read_output()
        edges, order = self.sort()
        self.compute(order)
        level = self.levels(edges, order)
        gaps = [
            (name, user, slot, level[name] - level[user])
            for user in level
            for slot, name in edges[user]
            if level[name] - level[user] > 1
        ]
        dead = frozenset(self.nodes) - level.keys() if self.output else frozenset()
        for name in self.nodes:
            if name in dead and name not in self.broken:
                self.find(name, GraphError("error.draft.dead", node=name), Repair("remove", name), stops=False)
        problem = self.problem()
        identities = sum(gap - 1 for *_, gap in gaps)
        formula = _formula(problem) if problem else None
        return Inspection(
            tuple(self.nodes), self.values, level, dead, tuple(gaps), tuple(self.findings), problem, formula, identities
        )

    def find(self, node: str | None, error: PCGraphError, repair: Repair | None = None, stops: bool = True) -> None:
        if node is not None and stops:
            self.broken.add(node)
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(node, error, repair, stops))

    def attempt(self, node: str | None, read: Callable[[], Any], repair: Repair | None = None) -> bool:
        """Do one part of the reading and tell whether it went well; a PCGraphError becomes a finding."""
        try:
            read()
        except PCGraphError as error:
            self.find(node, error, repair)
            return False
        return True

    def hint(self, word: str, known: Iterable[str]) -> str:
        """Return " Did you mean …?" for the first few that ask."""
        self.hints += 1
        return did_you_mean(word[: LIMITS.name], known) if self.hints <= MOST_HINTS else ""

    # ---- the document

    def read_top(self) -> None:
        self.read_keys(None, self.data, DOCUMENT_KEYS)
        top = _part(self.data, DOCUMENT_KEYS)
        version = self.data.get("version", VERSION)
        if version != VERSION or isinstance(version, bool):
            self.find(None, DocumentError("error.document.version", got=describe(version), expected=VERSION))
        self.attempt(None, lambda: top.text("title", "", LIMITS.title))
        self.attempt(None, lambda: setattr(self, "loss", top.text("loss", "squared_error")))
        if self.loss not in LOSSES:
            slots = {"loss": self.loss, "known": listing(LOSSES), "hint": self.hint(self.loss, LOSSES)}
            self.find(None, DocumentError("error.unknown_loss", **slots))
        if is_blank(self.data.get("target")):
            self.find(None, DocumentError("error.draft.target"), Repair("value", None))
        else:
            whole = self.loss == "cross_entropy"
            self.attempt(None, lambda: read_numbers(typed(self.data["target"], "target"), "target", integer=whole))

    def read_keys(
        self, node: str | None, data: Mapping[str, Any], known: Sequence[str], index: int | None = None
    ) -> None:
        """Find what should not be there, the first few."""
        for key in islice((key for key in data if key not in known), MOST_HINTS):
            named = {"name": node} if node is not None else {}
            self.attempt(node, lambda key=key, named=named: Table({**named, key: None}, known, ()))  # type: ignore[misc]

    # ---- nodes

    def read_nodes(self) -> None:
        records = self.data.get("nodes", ())
        if not isinstance(records, list | tuple):
            self.attempt(None, lambda: _part(self.data, DOCUMENT_KEYS).items("nodes"))
            return
        if len(records) > LIMITS.nodes:
            self.find(None, LimitError("error.limit.nodes", got=len(records), most=LIMITS.nodes))
        for index, record in enumerate(records[: LIMITS.nodes], start=1):
            self.read_node(record, index)
        elements = sum(value.numel() for value in self.values.values())
        if elements > LIMITS.elements:
            self.find(None, LimitError("error.limit.elements", got=elements, most=LIMITS.elements))

    def read_node(self, data: Any, index: int) -> None:
        name = data.get("name") if isinstance(data, Mapping) else None
        if not isinstance(name, str):
            self.attempt(None, lambda: _part(data, NODE_KEYS, index).text("name"))
            return
        if name in self.nodes:
            self.find(name, GraphError("error.name_twice", node=clip(name)), self.rename(name))
            return
        self.nodes[name], self.slots[name], self.users[name] = Node(name, ""), [], []
        if not is_name(name):
            self.attempt(name, lambda: check_name(name), self.rename(name))
        self.read_keys(name, data, NODE_KEYS)
        op = data.get("op")
        if isinstance(op, str) and (op in OPS or op in LEAF_OPS):
            self.nodes[name] = Node(name, op)
            if data.get("attrs"):
                self.read_attrs(name, data, op, index)
            self.read_value(name, data, op)
        else:
            hint = self.hint(op, [*OPS, *LEAF_OPS]) if isinstance(op, str) else ""
            got = clip(op) if isinstance(op, str) else describe(op)
            self.find(name, GraphError("error.unknown_op", node=clip(name), op=got, hint=hint))
        self.read_slots(name, data, index)
        if data.get("position") is not None:
            self.attempt(name, lambda: self.positions.update({name: _part(data, NODE_KEYS, index).point("position")}))

    def rename(self, name: str) -> Repair:
        """Offer the nearest good name that is free."""
        stem, count = well_formed(name), 2
        while f"{stem}{count}" in self.nodes:
            count += 1
        return Repair("rename", name, to=f"{stem}{count}" if stem in self.nodes else stem)

    def read_attrs(self, name: str, data: Mapping[str, Any], op: str, index: int) -> None:
        """Keep the node's attrs where they can be read."""
        record = {"name": name if is_name(name) else "node", "op": op, "attrs": data["attrs"]}
        read = lambda: self.nodes.update({name: replace(read_node(Table(record, NODE_KEYS, (), index)), name=name)})  # noqa: E731
        self.attempt(name, read)

    def read_value(self, name: str, data: Mapping[str, Any], op: str) -> None:
        value = data.get("value")
        repair = Repair("value", name, to=1.0) if is_blank(value) or not isinstance(value, str) else None
        if op not in LEAF_OPS:
            if not is_blank(value):
                self.find(name, DocumentError("error.document.value_of_op", node=clip(name), op=op))
        elif is_blank(value):
            self.find(name, GraphError("error.no_value", node=clip(name)), repair)
        else:
            self.attempt(name, lambda: self.values.update({name: read_numbers(typed(value, name), name)}), repair)

    def read_slots(self, name: str, data: Mapping[str, Any], index: int) -> None:
        """Read which node is connected to each slot; null is an empty slot."""
        given = () if data.get("inputs") is None else data["inputs"]
        if not isinstance(given, list | tuple):
            self.attempt(name, lambda: _part(data, NODE_KEYS, index).items("inputs"))
            return
        other = next((each for each in given if each is not None and not isinstance(each, str)), None)
        if other is not None:
            self.attempt(name, lambda: _part(data, NODE_KEYS, index).refuse("inputs", other, "names"))
        self.slots[name] = [each if isinstance(each, str) else None for each in given]

    # ---- edges

    def read_edges(self) -> None:
        edges = sum(map(len, self.slots.values()))
        if edges > LIMITS.edges:
            self.find(None, LimitError("error.limit.edges", got=edges, most=LIMITS.edges))
            self.slots = {name: [] for name in self.nodes}
            return
        for name, slots in self.slots.items():
            for each in slots:
                if each is not None and each in self.users:
                    self.users[each].append(name)
        for name, node in self.nodes.items():
            if node.is_leaf:
                self.check_leaf(name, node)
            else:
                self.check_slots(name, node)

    def check_leaf(self, name: str, node: Node) -> None:
        given = [each for each in self.slots[name] if each is not None]
        if given:
            slots = {"node": clip(name), "op": node.op, "inputs": listing(map(clip, given))}
            self.find(name, GraphError("error.leaf_inputs", **slots))
        self.slots[name] = []

    def check_slots(self, name: str, node: Node) -> None:
        slots = self.slots[name]
        for slot, each in enumerate(slots):
            if each is not None and each not in self.nodes:
                self.find_unknown(name, slot, each)
        if node.op not in OPS:
            return
        arity = OPS[node.op].arity
        least, most = (arity, arity) if isinstance(arity, int) else arity
        while len(slots) > least and slots[-1] is None:
            slots.pop()  # an optional slot left empty
        slots += [None] * (least - len(slots))
        for slot, each in enumerate(slots):
            if each is None:
                where = {"node": clip(name), "op": node.op, "slot": slot_name(slot)}
                self.find(name, GraphError("error.draft.slot", **where), self.connect(name, slot))
        if most is not None and len(slots) > most:
            expected = str(most) if least == most else f"{least}–{most}"
            self.find(name, GraphError("error.arity", node=clip(name), op=node.op, got=len(slots), expected=expected))

    def find_unknown(self, name: str, slot: int, missing: str) -> None:
        hint = self.hint(missing, self.nodes)
        slots = {"node": clip(name), "input": clip(missing), "defined": listing(map(clip, islice(self.nodes, 9)))}
        self.find(name, GraphError("error.unknown_input", **slots, hint=hint), self.connect(name, slot))

    def connect(self, user: str, slot: int) -> Repair:
        """Offer a node that closes no cycle: one that nobody reads yet, the nearest on the left; for the first few."""
        self.hints += 1
        if self.hints > MOST_HINTS:
            return Repair("connect", user, slot)
        after = self.downstream(user)
        free = [name for name in self.nodes if name not in after and name != self.data.get("output")]
        free.sort(key=lambda name: (bool(self.users[name]), self.apart(name, user)))
        return Repair("connect", user, slot, free[0] if free else None)

    def apart(self, name: str, user: str) -> float:
        """Return how far apart two nodes are drawn."""
        (x, y), (to_x, to_y) = self.positions.get(name, (0.0, 0.0)), self.positions.get(user, (0.0, 0.0))
        return abs(to_x - x) + abs(to_y - y) + (LOOSE if x > to_x else 0)

    def downstream(self, name: str) -> set[str]:
        """Return a node and every node that its value reaches."""
        found, waiting = {name}, [name]
        for each in waiting:  # grows while it is read
            fresh = [user for user in dict.fromkeys(self.users[each]) if user not in found]
            found.update(fresh)
            waiting += fresh
        return found

    def read_output(self) -> None:
        output = self.data.get("output")
        if not self.nodes:
            self.find(None, GraphError("error.draft.empty"))
        elif output is None:
            self.find(None, GraphError("error.draft.output"), self.offer_output())
        elif not isinstance(output, str):
            top = _part(self.data, DOCUMENT_KEYS)
            self.attempt(None, lambda: top.refuse("output", output, "text"), self.offer_output())
        elif output not in self.nodes:
            hint = self.hint(output, self.nodes)
            slots = {"output": clip(output), "defined": listing(map(clip, islice(self.nodes, 9))), "hint": hint}
            self.find(None, GraphError("error.unknown_output", **slots), self.offer_output())
        elif self.nodes[output].is_leaf:
            self.find(output, GraphError("error.output_leaf", output=clip(output)), self.offer_output())
        else:
            self.output = output

    def offer_output(self) -> Repair | None:
        """Offer the last node that nobody reads as output."""
        ends = [name for name, node in self.nodes.items() if node.op in OPS and not self.users[name]]
        return Repair("output", ends[-1]) if ends else None

    # ---- one sweep over what is connected

    def sort(self) -> tuple[dict[str, list[tuple[int, str]]], list[str]]:
        """Return each node's edges as (slot, input) and a topological order; what closes a cycle is left out."""
        edges = {
            user: [(slot, name) for slot, name in enumerate(slots) if name is not None and name in self.nodes]
            for user, slots in self.slots.items()
        }
        order = _sorted(edges)
        for _ in range(MOST_CYCLES):
            if len(order) == len(edges):
                break
            cycle = _cycle(edges, set(edges).difference(order))
            path = " → ".join([clip(name) for name in [*cycle[:8], *(["…"] if len(cycle) > 8 else []), cycle[0]]])
            self.find(cycle[0], GraphError("error.cycle", path=path))
            self.broken.update(cycle)
            edges[cycle[0]] = [edge for edge in edges[cycle[0]] if edge[1] != cycle[-1]]
            order = _sorted(edges)
        return edges, order

    def compute(self, order: Sequence[str]) -> None:
        """Compute every node that has all it needs, as far as the budget lasts."""
        budget = _budget()
        for name in order:
            node, slots = self.nodes[name], self.slots[name]
            if node.op not in OPS or name in self.broken:
                continue
            inputs = [self.values[each] for each in slots if each is not None and each in self.values]
            if len(inputs) < len(slots):
                continue
            try:
                budget.spend(node, inputs)
                self.values[name] = compute(node, inputs)
            except LimitError as error:
                self.find(name, error)
                return
            except PCGraphError as error:
                self.find(name, error)

    def levels(self, edges: Mapping[str, list[tuple[int, str]]], order: Sequence[str]) -> dict[str, int]:
        """Return the level of every node that reaches the output."""
        found = {} if self.output is None else {self.output: 0}
        for user in reversed(order):
            if user in found:
                for _, name in edges[user]:
                    found[name] = max(found.get(name, 0), found[user] + 1)
        return found

    def problem(self) -> Problem | None:
        """Return the draft as a problem, if nothing stands against it: the strict reader has the last word."""
        if any(finding.stops for finding in self.findings):
            return None
        try:
            problem = from_dict(self.document())
            check_target(problem, self.values[problem.graph.output])
        except PCGraphError as error:
            self.find(None, error)
            return None
        return problem

    def document(self) -> dict[str, Any]:
        """Return the draft as a document: what is empty left out, numbers typed as text turned into numbers."""
        nodes = []
        for record in self.data["nodes"]:
            node = {key: part for key, part in record.items() if part is not None and key not in ("inputs", "value")}
            if record["op"] in LEAF_OPS:
                node["value"] = typed(record["value"], record["name"])
            else:
                node["inputs"] = self.slots[record["name"]]
            nodes.append(node)
        top = {key: part for key, part in self.data.items() if part is not None}
        return {**top, "version": VERSION, "target": typed(self.data["target"], "target"), "nodes": nodes}


def is_blank(value: Any) -> bool:
    """Tell whether there is no value, or a text without a character."""
    return value is None or (isinstance(value, str) and not value.strip())


def typed(value: Any, node: str) -> Any:
    """Return a value that may have been typed as text: its numbers; raise NumberError for another text.

    >>> typed("−0.5", "x"), typed(" [1, 2]", "x"), typed("1 2\\n3 4", "x"), typed(3, "x")
    (-0.5, [1, 2], [[1, 2], [3, 4]], 3)
    """
    return value_of(value, clip(node)) if isinstance(value, str) else value


def _part(data: Any, known: Sequence[str], index: int | None = None) -> Table:
    """Return the known keys of an object, null ones left out; raise DocumentError where it is no object."""
    if isinstance(data, Mapping):
        data = {key: data[key] for key in known if data.get(key) is not None}
    return Table(data, known, (), index)


def is_name(name: str) -> bool:
    """Tell whether a node may be called that."""
    return len(name) <= LIMITS.name and NAME.fullmatch(name) is not None


def well_formed(name: str) -> str:
    """Return the nearest name that a node may have, short enough for a number behind it.

    >>> well_formed("my node"), well_formed("′"), well_formed("")
    ('my_node', 'h′', 'h')
    """
    stem = re.sub(r"[^\w.′″‴]", "_", name[: LIMITS.name - 8]) or "h"
    return stem if NAME.fullmatch(stem) else f"h{stem}" if NAME.fullmatch(f"h{stem}") else "h"


def _sorted(edges: Mapping[str, Sequence[tuple[int, str]]]) -> list[str]:
    """Return the nodes in topological order, those on a cycle or behind one left out."""
    missing = {user: len(inputs) for user, inputs in edges.items()}
    users: dict[str, list[str]] = {name: [] for name in edges}
    for user, inputs in edges.items():
        for _, name in inputs:
            users[name].append(user)
    ready = [name for name, count in missing.items() if count == 0]
    for name in ready:  # grows while it is read
        for user in users[name]:
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    return ready


def _cycle(edges: Mapping[str, Sequence[tuple[int, str]]], waiting: Collection[str]) -> list[str]:
    """Return one cycle among nodes that all wait for one another, in the direction that values flow."""
    place: dict[str, int] = {}
    name = next(user for user in edges if user in waiting)
    while name not in place:
        place[name] = len(place)
        name = next(each for _, each in edges[name] if each in waiting)
    path = [each for each in place if place[each] >= place[name]]
    return [path[0], *reversed(path[1:])]


def _formula(problem: Problem) -> str | None:
    """Return a problem as a formula; None where the text would be longer than may be typed."""
    if sum(value.numel() for value in problem.values.values()) + problem.target.numel() > LIMITS.formula // 2:
        return None
    try:
        text = to_formula(problem)
    except PCGraphError:
        return None
    return text if len(text) <= LIMITS.formula else None
