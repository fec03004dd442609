"""latex: the derivation of a run as an article: the graph as equations, every rule, and each step with its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pcgraph import tex
from pcgraph.compare import difference
from pcgraph.errors import check_language
from pcgraph.evaluate import backprop
from pcgraph.explain import Sent, arriving, due, gradient_by, names_in, slot_numbers, taken_at
from pcgraph.forward import check_written
from pcgraph.graph import Edge, Node
from pcgraph.inference import rate_of
from pcgraph.messages import say
from pcgraph.ops import OPS, rule, slot_name
from pcgraph.trace import WRITERS, Solution, Step
from pcgraph.verdict import energy_verdict, gradients_verdict
from pcgraph.write import written

MOST = 12  # steps shown; a longer run shows its ends and where something is read
ROWS = 36  # of a table: more do not fit a page
TERMS = 3  # of a sum on one line
WIDE = 75  # characters of a formula: after a longer one its result stands on the next line
COMMAND = re.compile(r"\\[a-zA-Z]+|[\\{}$ ]")


def derivation(solution: Solution, path: str | Path | None = None, language: str | None = None) -> str:
    r"""Return the derivation of a run as a LaTeX article, and write it where a path is given.

    The graph as equations, the energy, the rule of every node in general and with the trace's numbers, and the
    gradients beside BP's, with what may honestly be said of them. A run of more than 12 steps shows its first steps,
    its last, and those in which something is read. In English it needs amsmath and booktabs; in Chinese also ctex
    (compile that with XeLaTeX). Raises SettingError for a run of which only the last step was kept.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> text = derivation(solve(gallery["residual"], "zil"))
    >>> [line for line in text.splitlines() if r"g_{\text{z2}}" in line and "0.0907" in line]
    ['g_{\\text{z2}} &= (-0.0756) \\cdot 1.2000 = -0.0907']
    """
    check_written(solution.problem, last=True)
    text = "\n".join(_Article(solution, language).lines()) + "\n"
    return written(text, path)


@dataclass(frozen=True)
class _Article:
    """Writes the parts of the article of a run in a language."""

    solution: Solution
    language: str | None

    def __post_init__(self) -> None:
        check_language(self.language)
        self.solution.check_replayable()

    def say(self, key: str, **slots: Any) -> str:
        return self.text(say(key, self.language, **slots))

    def text(self, words: str) -> str:
        return tex.text(words, cjk=self.chinese)

    @cached_property
    def chinese(self) -> bool:
        return any("\u4e00" <= each <= "\u9fff" for each in say("latex.graph", self.language))

    @property
    def bp(self) -> bool:
        return self.solution.method == "bp"

    @property
    def error(self) -> str:
        return r"\delta" if self.bp else r"\varepsilon"

    def lines(self) -> list[str]:
        solution = self.solution
        parts = [
            r"\documentclass{article}",
            *([r"\usepackage{ctex}"] if self.chinese else []),
            r"\usepackage{amsmath}",
            r"\usepackage{booktabs}",
            r"\addtolength{\oddsidemargin}{-2cm}",
            r"\addtolength{\textwidth}{4cm}",
            r"\allowdisplaybreaks",
            rf"\title{{{self.text(solution.problem.title) or 'PC Graph'}}}",
            rf"\author{{{self.method}}}",
            r"\date{}",
            r"\begin{document}",
            r"\maketitle",
            "",
            self.say("latex.head"),
            "",
            *self.graph(),
            *self.energy(),
            *self.rules(),
            *self.steps(),
            *self.gradients(),
            r"\end{document}",
        ]
        return parts

    @property
    def method(self) -> str:
        solution = self.solution
        words = [self.say(f"method.{solution.method}")]
        words.append(self.say("cli.levelled" if solution.levelled else "cli.unlevelled"))
        if isinstance(solution.rate, float) and not self.bp:
            words.append(rf"$\gamma = {solution.rate:g}$")
        return ", ".join([*words, self.say("cli.steps", steps=solution.steps[-1].t)])

    # ------------------------------------------------------------ the graph and its energy

    def graph(self) -> list[str]:
        problem = self.solution.problem
        out = _mu(problem.graph.output)
        loss = {
            "squared_error": rf"L &= \tfrac{{1}}{{2}} \sum ({out} - y)^2",
            "cross_entropy": rf"L &= -\sum y \log \operatorname{{softmax}}({out})",
        }[problem.loss]
        rows = [
            [tex.name(leaf.name), self.say(f"latex.{leaf.op}"), f"${tex.tensor(problem.values[leaf.name])}$"]
            for leaf in problem.graph.leaves
        ]
        head = [self.say("latex.leaf"), self.say("latex.kind"), self.say("latex.value")]
        equations = [f"{_mu(node.name)} &= {_formula(node)}" for node in problem.graph.inner]
        return [
            rf"\section{{{self.say('latex.graph')}}}",
            self.say("latex.graph.words"),
            *_table("lll", head, [[rf"${cell}$" if i == 0 else cell for i, cell in enumerate(row)] for row in rows]),
            self.say("latex.target"),
            *_align([f"y &= {tex.tensor(problem.target)}", loss]),
            self.say("latex.equations"),
            *_align(equations),
        ]

    def energy(self) -> list[str]:
        solution = self.solution
        heading = [rf"\section{{{self.say('latex.energy')}}}"]
        if self.bp:
            return [*heading, self.text(energy_verdict(solution, self.language)), ""]
        out = solution.problem.graph.output
        weight = r"\pi_i " if solution.precision else ""
        squared = rf"F &= \tfrac{{1}}{{2}} \sum_i {weight}\lVert \varepsilon_i \rVert^2"
        own = rf"\pi_{{{tex.name(out)}}} L" if out in (solution.precision or {}) else "L"
        if solution.problem.loss == "cross_entropy":
            squared = (
                rf"F &= {own} + \tfrac{{1}}{{2}} \sum_{{i \neq {tex.name(out)}}} {weight}\lVert \varepsilon_i \rVert^2"
            )
        weights = [
            rf"\pi_{{{tex.name(name)}}} &= {tex.digits(weight)}" for name, weight in (solution.precision or {}).items()
        ]
        rows = [[f"${step.t}$", f"${tex.digits(step.energy)}$"] for step in self.shown]
        return [
            *heading,
            self.say("latex.energy.words"),
            *_align([squared, *weights]),
            *_table("rr", ["$t$", "$F$"], rows),
            self.text(energy_verdict(solution, self.language)),
            "",
        ]

    # ------------------------------------------------------------ the rules in general

    def rules(self) -> list[str]:
        solution, graph = self.solution, self.solution.problem.graph
        heading = [rf"\section{{{self.say('latex.rules')}}}", self.say(f"latex.rules.{self.kind}")]
        if self.bp:
            equations = [rf"\delta_{{{tex.name(graph.output)}}} &= {self.start()}"]
            nodes = [node for node in reversed(graph.nodes) if node.op != "constant" and node.name != graph.output]
            return [*heading, *_align([*equations, *(self.sum_of(_error(n.name, self.error), n) for n in nodes)])]
        equations = []
        for node in graph.inner:
            known = self.start() if node.name == graph.output else f"{_mu(node.name)} - {_x(node.name)}"
            equations.append(rf"{_error(node.name)} &= {known}")
        moves = [self.general_move(node) for node in graph.hidden]
        leaves = [
            self.sum_of(_gradient(leaf.name), leaf)
            for leaf in graph.leaves
            if leaf.op != "constant" and leaf.name in solution.gradients
        ]
        parts = [*heading, *_align(equations)]
        if moves:
            parts += [self.say("latex.rules.move"), *_align([*moves, *self.rates()])]
        return [*parts, *([self.say(f"latex.rules.read.{self.kind}"), *_align(leaves)] if leaves else [])]

    def general_move(self, node: Node) -> str:
        own = self.weighed(node.name, _error(node.name))
        gamma = rf"\gamma_{{{tex.name(node.name)}}}" if self.by_node else r"\gamma"
        pulled = _less(self.general(self.solution.problem.graph.users(node.name)))
        return rf"{_x(node.name)}^{{(t+1)}} &= {_x(node.name)} + {gamma} \bigl( {own} {pulled} \bigr)"

    def sum_of(self, left: str, node: Node) -> str:
        return f"{left} &= {_joined(self.general(self.solution.problem.graph.users(node.name)))}"

    def general(self, edges: Iterable[Edge]) -> list[str]:
        graph = self.solution.problem.graph
        return [_partial(graph[user], slot, self.weighed(user, _error(user, self.error)), {}) for user, slot in edges]

    def weighed(self, node: str, error: str) -> str:
        weight = (self.solution.precision or {}).get(node, 1.0)
        return error if weight == 1 else rf"\pi_{{{tex.name(node)}}} {error}"

    @property
    def by_node(self) -> bool:
        return isinstance(self.solution.rate, dict)

    def rates(self) -> list[str]:
        rate = self.solution.rate
        lines = []
        if isinstance(rate, dict):
            hidden = self.solution.problem.graph.hidden
            lines = [rf"\gamma_{{{tex.name(node.name)}}} &= {rate_of(node.name, rate):g}" for node in hidden]
        elif rate is not None:
            lines = [rf"\gamma &= {rate:g}"]
        if self.solution.method == "ipc":
            names = self.solution.problem.graph.parameters
            lines += [rf"{_x(name)}^{{(t+1)}} &= {_x(name)} - \alpha \, {_gradient(name)}" for name in names]
            lines += [rf"\alpha &= {self.solution.learning_rate:.4g}"] if names else []
        return lines

    def start(self) -> str:
        """Return the output's error, in general."""
        problem = self.solution.problem
        out, target = problem.graph.output, "y"
        mu = _mu(out)
        if problem.loss == "cross_entropy":
            return rf"\operatorname{{softmax}}({mu}) \textstyle\sum {target} - {target}"
        return f"{mu} - {target}"

    @property
    def kind(self) -> str:
        solution = self.solution
        return "unlevelled" if solution.method == "zil" and not solution.levelled else solution.method

    # ------------------------------------------------------------ step by step

    @cached_property
    def shown(self) -> list[Step]:
        steps = self.solution.steps
        if len(steps) <= MOST + 1:
            return list(steps)
        wanted = {0, 1, len(steps) - 1} | {step.t for step in steps if step.read}
        if len(wanted) > MOST:  # something is read in every step
            wanted = {0, 1, len(steps) - 2, len(steps) - 1}
        return [step for step in steps if step.t in wanted]

    def steps(self) -> list[str]:
        solution, shown = self.solution, self.shown
        lines = [rf"\section{{{self.say('latex.steps')}}}"]
        if len(shown) < len(solution.steps):
            listed = ", ".join(str(step.t) for step in shown)
            lines += [self.say("latex.shown", count=len(solution.steps), shown=listed), ""]
        first = [
            f"{_mu(node.name)} &= {_equal(_formula(node, solution.steps[0]), solution.steps[0].predictions[node.name])}"
            for node in solution.problem.graph.inner
        ]
        lines += [rf"\subsection*{{{self.say('latex.forward')}}}", self.say("latex.forward.words"), *_align(first)]
        for step in shown:
            lines += [rf"\subsection*{{$t = {step.t}$}}", *(self.bp_step(step) if self.bp else self.step(step))]
        return lines

    def bp_step(self, step: Step) -> list[str]:
        graph, level = self.solution.problem.graph, self.solution.levels
        lines = []
        for node in reversed(graph.nodes):
            if level[node.name] == step.t and node.name in step.errors:
                sent = arriving(self.solution, node, step)
                filled = self.filled_start(step) if node.name == graph.output else _joined(self.filled(sent, step))
                lines.append(f"{_error(node.name, self.error)} &= {_equal(filled, step.errors[node.name])}")
        return _align(lines) if lines else []

    def step(self, step: Step) -> list[str]:
        solution, graph = self.solution, self.solution.problem.graph
        rows = [
            [f"${cell}$" for cell in (tex.name(node.name), *map(tex.tensor, self.held(node, step)))]
            for node in graph.inner
        ]
        head = [self.say("latex.node"), "$x$", r"$\mu$", r"$\varepsilon$"]
        lines = _table("lrrr", head, rows)
        moves, still = [], []
        for node in graph.hidden:
            sent = arriving(solution, node, step)
            if step.t + 1 >= len(solution.steps):
                continue
            after = solution.steps[step.t + 1].values[node.name]
            if _zero(step.errors[node.name]) and all(_zero(part) for _, _, part in sent):
                still.append(node.name)
            else:
                moves.append(self.move(node, step, sent, after))
        if moves:
            lines += [self.say("latex.moves"), *_align(moves)]
        if still:
            lines += [f"{self.say('latex.still')} {', '.join(f'${tex.name(name)}$' for name in still)}.", ""]
        if step.read:
            lines += [self.say("latex.reads"), *_align([self.read(name, step) for name in step.read])]
        return lines

    def held(self, node: Node, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        return step.values[node.name], step.predictions[node.name], step.errors[node.name]

    def move(self, node: Node, step: Step, sent: Sent, after: Tensor) -> str:
        gamma = rate_of(node.name, self.solution.rate or 0.0)
        weight = (self.solution.precision or {}).get(node.name, 1.0)
        own = tex.tensor(step.errors[node.name])
        own = own if weight == 1 else rf"{tex.digits(weight)} \cdot {tex.bracketed(own)}"
        x = tex.tensor(step.values[node.name])
        filled = rf"{x} + {gamma:g} \bigl( {own} {_less(self.filled(sent, step))} \bigr)"
        return f"{_x(node.name)}^{{({step.t + 1})}} &= {_equal(filled, after)}"

    def read(self, name: str, step: Step) -> str:
        """Return the line of a gradient that is read: what was read before, and what is sent now."""
        solution = self.solution
        sent = due(solution, name, step, arriving(solution, solution.problem.graph[name], step))
        terms = self.filled(sent, step)
        earlier = gradient_by(solution, name, step.t - 1)
        if earlier is not None:
            terms = [tex.tensor(earlier), *terms]
        return f"{_gradient(name)} &= {_equal(_joined(terms), gradient_by(solution, name, step.t))}"

    def filled(self, sent: Sent, step: Step) -> list[str]:
        """Return what is sent, each with the numbers it is made of."""
        graph, terms = self.solution.problem.graph, []
        at = taken_at(self.solution, step)
        for (user, slot), _, _ in sent:
            sender = step
            if self.bp and self.solution.levels[user] < step.t:
                sender = self.solution.steps[min(self.solution.levels[user], step.t)]
            weight = (self.solution.precision or {}).get(user, 1.0)
            error = tex.tensor(sender.errors[user])
            error = error if weight == 1 else rf"{tex.digits(weight)} \cdot {tex.bracketed(error)}"
            terms.append(_partial(graph[user], slot, error, _numbers(graph[user], at)))
        return terms

    def filled_start(self, step: Step) -> str:
        problem = self.solution.problem
        mu, y = tex.tensor(step.predictions[problem.graph.output]), tex.tensor(problem.target)
        if problem.loss == "cross_entropy":
            return rf"\operatorname{{softmax}}({mu}) \textstyle\sum {y} - {tex.bracketed(y)}"
        return f"{mu} - {tex.bracketed(y)}"

    # ------------------------------------------------------------ the gradients

    def gradients(self) -> list[str]:
        solution, reference = self.solution, backprop(self.solution.problem)
        rows = []
        for name, found in solution.gradients.items():
            wanted = reference.get(name, torch.zeros_like(found))
            gap = difference(found, wanted)
            relative = tex.digits(gap.relative, 2) if gap else r"\cdot"
            rows.append([f"${cell}$" for cell in (tex.name(name), tex.tensor(found), tex.tensor(wanted), relative)])
        method = self.say(f"method.{solution.method}")
        head = [self.say("latex.leaf"), method, self.say("method.bp"), self.say("latex.relative")]
        return [
            rf"\section{{{self.say('latex.gradients')}}}",
            *(_table("lrrr", head, rows) if rows else []),
            self.text(gradients_verdict(solution, self.language)),
            self.text(say(solution.message_key, self.language, **solution.slots)),
        ]


# ---------------------------------------------------------------- pieces


def _x(name: str) -> str:
    return f"x_{{{tex.name(name)}}}"


def _mu(name: str) -> str:
    return rf"\mu_{{{tex.name(name)}}}"


def _error(name: str, symbol: str = r"\varepsilon") -> str:
    return f"{symbol}_{{{tex.name(name)}}}"


def _gradient(name: str) -> str:
    return f"g_{{{tex.name(name)}}}"


def _formula(node: Node, at: Step | None = None) -> str:
    """Return a node's function: of its inputs, or with their numbers at a step."""
    formula, _ = rule(OPS[node.op], len(node.inputs))
    return tex.tree(formula, _numbers(node, at) if at else _symbols(node))


def _symbols(node: Node) -> dict[str, str]:
    return {slot_name(slot): _x(name) for slot, name in enumerate(node.inputs)} | {"out": _mu(node.name)}


def _numbers(node: Node, at: Step) -> dict[str, str]:
    inputs = {slot_name(slot): tex.tensor(at.values[name]) for slot, name in enumerate(node.inputs)}
    return {**slot_numbers(node, at), **inputs, "out": tex.tensor(at.predictions[node.name])}


def _partial(user: Node, slot: int, error: str, numbers: dict[str, str]) -> str:
    """Return error × partial derivative of a user's slot; a factor 1 is left out."""
    _, partials = rule(OPS[user.op], len(user.inputs))
    if slot >= len(partials):
        return rf"{error} \cdot \frac{{\partial {_mu(user.name)}}}{{\partial {_x(user.inputs[slot])}}}"
    names = numbers or _symbols(user)
    partial = partials[slot]
    if "ct" in names_in(partial):
        return tex.tree(partial, {**names, "ct": error})
    if partial == 1:
        return error
    if partial == -1:
        return f"-{tex.bracketed(error)}"
    return rf"{tex.bracketed(error)} \cdot {tex.tree(partial, names, 2)}"


def _equal(filled: str, result: Tensor | None) -> str:
    shown = tex.tensor(result)
    if filled == shown:
        return filled
    long = len(COMMAND.sub("", filled)) > WIDE
    return f"{filled} \\\\\n&= {shown}" if long else f"{filled} = {shown}"


def _joined(terms: Sequence[str]) -> str:
    """Return a sum; a long one goes on in the next lines of its alignment."""
    lines = [" + ".join([terms[0], *map(tex.bracketed, terms[1:TERMS])])] if terms else ["0"]
    for start in range(TERMS, len(terms), TERMS):
        lines.append(r"&\quad + " + " + ".join(map(tex.bracketed, terms[start : start + TERMS])))
    return " \\\\\n".join(lines)


def _less(terms: Sequence[str]) -> str:
    """Return what is taken off an error: the sum of what users send."""
    if len(terms) == 1:
        return f"- {tex.bracketed(terms[0])}" if _is_product(terms[0]) else rf"- \bigl( {terms[0]} \bigr)"
    return rf"- \bigl( {_joined(terms)} \bigr)" if terms else ""


def _is_product(term: str) -> bool:
    return " + " not in term and " - " not in term


def _zero(value: Tensor) -> bool:
    return not bool(value.any())


def _align(lines: Sequence[str]) -> list[str]:
    return [r"\begin{align*}", *(rf"{line} \\" for line in lines[:-1]), *lines[-1:], r"\end{align*}"]


def _table(columns: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table, or several where one is longer than a page."""
    lines: list[str] = []
    for start in range(0, len(rows), ROWS):
        body = [rf"{' & '.join(row)} \\" for row in rows[start : start + ROWS]]
        lines += [r"\begin{center}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rf"{' & '.join(head)} \\"]
        lines += [r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{center}"]
    return lines


WRITERS["latex"] = derivation
