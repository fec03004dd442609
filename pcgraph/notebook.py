"""notebook: a run as a Jupyter notebook: the program's sections as cells, each with a word before it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from pcgraph.forward import check_written
from pcgraph.messages import say
from pcgraph.program import Script
from pcgraph.trace import WRITERS, Solution
from pcgraph.verdict import energy_verdict, gradients_verdict
from pcgraph.write import one_line, written


def notebook(solution: Solution, path: str | Path | None = None, language: str | None = None) -> str:
    """Return a Jupyter notebook (nbformat 4) that does the run again, and write it where a path is given.

    Its code cells are the sections of `pcgraph.program.program` and need torch alone; the text before each, in a
    language, says what it does. Raises what `program` raises.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> content = json.loads(notebook(solve(gallery["residual"], "zil")))
    >>> content["nbformat"], [cell["cell_type"] for cell in content["cells"][:3]]
    (4, ['markdown', 'code', 'markdown'])
    """
    check_written(solution.problem, last=True)
    script = Script(solution, language)
    title = _plain(solution.problem.title) or "PC Graph"
    sections = script.sections(json=False)
    cells = [
        _markdown(f"# {title}", script.method, say("notebook.head", language)),
        _code(script.imports(sections, json=False)),
    ]
    for section in sections:
        cells += [_markdown(f"## {section.title}", *_words(solution, section.key, language)), _code(section.lines)]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return written(text, path)


def _words(solution: Solution, section: str, language: str | None) -> list[str]:
    """Return the paragraphs before a section."""
    bp = solution.method == "bp"
    if section == "feedback":
        return [say("notebook.cotangents" if bp else "notebook.feedback", language)]
    if section == "run":
        return [say(f"notebook.run.{_kind(solution)}", language)]
    if section == "check":
        return [say("notebook.check", language), gradients_verdict(solution, language)]
    if section == "show":
        return [say("notebook.show", language), energy_verdict(solution, language)]
    return [say(f"notebook.{section}", language)]


def _kind(solution: Solution) -> str:
    return "unlevelled" if solution.method == "zil" and not solution.levelled else solution.method


def _plain(text: str) -> str:
    """Return a text that Markdown and HTML show as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|$~^:])", r"\\\1", html.escape(one_line(text), quote=False))


def _markdown(*paragraphs: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _source("\n\n".join(paragraphs))}


def _code(lines: list[str]) -> dict[str, Any]:
    source = _source("\n".join(lines))
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def _source(text: str) -> list[str]:
    return text.splitlines(keepends=True)


WRITERS["notebook"] = notebook
