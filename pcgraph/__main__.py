"""The command line: python -m pcgraph solve residual --method zil."""

from __future__ import annotations

import argparse
import io
import os
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from pcgraph.compare import compare, difference, gradient_text
from pcgraph.document import read_text
from pcgraph.errors import NumberError, PCGraphError, SettingError, did_you_mean
from pcgraph.evaluate import backprop
from pcgraph.explain import explain
from pcgraph.export import trace_html
from pcgraph.formula import parse
from pcgraph.gallery import gallery
from pcgraph.messages import ASSETS, number, say
from pcgraph.problem import LIMITS, Problem
from pcgraph.site import write_site
from pcgraph.solve import MOST_STEPS, solve
from pcgraph.trace import Solution
from pcgraph.typed_numbers import read_between, read_number
from pcgraph.verify import TOLERANCE, verify

PROGRAM = "python -m pcgraph"
FORMULA_FILES = (".txt", ".pcg")
HELP = {"-h", "--help"}
NEGATIVE = re.compile(r"-[\d.,]")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 where all is well, 1 where `verify` finds an error, 2, after one sentence, where the input is wrong.
    """
    command, *words = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        return _run(command, words) or 0
    except PCGraphError as problem:
        print(_printable(str(problem)), file=sys.stderr)
        return 2


def _run(command: str, words: list[str]) -> int | None:
    if command in HELP:
        print(_overview())
        return 0
    if command not in COMMANDS:
        raise SettingError(
            "cli.error.command", got=command, known=", ".join(COMMANDS), hint=did_you_mean(command, COMMANDS)
        )
    run, names = COMMANDS[command]
    if names is None:
        return run(words)
    parser = _parser(command, names)
    if HELP.intersection(words):
        print(parser.format_help(), end="")
        return 0
    return run(_read(parser, words, names))


# ---------------------------------------------------------------- commands


def _solve(arguments: argparse.Namespace) -> None:
    problem = _problem(arguments)
    solution = _solution(problem, arguments)
    print(_heading(solution), "", _gradients(problem, solution), "", solution.message, sep="\n")
    _save(arguments.html, solution.to_html)
    _save(arguments.csv, solution.to_csv)
    _save(arguments.json, lambda path: Path(path).write_text(solution.to_json(), "utf-8"))
    for kind in ("program", "notebook", "latex"):
        _save(getattr(arguments, kind), partial(getattr(solution, f"to_{kind}"), language=arguments.language))
    _save_pictures(solution, arguments)


def _save_pictures(solution: Solution, arguments: argparse.Namespace) -> None:
    """Write what was asked for of one step (SVG, PNG) and of a range of steps (GIF, MP4, WebM, PDF)."""
    asked = {
        name: getattr(arguments, name) for name in ("step", "first", "last") if getattr(arguments, name) is not None
    }
    last = solution.steps[-1].t
    number = {
        name: _whole(text, SettingError("error.picture.step", got=text, last=last)) for name, text in asked.items()
    }
    for kind in ("svg", "png"):
        write = partial(getattr(solution, f"to_{kind}"), t=number.get("step"), theme=arguments.theme)
        _save(getattr(arguments, kind), write)
    for kind in ("gif", "mp4", "webm", "pdf"):
        write = partial(getattr(solution, f"to_{kind}"), theme=arguments.theme)
        _save(getattr(arguments, kind), partial(write, first=number.get("first", 0), last=number.get("last")))


def _compare(arguments: argparse.Namespace) -> None:
    methods = [name.strip() for name in arguments.methods.split(",")]
    level = True if arguments.level is None else arguments.level
    found = compare(_problem(arguments), methods, level=level)
    print(found, end="\n\n")
    for label, solution in found.solutions.items():
        t, method = found.parts[label], say(f"method.{label}")
        print(
            say("cli.never_part", method=method) if t is None else say("cli.part", method=method, t=t), solution.message
        )
    _save(arguments.html, lambda path: trace_html([found.reference, *found.solutions.values()], path))


def _explain(arguments: argparse.Namespace) -> None:
    solution = _solution(_problem(arguments), arguments)
    refusal = SettingError("error.explain_step", got=arguments.step, last=solution.steps[-1].t)
    found = explain(solution, arguments.node, _whole(arguments.step, refusal))
    print(_heading(solution), "", found.sentence, sep="\n")
    for rule in found.rules:
        print("", rule.general, rule.filled, sep="\n")
    if found.read:
        print("", say("cli.read", names=", ".join(found.read)), sep="\n")


def _verify(arguments: argparse.Namespace) -> int:
    graphs = _whole(arguments.graphs, SettingError("cli.error.count", option="--graphs", got=arguments.graphs))
    seed = _whole(arguments.seed, SettingError("cli.error.count", option="--seed", got=arguments.seed))
    report = verify(graphs, seed)
    rows = [[say("compare.method"), say("cli.column.worst"), say("cli.column.where")]]
    for method, worst in report.worst.items():
        where = (
            say("cli.verify.where", problem=worst.problem, leaf=worst.leaf)
            if worst.relative
            else say("cli.verify.bits")
        )
        rows.append([say(f"cli.verify.{method}"), f"{worst.relative:.1e}", where])
    print(say("cli.verify.what", gallery=len(gallery), random=graphs, seed=seed), "", _columns(rows), "", sep="\n")
    print(say("cli.verify.unlevelled", graphs=report.graphs, failed=report.failed, uneven=report.uneven))
    print(
        say("cli.verify.passed" if report.passed else "cli.verify.failed", most=f"{TOLERANCE:.0e}".replace("e-0", "e-"))
    )
    return 0 if report.passed else 1


def _site(arguments: argparse.Namespace) -> None:
    names = [name.strip() for name in arguments.problems.split(",") if name.strip()]
    pages = write_site(arguments.folder, names, arguments.language)
    print(say("cli.site.written", count=len(pages), file=pages[0]))


def _gallery(arguments: argparse.Namespace) -> None:
    print(gallery)


def _app(arguments: argparse.Namespace) -> None:
    port = _from_one("--port", arguments.port, 65_535, example=8501)
    os.chdir(ASSETS.parent)  # Streamlit reads .streamlit/config.toml from there
    sys.argv = ["streamlit", "run", "app.py", f"--server.address={arguments.address}", f"--server.port={port}"]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _bench(words: list[str]) -> int | None:
    from pcgraph import bench

    return bench.main(words)


# The arguments that commands take; the help of --rate is the message cli.argument.rate.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "problem": {"metavar": "PROBLEM"},
    "node": {"metavar": "NODE"},
    "step": {"metavar": "STEP"},
    "--formula": {"metavar": "TEXT"},
    "--method": {"metavar": "METHOD", "default": "zil"},
    "--methods": {"metavar": "A,B", "default": "zil,fixed,pc"},
    "--rate": {"metavar": "RATE"},
    "--steps": {"metavar": "STEPS"},
    "--level": {"action": argparse.BooleanOptionalAction},
    "--html": {"metavar": "FILE"},
    "--csv": {"metavar": "FILE"},
    "--json": {"metavar": "FILE"},
    **{f"--{kind}": {"metavar": "FILE"} for kind in ("program", "notebook", "latex")},
    **{f"--{kind}": {"metavar": "FILE"} for kind in ("svg", "png", "gif", "mp4", "webm", "pdf")},
    **{f"--{name}": {"metavar": "STEP"} for name in ("step", "first", "last")},
    "--theme": {"metavar": "THEME", "default": "light"},
    "--graphs": {"metavar": "COUNT", "default": "300"},
    "--seed": {"metavar": "SEED", "default": "0"},
    "folder": {"metavar": "FOLDER"},
    "--problems": {"metavar": "A,B", "default": ""},
    "--language": {"metavar": "LANGUAGE", "default": "en"},
    "--address": {"metavar": "ADDRESS", "default": "localhost"},
    "--port": {"metavar": "PORT", "default": "8501"},
}
SETTINGS = ("--formula", "--method", "--rate", "--steps", "--level")
CODE = ("--program", "--notebook", "--latex", "--language")
PICTURES = ("--svg", "--png", "--gif", "--mp4", "--webm", "--pdf", "--step", "--first", "--last", "--theme")

# Each command: its function and its arguments, or None where it reads its words itself.
COMMANDS: Mapping[str, tuple[Callable[[Any], int | None], Iterable[str] | None]] = {
    "solve": (_solve, ("problem", *SETTINGS, "--html", "--csv", "--json", *CODE, *PICTURES)),
    "compare": (_compare, ("problem", "--formula", "--methods", "--level", "--html")),
    "explain": (_explain, ("problem", "node", "step", *SETTINGS)),
    "verify": (_verify, ("--graphs", "--seed")),
    "gallery": (_gallery, ()),
    "site": (_site, ("folder", "--problems", "--language")),
    "app": (_app, ("--address", "--port")),
    "bench": (_bench, None),
}

# ---------------------------------------------------------------- words → problem, settings


class _Parser(argparse.ArgumentParser):
    """A parser that raises its complaint as ours, instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise SettingError("cli.error.usage", reason=message, command=self.prog)


def _parser(command: str, names: Iterable[str]) -> _Parser:
    parser = _Parser(
        f"{PROGRAM} {command}", description=say(f"cli.command.{command}"), add_help=False, allow_abbrev=False
    )
    group = parser.add_argument_group(say("cli.arguments"))
    for name in names:
        group.add_argument(name, help=say(f"cli.argument.{name.lstrip('-')}"), **ARGUMENTS[name])
    return parser


def _read(parser: _Parser, words: list[str], names: Iterable[str]) -> argparse.Namespace:
    """Return the arguments. A formula may start with a minus sign, so argparse sees an empty word in its place."""
    options = [name for name in names if name.startswith("--")]
    words = _split(words, options)
    formula = None
    if "--formula" in options and "--formula" in words[:-1]:
        at = words.index("--formula")
        formula, words[at : at + 2] = words[at + 1], [""]
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        got, hint = unknown[0] or "--formula", did_you_mean(unknown[0], options)
        raise SettingError("cli.error.option", got=got, known=", ".join(options) or "–", hint=hint)
    arguments.formula = formula
    return arguments


def _split(words: list[str], options: list[str]) -> list[str]:
    """Return the words with `--formula=TEXT` in two and a number such as −1e9, no option, tied to its option."""
    result: list[str] = []
    for word in words:
        if word.startswith("--formula="):
            result += word.split("=", 1)
        elif NEGATIVE.match(word) and result and result[-1] in options and result[-1] != "--formula":
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def _problem(arguments: argparse.Namespace) -> Problem:
    """Return the problem a person named: a formula, one of the gallery, a document or a file of formulas."""
    word = arguments.problem
    if arguments.formula is not None:
        return parse(arguments.formula)
    if word in gallery:
        return gallery[word]
    path = Path(word)
    if path.suffix.lower() in FORMULA_FILES:
        return parse(read_text(path, LIMITS.formula), title=path.stem[: LIMITS.title])
    if path.suffix.lower() == ".json":
        return Problem.from_file(path)
    raise SettingError("cli.error.problem", got=word, known=", ".join(gallery), hint=did_you_mean(word, gallery))


def _solution(problem: Problem, arguments: argparse.Namespace) -> Solution:
    refusal = SettingError("error.steps", got=arguments.steps, most=MOST_STEPS)
    steps = None if arguments.steps is None else _whole(arguments.steps, refusal)
    return solve(problem, arguments.method, rate=_rate(arguments.rate), steps=steps, level=arguments.level)


def _rate(text: str | None) -> float | None:
    try:
        return None if text is None else read_number(text)
    except NumberError:
        raise SettingError("error.rate", got=text, node="") from None


def _whole(text: str, refusal: PCGraphError) -> int:
    """Return the whole number, 0 or more, that a text is; raise `refusal` for any other text."""
    try:
        return int(read_between(text, 0, 10**18, whole=True))
    except NumberError:
        raise refusal from None


def _from_one(option: str, text: str, most: int, example: int) -> int:
    """Return the whole number from 1 that an option's text is; raise SettingError for any other text."""
    refusal = SettingError("cli.error.range", option=option, most=most, got=text, example=example)
    found = _whole(text, refusal)
    if not 1 <= found <= most:
        raise refusal
    return found


# ---------------------------------------------------------------- what is printed


def _overview() -> str:
    names = [[name, say(f"cli.command.{name}")] for name in COMMANDS]
    return "\n".join(
        [say("cli.overview", program=PROGRAM), "", _columns(names), "", say("cli.overview.more", program=PROGRAM)]
    )


def _heading(solution: Solution) -> str:
    rate = solution.rate if isinstance(solution.rate, float) else None
    parts = [
        _printable(solution.problem.title),
        say(f"method.{solution.method}"),
        f"γ = {rate:g}" if rate is not None else "",
        say("cli.levelled" if solution.levelled else "cli.unlevelled"),
        say("cli.steps", steps=solution.steps[-1].t),
    ]
    return " · ".join(part for part in parts if part)


def _gradients(problem: Problem, solution: Solution) -> str:
    """Return the gradients beside BP's, a row a leaf."""
    rows = [
        [
            say("compare.parameter"),
            say(f"method.{solution.method}"),
            say("method.bp"),
            say("compare.relative"),
            say("compare.equal"),
        ]
    ]
    for name, wanted in backprop(problem).items():
        found = solution.gradients.get(name)
        gap = difference(found, wanted)
        marks = [number(gap.relative, 2), say(f"compare.{gap.equal}")] if gap else ["·", "·"]
        rows.append([name, gradient_text(found), gradient_text(wanted), *marks])
    return _columns(rows)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _printable(text: str) -> str:
    """Return a text from outside without the characters that steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _save(path: str | None, write: Callable[[str], Any]) -> None:
    if path is None:
        return
    try:
        write(path)
    except OSError as cause:
        raise PCGraphError("cli.error.write", file=path, reason=cause.strerror) from None
    print(say("cli.written", file=path))


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # −, γ and ∂ on any terminal
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main())
