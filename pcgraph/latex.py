"""latex: the derivation of a run as an article: the graph as equations, every rule, and each step with its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from pcgraph.forward import check_written
from pcgraph.graph import Node
from pcgraph.inference import rate_of
from pcgraph.messages import say
from pcgraph.rule_table import SETTINGS, Place, expanded, instance, made_by, number_at, setting
from pcgraph.trace import WRITERS, Solution, Step
from pcgraph.verdict import energy_verdict, gradients_verdict
from pcgraph.write import written

MOST = 12  # steps shown; a longer run shows its ends and where something is read
ROWS = 36  # of a table: more do not fit a page
LATER = 1  # a step in which what fixed predictions keep from step 0 is of another step
SYMBOLS = {
    "value": "x", "prediction": r"\mu", "gradient": "g",
    "precision": r"\pi", "rate": r"\gamma", "learning_rate": r"\alpha",
}  # fmt: skip
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
    ['g_{\\text{z2}} &= -0.0756 \\cdot 1.2000 = -0.0907']
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
        out = self.symbol(Place("prediction", problem.graph.output, LATER))
        loss = {
            "squared_error": rf"L &= \tfrac{{1}}{{2}} \sum ({out} - y)^2",
            "cross_entropy": rf"L &= -\sum y \log \operatorname{{softmax}}({out})",
        }[problem.loss]
        rows = [
            [tex.name(leaf.name), self.say(f"latex.{leaf.op}"), f"${tex.tensor(problem.values[leaf.name])}$"]
            for leaf in problem.graph.leaves
        ]
        head = [self.say("latex.leaf"), self.say("latex.kind"), self.say("latex.value")]
        equations = [self.general("prediction", node.name) for node in problem.graph.inner]
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
        graph = self.solution.problem.graph
        heading = [rf"\section{{{self.say('latex.rules')}}}", self.say(f"latex.rules.{self.kind}")]
        if self.bp:
            nodes = [node for node in reversed(graph.nodes) if node.op != "constant"]
            return [*heading, *_align([self.general("error", node.name) for node in nodes])]
        parts = [*heading, *_align([self.general("error", node.name) for node in graph.inner])]
        if graph.hidden:
            moves = [self.general("move", node.name) for node in graph.hidden]
            parts += [self.say("latex.rules.move"), *_align([*moves, *self.rates()])]
        names = [leaf.name for leaf in graph.leaves if leaf.op != "constant" and leaf.name in self.solution.gradients]
        leaves = [self.general("gradient", name) for name in names]
        return [*parts, *([self.say(f"latex.rules.read.{self.kind}"), *_align(leaves)] if leaves else [])]

    def general(self, kind: str, name: str) -> str:
        """Return a rule of a node as it is in every step."""
        shown = expanded(self.solution, instance(self.solution, kind, name, LATER, every=True))
        left = self.symbol(made_by(kind, name, LATER))
        return f"{left}{'^{(t+1)}' if kind in ('move', 'learned') else ''} &= {tex.tree(shown, self.symbol)}"

    def filled(self, kind: str, name: str, t: int) -> str:
        """Return a rule of a node at a step with its numbers."""
        shown = expanded(self.solution, instance(self.solution, kind, name, t))
        made = made_by(kind, name, t)
        left = self.symbol(made) + (f"^{{({made.t})}}" if made.t > t else "")
        return f"{left} &= {_equal(tex.tree(shown, self.number), number_at(self.solution, made))}"

    def symbol(self, place: Any) -> str:
        """Return what the article calls a number; of fixed predictions' step 0 it says so."""
        if isinstance(place, str):
            return rf"\text{{{tex.text(place)}}}"
        if place.quantity == "target":
            return "y"
        sign = {"error": self.error, **SYMBOLS}[place.quantity]
        if sign == r"\alpha" or (sign == r"\gamma" and not isinstance(self.solution.rate, dict)):
            return sign
        first = self.solution.method == "fixed" and place.t == 0
        moves = first and not self.solution.problem.graph[place.node].is_leaf
        return f"{sign}_{{{tex.name(place.node)}}}{'^{(0)}' if moves else ''}"

    def number(self, place: Any) -> str:
        if isinstance(place, str):
            return self.symbol(place)
        if place.quantity in SETTINGS:
            return f"{setting(self.solution, place):g}"
        return tex.tensor(number_at(self.solution, place))

    def rates(self) -> list[str]:
        rate = self.solution.rate
        lines = []
        if isinstance(rate, dict):
            hidden = self.solution.problem.graph.hidden
            lines = [rf"\gamma_{{{tex.name(node.name)}}} &= {rate_of(node.name, rate):g}" for node in hidden]
        elif rate is not None:
            lines = [rf"\gamma &= {rate:g}"]
        names = self.solution.problem.graph.parameters if self.solution.method == "ipc" else ()
        lines += [self.general("learned", name) for name in names]
        lines += [rf"\alpha &= {self.solution.learning_rate:.4g}"] if names else []
        return lines

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
        first = [self.filled("prediction", node.name, 0) for node in solution.problem.graph.inner]
        lines += [rf"\subsection*{{{self.say('latex.forward')}}}", self.say("latex.forward.words"), *_align(first)]
        for step in shown:
            lines += [rf"\subsection*{{$t = {step.t}$}}", *(self.bp_step(step) if self.bp else self.step(step))]
        return lines

    def bp_step(self, step: Step) -> list[str]:
        graph, level = self.solution.problem.graph, self.solution.levels
        reached = [node.name for node in reversed(graph.nodes) if level[node.name] == step.t]
        lines = [self.filled("error", name, step.t) for name in reached if name in step.errors]
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
        for node in graph.hidden if step.t < solution.steps[-1].t else ():
            sent = [step.feedback[edge] for edge in graph.users(node.name) if edge in step.feedback]
            if _zero(step.errors[node.name]) and all(map(_zero, sent)):
                still.append(node.name)
            else:
                moves.append(self.filled("move", node.name, step.t))
        if moves:
            lines += [self.say("latex.moves"), *_align(moves)]
        if still:
            lines += [f"{self.say('latex.still')} {', '.join(f'${tex.name(name)}$' for name in still)}.", ""]
        if step.read:
            lines += [self.say("latex.reads"), *_align([self.filled("gradient", name, step.t) for name in step.read])]
        return lines

    def held(self, node: Node, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        return step.values[node.name], step.predictions[node.name], step.errors[node.name]

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


def _equal(filled: str, result: Tensor | None) -> str:
    shown = tex.tensor(result)
    if filled == shown:
        return filled
    long = len(COMMAND.sub("", filled)) > WIDE
    return f"{filled} \\\\\n&= {shown}" if long else f"{filled} = {shown}"


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
