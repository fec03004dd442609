"""program: a run as a Python program that needs nothing but torch, and reprints the trace."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any

import torch
from torch import Tensor

from pcgraph.derivative import in_torch, sent
from pcgraph.document import write_numbers
from pcgraph.errors import check_language
from pcgraph.formula import python_names
from pcgraph.forward import check_written, forward, learnable
from pcgraph.graph import Edge, Node
from pcgraph.losses import are_classes
from pcgraph.messages import say
from pcgraph.passes import distances
from pcgraph.rule_table import rules_of
from pcgraph.trace import WRITERS, Solution
from pcgraph.write import LOSS_LINES, expression, loss_kind, one_line, written

WIDTH = 88
POWER = re.compile(r"([a-zA-Z_][\w.]*) \*\* ([\w.]+)(?![\w.(\[])")  # of plain names: black writes it close
# What an attribute of the program's class may not be called: a dict has these of its own.
RESERVED = frozenset([*dir(dict), "__dict__", "__module__", "__weakref__", "__getattr__", "__static_attributes__"])


def program(solution: Solution, path: str | Path | None = None, language: str | None = None) -> str:
    """Return a Python program that needs nothing but torch and does the run again, step by step.

    It sets the leaves, goes forward, clamps the target, and takes the method's own steps, node by node in the paper's
    lines; it prints value, prediction and error of every node, the energy and what is read, and at last the gradients
    beside torch.autograd's. With --json it prints a line of JSON a step, every digit. Comments are in a language;
    where a path is given it is written there. Raises OpError for a node whose op has no line in PyTorch, SettingError
    for a run of which only the last step was kept.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> text = program(solve(gallery["residual"], "zil"))
    >>> [line.strip() for line in text.splitlines() if "due.z" in line]
    ['due.z1 = eps.c * x.b', 'due.z2 = eps.b * x.a', 'due.z3 = eps.a * x.s']
    """
    check_written(solution.problem, last=True)
    script = Script(solution, language)
    title = [solution.problem.title, script.method, script.say("program.head"), script.say("program.json")]
    head = [f"# {line}" for text in title if text for line in textwrap.wrap(one_line(text), WIDTH)]
    sections = script.sections(json=True)
    parts = [*head, "", *script.imports(sections, json=True)]
    for index, section in enumerate(sections, 1):
        parts += ["", "", f"# ---- {index}. {section.title} ".ljust(WIDTH, "-"), *section.lines]
    text = "\n".join(parts) + "\n"
    return written(text, path)


@dataclass(frozen=True)
class Section:
    """A piece of a program: a key that says what it is about, its title, and its lines."""

    key: str
    title: str
    lines: list[str]


@dataclass(frozen=True)
class Script:
    """Writes the pieces of the program of a run, its comments in a language."""

    solution: Solution
    language: str | None = None

    def __post_init__(self) -> None:
        check_language(self.language)
        self.solution.check_replayable()

    def say(self, key: str, **slots: Any) -> str:
        return one_line(say(key, self.language, **slots))

    # ------------------------------------------------------------ what is asked often

    @cached_property
    def names(self) -> dict[str, str]:
        """What the program calls every node."""
        return python_names([*self.solution.problem.graph.names, *self.dead], RESERVED)

    @cached_property
    def values(self) -> dict[str, str]:
        """How the program writes the value of every node."""
        return {name: f"x.{mine}" for name, mine in self.names.items()}

    @property
    def dead(self) -> list[str]:
        """The leaves that reach no output: their gradient is 0."""
        return [name for name in self.solution.gradients if name not in self.solution.problem.graph]

    @cached_property
    def forward(self) -> dict[str, Tensor]:
        return forward(self.solution.problem)

    @cached_property
    def shapes(self) -> dict[str, Sequence[int]]:
        return {name: tuple(value.shape) for name, value in self.forward.items()}

    @cached_property
    def reads(self) -> dict[int, list[Edge]]:
        """The edges whose feedback a step reads as (part of) a leaf's gradient, by step; none of BP's."""
        solution = self.solution
        read = {step.t: [e for name in step.read for e in solution.read_edges(name, step.t)] for step in solution.steps}
        return {} if self.bp else {t: edges for t, edges in read.items() if edges}

    @cached_property
    def learned(self) -> tuple[str, ...]:
        return learnable(self.solution.problem)

    @property
    def bp(self) -> bool:
        return self.solution.method == "bp"

    @property
    def last(self) -> int:
        return self.solution.steps[-1].t

    @property
    def output(self) -> str:
        return self.names[self.solution.problem.graph.output]

    @property
    def cross_entropy(self) -> bool:
        return self.solution.problem.loss == "cross_entropy"

    @cached_property
    def method(self) -> str:
        """The run in one line."""
        solution, words = self.solution, [self.say(f"method.{self.solution.method}")]
        words.append(self.say("cli.levelled" if solution.levelled else "cli.unlevelled"))
        if isinstance(solution.rate, float) and not self.bp:
            words.append(f"γ = {solution.rate!r}")
        return " · ".join([*words, self.say("cli.steps", steps=self.last)])

    # ------------------------------------------------------------ sections

    def imports(self, sections: Iterable[Section], json: bool) -> list[str]:
        body = "\n".join(line for section in sections for line in section.lines)
        standard = ["import json", "import sys", ""] if json else []
        functional = ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
        dtype = str(self.forward[self.solution.problem.graph.output].dtype)
        return [*standard, "import torch", *functional, "", f"torch.set_default_dtype({dtype})"]

    def sections(self, json: bool) -> list[Section]:
        made = {
            "leaves": self.leaves(),
            "graph": self.graph(),
            **({"loss": self.loss()} if self.bp else {"errors": self.errors()}),
            "feedback": self.cotangents() if self.bp else self.feedback(),
            "run": self.run_bp() if self.bp else self.run(),
            "check": self.check(),
            "show": self.show(json),
        }
        return [Section(key, self.say(f"program.part.{key}"), lines) for key, lines in made.items()]

    def leaves(self) -> list[str]:
        problem, own = self.solution.problem, self.names
        lines = [
            "class Numbers(dict):",
            _doc(self.say("program.numbers")),
            "",
            "    __getattr__ = dict.__getitem__",
            "    __setattr__ = dict.__setitem__",
            "",
            "",
            "leaves = Numbers()",
        ]
        for leaf in problem.graph.leaves:
            lines += _assign(f"leaves.{own[leaf.name]}", problem.values[leaf.name], leaf.name)
        lines += ["", *_assign("target", problem.target, "target")]
        lines += _list("learned", [own[name] for name in self.learned], self.say("program.learned"))
        if not self.bp:
            hidden = [own[node.name] for node in problem.graph.hidden]
            lines += _list("hidden", hidden, self.say("program.hidden"))
        spelled = {mine: name for name, mine in own.items() if mine != name}
        if spelled:
            pairs = [f"{_quoted(mine)}: {_quoted(name)}" for mine, name in spelled.items()]
            lines += [f"# {self.say('program.names')}", *_fill("names = {", pairs, "}")]
        return lines

    def graph(self) -> list[str]:
        lines = ["def predict(x, mu):", _doc(self.say("program.predict"))]
        for node in self.solution.problem.graph.inner:
            lines += _sum(f"    mu.{self.names[node.name]} = ", [expression(node, self.values)])
        return [*lines, "    return mu"]

    def loss(self) -> list[str]:
        line = LOSS_LINES[loss_kind(self.solution.problem)].format("out")
        return ["def loss(out):", _doc(self.say("program.loss")), f"    return {line}"]

    def errors(self) -> list[str]:
        doc = self.say("program.errors.cross_entropy" if self.cross_entropy else "program.errors")
        lines = [*self.loss(), "", "", "def errors(x, mu):", _doc(doc)]
        difference = f"Numbers({{n: {self.rule('error', mu='mu[n]')} for n in mu}})"
        if self.cross_entropy:
            start = self.output_error(f"mu.{self.output}", f"x.{self.output}")
            lines += [f"    eps = {difference}", f"    eps.{self.output} = {start}", "    return eps"]
        else:
            lines += [f"    return {difference}"]
        return [*lines, "", "", *self.energy()]

    def energy(self) -> list[str]:
        weighed = bool(self.solution.precision)
        kinds = {
            (False, False): "program.energy",
            (True, False): "program.energy.cross_entropy",
            (False, True): "program.energy.precision",
            (True, True): "program.energy.both",
        }
        lines = [f"def {self.energy_call}:", _doc(self.say(kinds[self.cross_entropy, weighed]))]
        part = "pi.get(n, 1) * 0.5 * (eps[n] ** 2).sum()" if weighed else "0.5 * (eps[n] ** 2).sum()"
        if not self.cross_entropy:
            lines += [f"    return sum({part} for n in eps)"]
        else:
            own = f"pi.get({_quoted(self.output)}, 1) * " if weighed else ""
            lines += [f"    own = {own}loss(mu.{self.output})", f"    return own + sum({part} for n in hidden)"]
        if not weighed:
            return lines
        pairs = [f"{_quoted(self.names[name])}: {weight!r}" for name, weight in (self.solution.precision or {}).items()]
        return [f"# {self.say('program.precision')}", *_fill("pi = {", pairs, "}"), "", "", *lines]

    @property
    def energy_call(self) -> str:
        return "energy(eps, mu)" if self.cross_entropy else "energy(eps)"

    def output_error(self, out: str, target: str) -> str:
        """Return ∂loss/∂(the output) as a line."""
        if not self.cross_entropy:
            return f"{out} - {target}"
        problem = self.solution.problem
        classes = are_classes(self.forward[problem.graph.output], problem.target)
        one = classes or bool((problem.target.sum(-1) == 1).all())
        return f"torch.softmax({out}, -1)" + ("" if one else f" * {target}.sum(-1, keepdim=True)") + f" - {target}"

    def clamped(self, out: str) -> str:
        """Return what the output's value becomes, as a line."""
        problem = self.solution.problem
        value = self.forward[problem.graph.output]
        if self.cross_entropy and are_classes(value, problem.target):
            return f"torch.nn.functional.one_hot(target, {value.shape[-1]}).to({out}.dtype)"
        if problem.target.shape == value.shape and problem.target.dtype == value.dtype:
            return "target"
        return f"target.to({out}.dtype).expand_as({out})" if self.cross_entropy else f"target.expand_as({out})"

    def terms(self, edges: Iterable[Edge], error: str, out: str) -> list[str]:
        """Return what is sent down each edge as a line."""
        graph = self.solution.problem.graph
        return [
            sent(
                graph[user], slot, f"{error}.{self.names[user]}", f"{out}.{self.names[user]}", self.values, self.shapes
            )
            for user, slot in edges
        ]

    def feedback(self) -> list[str]:
        head = f"def feedback({', '.join(_used(self.sent_to_nodes))}):"
        lines = [head, _doc(self.say("program.feedback")), "    to = Numbers()", *self.sent_to_nodes, "    return to"]
        if self.reads:
            lines += ["", "", *self.reading()]
        return [*self.vjp(lines), *lines]

    @cached_property
    def sent_to_nodes(self) -> list[str]:
        graph = self.solution.problem.graph
        lines = [
            _sum(f"    to.{self.names[node.name]} = ", self.terms(graph.users(node.name), "eps", "mu"))
            for node in reversed(graph.hidden)
        ]
        return [line for several in lines for line in several]

    def reading(self) -> list[str]:
        names = ["t"] * self.by_clock + _used(self.sent_to_leaves)
        head = [f"def read({', '.join(names)}):", _doc(self.say(self.read_key)), "    due = Numbers()"]
        return [*head, *self.sent_to_leaves, "    return due"]

    @cached_property
    def sent_to_leaves(self) -> list[str]:
        lines, space = [], "        " if self.by_clock else "    "
        for t in sorted(self.reads) if self.by_clock else sorted(self.reads)[:1]:
            lines += [f"    if t == {t}:"] if self.by_clock else []
            for name, edges in self.by_leaf(self.reads[t]).items():
                lines += _sum(f"{space}due.{self.names[name]} = ", self.terms(edges, "eps", "mu"))
        return lines

    @property
    def by_clock(self) -> bool:
        return self.solution.method == "zil"

    @property
    def read_key(self) -> str:
        solution = self.solution
        if solution.method != "zil":
            return "program.read.ipc" if solution.method == "ipc" else "program.read.last"
        shortest = distances(solution.problem.graph)
        if shortest == solution.levels:
            return "program.read.zil"
        early = all(shortest[user] == t for user, t in solution.read_times.items())
        return "program.read.shortest" if early else "program.read.longest"

    def by_leaf(self, edges: Iterable[Edge]) -> dict[str, list[Edge]]:
        found: dict[str, list[Edge]] = {}
        for user, slot in edges:
            found.setdefault(self.solution.problem.graph[user].inputs[slot], []).append((user, slot))
        return found

    def vjp(self, lines: Sequence[str]) -> list[str]:
        """Return the helper that differentiates one function, where the lines call it."""
        if not any("vjp(" in line for line in lines):
            return []
        return [
            "def vjp(slot, f, error, *inputs):",
            _doc(self.say("program.vjp")),
            "    inputs = [each.detach() for each in inputs]",
            "    inputs[slot].requires_grad_()",
            "    return torch.autograd.grad(f(*inputs), inputs[slot], error)[0]",
            "",
            "",
        ]

    def cotangents(self) -> list[str]:
        graph, level = self.solution.problem.graph, self.solution.levels
        lines = ["def cotangents(x):", _doc(self.say("program.cotangents")), "    delta = Numbers()"]
        rows: list[list[Node]] = [[] for _ in range(max(level.values()) + 1)]
        for node in graph.nodes:
            if node.op != "constant":
                rows[level[node.name]].append(node)
        start = self.output_error(f"x.{self.output}", self.clamped(f"x.{self.output}"))
        lines += [f"    delta.{self.output} = {start}"]
        for depth, row in enumerate(rows[1:], 1):
            lines += [f"    # {self.say('program.level', level=depth)}"]
            for node in row:
                lines += _sum(f"    delta.{self.names[node.name]} = ", self.terms(graph.users(node.name), "delta", "x"))
        listed = [_names(self.names[node.name] for node in row) for row in rows]
        lines += ["    return delta", "", "", f"# {self.say('program.levels')}"]
        lines += ["levels = [", *(f"    {each}," for each in listed), "]"]
        return [*self.vjp(lines), *lines]

    # ------------------------------------------------------------ the run

    def start(self) -> list[str]:
        return [f"# {self.say('program.forward')}", "x = Numbers(leaves)", "predict(x, x)"]

    def run_bp(self) -> list[str]:
        step = [
            "    known = Numbers({n: delta[n] for level in levels[: t + 1] for n in level})",
            "    due = {n: delta[n] for level in levels[t + 1 : t + 2] for n in level if n in learned}",
            "    gradients.update(due)",
            f"    trace.append((t, x, mu, known, loss(x.{self.output}), due))",
        ]
        return [
            *self.start(),
            "mu = Numbers({n: x[n] for n in x if n not in leaves})",
            "delta = cotangents(x)",
            "",
            *self.totals(),
            f"for t in range({self.last + 1}):",
            *step,
        ]

    def totals(self) -> list[str]:
        lines = ["trace, gradients = [], Numbers()"]
        lines += [f"# {self.say('program.dead')}"] if self.dead else []
        shapes = {self.names[name]: list(self.solution.gradients[name].shape) for name in self.dead}
        return lines + [f"gradients.{name} = torch.zeros({shape})" for name, shape in shapes.items()]

    def run(self) -> list[str]:
        clamp = f"x.{self.output} = {self.clamped(f'x.{self.output}')}  # {self.say('program.clamp')}"
        lines = [*self.start(), clamp]
        if self.frozen:
            lines += [f"# {self.say('program.fixed')}", "x0, mu0 = x, predict(x, Numbers())"]
        lines += ["", *self.gamma(), f"T = {self.last}", *self.totals(), "for t in range(T + 1):"]
        lines += [f"    {line}" for line in [*self.look(), *self.take(), "if t < T:"]]
        lines += [f"        {line}" for line in self.move()]
        half = sorted(self.names[name] for name in self.ever_read if name not in self.solution.gradients)
        if half:
            lines += [f"for n in {_names(half)}:  # {self.say('program.unread')}", "    del gradients[n]"]
        return lines

    @property
    def frozen(self) -> bool:
        return self.solution.method == "fixed"

    @property
    def eps(self) -> str:
        """What the errors that are sent are called."""
        return "weighed" if self.solution.precision else "eps"

    def look(self) -> list[str]:
        """Return the lines of a step that predict and compare."""
        lines = ["mu = mu0" if self.frozen else "mu = predict(x, Numbers())", "eps = errors(x, mu)"]
        if self.solution.precision:
            lines += [f"# {self.say('program.weigh')}", "weighed = Numbers({n: pi.get(n, 1) * eps[n] for n in eps})"]
        return lines

    def take(self) -> list[str]:
        """Return the lines of a step that read what is due, and keep it."""
        when = {"zil": "", "ipc": " if t < T else {}"}.get(self.solution.method, " if t == T else {}")
        names = ["t"] * self.by_clock + self.given(self.sent_to_leaves)
        lines = [f"due = read({', '.join(names)}){when}" if self.reads else "due = {}"]
        if self.read_twice:
            lines += ["for n in due:", "    gradients[n] = gradients.get(n, 0) + due[n]"]
        else:
            lines += ["gradients.update(due)"]
        return [*lines, f"trace.append((t, x, mu, eps, {self.energy_call}, due))"]

    def move(self) -> list[str]:
        """Return the lines of a step that move values, and parameters where the method does."""
        solution = self.solution
        rate = "gamma.get(n, 1)" if isinstance(solution.rate, Mapping) else "gamma"
        lines = [f"# {self.say('program.move')}", f"to = feedback({', '.join(self.given(self.sent_to_nodes))})"]
        moved = self.rule("move", gamma=rate, error=f"{self.eps}[n]", total="to[n]")
        lines += [f"moved = {{n: {moved} for n in hidden}}"]
        parameters = [_quoted(self.names[name]) for name in solution.problem.graph.parameters]
        if solution.method != "ipc" or not parameters:
            return [*lines, "x = Numbers({**x, **moved})"]
        lines += [f"# {self.say('program.learn')}"]
        learned = self.rule("learned", alpha="alpha", total="due[n]")
        lines += _fill(f"learnt = {{n: {learned} for n in [", parameters, "]}")
        return [*lines, "x = Numbers({**x, **moved, **learnt})"]

    def rule(self, kind: str, **words: str) -> str:
        """Return a rule of the method as a line about a node n; the errors it names are weighed, the sums added up."""

        def plain(part: Any) -> Any:
            if not isinstance(part, list):
                return part
            if part[:2] == ["*", "pi"]:
                return part[2]
            return {"total": "total", "at": part[-1]}[part[1]] if part[0] == "call" else [*map(plain, part)]

        return in_torch(plain(rules_of(self.solution)[kind]), {"x": "x[n]", **words})

    def given(self, lines: Sequence[str]) -> list[str]:
        """Return what a function of these lines is given: fixed predictions look at the start."""
        own = {"eps": self.eps, **({"x": "x0", "mu": "mu0"} if self.frozen else {})}
        return [own.get(name, name) for name in _used(lines)]

    @property
    def ever_read(self) -> list[str]:
        return list(dict.fromkeys(name for step in self.solution.steps for name in step.read))

    @property
    def read_twice(self) -> bool:
        return len(self.ever_read) < sum(len(step.read) for step in self.solution.steps)

    def gamma(self) -> list[str]:
        rate = self.solution.rate
        note = f"  # {self.say('program.gamma')}"
        if isinstance(rate, Mapping):
            pairs = [f"{_quoted(self.names[name])}: {each!r}" for name, each in rate.items()]
            lines = [note.strip(), *_fill("gamma = {", pairs, "}")]
        else:
            lines = [f"gamma = {rate!r}{note}"]
        if self.solution.method == "ipc" and self.solution.problem.graph.parameters:
            lines += [f"alpha = {self.solution.learning_rate!r}  # {self.say('program.alpha')}"]
        return lines

    # ------------------------------------------------------------ the end

    def check(self) -> list[str]:
        if not self.learned:
            return ["autograd = Numbers()"]
        note = [f"# {self.say('program.ipc_sum')}"] if self.solution.method == "ipc" else []
        return [
            *note,
            "z = Numbers({n: v.clone().requires_grad_(n in learned) for n, v in leaves.items()})",
            f"loss(predict(z, z).{self.output}).backward()",
            "autograd = Numbers({n: z[n].grad for n in learned})",
        ]

    def show(self, json: bool) -> list[str]:
        spelled = any(mine != name for name, mine in self.names.items())
        words = {
            "name": "names.get(n, n)" if spelled else "n",
            "error": "known" if self.bp else "eps",
            "symbol": "δ" if self.bp else "ε",
            "energy": "L" if self.bp else "F",
            "read": self.say("program.read"),
            "difference": self.say("program.difference"),
            "method": self.say(f"method.{self.solution.method}"),
        }
        lines = Template(SHOW + (JSON if json else "")).substitute(words).splitlines()
        return lines if json else [*lines, "", "", "table()"]


# ---------------------------------------------------------------- lines


def _used(lines: Sequence[str]) -> list[str]:
    """Return which of errors, values and predictions the lines of a function name."""
    text = "\n".join(lines)
    return [name for name in ("eps", "x", "mu") if re.search(rf"(?<![\w.]){name}\.", text)]


def _doc(sentence: str) -> str:
    lines = textwrap.wrap(sentence.replace("\\", "").replace('"""', "'''"), WIDTH)
    return "\n".join([f'    """{lines[0]}', *(f"    {line}" for line in lines[1:])]) + '"""'


def _quoted(text: str) -> str:
    """Return a text as a string of Python, in double quotes where it may be."""
    quoted = repr(text)
    return f'"{text}"' if quoted == f"'{text}'" and '"' not in text else quoted


def _names(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _list(name: str, items: Sequence[str], note: str) -> list[str]:
    lines = _fill(f"{name} = [", map(_quoted, items), "]")
    one = f"{lines[0]}  # {note}"
    return [one] if len(lines) == 1 and len(one) <= WIDTH else [f"# {note}", *lines]


def _fill(start: str, items: Iterable[str], end: str) -> list[str]:
    """Return a list on one line, or on as many as it needs."""
    items = list(items)
    line = f"{start}{', '.join(items)}{end}"
    if len(line) <= WIDTH:
        return [line]
    space = " " * (len(start) - len(start.lstrip()) + 4)
    rows = [""]
    for item in items:
        if rows[-1] and len(space) + len(rows[-1]) + len(item) + 2 > WIDTH:
            rows.append("")
        rows[-1] += f" {item}," if rows[-1] else f"{item},"
    return [start, *(space + row for row in rows), space[4:] + end]


def _sum(start: str, terms: Sequence[str]) -> list[str]:
    """Return an assignment of a sum, over several lines where one is too short."""
    terms = [POWER.sub(r"\1**\2", term) for term in terms]
    signed = [terms[0]] + [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in terms[1:]]
    line = start + " ".join(signed)
    if len(line) <= WIDTH or len(terms) == 1:
        return [line]
    space = " " * (len(start) - len(start.lstrip()))
    return [f"{start}(", *(f"{space}    {term}" for term in signed), f"{space})"]


def _assign(name: str, value: Tensor, own: str) -> list[str]:
    """Return the lines that give a name a tensor, every digit."""
    content = write_numbers(value, own, integer=True)
    end = ")" if value.dtype == torch.float64 else f", dtype={value.dtype})"
    rows = _rows(content, "")
    if len(rows) == 1:
        return [f"{name} = torch.tensor({rows[0]}{end}"]
    return [f"{name} = torch.tensor({rows[0]}", *rows[1:-1], f"{rows[-1]}{end}"]


def _rows(content: Any, space: str) -> list[str]:
    """Return nested lists of numbers as lines that are not too long."""
    line = repr(content)
    if len(space) + len(line) <= WIDTH - 24:
        return [space + line]
    inner = [row for each in content for row in _ended(_rows(each, space + "    "))]
    if not isinstance(content[0], list):
        inner = textwrap.wrap(line[1:-1] + ",", WIDTH, initial_indent=space + "    ", subsequent_indent=space + "    ")
    return [space + "[", *inner, space + "]"]


def _ended(rows: list[str]) -> list[str]:
    return [*rows[:-1], rows[-1] + ","]


# ---------------------------------------------------------------- the last section

SHOW = """\
def text(value):
    numbers = [] if value is None else value.flatten().tolist()
    return " ".join(f"{n:.4f}" for n in numbers[:3]) + (" …" if len(numbers) > 3 else "")


def table():
    for t, x, mu, $error, energy_t, due in trace:
        print(f"\\nt = {t}   $energy = {energy_t:.6g}")
        print(f"  {'':10}{'x':>12}{'μ':>12}{'$symbol':>12}")
        for n in x:
            row = [text(numbers.get(n)) for numbers in (x, mu, $error)]
            print(f"  {$name:10}" + "".join(f"{each:>12}" for each in row))
        for n in due:
            print(f"  $read: ∂{$name} = {text(due[n])}")
    print(f"\\n  {'':10}{'$method':>24}{'autograd':>24}{'$difference':>24}")
    for n in gradients:
        gap = (gradients[n] - autograd[n]).abs().max() if n in autograd else 0.0
        row = f"{text(gradients[n]):>24}{text(autograd.get(n)):>24}{gap:>24.1e}"
        print(f"  ∂{$name:9}{row}")
"""

JSON = """

def plain(numbers):
    return {$name: value.tolist() for n, value in numbers.items()}


def lines():
    for t, x, mu, $error, energy_t, due in trace:
        step = {"t": t, "values": plain(x), "predictions": plain(mu), "errors": plain($error)}
        print(json.dumps({**step, "energy": float(energy_t), "read": plain(due)}))
    print(json.dumps({"gradients": plain(gradients), "autograd": plain(autograd)}))


if "--json" in sys.argv:
    lines()
else:
    sys.stdout.reconfigure(encoding="utf-8")
    table()
"""


WRITERS["program"] = program
