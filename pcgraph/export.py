"""export: a trace as JSON, as CSV, and as one HTML page that plays it by the stage's own modules, the network off."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from torch import Tensor

from pcgraph.bundle import bundle
from pcgraph.document import to_dict
from pcgraph.errors import PCGraphError
from pcgraph.graph import Node
from pcgraph.inspect import check_work
from pcgraph.messages import ASSETS, say, table
from pcgraph.passes import levels
from pcgraph.payload import payload, to_text
from pcgraph.problem import FORMATS, Problem
from pcgraph.solve import solve
from pcgraph.trace import WRITERS, Solution, Step
from pcgraph.write import TABLE, written

VERSION = 1
COLUMNS = ("t", "node", "op", "level", "index", "value", "prediction", "error", "energy", "gradient")

# ---------------------------------------------------------------- JSON


def trace_json(solution: Solution) -> str:
    """Return the whole trace as strict JSON: settings, result, gradients, every step, and the problem's document.

    Tensors are numbers or nested lists; every number reads back to the last digit. What is not finite
    is one of the texts "NaN", "Infinity" and "-Infinity". Raises DocumentError for a problem that no
    document can hold (an attribute that is not plain).

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> trace = json.loads(trace_json(solve(gallery["residual"], "zil")))
    >>> trace["method"], round(trace["gradients"]["z3"], 9), round(trace["steps"][3]["read"]["z3"], 9)
    ('zil', -0.02592, -0.02592)
    """
    rate = solution.rate
    content = {
        "version": VERSION,
        "method": solution.method,
        "settings": {
            "rate": dict(rate) if isinstance(rate, Mapping) else rate,
            "steps": solution.steps[-1].t,
            "levelled": solution.levelled,
        },
        "result": solution.result.value,
        "message": solution.message,
        "gradients": _tensors(solution.gradients),
        "document": to_dict(solution.problem),
        "levels": solution.levels,
        "steps": [_step(step) for step in solution.steps],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _step(step: Step) -> dict[str, Any]:
    return {
        "t": step.t,
        "energy": _plain(step.energy),
        "energy_by_node": {name: _plain(part) for name, part in step.energy_by_node.items()},
        "values": _tensors(step.values),
        "predictions": _tensors(step.predictions),
        "errors": _tensors(step.errors),
        "feedback": [
            {"user": user, "slot": slot, "value": _plain(part.tolist())} for (user, slot), part in step.feedback.items()
        ],
        "read": _tensors(step.read),
    }


def _tensors(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: _plain(tensor.tolist()) for name, tensor in tensors.items()}


def _plain(value: Any) -> Any:
    """Return numbers and nested lists as JSON can hold them."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


# ---------------------------------------------------------------- CSV


def trace_csv(solution: Solution, path: str | Path | None = None) -> str:
    """Return the trace as CSV, one row a step and node, and write it where a path is given.

    A tensor has a row an element, whose place is `index` ("[1, 0]"; empty for a number). A cell stays empty
    where there is nothing: no prediction of a leaf, no error not computed yet. `energy` is the node's, on its first
    row only, so that a step's rows add up to its energy. `gradient` is what has been read of it up to this step.
    Numbers have all their digits and a point; a name that a spreadsheet would take for a formula has an apostrophe
    before it. The file, not the text, begins with a byte-order mark: a spreadsheet then shows names of any script.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> print(trace_csv(solve(gallery["square-root"], "zil")).splitlines()[5])
    0,out,square,0,,5.0,9.0,4.0,8.0,
    """
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    gradients: dict[str, Tensor] = {}
    for step in solution.steps:
        for name, part in step.read.items():
            gradients[name] = gradients[name] + part if name in gradients else part
        read = solution.gradients if step is solution.steps[-1] else gradients
        for node in solution.problem.graph.nodes:
            rows.writerows(_rows(step, node, solution.levels[node.name], read.get(node.name)))
    return written(file.getvalue(), path, TABLE)


def _rows(step: Step, node: Node, level: int, gradient: Tensor | None) -> Iterator[list[Any]]:
    name, value = node.name, step.values[node.name]
    found = [value, step.predictions.get(name), step.errors.get(name)]
    columns = [
        [""] * value.numel() if part is None else part.expand_as(value).flatten().tolist()
        for part in (*found, gradient)
    ]
    places: list[Any] = [list(place) for place in product(*map(range, value.shape))] if value.ndim else [""]
    energy: Any = step.energy_by_node.get(name, "")
    for place, x, mu, error, read in zip(places, *columns, strict=True):
        yield [step.t, _cell_text(name), _cell_text(node.op), level, place, *map(_cell, (x, mu, error, energy, read))]
        energy = ""


def _cell(value: Any) -> str:
    return "" if value == "" else str(_plain(value))


def _cell_text(text: str) -> str:
    """Return a text on one line that no spreadsheet runs: a cell that starts with such a sign is a formula there."""
    line = " ".join(text.splitlines())
    return f"'{line}" if line.startswith(tuple("=+-@\t＝＋－＠")) else line


# ---------------------------------------------------------------- HTML


def trace_html(solutions: Sequence[Solution], path: str | Path | None = None, language: str = "en") -> str:
    """Return one HTML page that plays the traces, a lane each, in a language, and write it where a path is given.

    The page holds everything it needs, opens from disk, and may not reach any network. The traces
    must be of the same graph, as in `compare`; the first is the reference.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> page = trace_html([solve(gallery["residual"], "zil")])
    >>> "<title>Residual graph (the paper) · PC Graph</title>" in page
    True
    """
    title = solutions[0].problem.title
    return written(_page("stage", to_text(payload(solutions)), title, language), path)


def deck_page(show: str, title: str, path: str | Path | None = None, language: str = "en") -> str:
    """Return one HTML page that plays a deck (`pcgraph.ui.deck.show`), and write it where a path is given."""
    return written(_page("deck", show, title, language), path)


def _page(kind: str, content: str, title: str, language: str) -> str:
    """Return the page of a player: the stage, or the deck around it."""
    sentences = {key: text for key, text in table(language).items() if not key.startswith(NOT_ON_STAGE)}
    sheets = ["stage.css"] if kind == "stage" else ["stage.css", "deck.css"]
    return PAGE.format(
        language=language,
        nonce=hashlib.sha256(content.encode()).hexdigest()[:32],
        title=html.escape(f"{title} · PC Graph" if title else "PC Graph"),
        heading="" if kind == "deck" else html.escape(title),
        css="\n".join((ASSETS / sheet).read_text("utf-8") for sheet in sheets).replace("</", "<\\/"),
        modules=_encoded(f"{kind}.mjs"),
        messages=to_text(sentences),
        payload=content,
        no_script=html.escape(say("stage.no_script", language)),
        module=kind,
        create={"stage": "createStage", "deck": "createDeck"}[kind],
    )


@cache
def _encoded(module: str) -> str:
    """Return a module and all it imports as one, as a data: address holds it."""
    return base64.b64encode(bundle(module).encode()).decode()


def notebook_html(solutions: Sequence[Solution]) -> str:
    """Return the same page in a frame of its own, for a notebook: it cannot touch the notebook around it."""
    page, title = trace_html(solutions), solutions[0].problem.title or "PC Graph"
    style = "width: 100%; height: 680px; border: 0"
    rights = 'sandbox="allow-scripts" allow="fullscreen"'
    return f'<iframe title="{html.escape(title)}" {rights} style="{style}" srcdoc="{html.escape(page)}"></iframe>'


# Sentences of the command line and of the pages, which the stage never says.
NOT_ON_STAGE = tuple(
    f"{group}." for group in "cli editor error exhibit gallery gate goal learn page quiz reference site tour".split()
)

# The nonce lets these scripts run, and the module they import; nothing else may run or be loaded.
PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}';
 style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style nonce="{nonce}">
:root {{ color-scheme: light dark; background: #fbfbfa; color: #1f2937; font-family: system-ui, sans-serif; }}
body {{ margin: 0; padding: 10px 14px; }}
h1 {{ margin: 0 0 8px; font-size: 20px; }}
h1:empty {{ display: none; }}
@media (prefers-color-scheme: dark) {{ :root {{ background: #0f172a; color: #f3f4f6; }} }}
{css}
</style>
</head>
<body>
<main>
<h1>{heading}</h1>
<div id="stage"></div>
<noscript>{no_script}</noscript>
</main>
<script type="application/json" id="messages">{messages}</script>
<script type="application/json" id="payload">{payload}</script>
<script type="module" nonce="{nonce}">
import load from "data:text/javascript;base64,{modules}";
const {{ {create} }} = load("{module}.mjs");
const read = (id) => JSON.parse(document.getElementById(id).textContent);
{create}(document.getElementById("stage"), read("payload"), {{ messages: read("messages"), lang: "{language}" }});
</script>
</body>
</html>
"""


def problem_html(problem: Problem) -> str | None:
    """Return the player with a problem's Z-IL trace, for a notebook; None where it can't be computed."""
    try:
        check_work(problem, max(levels(problem.graph).values()), level=True)
        return notebook_html([solve(problem, "zil")])
    except PCGraphError:
        return None  # the notebook then prints the problem as text


FORMATS["notebook_html"] = problem_html
WRITERS.update(
    json=trace_json,
    csv=trace_csv,
    html=lambda solution, path=None: trace_html([solution], path),
    notebook_html=lambda solution: notebook_html([solution]),
)
