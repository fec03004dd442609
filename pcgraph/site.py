"""site: every problem of the gallery by every method as pages that open from disk, and an index that leads to them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from pathlib import Path

from pcgraph.errors import SettingError
from pcgraph.export import trace_html
from pcgraph.gallery import Entry, gallery
from pcgraph.messages import LANGUAGES, say
from pcgraph.solve import solve
from pcgraph.trace import Solution

LANES = (("bp",), ("pc",), ("fixed",), ("zil",), ("bp", "zil"))  # what each problem is shown with


def write_site(folder: str | Path, names: Iterable[str] = (), language: str = "en") -> list[Path]:
    """Write the pages into a folder and return them, the index first; `names` are problems, all where none is given.

    A method runs at the rate and for the steps that the gallery suggests for the problem, if it is the one suggested,
    else at its own. Raises SettingError for an unknown language and where the folder can't be written to, PCGraphError
    for an unknown problem.
    """
    if language not in LANGUAGES:
        raise SettingError("error.setting", setting="language", got=language, known=", ".join(LANGUAGES))
    entries = [gallery.entry(name) for name in names or gallery]
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pages = [folder / "index.html"]
        pages[0].write_text(_index(entries, language), "utf-8", newline="\n")
        for entry in entries:
            for methods in LANES:
                pages.append(folder / _file(entry, methods))
                trace_html([_run(entry, method) for method in methods], pages[-1], language)
    except OSError as error:
        raise SettingError("cli.error.write", file=str(folder), reason=error.strerror or str(error)) from None
    return pages


def _run(entry: Entry, method: str) -> Solution:
    level = True if method in ("bp", "zil") else None  # on the same displayed graph
    rate, steps = (entry.rate, entry.steps) if method == entry.method else (None, None)
    return solve(gallery[entry.name], method, rate=rate, steps=steps, level=level)


def _file(entry: Entry, methods: Iterable[str]) -> str:
    return f"{entry.name}-{'-'.join(methods)}.html"


def _index(entries: Iterable[Entry], language: str) -> str:
    rows = "\n".join(_rows(entries, language))
    title, what = (html.escape(say(f"site.{part}", language)) for part in ("title", "what"))
    return INDEX.format(language=language, title=title, what=what, rows=rows)


def _rows(entries: Iterable[Entry], language: str) -> Iterator[str]:
    labels = [html.escape(" + ".join(say(f"method.{method}", language) for method in methods)) for methods in LANES]
    for entry in entries:
        links = " · ".join(
            f'<a href="{_file(entry, methods)}">{label}</a>' for methods, label in zip(LANES, labels, strict=True)
        )
        title, sentence = html.escape(entry.title(language)), html.escape(entry.sentence(language))
        yield f"<li><h2>{title}</h2><p>{sentence}</p><p>{links}</p></li>"


INDEX = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; background: #fbfbfa; color: #1f2937; font: 17px/1.45 system-ui, sans-serif; }}
body {{ margin: 0 auto; padding: 24px; max-width: 960px; }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 16px; padding: 0; }}
li {{ list-style: none; padding: 12px 16px; border: 1px solid #94a3b8; border-radius: 10px; }}
h2 {{ margin: 0; font-size: 18px; }}
p {{ margin: 6px 0; }}
a {{ color: #00659e; display: inline-block; padding: 3px 0; }}
@media (prefers-color-scheme: dark) {{ :root {{ background: #0f172a; color: #f3f4f6; }} a {{ color: #56b4e9; }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{what}</p>
<ul>
{rows}
</ul>
</main>
</body>
</html>
"""
